"""The profile's form: its template with the defects beside their lines, its slots and its defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bootstrap_project.adminsite.access import add_domain_source
from bootstrap_project.adminsite.display import sentence
from bootstrap_project.adminsite.forms import JSONDocumentField, LiteralTextField, ServiceForm, code_area
from bootstrap_project.errors import BootstrapError
from profiles.errors import InvalidSlots, InvalidTemplate, ProfileNameTaken
from profiles.listing import Listing, check_template, render_listing
from profiles.models import Profile
from profiles.services import EDITABLE
from profiles.slots import validate_slots

_MOST_DOMAINS: Final = 100


def domains_with_profiles() -> list[str]:
    """Return the domains that have profiles, the first hundred.

    Cost: one query over profiles, which are few; domains of configs would have to be looked for among millions.
    """
    domains = Profile.objects.order_by("domain_id").values_list("domain_id", flat=True).distinct()
    return list(domains[:_MOST_DOMAINS])


add_domain_source(domains_with_profiles)


class TemplateArea(forms.Textarea):
    """The box for a template, and below it the template's lines with what is wrong in them."""

    def __init__(self, rows: int) -> None:
        """`rows` is the height of the box in lines."""
        super().__init__(code_area(rows).attrs)
        self.check: Callable[[], Listing] | None = None

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """Return the box and the lines; no lines for an empty box."""
        box = super().render(name, value, attrs, renderer)
        if self.check is None or not value:
            return box
        return format_html('<div class="template-area">{}{}</div>', box, render_listing(self.check()))


class ProfileForm(ServiceForm[Profile]):
    """A profile as operators write it; the services check it again."""

    refusal_fields: ClassVar = {
        InvalidSlots: "binding_slots",
        InvalidTemplate: "content_template",
        ProfileNameTaken: "name",
    }

    description = LiteralTextField(label="Description", rows=3, help_text="For people.")
    content_template = LiteralTextField(
        label="Template", widget=TemplateArea(24), help_text="Go text/template; sees .Device, .Vars and .Bindings."
    )
    defaults = JSONDocumentField(label="Defaults", help_text="Variables that all its devices share, as a JSON object.")
    binding_slots = JSONDocumentField(
        label="Binding slots",
        kind=list,
        rows=10,
        help_text=(
            "The clients and channels that every device needs, as a JSON list. Types are client and channel; fields"
            ' says what to keep of them, without it everything: [{"name": "mqtt", "type": "client", "required": true,'
            ' "fields": ["id", "secret"]}]'
        ),
    )

    class Meta:
        model = Profile
        fields = ("domain_id", *EDITABLE)
        labels: ClassVar = {"domain_id": "Domain", "template_format": "Format"}
        widgets: ClassVar = {"name": forms.TextInput(attrs={"class": "vTextField"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "content_template" in self.fields:
            self.fields["content_template"].widget.check = self.check

    def check(self) -> Listing:
        """Return the lines of the template as it stands in the form, stored or just typed, and what is wrong there."""
        typed = Profile(
            template_format=str(self["template_format"].value()),
            content_template=LiteralTextField().to_python(self["content_template"].value()),
        )
        try:
            typed.defaults = self._typed("defaults")
            typed.binding_slots = [slot.to_json() for slot in validate_slots(self._typed("binding_slots"))]
        except (ValidationError, InvalidSlots):
            return check_template(typed, is_lintable=False)
        return check_template(typed)

    def _typed(self, name: str) -> Any:
        return self.fields[name].clean(self[name].value())

    def clean_binding_slots(self) -> list[dict[str, Any]]:
        """Check the slots at once, so that their defects show beside all others."""
        documents: list[dict[str, Any]] = self.cleaned_data["binding_slots"]
        try:
            return [slot.to_json() for slot in validate_slots(documents)]
        except InvalidSlots as error:
            raise ValidationError(sentence(error.message)) from None

    def place(self, error: BootstrapError) -> tuple[str | None, str]:
        """Return the field that `error` is about and what to say; a template's defect is shown in its line below."""
        syntax_error: Any = error.__cause__.__cause__ if error.__cause__ else None
        if not isinstance(error, InvalidTemplate) or not getattr(syntax_error, "line", 0):
            return super().place(error)
        place = f"Line {syntax_error.line}, column {syntax_error.column}"
        words = format_html('<a href="#line-{}">{}</a>: {}', syntax_error.line, place, sentence(syntax_error.reason))
        return "content_template", words


class ProfileChangeForm(ProfileForm):
    """The form of a profile that exists; it knows which version its author has seen."""

    base_version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "base_version" in self.fields:
            self.initial["base_version"] = self.instance.version

    def clean(self) -> dict[str, Any] | None:
        """Refuse to write over a version that the author has not seen."""
        cleaned = super().clean()
        seen = self.cleaned_data.get("base_version")
        if seen and seen != self.instance.version:
            self.add_error(
                None,
                f"Somebody saved version {self.instance.version} while you worked on version {seen}."
                " Copy what you need, open the profile again and make your change there.",
            )
        return cleaned
