"""Bootstrap: from an external id and a presented key to a device's configuration."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from django.conf import settings

from bootstrap_project.keyring import SealError
from bootstrap_project.rendering.context import BindingContext, build_context
from bootstrap_project.rendering.errors import RenderError
from bootstrap_project.rendering.renderer import render
from configs.external_keys import PresentedKey
from configs.models import client_key_purpose
from devices.authentication import authenticate
from devices.errors import DeviceDisabled, MissingBinding, RenderFailed
from devices.etags import is_any, is_known, make_etag
from devices.queries import AnswerRecord, DeviceRecord, ProfileRecord
from enrollments.models import open_secret_snapshot
from profiles.models import TemplateFormat
from profiles.slots import BindingSlot

_RAW: Final = TemplateFormat.RAW.value


@dataclass(frozen=True, slots=True)
class Call:
    """What else a device's call says: where it came from, which endpoint, and which answer the device has already."""

    source: str = ""
    secure: bool = False
    if_none_match: str = ""


_PLAIN_CALL: Final = Call()


@dataclass(slots=True)
class Trace:
    """What was found out about a call, filled in on the way, so that a refused one has it too."""

    config_id: uuid.UUID | None = None
    domain_id: str = ""
    external_id: str = ""
    profile_id: uuid.UUID | None = None
    profile_version: int | None = None
    etag: str = ""


@dataclass(frozen=True, slots=True)
class DeviceAnswer:
    """What a device is given (contract C.2); `rendered` tells a profile's content from the config's own."""

    config_id: uuid.UUID
    rendered: bool
    content: str = field(repr=False)
    client_cert: str = field(repr=False)
    client_key: str = field(repr=False)
    ca_cert: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotModified:
    """The device has this very configuration already."""

    rendered: bool


def bootstrap(
    *, external_id: str | None, key: bytes, call: Call = _PLAIN_CALL, trace: Trace | None = None
) -> DeviceAnswer | NotModified:
    """Return the configuration of the device `external_id`, or of the only one with that key when it is None.

    Nothing but the key is looked at before the key was found right; the secrets are decrypted last, and not at all for
    a device that has this configuration already.
    Raises: Refused, TooManyFailures, KeyCheckBusy, AmbiguousKey, DeviceDisabled, MissingBinding, RenderFailed,
    DatabaseUnavailable.
    Cost: one query, no network, no write; a row without a digest under a known pepper costs its hash, one UPDATE and
    another query.
    Source: contract C.2, C.3, K2 and K12.
    """
    trace = trace or Trace()
    record, answer = authenticate(external_id, PresentedKey.of(key), source=call.source)
    profile = answer.profile
    trace.config_id, trace.domain_id, trace.external_id = record.config_id, record.domain_id, record.external_id
    if profile is not None:
        trace.profile_id, trace.profile_version = profile.id, profile.version
    if not record.enabled:
        raise DeviceDisabled(config_id=str(record.config_id))
    bound = [] if profile is None else _bound_slots(record, _slots(profile.binding_slots), json.loads(answer.bindings))
    trace.etag = make_etag(record, answer, bound, secure=call.secure)
    if is_known(trace.etag, call.if_none_match):
        return NotModified(rendered=profile is not None)
    made = _make_answer(record, answer, bound)
    # Whether there is any answer at all is only known now.
    return NotModified(rendered=made.rendered) if is_any(call.if_none_match) else made


def _make_answer(record: DeviceRecord, answer: AnswerRecord, bound: list[list[str]]) -> DeviceAnswer:
    profile = answer.profile
    try:
        content = answer.content if profile is None else _render(record, answer, profile, bound)
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


def _render(record: DeviceRecord, answer: AnswerRecord, profile: ProfileRecord, bound: list[list[str]]) -> str:
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


@lru_cache(maxsize=256)
def _slots(text: str) -> tuple[BindingSlot, ...]:
    # A fleet shares few profiles; their slots are found by the text itself, so that nothing is ever out of date.
    return tuple(BindingSlot.from_json(document) for document in json.loads(text) or ())


def _bound_slots(record: DeviceRecord, slots: tuple[BindingSlot, ...], stored: list[list[str]]) -> list[list[str]]:
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
