"""The part of a form that asks for an external key: made here, or typed as the device has it."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from bootstrap_project.admin.display import sentence
from configs.errors import InvalidConfig
from configs.provisioning import KEY_LENGTH, generate_external_key
from configs.services import EXTERNAL_KEY_LENGTH, check_external_key

MAKE: Final = "make"
TYPED: Final = "typed"
#: Fields that hold keys; error reports leave them out.
KEY_FIELDS: Final = ("external_key", "repeated_key")


class ExternalKeyField(forms.CharField):
    """An external key: typed like a password and never shown; kept to the letter."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"class": "vTextField", "autocomplete": "new-password"}
        super().__init__(
            strip=False,
            required=False,
            max_length=EXTERNAL_KEY_LENGTH,
            widget=forms.PasswordInput(attrs=attrs),
            **kwargs,
        )

    def validate(self, value: str) -> None:
        super().validate(value)
        if not value:
            return
        try:
            check_external_key(value)
        except InvalidConfig as error:
            raise ValidationError(sentence(error.detail)) from None


class KeyChoice(forms.Form):
    """Asks whether a key shall be made here, or which one the device has."""

    key_choice = forms.ChoiceField(
        label="Key",
        required=False,
        initial=MAKE,
        widget=forms.RadioSelect,
        choices=(
            (MAKE, f"Make a key here: {KEY_LENGTH} random letters and digits"),
            (TYPED, "Type the key that the device has already"),
        ),
        help_text=(
            "A key that is made here is shown once after saving, with a QR code for whoever installs the device."
            " Only its hash is stored: nobody can look it up later, but it can be rotated."
        ),
    )
    external_key = ExternalKeyField(
        label="External key", help_text="As it is burned into the device; it is not shown again."
    )
    #: Whether the key was made here and has to be shown.
    was_generated = False

    def clean(self) -> dict[str, Any] | None:
        """Settle which key it is; without a choice, a typed key is one."""
        cleaned = super().clean()
        typed = self.cleaned_data.get("external_key", "")
        choice = self.cleaned_data.get("key_choice") or (TYPED if typed else MAKE)
        if "external_key" in self.errors or "key_choice" in self.errors:
            return cleaned
        if choice == TYPED and not typed:
            self.add_error("external_key", "Type the device's key, or choose to make one here.")
        elif choice == MAKE and typed:
            self.add_error("key_choice", "A key was typed as well: choose to type it, or leave its box empty.")
        elif choice == MAKE:
            self.cleaned_data["external_key"] = generate_external_key()
            self.was_generated = True
        return cleaned


class RotateKeyForm(KeyChoice):
    """A new external key, made here or typed twice; `mark` stands for the key that shall go."""

    repeated_key = ExternalKeyField(label="The same again")
    mark = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        first, second = self.cleaned_data.get("external_key"), self.cleaned_data.get("repeated_key", "")
        if first and not self.was_generated and first != second and not self.errors:
            self.add_error("repeated_key", "The two keys are not the same.")
        return cleaned
