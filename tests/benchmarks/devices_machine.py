"""The service under load on this machine: its process, its fleet, its processor time and memory, the rate of scrypt."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.db import connection
from django.test import override_settings

from configs.external_keys import hash_external_key
from tests.support.server import ServerProcess

#: A run of minutes becomes one of a minute or two, good for trying out and too short to quote.
QUICK = os.environ.get("BENCH_QUICK", "") not in {"", "0"}
WORKERS = 2
ROOT = Path(__file__).resolve().parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")


def sized(whole: int, quick: int) -> int:
    return quick if QUICK else whole


def make_fleet(configs: int, *, database: str = "", **options: object) -> None:
    """Make a fleet in the benchmark's database, or in another one, which is migrated first."""
    environment = {**os.environ, "DATABASE_URL": database or os.environ["DATABASE_URL"]}
    words = [f"--{name}={value}" for name, value in {"configs": configs, **options}.items()]
    for command in (["migrate", "-v0"], ["make_fleet", *words]):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def serve(**environment: str) -> ServerProcess:
    """Our service with two processes, with the endpoints of comparison."""
    values = {
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.devices_settings",
        "DATABASE_URL": os.environ["DATABASE_URL"],
        "MG_BOOTSTRAP_WORKERS": str(WORKERS),
        "MG_BOOTSTRAP_LOG_LEVEL": "error",
    }
    return ServerProcess(values | environment)


def other_database(name: str) -> str:
    """Make an empty database beside ours, and return its address."""
    address = urlsplit(os.environ["DATABASE_URL"])
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name}")
    return urlunsplit(address._replace(path=f"/{name}"))


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for one in found:
        try:
            text = Path(f"/proc/{one}/task/{one}/children").read_text(encoding="ascii")
        except OSError:
            continue
        found += [int(child) for child in text.split()]
    return found


def processor_seconds(server: ServerProcess) -> float:
    """The processor time that the service and its sessions of the database have had."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        sessions = [pid for (pid,) in cursor.fetchall()]
    return sum(_processor_seconds(pid) for pid in [*tree(server.pid), *sessions])


def _processor_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory(server: ServerProcess) -> float:
    """The resident memory of the workers, in MB, in the mean."""
    sizes = []
    for pid in tree(server.pid)[1:]:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        sizes += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")]
    return statistics.mean(sorted(sizes)[-WORKERS:])


def scrypt_rate(seconds: float = 2.0) -> float:
    """How many scrypts all cores do in a second."""
    end = time.perf_counter() + seconds

    def work(_number: int) -> int:
        done = 0
        while time.perf_counter() < end:
            Scrypt(salt=b"0123456789abcdef", length=32, n=2**14, r=8, p=1).derive(b"key")
            done += 1
        return done

    cores = len(os.sched_getaffinity(0))
    started = time.perf_counter()
    with ThreadPoolExecutor(cores) as pool:
        done = sum(pool.map(work, range(cores)))
    return done / (time.perf_counter() - started)


@override_settings(EXTERNAL_KEY_SCRYPT_N=2**14)
def make_legacy(keys: Mapping[str, str]) -> None:
    """Let devices (external ids) have a key that only its scrypt hash knows, as imported rows."""
    hashes: dict[str, str] = {}
    for external_id, key in keys.items():
        # Equal keys share a hash here; to check it costs the same.
        hashes[key] = hashes.get(key) or hash_external_key(key)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE configs_config SET external_key_hash = %s, external_key_digest = '', external_key_pepper = ''"
                " WHERE MD5(external_id) = MD5(%s)",
                [hashes[key], external_id],
            )


def ratios(above: Iterable[float], below: Iterable[float]) -> float:
    """The median of the ratios within each round."""
    return statistics.median(one / other for one, other in zip(above, below, strict=True))
