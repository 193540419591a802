"""The table of resource kinds (`RESOURCE_KINDS`), and binding slots: what a profile declares, and its validation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from bootstrap_project.errors import BootstrapError, ErrorKind

SLOT_NAME_LENGTH: Final = 256
MAX_SLOTS: Final = 256


class ResourceKind(NamedTuple):
    """What can be bound: one kind of the platform's resources, and what our copy of one holds.

    Shape: `keys` stand in the order in which people look for them; those of `secret_keys` go into the secret part, and
    `optional_keys` are missing where the platform has none, and those of `object_keys` hold objects instead of texts.
    `sample` gives what is made up for previews by a number;
    `connects_to` is the kind that it is connected with when both are bound.
    Source: docs/contract.md#e3, #k4 and #k5; `enrollments.binding.resources` asks the platform for it.
    """

    name: str
    keys: tuple[str, ...]
    secret_keys: tuple[str, ...]
    optional_keys: tuple[str, ...]
    sample: Callable[[int], Mapping[str, Any]]
    connects_to: str
    object_keys: tuple[str, ...] = ()

    @property
    def snapshot_keys(self) -> tuple[str, ...]:
        """Return the keys of the open part."""
        return tuple(key for key in self.keys if key not in self.secret_keys)


def _client_sample(number: int) -> Mapping[str, Any]:
    return {"identity": f"sample-identity-{number}", "secret": "sample-secret"}


def _channel_sample(number: int) -> Mapping[str, Any]:
    return {"topic": f"sample/topic/{number}", "metadata": {}}


CLIENT: Final = ResourceKind(
    name="client",
    keys=("id", "name", "identity", "secret", "domain_id"),
    secret_keys=("secret",),
    optional_keys=(),
    sample=_client_sample,
    connects_to="channel",
)
CHANNEL: Final = ResourceKind(
    name="channel",
    keys=("id", "name", "topic", "metadata", "domain_id"),
    secret_keys=(),
    optional_keys=("metadata",),
    sample=_channel_sample,
    connects_to="client",
    object_keys=("metadata",),
)
#: Every kind by its name, which is the type of the slots that hold it.
RESOURCE_KINDS: Final[Mapping[str, ResourceKind]] = {kind.name: kind for kind in (CLIENT, CHANNEL)}
SLOT_TYPES: Final = tuple(RESOURCE_KINDS)
#: Keys whose text is an id of the platform: letters, digits and hyphens.
ID_KEYS: Final = frozenset({"id", "domain_id"})


class InvalidSlots(BootstrapError):
    """Binding slots that break docs/contract.md#a3.

    `index` is the position of the bad one, None where they are wrong together.
    """

    kind = ErrorKind.INVALID

    def __init__(self, message: str, *, index: int | None = None, defect: str = "") -> None:
        super().__init__(message, field="binding_slots", defect=defect)
        self.index = index


@dataclass(frozen=True, slots=True)
class BindingSlot:
    """A named placeholder for a client or a channel; `fields` limits what a snapshot keeps, None keeps everything."""

    name: str
    type: str
    required: bool = False
    fields: tuple[str, ...] | None = None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> BindingSlot:
        fields = document.get("fields")
        return cls(
            name=document["name"],
            type=document["type"],
            required=bool(document.get("required", False)),
            fields=None if fields is None else tuple(fields),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the document that is stored and that clients see (docs/contract.md#a3)."""
        document: dict[str, Any] = {"name": self.name, "type": self.type, "required": self.required}
        if self.fields is not None:
            document["fields"] = list(self.fields)
        return document

    def keeps(self, field: str) -> bool:
        """Return whether a snapshot for this slot keeps `field` (docs/contract.md#e4)."""
        return self.fields is None or field in self.fields


def validate_slots(documents: Iterable[Any]) -> tuple[BindingSlot, ...]:
    """Return the slots of `documents`, each checked against docs/contract.md#a3.

    Raises: InvalidSlots that names the first bad slot by its position and says what to change.
    """
    slots: list[BindingSlot] = []
    seen: set[str] = set()
    for number, document in enumerate(documents, start=1):
        slot = _validate_slot(document, number)
        if slot.name in seen:
            raise InvalidSlots(f"binding_slots: the name {slot.name!r} stands there twice; every slot needs its own")
        seen.add(slot.name)
        slots.append(slot)
    if len(slots) > MAX_SLOTS:
        raise InvalidSlots(f"binding_slots: a profile has at most {MAX_SLOTS} slots; this one has {len(slots)}")
    return tuple(slots)


def _validate_slot(document: Any, number: int) -> BindingSlot:
    index = number - 1
    if not isinstance(document, Mapping):
        defect = "must be an object with name, type, required and fields"
        raise InvalidSlots(f"binding_slots[{index}] {defect}", index=index, defect=defect)
    name, slot_type = document.get("name"), document.get("type")
    if not isinstance(name, str) or not name:
        raise _invalid(index, "name must be a non-empty string")
    if len(name) > SLOT_NAME_LENGTH:
        raise _invalid(index, f"name has at most {SLOT_NAME_LENGTH} characters")
    if slot_type not in SLOT_TYPES:
        raise _invalid(index, f"type must be one of {', '.join(SLOT_TYPES)}", name)
    required = document.get("required", False)
    if required is None:
        required = False
    if not isinstance(required, bool):
        raise _invalid(index, "required must be true or false", name)
    fields = document.get("fields")
    if fields is not None and not (isinstance(fields, list) and all(isinstance(field, str) for field in fields)):
        raise _invalid(index, "fields must be a list of strings", name)
    # An empty list is how Go's encoder of some clients writes "not given"; upstream never took it for "copy nothing".
    return BindingSlot(name=name, type=slot_type, required=required, fields=tuple(fields) if fields else None)


def _invalid(index: int, defect: str, name: str = "") -> InvalidSlots:
    place = f"binding_slots[{index}] ({name!r})" if name else f"binding_slots[{index}]"
    return InvalidSlots(f"{place}: {defect}", index=index, defect=defect)
