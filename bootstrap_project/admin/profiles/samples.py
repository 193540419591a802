"""Sample data for previews: made up from a profile's slots, and read back as people changed it."""

from __future__ import annotations

from typing import Any, Final

from bootstrap_project.diagnostics import NOWHERE
from bootstrap_project.documents.errors import InvalidDocument
from bootstrap_project.documents.json import parse_json
from bootstrap_project.errors import BootstrapError
from bootstrap_project.rendering.context import BindingContext
from bootstrap_project.slots import RESOURCE_KINDS, BindingSlot
from enrollments.previews.profile import Subject
from profiles.models import Profile

_DEVICE_ID: Final = "00000000-0000-4000-8000-000000000001"


class InvalidSample(BootstrapError):
    """Sample data that is not what a template can see."""

    location = NOWHERE


def make_sample(profile: Profile) -> dict[str, Any]:
    """Return a device without variables of its own, with something bound to every slot."""
    return {
        "Device": {"ID": _DEVICE_ID, "ExternalID": "b8:27:eb:00:00:01"},
        "Vars": {},
        "Bindings": {slot.name: _binding(slot, number, profile) for number, slot in enumerate(profile.slots, start=1)},
    }


def _binding(slot: BindingSlot, number: int, profile: Profile) -> dict[str, Any]:
    resource_id = f"00000000-0000-4000-8000-{number + 1:012d}"
    kind = RESOURCE_KINDS[slot.type]
    values = {"id": resource_id, "name": f"sample {slot.type} {number}", "domain_id": profile.domain_id}
    values |= kind.sample(number)
    snapshot = {key: values[key] for key in kind.snapshot_keys if slot.keeps(key)}
    secret = {key: values[key] for key in kind.secret_keys if slot.keeps(key)}
    return {"ID": resource_id, "Snapshot": snapshot} | ({"Secret": secret} if secret else {})


def read_sample(text: str, profile: Profile) -> Subject:
    """Return the device and the bindings that `text` describes; slots that `profile` does not declare are ignored.

    Raises: InvalidSample, with the place where the text breaks off.
    """
    try:
        document = parse_json(text) if text.strip() else {}
    except InvalidDocument as error:
        invalid = InvalidSample(f"this is not valid JSON: {error.detail}")
        invalid.location = error.location
        raise invalid from None
    device = _object(document, "Device", "the sample")
    bindings = _object(document, "Bindings", "the sample")
    return Subject(
        id=str(device.get("ID", "")),
        external_id=str(device.get("ExternalID", "")),
        render_context=_object(document, "Vars", "the sample"),
        bindings={
            slot.name: BindingContext(
                Type=slot.type,
                ID=str(_object(bindings, slot.name, "Bindings").get("ID", "")),
                Snapshot=_object(bindings[slot.name], "Snapshot", slot.name),
                Secret=_object(bindings[slot.name], "Secret", slot.name),
            )
            for slot in profile.slots
            if slot.name in bindings
        },
    )


def _object(document: Any, name: str, place: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise InvalidSample(f"{place} must be an object")
    value = document.get(name, {})
    if not isinstance(value, dict):
        raise InvalidSample(f"{name} in {place} must be an object")
    return value
