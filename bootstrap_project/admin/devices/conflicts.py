"""A form that notices when somebody else changed the device while its page was open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django import forms
from django.utils.crypto import salted_hmac

from bootstrap_project.admin.display import pretty_json
from bootstrap_project.admin.forms import ServiceForm
from configs.models import Config

_MAX_SHOWN_LENGTH: Final = 300


class FingerprintField(forms.CharField):
    """Hidden field with the fingerprints; never counts as changed."""

    def __init__(self) -> None:
        super().__init__(widget=forms.HiddenInput, required=False)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Say no: histories tell what people changed."""
        return False


class ConflictCheckedForm(ServiceForm[Config]):
    """Compares each field with what was stored when the page was made, by fingerprints in a hidden field.

    A field that somebody else changed and this person did not shows the new value; one that both changed keeps what was
    typed, beside the words what is stored now. Nothing is saved then; saving once more is a decision.
    """

    base = FingerprintField()
    #: The fields that are compared.
    watched: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored = {name: self.stored_value(name) for name in self.watched if name in self.fields}
        self.initial["base"] = self._fingerprints(self._stored)

    def stored_value(self, name: str) -> Any:
        """Return what is stored for a field, as its cleaned value would be."""
        return self.initial.get(name)

    def clean(self) -> dict[str, Any] | None:
        """Refuse once to write over what this person has not seen."""
        cleaned = super().clean()
        seen = self._seen()
        stale = [
            name
            for name in self._stored
            if seen.get(name, self.stored_fingerprint(name)) != self.stored_fingerprint(name)
        ]
        typed = {name: self.typed_fingerprint(name) for name in stale}
        stale = [name for name in stale if typed[name] != self.stored_fingerprint(name)]
        if not stale:
            return cleaned
        posted: Any = self.data
        data = posted.copy()
        data[self.add_prefix("base")] = self._fingerprints(self._stored)
        for name in stale:
            if typed[name] == seen[name]:
                data[self.add_prefix(name)] = self.fields[name].prepare_value(self._stored[name])
                self.add_error(name, "Somebody changed this meanwhile; this is what is stored now.")
            else:
                now = _shown(self.display_value(name))
                words = f"Somebody changed this meanwhile; stored is {now} now. {self.reported_again(name)}"
                self.add_error(name, words.rstrip())
        self.data = data
        self.add_error(
            None,
            "The device was changed while this page was open, so nothing was saved. What you typed is still here;"
            " look at the marked fields and save again.",
        )
        return cleaned

    def stored_fingerprint(self, name: str) -> str:
        return _fingerprint(name, self._stored[name])

    def display_value(self, name: str) -> Any:
        return self._stored[name]

    def reported_again(self, name: str) -> str:
        """Return what becomes of what was typed when the form is saved again."""
        return "Yours takes its place if you save again."

    def typed_fingerprint(self, name: str) -> str:
        """Return the fingerprint of what this person wants; "" for what cannot be stored anyway."""
        if name not in self.cleaned_data:
            return ""
        value = self.cleaned_data[name]
        return _fingerprint(name, getattr(value, "pk", value))

    def _seen(self) -> dict[str, str]:
        try:
            seen = json.loads(self.cleaned_data.get("base") or "{}")
        except (ValueError, RecursionError):
            return {}
        return {str(name): str(mark) for name, mark in seen.items()} if isinstance(seen, dict) else {}

    @staticmethod
    def _fingerprints(values: Mapping[str, Any]) -> str:
        return json.dumps({name: _fingerprint(name, value) for name, value in values.items()}, separators=(",", ":"))


def _fingerprint(name: str, value: Any) -> str:
    if isinstance(value, str):
        # What a browser sends back for a text is no other text.
        value = value.replace("\r\n", "\n")
    text = json.dumps(value if value is not None else "", ensure_ascii=True, sort_keys=True, default=str)
    return salted_hmac("configs.stale_forms", f"{name}:{text}", algorithm="sha256").hexdigest()[:20]


def _shown(value: Any) -> str:
    text = pretty_json(value) if isinstance(value, dict | list) else str(value or "")
    if not text:
        return "nothing"
    return f"“{text if len(text) <= _MAX_SHOWN_LENGTH else text[: _MAX_SHOWN_LENGTH - 1] + '…'}”"
