"""The form's table of slots: a row for each, with its defects at the row."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from bootstrap_project.admin.display import sentence
from bootstrap_project.documents.errors import InvalidDocument
from bootstrap_project.documents.json import parse_json
from bootstrap_project.slots import MAX_SLOTS, RESOURCE_KINDS, SLOT_TYPES, InvalidSlots, validate_slots

PREFIX: Final = "slots"
#: Rows to write into where no script adds any.
EMPTY_ROWS: Final = 3
_PART: Final = re.compile(rf"{PREFIX}-(\d{{1,6}})-name")


@dataclass(frozen=True, slots=True)
class Row:
    """A slot as it was typed; `fields` are names between commas."""

    name: str = ""
    type: str = SLOT_TYPES[0]
    required: bool = False
    fields: str = ""

    @classmethod
    def from_slot(cls, document: Mapping[str, Any]) -> Row:
        fields = document.get("fields") or []
        # A name that commas cannot separate is written as JSON writes it.
        is_plain = all(field and field == field.strip() and not set(field) & set(",[") for field in fields)
        return cls(
            name=document["name"],
            type=document["type"],
            required=bool(document.get("required")),
            fields=", ".join(fields) if is_plain else json.dumps(fields, ensure_ascii=False),
        )

    @property
    def is_empty(self) -> bool:
        return not (self.name or self.fields.strip())

    def to_slot(self) -> dict[str, Any]:
        """Return the slot's document, not checked yet."""
        document = {"name": self.name, "type": self.type, "required": self.required}
        return document | ({"fields": fields} if (fields := self._fields()) else {})

    def _fields(self) -> Any:
        text = self.fields.strip()
        if text.startswith("["):
            try:
                return parse_json(text)
            except InvalidDocument:
                return text
        return [name for part in text.split(",") if (name := part.strip())]


def read_rows(data: Mapping[str, Any]) -> list[Row]:
    """Return the rows of a posted form in the order in which they were numbered."""
    numbers = sorted({int(match[1]) for key in data if (match := _PART.fullmatch(key))})
    return [
        Row(
            name=data.get(f"{PREFIX}-{number}-name", ""),
            type=data.get(f"{PREFIX}-{number}-type", ""),
            required=bool(data.get(f"{PREFIX}-{number}-required")),
            fields=data.get(f"{PREFIX}-{number}-fields", ""),
        )
        for number in numbers[: 2 * MAX_SLOTS]
    ]


def row_errors(rows: Iterable[Row]) -> dict[int, str]:
    """Return what is wrong with rows, by their positions; rows that nobody wrote into are left out of account."""
    errors: dict[int, str] = {}
    seen: set[str] = set()
    for number, row in enumerate(rows):
        if row.is_empty:
            continue
        try:
            validate_slots([row.to_slot()])
        except InvalidSlots as error:
            errors[number] = sentence(error.defect)
            continue
        if row.name in seen:
            errors[number] = "Another row has this name; every slot needs its own."
        seen.add(row.name)
    return errors


def read_slots(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the slots that rows describe, as they are stored.

    Raises: ValidationError that names the rows.
    """
    rows = [row for row in rows if not row.is_empty]
    if errors := row_errors(rows):
        words = "; ".join(f"row {number + 1}: {text[:1].lower()}{text[1:-1]}" for number, text in errors.items())
        raise ValidationError(sentence(f"mend {words}"))
    return _checked(row.to_slot() for row in rows)


def _checked(documents: Iterable[Any]) -> list[dict[str, Any]]:
    try:
        return [slot.to_json() for slot in validate_slots(documents)]
    except InvalidSlots as error:
        raise ValidationError(sentence(error.message)) from None


class SlotTable(forms.Widget):
    """A table with a row for each slot and a few empty ones; a script adds and removes rows."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """Return the table; defects of what was just typed stand at their rows."""
        given = value if isinstance(value, list) else []
        is_typed = bool(given) and isinstance(given[0], Row)
        rows = [row for row in given if not row.is_empty] if is_typed else [Row.from_slot(slot) for slot in given]
        errors = row_errors(rows) if is_typed else {}
        lines = [{"row": row, "number": number, "error": errors.get(number)} for number, row in enumerate(rows)]
        lines += [{"row": Row(), "number": len(rows) + number, "error": None} for number in range(EMPTY_ROWS)]
        context = {
            "prefix": PREFIX,
            "lines": lines,
            "blank": {"row": Row(), "number": "__number__", "error": None},
            "types": SLOT_TYPES,
            "keys": {name: list(kind.keys) for name, kind in RESOURCE_KINDS.items()},
        }
        return render_to_string("admin/profiles/profile/slots.html", context)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return the rows, or the slots as JSON where a program posts them so."""
        return data[name] if name in data else read_rows(data)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Tell that a table without rows means no slots."""
        return False

    def id_for_label(self, id_: str) -> str:
        """Return nothing: each box of the table has a label of its own."""
        return ""


class SlotsField(forms.Field):
    """The slots of a profile, from rows or from a list in JSON."""

    widget = SlotTable

    def to_python(self, value: Any) -> list[dict[str, Any]]:
        """Return the slots as they are stored; raises ValidationError."""
        if not isinstance(value, str):
            rows = list(value or ())
            return read_slots(rows) if rows and isinstance(rows[0], Row) else _checked(rows)
        try:
            documents = parse_json(value) if value.strip() else []
        except InvalidDocument as error:
            raise ValidationError(f"This is not valid JSON: {error.detail}.", code="invalid") from None
        if not isinstance(documents, list):
            raise ValidationError("This must be a list: [ … ].", code="invalid")
        return _checked(documents)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(data) != self.to_python(initial)
        except ValidationError:
            return True
