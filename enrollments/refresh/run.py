"""Refreshes a fleet: reads configs page by page, fetches what they bind, compares, and writes what differs.

Memory does not grow with the number of configs: a few pages are read ahead of the one that is finished, and what is
known of the platform's resources is bounded too (`cache`).
"""

from __future__ import annotations

import logging
import math
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from bootstrap_project.observability.metrics import count_binding_refresh
from bootstrap_project.observability.request_id import new_request_id
from enrollments.binding.fetch import ResourceRef
from enrollments.clock import DatabaseClock
from enrollments.refresh.cache import Answer, Results
from enrollments.refresh.diff import StoredBinding, declared, read_bindings
from enrollments.refresh.fetch import Fetch, Gatherer, OutOfTime
from enrollments.refresh.lock import exclusive_run
from enrollments.refresh.report import ConfigOutcome, ConfigReport, Summary
from enrollments.refresh.select import Fleet, Member, Selection
from enrollments.refresh.write import Job, Profiles, apply

logger = logging.getLogger(__name__)

#: Configs of a page: written in one transaction, so also how long others may have to wait for one of them.
PAGE: Final = 500
#: Pages whose resources are being fetched while an earlier one is compared and written.
AHEAD: Final = 4

#: Told of each finished config, in the order of ids.
Listener: TypeAlias = Callable[[ConfigReport], None]


@dataclass(slots=True)
class FleetRefresh:
    """One run; `run` is called once, `stop` by whoever wants it to end early, also from a signal handler.

    `ticker` is told how many configs have all that they need; `page` is for tests of its edges. A config of which not
    everything has come `seconds` after the first of it fails, and the run goes on.
    """

    selection: Selection
    fetch: Fetch
    workers: int = 16
    seconds: float = math.inf
    dry_run: bool = False
    listener: Listener = lambda _report: None
    ticker: Callable[[int], None] = lambda _arrived: None
    page: int = PAGE
    results: Results = field(default_factory=Results)
    summary: Summary = field(default_factory=Summary)
    request_id: str = field(default_factory=new_request_id)
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)

    def stop(self) -> None:
        """End the run after the configs in hand: those of which everything needed has arrived."""
        self._stopped.set()

    def run(self) -> Summary:
        """Refresh every config of the selection and return the counts.

        Each distinct resource is asked for once. A config is written whole or not at all, and only what changed of it.
        One that needs a resource which could not be had fails, and no other does. A killed run can be repeated.

        Raises: NothingSelected, UnknownSelection, AnotherRun before anything is asked; LockLost; django.db.Error.
        Cost: for each page two statements, and two more with one for each 1,000 changed bindings; one call a resource.
        """
        started = time.monotonic()
        fleet = Fleet(self.selection)
        self.summary.done_up_to = self.selection.after
        with exclusive_run(fleet.domain_id) as hold:
            self.summary.total = fleet.count()
            self._log("fleet refresh begins")
            clock = DatabaseClock()
            gatherer = Gatherer(
                self.fetch, workers=self.workers, results=self.results, request_id=self.request_id, now=clock.now
            )
            try:
                for jobs in self._ready(fleet, gatherer):
                    hold.check()
                    self._finish(jobs, gatherer, clock)
                    self.summary.seconds = time.monotonic() - started
                    if not self.summary.complete:
                        break
            except KeyboardInterrupt:
                gatherer.abandon()
                raise
            finally:
                gatherer.close()
                self.summary.resources = self.results.count
                self.results.close()
                self.summary.seconds = time.monotonic() - started
                self._log("fleet refresh ended")
        return self.summary

    def _ready(self, fleet: Fleet, gatherer: Gatherer) -> Iterator[list[Job]]:
        """Yield the pages one after the other, with those behind them already asked for."""
        profiles = Profiles()
        waiting: deque[list[Job]] = deque()
        for members in fleet.pages(self.page):
            jobs = _jobs(members, profiles, slot=self.selection.slot)
            gatherer.ask(ref for job in jobs for _slot, _binding, ref in job.wanted)
            waiting.append(jobs)
            if len(waiting) > AHEAD:
                yield waiting.popleft()
        yield from waiting

    def _finish(self, jobs: Sequence[Job], gatherer: Gatherer, clock: DatabaseClock) -> None:
        """Wait for what the page needs, apply it, and report; only its beginning when the run is to end."""
        answers: dict[ResourceRef, Answer] = {}
        complete: list[Job] = []
        for job in jobs:
            if not self._has_answers(job, answers, gatherer):
                break
            complete.append(job)
            self.ticker(self.summary.done + len(complete))
        bindings: Counter[str] = Counter()
        for report in apply(complete, answers, slot=self.selection.slot, dry_run=self.dry_run, now=clock.now()):
            self.summary.add(report)
            self.listener(report)
            outcome = report.reason if report.outcome is ConfigOutcome.FAILED else "ok"
            bindings[outcome] += report.bindings
        for outcome, number in bindings.items():
            if number and not self.dry_run:
                count_binding_refresh(outcome, number)
        if gatherer.gave_up is not None:
            self.summary.gave_up = gatherer.gave_up.message
        elif self._stopped.is_set() and self.summary.done < self.summary.total:
            self.summary.interrupted = True

    def _has_answers(self, job: Job, answers: dict[ResourceRef, Answer], gatherer: Gatherer) -> bool:
        """Wait for what `job` needs, and add it to `answers`; False when some of it will not come any more.

        What has not come in time is left out of `answers`.
        """
        due = math.inf
        for _slot, _binding, ref in job.wanted:
            if ref in answers:
                continue
            if self._stopped.is_set():
                gatherer.stop_asking()
            try:
                answer = gatherer.answer(ref, due=due)
            except OutOfTime:
                return True
            if answer is None:
                return False
            answers[ref] = answer
            # The first may have waited behind those of other configs; a question by itself has an end.
            due = min(due, time.monotonic() + self.seconds)
        return True

    def _log(self, message: str) -> None:
        summary = self.summary
        logger.info(
            message,
            extra={
                "request_id": self.request_id,
                "configs": summary.total,
                "resources": summary.resources,
                "dry_run": self.dry_run,
                "seconds": round(summary.seconds, 3),
                "interrupted": summary.interrupted,
                "gave_up": bool(summary.gave_up),
                **{outcome.value: summary.outcomes[outcome] for outcome in ConfigOutcome},
            },
        )


def _jobs(members: Sequence[Member], profiles: Profiles, *, slot: str) -> list[Job]:
    with_profile = [member.id for member in members if member.profile_id is not None]
    stored: dict[uuid.UUID, list[StoredBinding]] = read_bindings(with_profile, slot=slot) if with_profile else {}
    profiles.load(member.profile_id for member in members)
    jobs: list[Job] = []
    for member in members:
        version, slots = profiles.get(member.profile_id)
        wanted = [
            (one, binding, ResourceRef(member.domain_id, binding.type, binding.resource_id))
            for one, binding in declared(slots, stored.get(member.id, ()))
        ]
        jobs.append(Job(member, version, wanted))
    return jobs
