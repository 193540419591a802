"""Works on what was started in the background."""

from __future__ import annotations

import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from bootstrap_project.runs.worker import RunWorker


class Command(BaseCommand):
    """Run a worker."""

    help = (
        "Work on what was started in the background (a refresh of many devices, for example) until SIGTERM or Ctrl-C."
        " Any number of workers may run; what a killed one leaves is taken up by another."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="work on what waits, then end")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        # It says that it found nothing once a second.
        logging.getLogger("django_tasks_db").setLevel(logging.WARNING)
        worker = RunWorker()
        worker.configure_signals()
        self.stdout.write(f"Worker {worker.worker_id} is ready.")
        worker.serve(once=once)
