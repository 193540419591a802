"""Attempts for tests, and the database as another process reaches it."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from devices.attempts.attempt import Attempt
from devices.attempts.recorder import Recorder, record

ROOT = Path(__file__).resolve().parents[2]
#: What a config's answer says of a device that never called.
NEVER_CALLED: dict[str, Any] = {
    "first_bootstrap_at": None,
    "last_bootstrap_at": None,
    "last_bootstrap_outcome": "",
    "last_bootstrap_profile_version": None,
}
NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def seconds(number: float) -> datetime:
    """That many seconds after noon."""
    return NOON + timedelta(seconds=number)


def make_attempt(config_id: uuid.UUID | None = None, **values: Any) -> Attempt:
    outcome = values.setdefault("outcome", "ok")
    values.setdefault("external_id", "pi-1")
    values.setdefault("variant", "plain")
    values.setdefault("status", 200 if outcome in {"ok", "static"} else 304 if outcome == "not_modified" else 403)
    return Attempt(at=values.pop("when", NOON), config_id=config_id, **values)


def make_recorder(**values: Any) -> Recorder:
    """A recorder without a thread: the test flushes."""
    return Recorder(**{"capacity": 10_000, "flush_seconds": 0, "refusals_per_second": 1, **values})


def offer(recorder: Recorder, attempt: Attempt) -> None:
    """Have `attempt` recorded as a device's call has it: asked first whether it is wanted."""
    if recorder.admit(attempt.outcome, is_known=attempt.config_id is not None):
        recorder.add(attempt)


def record_attempt(attempt: Attempt) -> None:
    """Have this process's recorder remember `attempt`."""
    record(attempt.outcome, lambda: attempt, is_known=attempt.config_id is not None)


class OtherProcess:
    """Runs Python over the test's database; on SQLite, whose test database lies in memory, over one of its own."""

    def __init__(self, folder: Path) -> None:
        if connection.vendor == "postgresql":
            of = connection.settings_dict
            password = f":{of['PASSWORD']}" if of["PASSWORD"] else ""
            url = f"postgres://{of['USER']}{password}@{of['HOST']}:{of['PORT']}/{of['NAME']}"
        else:
            url = f"sqlite:///{folder}/other.sqlite3"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MG_", "DATABASE_URL"))}
        self.environment = inherited | {
            "MG_BOOTSTRAP_DEBUG": "true",
            "MG_BOOTSTRAP_LOG_LEVEL": "warning",
            "DJANGO_SETTINGS_MODULE": "bootstrap_project.settings",
            "DATABASE_URL": url,
        }
        if connection.vendor != "postgresql":
            self.run("from django.core.management import call_command; call_command('migrate', verbosity=0)")

    def run(self, code: str, **environment: str) -> str:
        """Run `code` after Django is set up, and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-c", f"import django\ndjango.setup()\n{code}"],
            cwd=ROOT,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    def rows(self) -> list[str]:
        """The external ids of all attempts, sorted."""
        code = (
            "from devices.models import BootstrapAttempt as A; print(*A.objects.values_list('external_id', flat=True))"
        )
        return sorted(self.run(code).split())


def remember(*attempts) -> None:
    """Store attempts as the recorder does."""
    recorder = make_recorder(refusals_per_second=1000)
    for attempt in attempts:
        recorder.add(attempt)
    assert recorder.flush()
