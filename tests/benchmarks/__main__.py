"""Runs the benchmarks that are named, or all of them (`make bench`, `python -m tests.benchmarks [NAME …]`).

A benchmark is a module of this package with `run(report)`. Each runs in a process of its own, with Django set up on an
empty, migrated database of a PostgreSQL that is started for the occasion. TEST_DATABASE_URL names one to use instead;
its database `bootstrap_bench` is made anew then. The exit code is 1 when a target was missed.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg
from django.core.management import call_command

import tests.benchmarks
from tests.benchmarks.report import Report
from tests.support.postgres import PostgresError, PostgresServer

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "bootstrap_bench"
#: Settings of the caller's own service must not change what is measured.
_NOT_INHERITED = ("MG_", "DJANGO_", "DATABASE_URL", "PROMETHEUS_MULTIPROC_DIR")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def names() -> list[str]:
    """All modules here that have `run`."""
    found = sorted(module.name for module in pkgutil.iter_modules(tests.benchmarks.__path__))
    return [name for name in found if not name.startswith("_") and _has_run(name)]


def _has_run(name: str) -> bool:
    # Looked for in the text: importing it would need Django, which is set up in the benchmark's own process.
    return "\ndef run(" in (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")


def run_here(name: str) -> int:
    """Run one benchmark in this process."""
    django.setup()
    call_command("migrate", verbosity=0)
    report = Report(name)
    importlib.import_module(f"tests.benchmarks.{name}").run(report)
    path = report.save(ROOT / "var")
    say(f"{report.table()}\n  written to {path.relative_to(ROOT)}")
    return 0 if report.met else 1


def run_all(wanted: Sequence[str]) -> int:
    """Run each benchmark in a process of its own, one after the other; return the worst exit code."""
    base = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    with ExitStack() as stack:
        given = os.environ.get("TEST_DATABASE_URL")
        server = given or stack.enter_context(PostgresServer(say=say)).url
        worst = 0
        for name in wanted:
            environment = {
                **base,
                "DATABASE_URL": new_database(server),
                "DJANGO_SETTINGS_MODULE": "tests.settings",
            }
            worst = max(worst, run_there(name, environment))
        return worst


def run_there(name: str, environment: Mapping[str, str]) -> int:
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks", "--here", name], cwd=ROOT, env=environment)
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise


def new_database(server: str) -> str:
    """Make the benchmarks' database anew and return its address."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {DATABASE}")
    return urlunsplit(urlsplit(server)._replace(path=f"/{DATABASE}"))


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["--here"]:
        return run_here(arguments[1])
    known = names()
    unknown = [name for name in arguments if name not in known]
    if unknown:
        sys.stderr.write(f"There is no benchmark {', '.join(unknown)}; there are: {', '.join(known)}\n")
        return 2
    try:
        return run_all(arguments or known)
    except PostgresError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
