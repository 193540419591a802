"""The platform's public keys, and whether one of them signed a token."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm

from bootstrap_project.api.jwks_algorithms import ASYMMETRIC_ALGORITHMS
from bootstrap_project.database.pool import connection_released
from bootstrap_project.deadline import acquire
from bootstrap_project.magistrala.errors import DeadlinePassed, MagistralaError
from bootstrap_project.magistrala.resources import KeySet

logger = logging.getLogger(__name__)

#: How long keys are good without another look: what the platform says, within bounds.
DEFAULT_AGE_SECONDS: Final = 300.0
MIN_AGE_SECONDS: Final = 60.0
MAX_AGE_SECONDS: Final = 3600.0
#: Tokens that fit no key make us look again, however many they are, this often at most.
FORCED_PAUSE_SECONDS: Final = 10.0
#: How long a key set that could not be had is not asked for again.
FAILURE_PAUSE_SECONDS: Final = 30.0


class Verdict(Enum):
    """Whether the platform signed a token."""

    GENUINE = "genuine"
    FORGED = "forged"
    #: Nobody but the platform can tell: it has no public keys, or they cannot be had now.
    UNDECIDED = "undecided"


class _Ring:
    """The keys of one answer; `decides` is false when there are none that a token could be checked with."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = [key for item in keys.keys if (key := _usable(item)) is not None]
        self._jws = jwt.PyJWS(algorithms=sorted(ASYMMETRIC_ALGORITHMS))
        self.decides = bool(self._keys)
        if keys.keys and not self._keys:
            logger.warning("none of the platform's signing keys can be used", extra={"key_count": len(keys.keys)})

    def signed(self, token: str, algorithm: str, kid: str) -> bool:
        for key in self._keys:
            # A key is good for its own algorithm alone, whatever the token asks for.
            if key.algorithm_name != algorithm or (kid and key.key_id not in {kid, None}):
                continue
            try:
                self._jws.decode_complete(token, key, algorithms=[key.algorithm_name])
            except jwt.PyJWTError:
                continue
            return True
        return False


class KeyStore:
    """Keeps the key set, renews it, and looks again when a token fits no key; for all threads.

    Keys that cannot be renewed stay in use: an outage of the key set locks nobody out, and membership is asked online
    for every token anyway. Threads wait for each other outside their places: the one that asks the platform needs a
    place to go on.
    """

    def __init__(self, fetch: Callable[[], KeySet], clock: Callable[[], float] = time.monotonic) -> None:
        """`fetch` returns the key set or raises MagistralaError; `clock` gives seconds."""
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        self._ring: _Ring | None = None
        self._fresh_until = self._next_try = self._next_forced = float("-inf")
        self._failed = False

    def judge(self, token: str, algorithm: str, kid: str) -> Verdict:
        """Return whether one of the platform's keys signed `token`, whose header names `algorithm` and `kid`.

        Cost: one Ed25519 verification; a call to the key set when it is new, old, or without a fitting key.
        Source: RFC 7515, section 5.2; RFC 8725, sections 3.1 and 3.2; docs/contract.md#f9, item 2.
        """
        ring = self._current()
        if ring is None or not ring.decides:
            return Verdict.UNDECIDED
        if ring.signed(token, algorithm, kid):
            return Verdict.GENUINE
        # Keys rotate, also under the name that they had: look once more before calling it forged.
        newer = self._newer(ring)
        if newer is None or not newer.decides:
            return Verdict.UNDECIDED
        if newer is not ring and newer.signed(token, algorithm, kid):
            return Verdict.GENUINE
        return Verdict.FORGED

    def _current(self) -> _Ring | None:
        if self._ring is None and not self._failed:
            with connection_released():
                if acquire(self._lock):
                    try:
                        if self._ring is None:
                            self._try()
                    finally:
                        self._lock.release()
                return self._ring
        # One thread renews; the others go on with what there is, which is nothing while keys could never be had.
        if self._clock() >= self._fresh_until and self._lock.acquire(blocking=False):
            try:
                self._try()
            finally:
                self._lock.release()
        return self._ring

    def _newer(self, seen: _Ring) -> _Ring | None:
        """Return keys at least as new as `seen`; None when there may be newer ones that cannot be had."""
        with connection_released():
            if not acquire(self._lock):
                return None
            try:
                if self._ring is seen and self._clock() >= self._next_forced:
                    self._fresh_until = float("-inf")
                    self._try()
                    self._next_forced = self._clock() + FORCED_PAUSE_SECONDS
                return None if self._failed else self._ring
            finally:
                self._lock.release()

    def _try(self) -> None:
        """Ask for the key set if it is time to; the lock is held."""
        now = self._clock()
        if now < self._next_try or now < self._fresh_until:
            return
        try:
            keys = self._fetch()
        except MagistralaError as error:
            self._failed = True
            # One caller's end is no reason for another not to ask.
            if not isinstance(error, DeadlinePassed):
                self._next_try = self._clock() + FAILURE_PAUSE_SECONDS
            logger.warning(
                "the platform's signing keys cannot be had; tokens are checked online alone"
                if self._ring is None
                else "the platform's signing keys cannot be renewed; the known ones stay in use",
                extra={"service": error.service, "reason": error.message},
            )
            return
        age = DEFAULT_AGE_SECONDS if keys.max_age_seconds is None else float(keys.max_age_seconds)
        self._ring = _Ring(keys)
        self._fresh_until = self._clock() + min(max(age, MIN_AGE_SECONDS), MAX_AGE_SECONDS)
        self._failed = False


def _usable(item: dict[str, object]) -> jwt.PyJWK | None:
    algorithm = item.get("alg")
    if item.get("use") not in (None, "sig") or not isinstance(algorithm, str | None):
        return None
    # Looked at first, because the library tries to make a key for "none" and fails in a way of its own.
    if algorithm is not None and algorithm not in ASYMMETRIC_ALGORITHMS:
        return None
    try:
        key = jwt.PyJWK(item)
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError):
        return None
    return key if key.algorithm_name in ASYMMETRIC_ALGORITHMS else None
