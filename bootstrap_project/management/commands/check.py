"""`manage.py check`, which alone may ask other services: only here somebody waits for what they say."""

from __future__ import annotations

from typing import Any

from django.core.checks import register
from django.core.checks.registry import registry
from django.core.management.commands import check

from bootstrap_project.checks.platform import TAG, check_magistrala


class Command(check.Command):
    """Django's command; it also has the tag `magistrala`, whose check asks the platform."""

    def handle(self, *app_labels: Any, **options: Any) -> None:
        if options["list_tags"] or TAG in (options["tags"] or ()):
            register(check_magistrala, TAG)
        try:
            super().handle(*app_labels, **options)
        finally:
            registry.registered_checks.discard(check_magistrala)
