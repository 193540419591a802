"""The decorator that makes a function a background task."""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable
from typing import Any, Final

from django.db.models import F
from django.utils import timezone
from django_tasks import task
from django_tasks.base import Task

from bootstrap_project.errors import BootstrapError
from bootstrap_project.runs.models import Run, RunState
from bootstrap_project.runs.progress import Progress, Stopped, stopping

logger: Final = logging.getLogger(__name__)

Work = Callable[[Progress], dict[str, Any]]


def background(work: Work) -> Task[[str], None]:
    """Make a module's function a background task: it gets its run's progress and returns the result, a JSON object.

    It reports often (`Progress.report`) and ends when that raises Stopped. After a killed worker it is called again,
    with the position that it reported last; what lies behind that position it may have to do twice.
    A BootstrapError is told to people; any other exception is logged and told as a failure of the service.
    """

    @functools.wraps(work)
    def execute(run_id: str) -> None:
        run = _claim(uuid.UUID(run_id))
        if run is not None:
            _execute(run, work)

    return task()(execute)


def _claim(run_id: uuid.UUID) -> Run | None:
    """Mark a waiting run as running, and return it; None when it was cancelled or somebody else has it."""
    now = timezone.now()
    claimed = Run.objects.filter(pk=run_id, state=RunState.WAITING).update(
        state=RunState.RUNNING, starts=F("starts") + 1, started_at=now, beat_at=now
    )
    return Run.objects.get(pk=run_id) if claimed else None


def _execute(run: Run, work: Work) -> None:
    progress = Progress(run)
    facts: dict[str, Any] = {"run": str(run.pk), "task": run.task}
    try:
        progress.write()
        result = work(progress)
    except Stopped:
        _stop(run)
    except BootstrapError as error:
        _end(run, RunState.FAILED, done=progress.done, result=progress.result, reason=str(error))
        logger.warning("a run failed", extra={**facts, "reason": error.message})
    except Exception:
        # Whatever it is: the run says that it failed, and the worker goes on with the next one.
        logger.exception("a run broke", extra=facts)
        reason = f"The service failed at this; its log says why (run {run.pk})."
        _end(run, RunState.FAILED, done=progress.done, result=progress.result, reason=reason)
    else:
        _end(run, RunState.DONE, done=progress.done, result=result, reason="")
        logger.info("a run is done", extra=facts)


def _stop(run: Run) -> None:
    """Leave a run that was cancelled, or put it back for the next worker."""
    mine = Run.objects.filter(pk=run.pk, state=RunState.RUNNING, starts=run.starts)
    if mine.filter(is_cancelled=True).update(state=RunState.CANCELLED, ended_at=timezone.now()):
        return
    if stopping.is_set():
        # Not lost: `services.resume_lost` queues it again.
        mine.update(state=RunState.WAITING, beat_at=None, starts=F("starts") - 1)


def _end(run: Run, state: RunState, **facts: Any) -> None:
    now = timezone.now()
    Run.objects.filter(pk=run.pk, state=RunState.RUNNING, starts=run.starts).update(state=state, ended_at=now, **facts)
