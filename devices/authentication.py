"""Whether a caller is the device it says it is: by digest at once, by a slow hash behind the gate (contract K2)."""

from __future__ import annotations

from typing import Final, Never

from bootstrap_project.observability.metrics import count_key_verification
from configs.external_keys import (
    DigestRenewal,
    PresentedKey,
    StoredKey,
    Verification,
    is_decided_by_digest,
    slow_method,
    verify_external_key,
)
from devices.errors import AmbiguousKey, KeyCheckBusy, Refused, TooManyFailures
from devices.guards import guards
from devices.queries import find_by_external_id, find_by_key
from devices.renewals import renew_later
from devices.slow_checks import Claim
from enrollments.device_config.records import AnswerRecord, DeviceRecord

_LOGGED_ID_LENGTH: Final = 128


def authenticate(external_id: str | None, presented: PresentedKey, *, source: str) -> tuple[DeviceRecord, AnswerRecord]:
    """Return the config whose key is `presented`: that of `external_id`, or the only one there is when it is None.

    A right key that its digest decides is never limited. Failures are, by `source`, and so is slow work.
    Raises: Refused, TooManyFailures, KeyCheckBusy, AmbiguousKey, DatabaseUnavailable.
    Cost: one query; another one for a source whose failures are limited, and where a slow hash decides one after it.
    """
    record = _look_up(external_id, presented, is_suspect=guards().limits.is_limited(source))
    if record is None or is_decided_by_digest(presented, record.key):
        return _decide_by_digest(record, external_id, presented, source)
    return _decide_slowly(record, external_id, presented, source)


def count_unreadable_key(external_id: str | None, source: str, *, reason: str) -> None:
    """Count a key that could not be decrypted among the failures of `source`.

    Raises: TooManyFailures.
    """
    seconds = guards().limits.count_failure(external_id, source)
    if seconds:
        raise TooManyFailures(retry_after=seconds, reason=f"too many failures: {reason}")


def _look_up(external_id: str | None, presented: PresentedKey, *, is_suspect: bool = False) -> DeviceRecord | None:
    if external_id is not None:
        return find_by_external_id(external_id, presented, is_suspect=is_suspect)
    records = find_by_key(presented)
    if len(records) > 1:
        raise AmbiguousKey
    return records[0] if records else None


def _decide_by_digest(
    record: DeviceRecord | None, external_id: str | None, presented: PresentedKey, source: str
) -> tuple[DeviceRecord, AnswerRecord]:
    verification = verify_external_key(presented, record.key if record else None)
    _count(verification, record)
    if record is None or record.answer is None or not verification.matched:
        _refuse(record, external_id, presented, source)
    if verification.needs_digest:
        # The old digest decides as well, so that this can wait for a better moment than a device's call.
        renew_later(DigestRenewal.of(record.config_id, presented, record.key))
    return record, record.answer


def _decide_slowly(
    record: DeviceRecord, external_id: str | None, presented: PresentedKey, source: str
) -> tuple[DeviceRecord, AnswerRecord]:
    claim = Claim(
        external_id,
        source,
        presented,
        config_id=record.config_id,
        stored=record.key,
    )
    try:
        result = guards().slow_checks.check(claim)
    except TooManyFailures as error:
        count_key_verification(slow_method(claim.stored), "throttled")
        raise TooManyFailures(
            retry_after=error.retry_after or 1,
            reason=f"too many failures: {_reason(record, external_id, presented)} not looked into",
            config_id=claim.config_id,
        ) from error
    _count(result.verification, record)
    if not result.verification.matched:
        _refuse(record, external_id, presented, source, slow=True)
    # The call may have waited for seconds, and what was read before is out of date: disabled, say, or a rotated key.
    now = _look_up(external_id, presented)
    if now is None or now.answer is None:
        raise Refused(reason="key changed while it was being checked", config_id=record.config_id)
    if not _is_still_right(presented, now, verified=(record.key, result.stored)):
        # Somebody else renewed the row, or rotated its key; the next call sees which.
        raise KeyCheckBusy(retry_after=1, config_id=record.config_id)
    return now, now.answer


def _is_still_right(presented: PresentedKey, record: DeviceRecord, *, verified: tuple[StoredKey | None, ...]) -> bool:
    if record.key in verified:
        return True
    return is_decided_by_digest(presented, record.key) and verify_external_key(presented, record.key).matched


def _count(verification: Verification, record: DeviceRecord | None) -> None:
    outcome = "unknown" if record is None else "ok" if verification.matched else "refused"
    count_key_verification(verification.method, outcome)


def _refuse(
    record: DeviceRecord | None, external_id: str | None, presented: PresentedKey, source: str, *, slow: bool = False
) -> Never:
    reason, config_id = _reason(record, external_id, presented), record.config_id if record else None
    seconds = guards().limits.count_failure(external_id, source, slow=slow)
    if seconds:
        raise TooManyFailures(retry_after=seconds, reason=f"too many failures: {reason}", config_id=config_id)
    raise Refused(reason=reason, config_id=config_id)


def _reason(record: DeviceRecord | None, external_id: str | None, presented: PresentedKey) -> str:
    if record is not None:
        # Only the secure endpoint hands on a key of no bytes.
        return "wrong external key" if presented.value else "external key too short for the secure endpoint"
    if external_id is None:
        return "unknown external key"
    shortened = external_id if len(external_id) <= _LOGGED_ID_LENGTH else external_id[:_LOGGED_ID_LENGTH] + "…"
    return f"unknown external id {shortened!r}"
