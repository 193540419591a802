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
from enrollments.refresh.cache import Answer, AnswerCache
from enrollments.refresh.fetch import AnswerLate, Fetch, FetchPool
from enrollments.refresh.lock import exclusive_run
from enrollments.refresh.report import ConfigOutcome, ConfigReport, Summary
from enrollments.refresh.rows import StoredBinding, declared, read_bindings
from enrollments.refresh.select import ConfigRef, ConfigSet, Selection
from enrollments.refresh.write import ConfigWork, Profiles, write

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
    cache: AnswerCache = field(default_factory=AnswerCache)
    summary: Summary = field(default_factory=Summary)
    request_id: str = field(default_factory=new_request_id)
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)

    def stop(self) -> None:
        """End the run after the configs in hand: those of which everything needed has arrived."""
        self._stopped.set()

    def run(self) -> Summary:
        """Refresh every config of the selection and return the counts.

        Each distinct resource is asked for once, as long as the cache holds it. A config is written whole or not at
        all, and only what changed of it. One that needs a resource which could not be had fails, and no other does. A
        killed run can be repeated.

        Raises: NothingSelected, UnknownSelection, AnotherRun before anything is asked; LockLost; django.db.Error.
        Cost: for each page two statements, and two more with one for each 1,000 changed bindings; one call a resource.
        """
        started = time.monotonic()
        configs = ConfigSet(self.selection)
        self.summary.done_up_to = self.selection.after
        with exclusive_run(configs.domain_id) as lock:
            self.summary.total = configs.count()
            self._log("fleet refresh begins")
            clock = DatabaseClock()
            pool = FetchPool(
                self.fetch, workers=self.workers, cache=self.cache, request_id=self.request_id, now=clock.now
            )
            try:
                for page in self._ready(configs, pool):
                    lock.check()
                    self._finish(page, pool, clock)
                    self.summary.seconds = time.monotonic() - started
                    if not self.summary.complete:
                        break
            except KeyboardInterrupt:
                pool.abandon()
                raise
            finally:
                pool.close()
                self.summary.resources = self.cache.count
                self.summary.seconds = time.monotonic() - started
                self._log("fleet refresh ended")
        return self.summary

    def _ready(self, configs: ConfigSet, pool: FetchPool) -> Iterator[list[ConfigWork]]:
        """Yield the pages one after the other, with those behind them already asked for."""
        profiles = Profiles()
        waiting: deque[list[ConfigWork]] = deque()
        for refs in configs.pages(self.page):
            page = _work_for(refs, profiles, slot=self.selection.slot)
            pool.ask(ref for work in page for _slot, _binding, ref in work.wanted)
            waiting.append(page)
            if len(waiting) > AHEAD:
                yield waiting.popleft()
        yield from waiting

    def _finish(self, page: Sequence[ConfigWork], pool: FetchPool, clock: DatabaseClock) -> None:
        """Wait for what the page needs, apply it, and report; only its beginning when the run is to end."""
        answers: dict[ResourceRef, Answer] = {}
        complete: list[ConfigWork] = []
        for work in page:
            if not self._has_answers(work, answers, pool):
                break
            complete.append(work)
            self.ticker(self.summary.done + len(complete))
        bindings: Counter[str] = Counter()
        for report in write(complete, answers, slot=self.selection.slot, dry_run=self.dry_run, now=clock.now()):
            self.summary.add(report)
            self.listener(report)
            outcome = report.reason if report.outcome is ConfigOutcome.FAILED else "ok"
            bindings[outcome] += report.bindings
        for outcome, number in bindings.items():
            if number and not self.dry_run:
                count_binding_refresh(outcome, number)
        if pool.gave_up is not None:
            self.summary.gave_up = pool.gave_up.message
        elif self._stopped.is_set() and self.summary.done < self.summary.total:
            self.summary.interrupted = True

    def _has_answers(self, work: ConfigWork, answers: dict[ResourceRef, Answer], pool: FetchPool) -> bool:
        """Wait for what `work` needs, and add it to `answers`; False when some of it will not come any more.

        What has not come in time is left out of `answers`.
        """
        due = math.inf
        for _slot, _binding, ref in work.wanted:
            if ref in answers:
                continue
            if self._stopped.is_set():
                pool.stop_asking()
            try:
                answer = pool.answer(ref, due=due)
            except AnswerLate:
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


def _work_for(configs: Sequence[ConfigRef], profiles: Profiles, *, slot: str) -> list[ConfigWork]:
    with_profile = [config.id for config in configs if config.profile_id is not None]
    stored: dict[uuid.UUID, list[StoredBinding]] = read_bindings(with_profile, slot=slot) if with_profile else {}
    profiles.load(config.profile_id for config in configs)
    page: list[ConfigWork] = []
    for config in configs:
        version, slots = profiles.get(config.profile_id)
        wanted = [
            (one, binding, ResourceRef(config.domain_id, binding.type, binding.resource_id))
            for one, binding in declared(slots, stored.get(config.id, ()))
        ]
        page.append(ConfigWork(config, version, wanted))
    return page
