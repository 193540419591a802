"""Runs and the workers that execute them."""

from __future__ import annotations

import uuid

from django.db import models


class RunState(models.TextChoices):
    """Where a run stands; the last three are final."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


#: A run in one of these states does nothing any more.
FINAL_STATES = frozenset({RunState.DONE, RunState.FAILED, RunState.CANCELLED})


class Run(models.Model):
    """One piece of background work.

    `parameters` say what it is about and never hold a secret. `position` is what the task needs to go on after a worker
    was killed; only the task reads it. `beat_at` is the lease: a running run whose beat is old has lost its worker.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    task = models.CharField(max_length=200, help_text="Dotted path of the task")
    title = models.CharField(max_length=200)
    #: "" where a run is about several domains; then it belongs to its starter alone.
    domain_id = models.CharField(max_length=254, blank=True)
    #: Whom it is for: the user's key in the admin.
    actor = models.CharField(max_length=254)
    #: What others than its starter need in its domain to see and to cancel it, as `app.codename`.
    permission = models.CharField(max_length=200, blank=True)
    parameters = models.JSONField(default=dict)
    state = models.CharField(max_length=9, choices=RunState, default=RunState.WAITING)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True)
    position = models.JSONField(null=True)
    result = models.JSONField(default=dict)
    #: Why it failed, in one sentence.
    reason = models.TextField(blank=True)
    is_cancelled = models.BooleanField(default=False)
    starts = models.PositiveSmallIntegerField(default=0)
    #: The queue's row of the latest start.
    queued_as = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """Newest first; the indexes are those of the page that lists them and of the search for lost runs."""

        ordering = ("-created_at", "id")
        indexes = (
            models.Index(fields=["actor", "-created_at"], name="runs_by_actor"),
            models.Index(
                fields=["beat_at"], name="runs_unfinished", condition=models.Q(state__in=("waiting", "running"))
            ),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES

    @property
    def percent(self) -> int | None:
        """How much of it is done, in percent; None while that is unknown."""
        return None if not self.total else min(100, 100 * self.done // self.total)


class Worker(models.Model):
    """A worker process that is alive, or was until `seen_at`."""

    name = models.CharField(primary_key=True, max_length=64)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
