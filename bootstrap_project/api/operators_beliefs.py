"""What is believed of operators while the platform fails: for reads alone, and not for long."""

from __future__ import annotations

import logging
import threading
from typing import Final, Generic, TypeVar

from bootstrap_project.api.operators_cache import DecisionCache
from bootstrap_project.magistrala.errors import MagistralaError, TimedOut, Unavailable, Unusable

logger = logging.getLogger(__name__)

#: Methods that change nothing.
READING: Final = frozenset({"GET", "HEAD"})

Value = TypeVar("Value")


def is_failing(error: BaseException | None) -> bool:
    """Return whether the platform is down: 5xx, no answer, or none in time; whatever else it says is an answer.

    What somebody has to mend here, such as a certificate that is not trusted, is no outage either: it may be an attack.
    """
    if isinstance(error, TimedOut):
        return True
    if not isinstance(error, Unavailable) or isinstance(error, Unusable) or error.permanent:
        return False
    return error.status is None or error.status >= 500


class Beliefs(Generic[Value]):
    """Memberships that the platform confirmed, longer than they count while it answers."""

    def __init__(self) -> None:
        self._confirmed: DecisionCache[tuple[float, Value]] = DecisionCache()

    def confirm(self, tag: bytes, value: Value, now: float, seconds: float) -> None:
        """Remember what the platform has just said, for so many seconds."""
        if seconds > 0:
            self._confirmed.put(tag, (now, value), now + seconds)

    def refuse(self, tag: bytes) -> None:
        self._confirmed.discard(tag)

    def find(self, tag: bytes, now: float) -> tuple[float, Value] | None:
        """Return how many seconds ago what was confirmed; None when it is too long ago."""
        known = self._confirmed.get(tag, now)
        return None if known is None else (now - known[0], known[1])

    def clear(self) -> None:
        self._confirmed.clear()


class Outage:
    """Whether operators are believed just now; tells the log when that begins and when it ends, and no more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._believed = 0

    @property
    def lasts(self) -> bool:
        return self._since is not None

    def note(self, error: MagistralaError, now: float) -> None:
        """Note that a read was answered without the platform's word."""
        with self._lock:
            self._believed += 1
            if self._since is not None:
                return
            self._since = now
        logger.warning(
            "the platform cannot confirm operators; reads go on with memberships that it confirmed before",
            extra={"service": error.service, "status": error.status, "reason": error.message},
        )

    def end(self, now: float) -> None:
        """Note that the platform has answered."""
        with self._lock:
            since, believed = self._since, self._believed
            self._since, self._believed = None, 0
        if since is None:
            return
        logger.warning(
            "the platform answers for operators again",
            extra={"seconds": round(now - since, 1), "believed_reads": believed},
        )

    def clear(self) -> None:
        """Forget everything, without a word."""
        with self._lock:
            self._since, self._believed = None, 0
