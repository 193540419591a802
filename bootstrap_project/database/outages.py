"""Outages of something that we need: a log line when one begins and one when it ends, however many requests fail."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from time import monotonic
from typing import Final

logger = logging.getLogger(__name__)

#: How long nothing may have failed before a success counts as the end: where every other request fails, it goes on.
QUIET_SECONDS: Final = 5.0


@dataclass(slots=True)
class _Outage:
    began: float
    last: float
    failures: int = 1


class Outages:
    """What is wrong with one thing, as far as this process has seen; safe under threads."""

    def __init__(self, what: str, *, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._what = what
        self._quiet_seconds = quiet_seconds
        self._lock = threading.Lock()
        self._by_cause: dict[str, _Outage] = {}

    def failed(self, cause: str, reason: str) -> None:
        """Note a failure; the first one of its `cause` is logged."""
        now = monotonic()
        with self._lock:
            outage = self._by_cause.get(cause)
            if outage is not None:
                outage.last, outage.failures = now, outage.failures + 1
                return
            self._by_cause[cause] = _Outage(now, now)
        logger.warning("%s cannot be used", self._what, extra={"cause": cause, "reason": reason})

    def worked(self) -> None:
        """Note a success; the first one after all was quiet is logged.

        Cost: nothing while all is well.
        """
        if not self._by_cause:
            return
        now = monotonic()
        with self._lock:
            over = {
                cause: outage for cause, outage in self._by_cause.items() if now - outage.last >= self._quiet_seconds
            }
            for cause in over:
                del self._by_cause[cause]
        for cause, outage in over.items():
            facts = {"cause": cause, "failures": outage.failures, "seconds": round(outage.last - outage.began, 1)}
            logger.warning("%s can be used again", self._what, extra=facts)


#: The one thing that everything needs.
database: Final = Outages("the database")
