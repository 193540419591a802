"""Bootstrap: from an external id and a presented key to a device's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bootstrap_project.observability.metrics import count_key_verification
from bootstrap_project.rendering.errors import RenderError
from bootstrap_project.rendering.turns import NoTurn
from bootstrap_project.security.keyring import SealError
from configs.external_keys import PresentedKey
from devices.audit import CallAudit
from devices.authentication import Claim, authenticate, authenticate_on_replica
from devices.errors import DeviceDisabled, MissingBinding, RenderFailed, RenderLater
from enrollments.device_config.assemble import BindingRow, DeviceAnswer, make_answer, match_slots
from enrollments.device_config.etag import is_any, is_known, make_etag
from enrollments.device_config.records import AnswerRecord, DeviceRecord


@dataclass(frozen=True, slots=True)
class Call:
    """What else a device's call says: where it came from, which endpoint, and which answer the device has already."""

    source: str = ""
    secure: bool = False
    if_none_match: str = ""


_PLAIN_CALL: Final = Call()


class NotModified:
    """The device has this very configuration already."""


def bootstrap(
    *, external_id: str | None, key: bytes, call: Call = _PLAIN_CALL, audit: CallAudit | None = None
) -> DeviceAnswer | NotModified:
    """Return the configuration of the device `external_id`, or of the only one with that key when it is None.

    Nothing but the key is looked at before the key was found right; the secrets are decrypted last, and not at all for
    a device that has this configuration already.
    Raises: Refused, TooManyFailures, KeyCheckBusy, AmbiguousKey, DeviceDisabled, MissingBinding, RenderFailed,
    RenderLater, DatabaseUnavailable.
    Cost: one query, no network, no write; where there is a replica, that query is its own, and the primary is asked one
    more for whom the replica cannot serve; a row without a digest under a known pepper costs its hash, one UPDATE and
    two more queries.
    Source: docs/contract.md#c2, #c3, #k2 and #k12.
    """
    audit = audit or CallAudit()
    claim = Claim(external_id, PresentedKey.of(key), call.source, secure=call.secure)
    return _from_replica(claim, call, audit) or _answer(*authenticate(claim), call, audit)


def _from_replica(claim: Claim, call: Call, audit: CallAudit) -> DeviceAnswer | NotModified | None:
    """Return the answer from the replica; None where it has none, and nobody is refused by what may be old."""
    found = authenticate_on_replica(claim)
    if found is None:
        return None
    try:
        answered = _answer(*found, call, audit)
    except (DeviceDisabled, MissingBinding, RenderFailed):
        return None
    count_key_verification("digest", "ok")
    return answered


def _answer(record: DeviceRecord, answer: AnswerRecord, call: Call, audit: CallAudit) -> DeviceAnswer | NotModified:
    profile = answer.profile
    audit.config_id, audit.domain_id, audit.external_id = record.config_id, record.domain_id, record.external_id
    if profile is not None:
        audit.profile_id, audit.profile_version = profile.id, profile.version
    if not record.enabled:
        raise DeviceDisabled(config_id=record.config_id)
    bound, missing = match_slots(answer)
    if missing:
        raise MissingBinding(missing[0], config_id=record.config_id)
    audit.etag = make_etag(record, answer, bound, secure=call.secure)
    if is_known(audit.etag, call.if_none_match):
        return NotModified()
    made = _make_answer(record, answer, bound)
    # Whether there is any answer at all is only known now.
    return NotModified() if is_any(call.if_none_match) else made


def _make_answer(record: DeviceRecord, answer: AnswerRecord, bound: list[BindingRow]) -> DeviceAnswer:
    try:
        return make_answer(record, answer, bound)
    except NoTurn as error:
        raise RenderLater(retry_after=error.retry_after or 1, config_id=record.config_id) from error
    except (RenderError, SealError) as error:
        raise RenderFailed(reason=f"{type(error).__name__}: {error}", config_id=record.config_id) from error
