"""Deletes old attempts; meant to be run once a day."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from devices.attempts.pruning import count_attempts, prune_attempts

_AGE = re.compile(r"([0-9]{1,6})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_LONGEST = timedelta(days=36_500)


def read_age(text: str) -> timedelta:
    """Return the age that `text` spells: a number with h, d or w behind it.

    Raises: ArgumentTypeError, which argparse shows beside the option's name.
    """
    match = _AGE.fullmatch(text.strip().lower())
    if match is None:
        raise argparse.ArgumentTypeError("an age is a whole number of hours, days or weeks, such as 12h, 30d or 8w")
    return min(int(match[1]) * _UNITS[match[2]], _LONGEST)


class Command(BaseCommand):
    """Deletes in small steps, so that devices and operators do not notice."""

    help = "Delete attempts that are older than MG_BOOTSTRAP_ATTEMPT_RETENTION_DAYS, or than --older-than says."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--older-than", type=read_age, metavar="AGE", help="such as 12h, 30d or 8w")
        parser.add_argument("--dry-run", action="store_true", help="only say how many there are")

    def handle(self, *args: Any, **options: Any) -> None:
        """Count or delete, and say how many."""
        age: timedelta = options["older_than"] or timedelta(days=settings.ATTEMPT_RETENTION_DAYS)
        before = timezone.now() - age
        until = f"from before {before:%Y-%m-%d %H:%M} UTC"
        if options["dry_run"]:
            self.stdout.write(f"{count_attempts(before=before)} attempts {until} would be deleted.")
            return
        deleted = sum(prune_attempts(before=before))
        self.stdout.write(f"{deleted} attempts {until} deleted.")
