"""Deletes old attempts; meant to be run once a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from bootstrap_project.durations import parse_duration
from devices.attempts.retention import count_attempts, prune_attempts


class Command(BaseCommand):
    """Deletes in small steps, so that devices and operators do not notice."""

    help = "Delete attempts that are older than MG_BOOTSTRAP_ATTEMPT_RETENTION_DAYS, or than --older-than says."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--older-than", type=parse_duration, metavar="AGE", help="such as 12h, 30d or 8w")
        parser.add_argument("--dry-run", action="store_true", help="only say how many there are")

    def handle(self, *args: Any, **options: Any) -> None:
        age: timedelta | None = options["older_than"]
        if age is None:
            age = timedelta(days=settings.ATTEMPT_RETENTION_DAYS)
        before = timezone.now() - age
        until = f"from before {before:%Y-%m-%d %H:%M} UTC"
        if options["dry_run"]:
            self.stdout.write(f"{count_attempts(before=before)} attempts {until} would be deleted.")
            return
        deleted = sum(prune_attempts(before=before))
        if options["verbosity"]:
            self.stdout.write(f"{deleted} attempts {until} deleted.")
