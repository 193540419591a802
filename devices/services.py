"""Bootstrap: from an external id and a presented key to a device's configuration."""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError

from bootstrap_project.keyring import SealError
from bootstrap_project.observability.metrics import count_key_verification
from bootstrap_project.rendering.context import BindingContext, build_context
from bootstrap_project.rendering.errors import RenderError
from bootstrap_project.rendering.renderer import render
from configs.external_keys import PresentedKey, StoredKey, renew_stored_key, verify_external_key
from configs.models import client_key_purpose
from devices.errors import AmbiguousKey, DeviceDisabled, MissingBinding, Refused, RenderFailed
from devices.queries import AnswerRecord, DeviceRecord, ProfileRecord, find_by_external_id, find_by_key
from enrollments.models import open_secret_snapshot
from profiles.models import TemplateFormat
from profiles.slots import BindingSlot

logger = logging.getLogger(__name__)

_RAW: Final = TemplateFormat.RAW.value
_LOGGED_ID_LENGTH: Final = 128


@dataclass(frozen=True, slots=True)
class DeviceAnswer:
    """What a device is given (contract C.2); `rendered` tells a profile's content from the config's own."""

    config_id: uuid.UUID
    rendered: bool
    content: str = field(repr=False)
    client_cert: str = field(repr=False)
    client_key: str = field(repr=False)
    ca_cert: str = field(repr=False)


def bootstrap(*, external_id: str | None, key: bytes) -> DeviceAnswer:
    """Return the configuration of the device `external_id`, or of the only one with that key when it is None.

    Nothing but the key is looked at before the key was found right; the secrets are decrypted last.
    Raises: Refused, AmbiguousKey, DeviceDisabled, MissingBinding, RenderFailed, DatabaseUnavailable.
    Cost: one query, no network, no write; a row without a digest under a known pepper costs its hash and one UPDATE.
    Source: contract C.2, C.3, K2 and K12.
    """
    presented = PresentedKey.of(key)
    found = _look_up(external_id, presented)
    record, answer = _authenticate(found, presented, external_id)
    if not record.enabled:
        raise DeviceDisabled(config_id=str(record.config_id))
    return _make_answer(record, answer)


def _look_up(external_id: str | None, presented: PresentedKey) -> DeviceRecord | None:
    if external_id is not None:
        return find_by_external_id(external_id, presented)
    records = find_by_key(presented)
    if len(records) > 1:
        raise AmbiguousKey
    return records[0] if records else None


def _authenticate(
    record: DeviceRecord | None, presented: PresentedKey, external_id: str | None
) -> tuple[DeviceRecord, AnswerRecord]:
    verification = verify_external_key(presented, record.key if record else None)
    if record is None:
        count_key_verification(verification.method, "unknown")
        who = "unknown external key" if external_id is None else f"unknown external id {_shortened(external_id)!r}"
        raise Refused(reason=who)
    count_key_verification(verification.method, "ok" if verification.matched else "refused")
    if not verification.matched or record.answer is None:
        raise Refused(reason="wrong external key", config_id=str(record.config_id))
    # A digest under an older pepper still decides, so it can wait for a better moment than a device's call.
    if verification.method != "digest" and (verification.needs_digest or verification.needs_rehash):
        _renew(record.config_id, presented, record.key)
    return record, record.answer


def _renew(config_id: uuid.UUID, presented: PresentedKey, stored: StoredKey) -> None:
    try:
        renewed = renew_stored_key(config_id, presented, stored)
    except DatabaseError as error:
        # The device is who it says it is; that the next call will be slow again is no reason to send it away.
        extra = {"config_id": str(config_id), "error": type(error).__name__}
        logger.warning("stored key was not renewed", extra=extra)
    else:
        logger.info("stored key renewed", extra={"config_id": str(config_id), "renewed": renewed})


def _make_answer(record: DeviceRecord, answer: AnswerRecord) -> DeviceAnswer:
    profile = answer.profile
    try:
        content = answer.content if profile is None else _render(record, answer, profile)
        client_key = _open_client_key(record, answer)
    except (RenderError, SealError) as error:
        raise RenderFailed(reason=f"{type(error).__name__}: {error}", config_id=str(record.config_id)) from error
    return DeviceAnswer(
        config_id=record.config_id,
        rendered=profile is not None,
        content=content,
        client_cert=answer.client_cert,
        client_key=client_key,
        ca_cert=answer.ca_cert,
    )


def _render(record: DeviceRecord, answer: AnswerRecord, profile: ProfileRecord) -> str:
    slots = [BindingSlot.from_json(document) for document in json.loads(profile.binding_slots) or ()]
    bound = _bound_slots(record, slots, json.loads(answer.bindings))
    # A raw profile shows nothing of its bindings, so that nothing has to be decrypted for it.
    bindings = {} if profile.template_format == _RAW else _open_bindings(record.config_id, bound)
    context = build_context(
        config_id=str(record.config_id),
        external_id=record.external_id,
        domain_id=record.domain_id,
        defaults=json.loads(profile.defaults) or {},
        render_context=json.loads(answer.render_context) or {},
        bindings=bindings,
    )
    return render(template_format=profile.template_format, content_template=profile.content_template, context=context)


def _bound_slots(record: DeviceRecord, slots: list[BindingSlot], stored: list[list[str]]) -> list[list[str]]:
    # What the profile no longer declares, or declares with another type, is left over from before it changed.
    by_slot = {binding[0]: binding for binding in stored}
    bound = []
    for slot in slots:
        binding = by_slot.get(slot.name)
        if binding is not None and binding[1] == slot.type:
            bound.append(binding)
        elif slot.required:
            raise MissingBinding(slot.name, config_id=str(record.config_id))
    return bound


def _open_bindings(config_id: uuid.UUID, bound: list[list[str]]) -> dict[str, BindingContext]:
    bindings: dict[str, BindingContext] = {}
    for slot, resource_type, resource_id, snapshot, secret_sealed in bound:
        snapshot_members: dict[str, Any] = json.loads(snapshot)
        secret = open_secret_snapshot(secret_sealed, config_id=config_id, slot=slot)
        bindings[slot] = BindingContext(Type=resource_type, ID=resource_id, Snapshot=snapshot_members, Secret=secret)
    return bindings


def _open_client_key(record: DeviceRecord, answer: AnswerRecord) -> str:
    if not answer.client_key_sealed:
        return ""
    opened: str = settings.SEALING_RING.open(answer.client_key_sealed, purpose=client_key_purpose(record.config_id))
    return opened


def _shortened(external_id: str) -> str:
    return external_id if len(external_id) <= _LOGGED_ID_LENGTH else external_id[:_LOGGED_ID_LENGTH] + "…"
