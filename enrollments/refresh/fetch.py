"""Asks the platform for many resources at once, and notices when asking has become pointless.

The platform is asked with the service's own credential, over connections of the run's own.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from datetime import datetime
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final, TypeAlias

from django.conf import settings
from django.utils import timezone

from bootstrap_project.database.pool import connection_released
from bootstrap_project.deadline import deadline, seconds_left
from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.credential import with_service_token
from bootstrap_project.magistrala.errors import DeadlinePassed
from bootstrap_project.magistrala.factory import get_client
from bootstrap_project.magistrala.pooled import PooledConnections
from bootstrap_project.observability.metrics import observe_magistrala_request
from bootstrap_project.observability.request_id import enter_request
from enrollments.binding.fetch import Fetched, ResourceRef, fetch
from enrollments.refresh.cache import Answer, AnswerCache, Failure
from enrollments.refresh.diff import FetchedResource

logger = logging.getLogger(__name__)

#: Resources of one service in a row that it fails to give before a run ends: the service is down, not the resources.
OUTAGE_AFTER: Final = 48

#: Reads one resource with whatever credential there is; called in worker threads, so it must not use the database.
Fetch: TypeAlias = Callable[[ResourceRef], Fetched]
#: What a thread made of a question; an exception is a fault of ours.
_Arrival: TypeAlias = "tuple[ResourceRef, Answer | BaseException | None]"


class AnswerLate(Exception):
    """An answer has not come in time."""


class FetchPool:
    """Threads that fetch; all methods are the main thread's.

    Shape: at most `workers` calls are under way. Threads share whatever client `fetch` uses, and see `request_id`, so
    that the platform's logs can be joined with ours. Two queues join them to the main thread; futures, with a lock and
    a condition for each call, would take as long as reading its answer.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        workers: int,
        cache: AnswerCache,
        request_id: str,
        now: Callable[[], datetime] = timezone.now,
    ) -> None:
        """Start the threads when there is something to ask; `cache` is where answers are kept.

        `now` says when something was asked, by the clock that dates bindings.
        """
        self._now = now
        self._fetch = fetch
        self._cache = cache
        self._request_id = request_id
        self._workers = workers
        self._threads: list[threading.Thread] = []
        self._questions: SimpleQueue[ResourceRef | None] = SimpleQueue()
        self._arrivals: SimpleQueue[_Arrival] = SimpleQueue()
        #: Asked for and not yet given to the main thread.
        self._under_way: set[ResourceRef] = set()
        #: Arrived before the main thread needed it.
        self._early: dict[ResourceRef, Answer | BaseException | None] = {}
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._in_a_row: Counter[str] = Counter()
        self._gave_up: Failure | None = None

    @property
    def gave_up(self) -> Failure | None:
        """Return why nothing is asked any more: a service is down, or the credential is refused."""
        return self._gave_up

    def ask(self, refs: Iterable[ResourceRef]) -> None:
        """Ask for those of `refs` that are not known and not under way, and return at once."""
        for ref in dict.fromkeys(refs):
            if ref not in self._under_way and self._cache.get(ref) is None:
                self._under_way.add(ref)
                self._questions.put(ref)
                if len(self._threads) < self._workers:
                    self._start_thread()

    def answer(self, ref: ResourceRef, *, due: float = math.inf) -> Answer | None:
        """Return the answer for `ref`, waiting for it; None when it was not asked for because asking has ended.

        Raises: AnswerLate when it has not come by `due` (monotonic seconds); it still may.
        """
        if ref not in self._under_way:
            kept = self._cache.get(ref)
            if kept is not None:
                return kept
            # It fell out of the cache since it was needed first.
            self.ask([ref])
        while ref not in self._early:
            left = None if math.isinf(due) else max(0.0, due - time.monotonic())
            try:
                with connection_released():
                    arrived, answer = self._arrivals.get(timeout=left)
            except Empty:
                raise AnswerLate from None
            self._early[arrived] = answer
        self._under_way.remove(ref)
        answer = self._early.pop(ref)
        if isinstance(answer, BaseException):
            raise answer
        if answer is not None:
            self._cache.put(ref, answer)
        return answer

    def stop_asking(self) -> None:
        """Let calls that are under way end, and begin no other."""
        self._closed.set()

    def close(self) -> None:
        self._closed.set()
        for _ in self._threads:
            self._questions.put(None)
        for thread in self._threads:
            thread.join()

    def abandon(self) -> None:
        """Begin no other call, and do not wait for those under way."""
        self._closed.set()
        self._threads.clear()

    def _start_thread(self) -> None:
        # Daemons, so that a second Ctrl-C ends the program though the platform has not answered yet.
        # The context holds the deadline of whoever waits for the run.
        work = partial(copy_context().run, self._work)
        thread = threading.Thread(target=work, name=f"refresh-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        enter_request(self._request_id)
        while (ref := self._questions.get()) is not None:
            answer: Answer | BaseException | None
            try:
                answer = self._one(ref)
            except BaseException as error:  # noqa: BLE001 - the main thread waits for this and raises it.
                answer = error
            self._arrivals.put((ref, answer))

    def _one(self, ref: ResourceRef) -> Answer | None:
        if self._closed.is_set() or self._gave_up is not None:
            return None
        try:
            asked_at = self._now()
            fetched = Fetched(self._fetch(ref).resource, asked_at)
        except BootstrapError as error:
            if isinstance(error, DeadlinePassed) and math.isfinite(seconds_left()):
                # The time of the whole run is over, which is no failure of this resource.
                return None
            failure = Failure.of(error)
            self._note_failure(ref, failure, refused=error.kind is ErrorKind.UNAUTHORIZED)
            return failure
        self._in_a_row[ref.type] = 0
        return FetchedResource(fetched)

    def _note_failure(self, ref: ResourceRef, failure: Failure, *, refused: bool) -> None:
        # The table, or the config's own line, tells it as well: for a fleet without its clients this is a flood.
        logger.debug(
            "resource not refreshed",
            extra={
                "resource_type": ref.type,
                "resource_id": ref.id,
                "domain_id": ref.domain_id,
                "outcome": failure.reason,
            },
        )
        with self._lock:
            self._in_a_row[ref.type] = self._in_a_row[ref.type] + 1 if failure.outage else 0
            if refused or self._in_a_row[ref.type] >= OUTAGE_AFTER:
                self._gave_up = self._gave_up or failure


@contextmanager
def service_fetch(workers: int) -> Iterator[Fetch]:
    """Yield what fetches a resource, for at most `workers` threads; the connections are closed behind the block.

    Raises: ImproperlyConfigured for an address that is none.
    """
    magistrala = MagistralaClient(
        get_client().urls,
        connect_timeout=float(settings.MG_CONNECT_TIMEOUT_SECONDS),
        read_timeout=float(settings.MG_READ_TIMEOUT_SECONDS),
        retries=int(settings.MG_RETRIES),
        max_body=int(settings.MG_MAX_ANSWER_BYTES),
        verify=settings.MG_CA_BUNDLE or True,
        session=PooledConnections(workers, max_body=int(settings.MG_MAX_ANSWER_BYTES)),
        observe=observe_magistrala_request,
    )

    def fetch_in_time(ref: ResourceRef) -> Fetched:
        with deadline(settings.PLATFORM_DEADLINE_SECONDS):
            return with_service_token(lambda token: fetch(ref, magistrala=magistrala, token=token))

    try:
        yield fetch_in_time
    finally:
        magistrala.close()
