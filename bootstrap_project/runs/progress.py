"""What a task knows of its run, and how it reports."""

from __future__ import annotations

import threading
import time
from typing import Any, Final

from django.utils import timezone

from bootstrap_project.runs.models import Run, RunState

#: How often progress is written, in seconds; what is reported in between is written with the next report.
WRITE_SECONDS: Final = 0.5

#: Set when the worker is asked to stop: the run is put back into the queue at its next report.
stopping: Final = threading.Event()


class Stopped(Exception):
    """The task must end now: its run was cancelled, or is another worker's, or the worker stops."""


class Progress:
    """A run, as the task that works on it sees it; used by one thread.

    `parameters` and `position` are what was stored; `position` is None at the first start.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._written = float("-inf")
        self.id = run.pk
        self.actor = run.actor
        self.domain_id = run.domain_id
        self.parameters: dict[str, Any] = run.parameters
        self.position: Any = run.position
        self.done = run.done
        self.result: dict[str, Any] = run.result

    def report(self, done: int, *, position: Any = None, result: dict[str, Any] | None = None) -> None:
        """Report how much is done; with `position`, that everything up to it is stored and need not be repeated.

        Raises: Stopped; what was reported is stored then, so that nothing is done twice.
        Cost: one UPDATE twice a second at most.
        """
        self.done = done
        if position is not None:
            self.position = position
        if result is not None:
            self.result = result
        now = time.monotonic()
        if now - self._written >= WRITE_SECONDS or stopping.is_set():
            self._written = now
            self.write()
            if stopping.is_set():
                raise Stopped

    def write(self) -> None:
        """Store what was reported.

        Raises: Stopped when the run was cancelled or is not ours any more.
        """
        mine = Run.objects.filter(pk=self.id, state=RunState.RUNNING, starts=self._run.starts)
        stored = mine.filter(is_cancelled=False).update(
            done=self.done, position=self.position, result=self.result, beat_at=timezone.now()
        )
        if not stored:
            mine.update(done=self.done, position=self.position, result=self.result)
            raise Stopped
