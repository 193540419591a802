"""Whether a caller is the device it says it is: by digest at once, by a slow hash in its turn (docs/contract.md#k2)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final, Never

from django.db import Error

from bootstrap_project.database.trouble import note_trouble
from bootstrap_project.observability.metrics import count_key_verification
from configs.external_keys import (
    DigestRenewal,
    PresentedKey,
    StoredKey,
    Verification,
    is_decided_by_digest,
    renew_digests,
    verify_external_key,
)
from devices.errors import AmbiguousKey, KeyCheckBusy, Refused, TooManyFailures
from devices.queries import find_by_external_id, find_by_key, find_on_replica, has_replica
from devices.rate_limit import failure_limits
from devices.slow_keys import KeyCheck, slow_keys
from enrollments.device_config.records import AnswerRecord, DeviceRecord

logger = logging.getLogger(__name__)

_LOGGED_ID_LENGTH: Final = 128


@dataclass(frozen=True, slots=True)
class Claim:
    """A caller's claim to be a device: the one of `external_id`, or the only one that has the key where it is None."""

    external_id: str | None
    presented: PresentedKey
    source: str
    secure: bool = False

    @property
    def limited_id(self) -> str | None:
        """The external id where failures at one device are limited by themselves: at the secure endpoint."""
        return self.external_id if self.secure else None


def authenticate(claim: Claim) -> tuple[DeviceRecord, AnswerRecord]:
    """Return the config that the caller claims to be.

    A right key that its digest decides is never limited. Failures are, by source, and so is slow work.
    Raises: Refused, TooManyFailures, KeyCheckBusy, AmbiguousKey, DatabaseUnavailable.
    Cost: one query; where a slow hash decides, one after it, beside those of the hash's thread. After a rotation of
    peppers a device's first call writes its digest: one transaction, which waits for nobody.
    """
    record = _look_up(claim)
    if record is None or is_decided_by_digest(claim.presented, record.key):
        return _decide_by_digest(claim, record)
    return _decide_slowly(claim, record)


def authenticate_on_replica(claim: Claim) -> tuple[DeviceRecord, AnswerRecord] | None:
    """Return the config that the caller claims to be, where the replica has it with this key; None otherwise.

    Nobody is refused here, no failure is counted and nothing is written: a replica may be old, so that whoever gets
    None is the primary's to decide.
    Cost: one query of the replica; nothing where there is none.
    """
    if not has_replica():
        return None
    record = find_on_replica(claim.external_id, claim.presented)
    stored = record.key if record else None
    if not is_decided_by_digest(claim.presented, stored):
        return None
    verification = verify_external_key(claim.presented, stored)
    if record is None or record.answer is None or not verification.matched or verification.needs_digest:
        return None
    return record, record.answer


def count_unreadable_key(external_id: str | None, source: str, *, reason: str) -> None:
    """Count a key of the secure endpoint that could not be decrypted among the failures.

    Raises: TooManyFailures.
    """
    seconds = failure_limits().count(source, external_id)
    if seconds:
        raise TooManyFailures(retry_after=seconds, reason=f"too many failures: {reason}")


def _look_up(claim: Claim) -> DeviceRecord | None:
    if claim.external_id is not None:
        return find_by_external_id(claim.external_id, claim.presented)
    records = find_by_key(claim.presented)
    if len(records) > 1:
        raise AmbiguousKey
    return records[0] if records else None


def _decide_by_digest(claim: Claim, record: DeviceRecord | None) -> tuple[DeviceRecord, AnswerRecord]:
    verification = verify_external_key(claim.presented, record.key if record else None)
    _count(verification, record)
    if record is None or record.answer is None or not verification.matched:
        _refuse(claim, record)
    if verification.needs_digest:
        _renew(DigestRenewal.of(record.config_id, claim.presented, record.key))
    return record, record.answer


def _decide_slowly(claim: Claim, record: DeviceRecord) -> tuple[DeviceRecord, AnswerRecord]:
    check = KeyCheck(record.config_id, record.key, claim.presented, claim.source, claim.limited_id)
    try:
        result, is_own = slow_keys().check(check)
    except TooManyFailures as error:
        raise TooManyFailures(
            retry_after=error.retry_after or 1,
            reason=f"too many failures: {_reason(claim, record)} not looked into",
            config_id=record.config_id,
        ) from error
    if result is not None and not result.matched:
        _refuse(claim, record, was_reserved=is_own)
    # The call may have waited for seconds, and what was read before is out of date: disabled, say, or a rotated key.
    now = _look_up(claim)
    if result is None:
        if now is None or is_decided_by_digest(claim.presented, now.key):
            return _decide_by_digest(claim, now)
        raise KeyCheckBusy(retry_after=1, config_id=record.config_id)
    if now is None or now.answer is None:
        raise Refused(reason="key changed while it was being checked", config_id=record.config_id)
    if not _is_still_right(claim, now, verified=(record.key, result.stored)):
        # Somebody else renewed the row, or rotated its key; the next call sees which.
        raise KeyCheckBusy(retry_after=1, config_id=record.config_id)
    return now, now.answer


def _renew(renewal: DigestRenewal) -> None:
    try:
        renewed = renew_digests([renewal])
    except Error as error:
        # The old digest still decides, and the device's next call tries again.
        if note_trouble(error) is None:
            logger.warning("digests were not renewed", extra={"configs": 1, "error": type(error).__name__})
    else:
        logger.info("digests renewed", extra={"configs": renewed})


def _is_still_right(claim: Claim, record: DeviceRecord, *, verified: tuple[StoredKey | None, ...]) -> bool:
    if record.key in verified:
        return True
    return (
        is_decided_by_digest(claim.presented, record.key) and verify_external_key(claim.presented, record.key).matched
    )


def _count(verification: Verification, record: DeviceRecord | None) -> None:
    outcome = "unknown" if record is None else "ok" if verification.matched else "refused"
    count_key_verification(verification.method, outcome)


def _refuse(claim: Claim, record: DeviceRecord | None, *, was_reserved: bool = False) -> Never:
    reason, config_id = _reason(claim, record), record.config_id if record else None
    seconds = failure_limits().count(claim.source, claim.limited_id, was_reserved=was_reserved)
    if seconds:
        raise TooManyFailures(retry_after=seconds, reason=f"too many failures: {reason}", config_id=config_id)
    raise Refused(reason=reason, config_id=config_id)


def _reason(claim: Claim, record: DeviceRecord | None) -> str:
    if record is not None:
        # Only the secure endpoint hands on a key of no bytes.
        return "wrong external key" if claim.presented.value else "external key too short for the secure endpoint"
    external_id = claim.external_id
    if external_id is None:
        return "unknown external key"
    shortened = external_id if len(external_id) <= _LOGGED_ID_LENGTH else external_id[:_LOGGED_ID_LENGTH] + "…"
    return f"unknown external id {shortened!r}"
