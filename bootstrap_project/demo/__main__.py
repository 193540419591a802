"""The whole product on one machine: sandbox, service, and an enrolled Raspberry Pi (`make run`, `make demo`)."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from bootstrap_project.demo import pi, report, scenario, secrets
from bootstrap_project.demo.errors import DemoError
from bootstrap_project.demo.processes import ROOT, Children, Stopped, free_port
from bootstrap_project.server.options import ServeError, read_options, require_free_port

SANDBOX_PORT = 9100
INTERRUPTED = 130


class Demo:
    """One run: what it started and where that is."""

    def __init__(self, folder: Path, children: Children):
        self._folder = folder
        self._children = children
        self._service_url = ""
        self._platform_url = ""
        self.serving = False

    def start(self) -> report.Access:
        """Start everything and return how to get at it.

        Raises: Stopped, DemoError.
        """
        self._service_url = self._claim_address()
        secrets.prepare_folder(self._folder)
        kept = secrets.load_or_make(self._folder)
        self._start_sandbox()
        environment = secrets.service_environment(self._folder, kept, dict(os.environ), self._platform_url)
        self._migrate(environment)
        self._start_service(environment)
        self._start_worker(environment)
        return report.Access(
            service_url=self._service_url,
            platform_url=self._platform_url,
            admin_name=kept["DJANGO_SUPERUSER_USERNAME"],
            admin_password=kept["DJANGO_SUPERUSER_PASSWORD"],
            token=scenario.issue_token(self._platform_url),
            logs=f"{self._log('service')}, {self._log('worker')}, {self._log('sandbox')}",
        )

    def deliver(self, token: str) -> bool:
        """Enrol the Pi when the database is empty, bootstrap it, and say whether it got what the specification shows.

        Raises: DemoError.
        """
        operator = scenario.Scenario(self._service_url, token)
        if operator.count() == 0:
            report.echo("Enrolling the Raspberry Pi of the specification through the REST API")
            config_id = operator.enrol(report.step)
        else:
            report.echo("The database has configs already: nothing is enrolled anew")
            config_id = operator.find()
            if config_id:
                operator.bind(config_id, report.step)
        delivery = scenario.bootstrap(self._service_url)
        if delivery.configuration is None:
            report.echo("\n" + report.refused(delivery.status, delivery.message) + "\n")
            return False
        report.echo("\n" + report.delivered(delivery.configuration) + "\n")
        return bool(delivery.configuration == pi.expected_configuration(config_id))

    def serve(self) -> None:
        """Go on until somebody asks for the end.

        Raises: Stopped; DemoError when a process ends before.
        """
        self.serving = True
        report.echo("Serving until Ctrl-C.")
        self._children.watch()

    def _claim_address(self) -> str:
        try:
            env = Env()
            env.ENVIRON = {name: value for name, value in os.environ.items() if name in secrets.KEPT}
            options = read_options(env)
            require_free_port(options.host, options.port)
        except (ServeError, ImproperlyConfigured) as error:
            raise DemoError(str(error)) from error
        anywhere = options.host in {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound.
        return (replace(options, host="localhost") if anywhere else options).url

    def _start_sandbox(self) -> None:
        report.echo("Starting the Magistrala sandbox")
        port = free_port(SANDBOX_PORT)
        self._children.start(
            "sandbox",
            self._log("sandbox"),
            {name: value for name, value in os.environ.items() if not name.startswith("MG_")},
            "bootstrap_project.magistrala.sandbox",
            *("--port", str(port), "--seed", "pi"),
            # Its first line is printed when it is ready.
            ready=lambda: self._has_said("sandbox", "http://"),
        )
        self._platform_url = f"http://127.0.0.1:{port}"

    def _migrate(self, environment: dict[str, str]) -> None:
        report.echo(f"Migrating the database {self._folder / secrets.DATABASE_NAME}")
        self._children.run("migration", self._log("prepare"), environment, "bootstrap_project.demo.prepare")

    def _start_service(self, environment: dict[str, str]) -> None:
        report.echo(f"Starting the service on {self._service_url}")
        self._children.start(
            "service",
            self._log("service"),
            environment,
            "bootstrap_project.serve",
            ready=lambda: scenario.is_healthy(self._service_url),
        )

    def _start_worker(self, environment: dict[str, str]) -> None:
        report.echo("Starting the worker for what is done in the background")
        self._children.start(
            "worker",
            self._log("worker"),
            {**environment, "DJANGO_SETTINGS_MODULE": "bootstrap_project.settings"},
            "django",
            "worker",
            ready=lambda: self._has_said("worker", "is ready"),
        )

    def _has_said(self, name: str, text: str) -> bool:
        return text in self._log(name).read_text(encoding="utf-8", errors="replace")

    def _log(self, name: str) -> Path:
        return self._folder / f"demo-{name}.log"


def run(demo: Demo, *, leave: bool) -> int:
    """Run the demo and return its exit code; with `leave`, 0 only when the Pi got exactly what it must get.

    Raises: Stopped, DemoError.
    """
    access = demo.start()
    exact = demo.deliver(access.token)
    report.echo(report.access(access))
    if leave:
        if not exact:
            raise DemoError("The Pi did not receive the configuration of the specification.")
        report.echo(
            "The Pi received exactly the configuration of the specification. Stopping; `make run` goes on serving."
        )
        return 0
    demo.serve()
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo, and stop whatever it started however it ends."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap_project.demo", description=__doc__)
    parser.add_argument("--exit", action="store_true", help="print what the Pi received and exit")
    parser.add_argument(
        "--folder", type=Path, default=Path(os.path.relpath(ROOT / "var")), help="where its database and logs are kept"
    )
    arguments = parser.parse_args(argv)
    with Children() as children:
        demo = Demo(arguments.folder, children)
        children.stop_on_signals()
        try:
            return run(demo, leave=arguments.exit)
        except Stopped:
            report.echo("\nStopping")
            return 0 if demo.serving else INTERRUPTED
        except DemoError as error:
            report.fail(str(error))
            return 1


if __name__ == "__main__":
    sys.exit(main())
