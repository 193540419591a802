"""Keys that only a slow hash can decide: imported rows, a lost pepper (contract K2 and K18).

A call that finds no slot in the gate is refused with the time of its booked slot. A device that ignores `Retry-After`
would miss it, and between the tries of a synchronised fleet the machine would be idle. So the check of a refused call
is kept, and made in the background at the booked time: it writes the digest, and the device's next try is answered at
once.
"""

from __future__ import annotations

import logging
import math
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import Error

from bootstrap_project.api.database_errors import note_trouble
from bootstrap_project.observability.metrics import count_key_verification
from bootstrap_project.places import NoPlace, outside
from configs.external_keys import (
    PresentedKey,
    StoredKey,
    Verification,
    read_stored_key,
    renew_stored_key,
    slow_method,
    verify_external_key,
)
from devices.background import BackgroundQueue
from devices.errors import KeyCheckBusy, TooManyFailures
from devices.gate import MAX_RETRY_SECONDS, Busy, Gate
from devices.rate_limit import FailureLimits

logger = logging.getLogger(__name__)

#: Checks that are kept; they are also bounded by what can be worked off within `MAX_RETRY_SECONDS`.
BACKLOG_CAPACITY = 4096


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody's claim to be a device: what was presented, by whom, and what it is to be checked against."""

    external_id: str | None
    source: str
    presented: PresentedKey = field(repr=False)
    config_id: uuid.UUID
    stored: StoredKey


@dataclass(frozen=True, slots=True)
class _Booked:
    claim: Claim
    due: float


@dataclass(frozen=True, slots=True)
class SlowVerification:
    """The verification, and what the row held after it where that is known."""

    verification: Verification
    stored: StoredKey | None


class SlowChecks:
    """Slow hashes behind the gate, limited by failures."""

    def __init__(
        self, gate: Gate, limits: FailureLimits, *, threads: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Check in the callers' threads, and what they could not wait for in up to `threads` of our own."""
        self._gate = gate
        self._limits = limits
        self._clock = clock
        self.backlog: BackgroundQueue[_Booked] = BackgroundQueue(
            "key-checks", self._check_later, capacity=BACKLOG_CAPACITY, batch=1, threads=threads, finish=False
        )

    def check(self, claim: Claim) -> SlowVerification:
        """Work out the slow hash for `claim`, and renew what is stored when it fits.

        Raises: TooManyFailures before any work; KeyCheckBusy when there is no slot soon, which says when there is one.
        """
        try:
            with self._limits.reserve(claim.source, claim.external_id) as prepaid, self._gate.slot():
                result = _verify(claim)
                prepaid.failed = not result.verification.matched
        except (Busy, NoPlace):
            count_key_verification(slow_method(claim.stored), "throttled")
            raise KeyCheckBusy(retry_after=self._book(claim), config_id=claim.config_id) from None
        return result

    def _book(self, claim: Claim) -> int:
        key = (claim.config_id, claim.source)
        known = self.backlog.get(key)
        if known is not None:
            return max(1, math.ceil(known.due - self._clock()))
        seconds = self._gate.book()
        if seconds < MAX_RETRY_SECONDS:
            self.backlog.offer(key, _Booked(claim, self._clock() + seconds))
        return seconds

    def _check_later(self, booked: list[_Booked]) -> None:
        for entry in booked:
            try:
                self._check_claim(entry.claim)
            except TooManyFailures:
                count_key_verification(slow_method(entry.claim.stored), "throttled")
            except Error as error:
                # An outage has its own line; a crowd's checks would repeat it a thousand times.
                if note_trouble(error) is None:
                    logger.exception("a kept key check failed")

    def _check_claim(self, claim: Claim) -> None:
        if read_stored_key(claim.config_id) != claim.stored:
            return  # Decided meanwhile, by another thread or process, or rotated.
        with self._limits.reserve(claim.source, claim.external_id) as prepaid, self._gate.spare_slot():
            matched = _verify(claim).verification.matched
            prepaid.failed = not matched
        outcome = "ok" if matched else "refused"
        count_key_verification(slow_method(claim.stored), outcome)
        logger.info("kept key check done", extra={"config_id": str(claim.config_id), "outcome": outcome})


def _verify(claim: Claim) -> SlowVerification:
    # Other devices have this one's place meanwhile.
    with outside():
        verification = verify_external_key(claim.presented, claim.stored)
    if not verification.matched:
        return SlowVerification(verification, None)
    extra = {"config_id": str(claim.config_id)}
    try:
        renewed = renew_stored_key(claim.config_id, claim.presented, claim.stored)
    except Error as error:
        # The device is who it says it is; that the next call will be slow again is no reason to send it away.
        if note_trouble(error) is None:
            logger.warning("stored key was not renewed", extra=extra | {"error": type(error).__name__})
        return SlowVerification(verification, claim.stored)
    logger.info("stored key renewed", extra=extra | {"renewed": renewed is not None})
    return SlowVerification(verification, renewed)
