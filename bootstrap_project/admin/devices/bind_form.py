"""The admin's form for binding: a box for each slot of the profile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from django import forms
from django.core.exceptions import ValidationError

from bootstrap_project.admin.display import sentence
from bootstrap_project.database.constraints import PLATFORM_ID_LENGTH
from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.ids import parse_id
from bootstrap_project.magistrala.credential import HINT
from bootstrap_project.magistrala.errors import MagistralaError
from bootstrap_project.slots import BindingSlot
from enrollments.binding.bind import BindingRequest
from enrollments.models import BindingSnapshot
from enrollments.slots import anchor, declared_bindings

#: Characters of something typed that an error repeats.
_SHOWN: Final = 60
_OUTAGES: Final = {ErrorKind.UPSTREAM_FAILED, ErrorKind.UNAVAILABLE, ErrorKind.UPSTREAM_TIMEOUT}
_ADVICE: Final = {
    ErrorKind.UNAUTHORIZED: (
        "Magistrala refuses this service's credential: whoever runs the service has to look at MG_BOOTSTRAP_TOKEN, or"
        " at MG_BOOTSTRAP_USERNAME and MG_BOOTSTRAP_PASSWORD."
    ),
    ErrorKind.FORBIDDEN: (
        "Check the id. If it is right, this service's user or token may not read it: give it a role in the domain."
    ),
    ErrorKind.CONFLICT: "Look at the slots as they are now, and try once more.",
    ErrorKind.NOT_FOUND: "Check the id, or choose another one: it has to be one of this device's domain.",
}


@dataclass(frozen=True, slots=True)
class SlotRow:
    """A row of the form: a slot, what is bound to it, and the box for what shall be."""

    slot: BindingSlot
    binding: BindingSnapshot | None
    box: forms.BoundField

    @property
    def anchor(self) -> str:
        """Return what the row is called in addresses."""
        return anchor(self.slot.name)


class BindForm(forms.Form):
    """One box for each slot; an empty one leaves its slot as it is."""

    def __init__(self, slots: Sequence[BindingSlot], *args: Any, **kwargs: Any) -> None:
        """`slots` are what the profile declares today; their boxes are known by the slots' names."""
        super().__init__(*args, **kwargs)
        self.slots = slots
        for slot in slots:
            attrs = {
                "autocomplete": "off",
                "spellcheck": "false",
                "placeholder": f"id of a {slot.type}",
                "data-resource-type": slot.type,
                "aria-describedby": f"{anchor(slot.name)}-facts",
            }
            # A script that lets people choose by name says here what they chose.
            if shown := self.data.get(f"shown-{box_name(slot)}", ""):
                attrs["data-shown"] = shown[:PLATFORM_ID_LENGTH]
            self.fields[box_name(slot)] = forms.CharField(
                label=slot.name, required=False, max_length=PLATFORM_ID_LENGTH, widget=forms.TextInput(attrs=attrs)
            )

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if not self.errors and not self.requests():
            raise ValidationError("Give the id of a client or a channel for at least one slot.")
        return cleaned

    def requests(self) -> list[BindingRequest]:
        """Return the wishes, in the order of the slots."""
        typed = [(slot, self.cleaned_data.get(box_name(slot), "")) for slot in self.slots]
        return [BindingRequest(slot.name, slot.type, resource_id) for slot, resource_id in typed if resource_id]

    def rows(self, bindings: Iterable[BindingSnapshot]) -> list[SlotRow]:
        bound = {slot.name: binding for slot, binding in declared_bindings(self.slots, bindings)}
        return [SlotRow(slot, bound.get(slot.name), self[box_name(slot)]) for slot in self.slots]

    def refuse(self, error: BootstrapError) -> None:
        """Put what the service said at the slot that it is about, and what to do above all rows."""
        slot = find_slot(error, self.slots)
        words = words_about(error, slot)
        todo = remedy(error)
        if slot is None:
            self.add_error(None, words)
        else:
            typed = self.cleaned_data.get(box_name(slot), "")
            if isinstance(error, MagistralaError) and not (is_outage(error) or parse_id(typed)):
                words = f"“{_shortened(typed)}” is the id of no {slot.type}."
                todo = "Choose from the list that opens while you type a name, or paste an id."
            self.add_error(box_name(slot), words)
        self.add_error(None, f"Nothing was bound; what you typed is still here. {todo}".strip())


def box_name(slot: BindingSlot) -> str:
    """Return the name of a slot's box: the slot's, without characters that HTML has its own ideas about."""
    return f"slot-{quote(slot.name, safe='')}"


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def find_slot(error: BootstrapError, slots: Iterable[BindingSlot]) -> BindingSlot | None:
    """Return the slot that `error` is about, None where it is about none of `slots`."""
    return next((slot for slot in slots if slot.name == error.slot), None)


def words_about(error: BootstrapError, slot: BindingSlot | None) -> str:
    """Return what went wrong, beside `slot` or on its own; the page says itself that nothing was stored."""
    words = sentence(error.defect if slot else error.message)
    says_more = error.is_incomplete if isinstance(error, MagistralaError) else bool(error.detail)
    return f"{words} {sentence(error.detail)}" if says_more else words


def remedy(error: BootstrapError) -> str:
    """Return what an operator can do about a bind or a refresh that failed."""
    if is_outage(error):
        wait = f"in {error.retry_after} seconds" if error.retry_after else "in a minute"
        return f"Magistrala does not answer as it should: try the same again {wait}."
    return _ADVICE.get(error.kind, "")


def is_outage(error: BootstrapError) -> bool:
    """Return whether it is the platform that fails, and not what was asked of it."""
    return error.kind in _OUTAGES


def credential_advice() -> str:
    """Return what has to be set before this service can ask Magistrala by itself."""
    return f"This service has no credential for Magistrala. Whoever runs it has to {HINT}."
