"""Starting, cancelling and resuming runs, and whether anybody works on them."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string
from django_tasks.base import Task, TaskResultStatus
from django_tasks_db.models import DBTaskResult

from bootstrap_project.runs.models import FINAL_STATES, Run, RunState, Worker

logger: Final = logging.getLogger(__name__)

#: How often a worker reports itself and the runs it works on, and how old a report of a living one may be.
BEAT_SECONDS: Final = 5
LOST_SECONDS: Final = 30
#: A run that took this many workers with it is not started again.
MAX_STARTS: Final = 3
#: For how long ended runs are kept.
KEPT_DAYS: Final = 30


def start(
    task: Task[[str], None],
    *,
    title: str,
    actor: str,
    parameters: Mapping[str, Any],
    total: int | None = None,
    domain_id: str = "",
    permission: str = "",
) -> Run:
    """Store a run and queue it, in the caller's transaction; some worker takes it up within a second or two."""
    with transaction.atomic():
        run = Run.objects.create(
            task=task.module_path,
            title=title,
            actor=actor,
            parameters=dict(parameters),
            total=total,
            domain_id=domain_id,
            permission=permission,
        )
        _queue(run)
    return run


def cancel(run: Run) -> None:
    """Have a run end at its next report, or at once where nobody works on it; a final one stays as it is."""
    now = timezone.now()
    Run.objects.filter(pk=run.pk, state=RunState.WAITING).update(
        state=RunState.CANCELLED, is_cancelled=True, ended_at=now
    )
    Run.objects.filter(pk=run.pk, state=RunState.RUNNING).update(is_cancelled=True)
    run.refresh_from_db()


def has_worker() -> bool:
    """Report whether some worker was seen lately. Cost: one query."""
    return _alive().exists()


def beat(worker: str) -> None:
    """Report that a worker is alive."""
    Worker.objects.update_or_create(name=worker, defaults={"seen_at": timezone.now()})


def beat_run(queued_as: uuid.UUID) -> None:
    """Report that the run of this row of the queue still has its worker."""
    Run.objects.filter(queued_as=queued_as, state=RunState.RUNNING).update(beat_at=timezone.now())


def leave(worker: str) -> None:
    """Report that a worker is gone."""
    Worker.objects.filter(name=worker).delete()


def resume_lost() -> int:
    """Queue again what lost its worker, and what a stopping worker put back; return how many runs that were.

    A run that has taken several workers with it fails instead. The queue's own row of the lost start is ended: the
    library would call it running for ever.
    """
    old = timezone.now() - timedelta(seconds=LOST_SECONDS)
    lost = Q(state=RunState.RUNNING, beat_at__lt=old)
    put_back = Q(state=RunState.WAITING, beat_at=None, started_at__isnull=False)
    resumed = 0
    for run_id in Run.objects.filter(lost | put_back).values_list("pk", flat=True):
        with transaction.atomic():
            run = Run.objects.select_for_update(skip_locked=True).filter(lost | put_back, pk=run_id).first()
            if run is None:
                continue
            _forget_queued(run)
            if run.is_cancelled:
                _finish(run, RunState.CANCELLED, "")
            elif run.starts >= MAX_STARTS:
                _finish(run, RunState.FAILED, f"It was started {run.starts} times, and its worker ended each time.")
                logger.error("a run took its workers with it", extra={"run": str(run.pk), "task": run.task})
            else:
                run.state, run.started_at, run.beat_at = RunState.WAITING, None, None
                run.save(update_fields=["state", "started_at", "beat_at"])
                _queue(run)
                resumed += 1
                logger.warning("a run goes on after its worker ended", extra={"run": str(run.pk), "task": run.task})
    return resumed


def prune() -> None:
    """Remove what ended long ago, and workers that nobody has seen since."""
    old = timezone.now() - timedelta(days=KEPT_DAYS)
    Run.objects.filter(state__in=FINAL_STATES, ended_at__lt=old).delete()
    DBTaskResult.objects.finished().filter(finished_at__lt=old).delete()
    Worker.objects.filter(seen_at__lt=old).delete()


def _alive() -> QuerySet[Worker]:
    return Worker.objects.filter(seen_at__gte=timezone.now() - timedelta(seconds=LOST_SECONDS))


def _queue(run: Run) -> None:
    task: Task[[str], None] = import_string(run.task)
    run.queued_as = task.enqueue(str(run.pk)).db_result.pk  # type: ignore[attr-defined]
    run.save(update_fields=["queued_as"])


def _forget_queued(run: Run) -> None:
    if run.queued_as is not None:
        DBTaskResult.objects.filter(pk=run.queued_as, status=TaskResultStatus.RUNNING).update(
            status=TaskResultStatus.FAILED, finished_at=timezone.now()
        )


def _finish(run: Run, state: RunState, reason: str) -> None:
    run.state, run.reason, run.ended_at = state, reason, timezone.now()
    run.save(update_fields=["state", "reason", "ended_at"])
