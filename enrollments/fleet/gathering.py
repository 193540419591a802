"""Asks the platform for many resources at once, each one once, and notices when asking has become pointless."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeAlias

from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.observability.request_id import enter_request
from enrollments.comparing import Known
from enrollments.fetching import Fetched, ResourceRef
from enrollments.fleet.results import Answer, Failure, Results

logger = logging.getLogger(__name__)

#: Resources of one service in a row that it fails to give before a run ends: the service is down, not the resources.
OUTAGE_AFTER: Final = 48

#: Reads one resource with whatever credential there is; called in worker threads, so it must not use the database.
Fetch: TypeAlias = Callable[[ResourceRef], Fetched]


class Gatherer:
    """A pool of threads that fetch; all methods are the main thread's.

    Shape: at most `workers` calls are under way. Threads share whatever client `fetch` uses, and see `request_id`, so
    that the platform's logs can be joined with ours.
    """

    def __init__(self, fetch: Fetch, *, workers: int, results: Results, request_id: str) -> None:
        """Start no thread yet; `results` is where answers are kept."""
        self._fetch = fetch
        self._results = results
        self._under_way: dict[ResourceRef, Future[Answer | None]] = {}
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._in_a_row: Counter[str] = Counter()
        self._gave_up: Failure | None = None
        self._pool = ThreadPoolExecutor(
            workers, thread_name_prefix="refresh", initializer=enter_request, initargs=(request_id,)
        )

    @property
    def gave_up(self) -> Failure | None:
        """Return why nothing is asked any more: a service is down, or the credential is refused."""
        return self._gave_up

    def ask(self, refs: Iterable[ResourceRef]) -> None:
        """Ask for those of `refs` that nobody has asked for, and return at once."""
        for ref in dict.fromkeys(refs):
            if ref not in self._under_way and self._results.get(ref) is None:
                self._under_way[ref] = self._pool.submit(self._one, ref)

    def answer(self, ref: ResourceRef) -> Answer | None:
        """Return the answer for `ref`, waiting for it; None when it was not asked for because asking has ended."""
        future = self._under_way.pop(ref, None)
        if future is None:
            return self._results.get(ref)
        answer = future.result()
        if answer is not None:
            self._results.put(ref, answer)
        return answer

    def stop_asking(self) -> None:
        """Let calls that are under way end, and begin no other."""
        self._closed.set()

    def close(self) -> None:
        """End all threads."""
        self._closed.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _one(self, ref: ResourceRef) -> Answer | None:
        if self._closed.is_set() or self._gave_up is not None:
            return None
        try:
            fetched = self._fetch(ref)
        except BootstrapError as error:
            failure = Failure.of(error)
            self._note_failure(ref, failure, refused=error.kind is ErrorKind.UNAUTHORIZED)
            return failure
        self._in_a_row[ref.type] = 0
        return Known(fetched)

    def _note_failure(self, ref: ResourceRef, failure: Failure, *, refused: bool) -> None:
        logger.info(
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
