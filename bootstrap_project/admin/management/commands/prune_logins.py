"""`manage.py prune_logins`: deletes what logins leave behind; meant to be run once a day."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from bootstrap_project.admin.known_places import forget_old_addresses


class Command(BaseCommand):
    """Each kind is one statement on a short table."""

    help = "Delete sessions that have ended, failed logins that no longer count, and addresses nobody logs in from."

    def handle(self, *args: Any, **options: Any) -> None:
        import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
        stale = AccessAttempt.objects.filter(attempt_time__lte=timezone.now() - settings.AXES_COOLOFF_TIME)
        failures: int = stale.delete()[0]
        # Nothing is written to these two any more.
        failures += AccessLog.objects.all().delete()[0] + AccessFailureLog.objects.all().delete()[0]
        addresses = forget_old_addresses()
        if options["verbosity"]:
            self.stdout.write(
                f"Deleted: {failures} failed logins, {addresses} known addresses, and sessions that have ended."
            )
