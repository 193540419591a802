"""Forms of the admin for devices: enrolling and changing."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError

from bootstrap_project.admin.access import limit_to_granted
from bootstrap_project.admin.devices.conflicts import ConflictCheckedForm
from bootstrap_project.admin.devices.key_forms import KeyChoice
from bootstrap_project.admin.display import sentence
from bootstrap_project.admin.forms import JSONDocumentField, KeptTextField, LiteralTextField, ServiceForm, code_area
from bootstrap_project.ids import parse_id
from configs.errors import InvalidConfig
from configs.models import Config
from configs.services import check_external_id
from profiles.models import Profile

#: Not called client_key: a page that shows fields by name would then show the model's property of that name.
CLIENT_KEY: Final = "new_client_key"


class ProfileSelect(AutocompleteSelect):
    """The choice of a profile by its name, among those of one domain once `domain_id` is known."""

    domain_id = ""

    def get_url(self) -> str:
        url = super().get_url()
        return f"{url}?{urlencode({'domain_id': self.domain_id})}" if self.domain_id else url

    def optgroups(self, name: str, value: Sequence[str], attrs: dict[str, Any] | None = None) -> Any:
        """Return the chosen profile; what is no id, which Django would ask the database for, is none."""
        return super().optgroups(name, [text for text in value if not text or parse_id(str(text))], attrs)


class UnshownArea(forms.Textarea):
    """A box for a secret text: whatever was typed, the page that comes back does not hold it."""

    def format_value(self, value: Any) -> None:
        """Show nothing."""


class ConfigForm(ServiceForm[Config]):
    """What an operator may change of a device."""

    render_context = JSONDocumentField(
        label="Variables",
        help_text=(
            'This device\'s own values as a JSON object, such as {"site": "north"}. Each goes over the default of the'
            " same name in the profile; the table below shows what comes of it."
        ),
    )
    content = LiteralTextField(
        label="Content",
        rows=6,
        help_text="A fixed configuration, given out as it is while no profile is assigned. Leave it empty otherwise.",
    )
    client_cert = LiteralTextField(label="Client certificate", rows=4, help_text="PEM.")
    new_client_key = LiteralTextField(
        label="Client key",
        widget=UnshownArea(attrs=code_area(4).attrs),
        help_text="PEM. Stored encrypted, and given to nobody but the device.",
    )
    ca_cert = LiteralTextField(label="CA certificate", rows=4, help_text="PEM.")

    class Meta:
        model = Config
        fields = ("name", "status", "profile", "render_context", "content", "client_cert", "ca_cert")
        field_classes: ClassVar = {"name": KeptTextField}
        labels: ClassVar = {"domain_id": "Domain"}
        help_texts: ClassVar = {
            "name": "What people call it, such as “boiler room north”. No two devices of a domain share a name.",
            "profile": "The template that the device's configuration is made from, by its name.",
            "status": "A disabled device is refused, whatever its key; it can be enabled later.",
        }
        widgets: ClassVar = {"name": forms.TextInput(attrs={"class": "vTextField"})}

    class Media:
        css: ClassVar = {
            "all": (
                "django_ace/ace/css/ace.css",
                "django_ace/ace/css/theme/github_light_default.css",
                "django_ace/ace/css/theme/github_dark.css",
            )
        }
        js = ("django_ace/ace/ace.js", "bootstrap/ace_setup.js", "bootstrap/json_editor.js", "bootstrap/device.js")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "render_context" in self.fields:
            self.fields["render_context"].widget.attrs["data-json-editor"] = ""
        profile: Any = self.fields.get("profile")
        if profile is not None:
            # The cross beside the choice would delete the profile, not the choice.
            profile.widget.can_delete_related = False
            profile.queryset = limit_to_granted(Profile.objects.all(), self.user)

    def full_clean(self) -> None:
        """Check everything; where the form comes back, say that a client key does not come back with it."""
        is_pasted = bool(self.data.get(self.add_prefix(CLIENT_KEY), "").strip())
        super().full_clean()
        if is_pasted and self.errors and CLIENT_KEY in self.fields:
            self.add_error(CLIENT_KEY, "It is not shown again: paste it once more.")


class ConfigAddForm(KeyChoice, ConfigForm):
    """A new device with its identity and its key; `enrolment` is the id that it will have, signed."""

    enrolment = forms.CharField(widget=forms.HiddenInput, required=False)

    class Meta(ConfigForm.Meta):
        fields = ("domain_id", "external_id", *ConfigForm.Meta.fields)  # type: ignore[assignment]
        help_texts: ClassVar = {
            **ConfigForm.Meta.help_texts,
            "external_id": (
                "What the device calls itself when it asks for its configuration: a serial number, a MAC address, an"
                " asset tag. No two devices share one, and it cannot be changed later."
            ),
            "domain_id": "The Magistrala domain that the device belongs to. It cannot be changed later.",
        }
        widgets: ClassVar = {
            **ConfigForm.Meta.widgets,
            "external_id": forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off", "spellcheck": "false"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        profile: Any = self.fields.get("profile")
        domains: Any = self.fields["domain_id"].widget
        if profile is not None and len(domains.domains) > 1:
            profile.label_from_instance = attrgetter("name_with_domain")

    def clean_external_id(self) -> str:
        external_id: str = self.cleaned_data["external_id"]
        try:
            check_external_id(external_id)
        except InvalidConfig as error:
            raise ValidationError(sentence(error.detail)) from None
        return external_id

    def clean(self) -> dict[str, Any] | None:
        """Check that the profile is one of the device's domain, in words about what was chosen."""
        cleaned = super().clean()
        profile, domain_id = self.cleaned_data.get("profile"), self.cleaned_data.get("domain_id")
        if profile and domain_id and profile.domain_id != domain_id:
            text = f"This profile belongs to the domain {profile.domain_id}: choose one of the device's own domain."
            self.add_error("profile", text)
        return cleaned


class ConfigChangeForm(ConflictCheckedForm, ConfigForm):
    """A device that exists; its profile comes from its own domain."""

    watched = ("name", "profile", "render_context", "content", "client_cert", "ca_cert", CLIENT_KEY)

    remove_client_key = forms.BooleanField(required=False, label="Remove the stored client key")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        key = self.fields.get(CLIENT_KEY)
        if key is not None and self.instance.client_key_sealed:
            key.help_text = "A key is stored, and given to nobody but the device. A PEM here replaces it."
        profile: Any = self.fields.get("profile")
        if profile is not None:
            profile.queryset = Profile.objects.in_domain(self.instance.domain_id)
            # The admin wraps the choice in links to add and view profiles.
            choice = getattr(profile.widget, "widget", profile.widget)
            choice.domain_id = self.instance.domain_id

    def stored_value(self, name: str) -> Any:
        """Return what is stored; of the client key, the sealed text, which changes with it."""
        return self.instance.client_key_sealed if name == CLIENT_KEY else super().stored_value(name)

    def display_value(self, name: str) -> Any:
        """Return a profile's name instead of its id, and nothing of a key."""
        if name == CLIENT_KEY:
            return "another key"
        if name == "profile":
            profile = Profile.objects.filter(pk=super().display_value(name)).first()
            return profile.name if profile else ""
        return super().display_value(name)

    def reported_again(self, name: str) -> str:
        """Return what saving again does; a client key does not come back, so it is saved only when pasted again."""
        return "" if name == CLIENT_KEY else super().reported_again(name)

    def typed_fingerprint(self, name: str) -> str:
        """Return the mark of what this person wants; an empty box leaves the client key as it is."""
        if name == CLIENT_KEY and not (self.cleaned_data.get(name) or self.cleaned_data.get("remove_client_key")):
            return self.stored_fingerprint(name)
        return super().typed_fingerprint(name)

    def clean(self) -> dict[str, Any] | None:
        """Refuse to store and to remove a key at once."""
        cleaned = super().clean()
        if self.cleaned_data.get(CLIENT_KEY) and self.cleaned_data.get("remove_client_key"):
            self.add_error("remove_client_key", "Either give a new key or remove the stored one.")
        return cleaned
