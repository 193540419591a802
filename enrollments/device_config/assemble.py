"""From a config's row to the bytes that its device gets: the one way, for devices and for previews."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeAlias

from django.conf import settings

from bootstrap_project.documents.json import dump_json_text
from bootstrap_project.rendering.context import BindingContext, RenderContext, build_context
from bootstrap_project.rendering.renderer import render
from bootstrap_project.rendering.turns import turns
from bootstrap_project.slots import BindingSlot
from configs.models import client_key_purpose
from enrollments.device_config.records import AnswerRecord, DeviceRecord, ProfileRecord
from enrollments.models import open_secret_snapshot
from enrollments.slots import unbound_slots
from profiles.models import TemplateFormat

_RAW: Final = TemplateFormat.RAW.value

#: A stored binding: slot, type, resource id, snapshot as JSON text, sealed secret.
BindingRow: TypeAlias = list[str]


@dataclass(frozen=True, slots=True)
class DeviceAnswer:
    """What a device is given (docs/contract.md#c2); `rendered` tells a profile's content from the config's own."""

    config_id: uuid.UUID
    rendered: bool
    content: str = field(repr=False)
    client_cert: str = field(repr=False)
    client_key: str = field(repr=False)
    ca_cert: str = field(repr=False)


def open_client_key(sealed: str, config_id: uuid.UUID) -> str:
    """Return the client's private key.

    Raises: SealError.
    """
    opened: str = settings.SEALING_RING.open(sealed, purpose=client_key_purpose(config_id))
    return opened


@dataclass(frozen=True, slots=True)
class SecretReader:
    """How sealed texts are opened: in clear for devices, and masked for most who look at a preview.

    `explains` is whether somebody reads why a rendering failed, and what is missing is to be found for them.
    """

    secret: Callable[[str, uuid.UUID, str], dict[str, Any]] = open_secret_snapshot
    client_key: Callable[[str, uuid.UUID], str] = open_client_key
    explains: bool = False


PLAINTEXT: Final = SecretReader()


@lru_cache(maxsize=256)
def read_slots(text: str) -> tuple[BindingSlot, ...]:
    """Return the slots of a profile's stored text.

    A fleet shares few profiles; their slots are found by the text itself, so that nothing is ever out of date.
    """
    return tuple(BindingSlot.from_json(document) for document in json.loads(text) or ())


def match_slots(answer: AnswerRecord) -> tuple[list[BindingRow], list[str]]:
    """Return the bindings of declared slots in the profile's order, and the required slots that have none.

    What the profile no longer declares, or declares with another type, is left over from before it changed.
    """
    if answer.profile is None:
        return [], []
    slots = read_slots(answer.profile.binding_slots)
    by_slot: dict[str, BindingRow] = {binding[0]: binding for binding in json.loads(answer.bindings)}
    bound = {slot.name: by_slot[slot.name] for slot in slots if by_slot.get(slot.name, ("", ""))[1] == slot.type}
    return list(bound.values()), [slot.name for slot in unbound_slots(slots, bound)]


def make_answer(
    record: DeviceRecord, answer: AnswerRecord, bound: Iterable[BindingRow], reader: SecretReader = PLAINTEXT
) -> DeviceAnswer:
    """Return what the device of `record` gets.

    Raises: RenderError; NoTurn; SealError, or what `reader` raises, for what cannot be opened.
    Cost: no queries, no network; compiles at the first use of a template.
    """
    # Large variables take time as well, so that the turn begins with reading them.
    with turns.work_for(record.domain_id):
        return _make_answer(record, answer, bound, reader)


def _make_answer(
    record: DeviceRecord, answer: AnswerRecord, bound: Iterable[BindingRow], reader: SecretReader
) -> DeviceAnswer:
    profile = answer.profile
    if profile is None:
        content = answer.content
    else:
        context = make_context(record, answer, profile, bound, reader)
        content = render(
            template_format=profile.template_format,
            content_template=profile.content_template,
            context=context,
            explain=reader.explains,
        )
    sealed = answer.client_key_sealed
    return DeviceAnswer(
        config_id=record.config_id,
        rendered=profile is not None,
        content=content,
        client_cert=answer.client_cert,
        client_key=reader.client_key(sealed, record.config_id) if sealed else "",
        ca_cert=answer.ca_cert,
    )


def make_context(
    record: DeviceRecord,
    answer: AnswerRecord,
    profile: ProfileRecord,
    bound: Iterable[BindingRow],
    reader: SecretReader,
) -> RenderContext:
    """Return the data that the template of `profile` sees.

    Raises: SealError, or what `reader` raises, for a secret that cannot be opened.
    """
    config_id = record.config_id
    bindings: dict[str, BindingContext] = {}
    # A raw profile shows nothing of its bindings, so that nothing has to be decrypted for it.
    if profile.template_format != _RAW:
        for slot, resource_type, resource_id, snapshot, sealed in bound:
            members: dict[str, Any] = json.loads(snapshot)
            secret = reader.secret(sealed, config_id, slot)
            bindings[slot] = BindingContext(Type=resource_type, ID=resource_id, Snapshot=members, Secret=secret)
    return build_context(
        config_id=str(config_id),
        external_id=record.external_id,
        domain_id=record.domain_id,
        defaults=json.loads(profile.defaults) or {},
        render_context=json.loads(answer.render_context) or {},
        bindings=bindings,
    )


def to_json(answer: DeviceAnswer) -> bytes:
    """Return the five members as JSON, without a newline at the end."""
    return dump_json_text(
        {
            "id": str(answer.config_id),
            "content": answer.content,
            "client_cert": answer.client_cert,
            "client_key": answer.client_key,
            "ca_cert": answer.ca_cert,
        }
    ).encode("utf-8", "replace")


def to_body(answer: DeviceAnswer) -> bytes:
    """Return the body of the plain endpoints' answer."""
    return to_json(answer) + b"\n"
