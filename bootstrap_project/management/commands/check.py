"""`manage.py check`, which alone may ask other services: only here somebody waits for what they say."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import check

from bootstrap_project.checks.platform import asked_for


class Command(check.Command):
    """Django's command; with `--tag magistrala` it also asks the platform."""

    def handle(self, *app_labels: Any, **options: Any) -> None:
        """Run the checks."""
        with asked_for(options["tags"] or ()):
            super().handle(*app_labels, **options)
