"""Forms of the admin for devices: enrolling, changing, and giving a new key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError

from bootstrap_project.adminsite.display import sentence
from bootstrap_project.adminsite.forms import JSONDocumentField, LiteralTextField, ServiceForm, code_area
from bootstrap_project.api.viewsets import parse_id
from configs.errors import InvalidConfig
from configs.models import Config
from configs.services import EXTERNAL_KEY_LENGTH, check_external_id, check_external_key
from profiles.errors import ProfileNotFound
from profiles.models import Profile


class ProfileSelect(AutocompleteSelect):
    """The choice of a profile by its name, among those of one domain once `domain_id` is known."""

    domain_id = ""

    def get_url(self) -> str:
        """Return where names are looked up."""
        url = super().get_url()
        return f"{url}?{urlencode({'domain_id': self.domain_id})}" if self.domain_id else url

    def optgroups(self, name: str, value: Sequence[str], attrs: dict[str, Any] | None = None) -> Any:
        """Return the chosen profile; what is no id, which Django would ask the database for, is none."""
        return super().optgroups(name, [text for text in value if not text or parse_id(str(text))], attrs)


class UnshownArea(forms.Textarea):
    """A box for a secret text: whatever was typed, the page that comes back does not hold it."""

    def format_value(self, value: Any) -> None:
        """Show nothing."""


class ExternalKeyField(forms.CharField):
    """An external key: typed like a password and never shown; kept to the letter."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"class": "vTextField", "autocomplete": "new-password"}
        super().__init__(strip=False, max_length=EXTERNAL_KEY_LENGTH, widget=forms.PasswordInput(attrs=attrs), **kwargs)

    def validate(self, value: str) -> None:
        """Check that a device can send it."""
        super().validate(value)
        try:
            check_external_key(value)
        except InvalidConfig as error:
            raise ValidationError(sentence(error.detail)) from None


class ConfigForm(ServiceForm[Config]):
    """What an operator may change of a device."""

    refusal_fields: ClassVar = {ProfileNotFound: "profile"}

    render_context = JSONDocumentField(
        label="Variables", help_text="This device's own, as a JSON object; they go over the profile's defaults."
    )
    content = LiteralTextField(label="Content", help_text="Given out as it is while no profile is assigned.")
    client_cert = LiteralTextField(label="Client certificate", rows=4, help_text="PEM.")
    # Not called client_key: a page that shows fields by name would then show the model's property of that name.
    new_client_key = LiteralTextField(
        label="Client key",
        widget=UnshownArea(attrs=code_area(4).attrs),
        help_text="PEM. Leave empty to keep what is stored; stored encrypted and shown to nobody but the device.",
    )
    ca_cert = LiteralTextField(label="CA certificate", rows=4, help_text="PEM.")

    class Meta:
        model = Config
        fields = ("name", "status", "profile", "render_context", "content", "client_cert", "ca_cert")
        labels: ClassVar = {"domain_id": "Domain"}
        widgets: ClassVar = {"name": forms.TextInput(attrs={"class": "vTextField"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "profile" in self.fields:
            # The cross beside the choice would delete the profile, not the choice.
            self.fields["profile"].widget.can_delete_related = False


class ConfigAddForm(ConfigForm):
    """A new device with its identity."""

    external_key = ExternalKeyField(
        label="External key", help_text="The device's secret; only its hash is stored, so keep it elsewhere too."
    )

    class Meta(ConfigForm.Meta):
        fields = ("domain_id", "external_id", *ConfigForm.Meta.fields)  # type: ignore[assignment]
        widgets: ClassVar = {
            **ConfigForm.Meta.widgets,
            "external_id": forms.TextInput(attrs={"class": "vTextField"}),
        }

    def clean_external_id(self) -> str:
        """Check that a device can send it."""
        external_id: str = self.cleaned_data["external_id"]
        try:
            check_external_id(external_id)
        except InvalidConfig as error:
            raise ValidationError(sentence(error.detail)) from None
        return external_id


class ConfigChangeForm(ConfigForm):
    """A device that exists; its profile comes from its own domain."""

    remove_client_key = forms.BooleanField(required=False, label="Remove the stored client key")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        profile: Any = self.fields.get("profile")
        if profile is not None:
            profile.queryset = Profile.objects.in_domain(self.instance.domain_id)
            # The admin wraps the choice in links to add and view profiles.
            choice = getattr(profile.widget, "widget", profile.widget)
            choice.domain_id = self.instance.domain_id

    def clean(self) -> dict[str, Any] | None:
        """Refuse to store and to remove a key at once."""
        cleaned = super().clean()
        if self.cleaned_data.get("new_client_key") and self.cleaned_data.get("remove_client_key"):
            self.add_error("remove_client_key", "Either give a new key or remove the stored one.")
        return cleaned


class RotateKeyForm(forms.Form):
    """A new external key, typed twice."""

    external_key = ExternalKeyField(label="New external key")
    repeated_key = ExternalKeyField(label="The same again")

    def clean(self) -> dict[str, Any] | None:
        """Check that both are the same."""
        cleaned = super().clean()
        first, second = self.cleaned_data.get("external_key"), self.cleaned_data.get("repeated_key")
        if first and second and first != second:
            self.add_error("repeated_key", "The two keys are not the same.")
        return cleaned
