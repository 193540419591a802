"""The profile's form: its template with the defects beside their lines, its slots and its defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bootstrap_project.admin.display import sentence
from bootstrap_project.admin.forms import JSONDocumentField, KeptTextField, LiteralTextField, ServiceForm, code_area
from bootstrap_project.admin.profiles.annotated_source import Listing, check_template, render_listing
from bootstrap_project.admin.profiles.diff import FieldDiff, compare_values, copy_values
from bootstrap_project.admin.profiles.slot_table import SlotsField
from bootstrap_project.errors import BootstrapError
from profiles.errors import InvalidTemplate
from profiles.models import Profile, TemplateFormat
from profiles.services import EDITABLE

#: What a new profile starts from: a template that works and shows how to write one.
START: Final[dict[str, Any]] = {
    "template_format": TemplateFormat.JSON.value,
    "content_template": """{
  "device_id": {{ toJSON .Device.ID }},
  "external_id": {{ toJSON .Device.ExternalID }},
  "site": {{ toJSON .Vars.site }}
}
""",
    "defaults": {"site": "lab"},
}


class TemplateArea(forms.Textarea):
    """The box for a template, beside it what it gives, and below it the template's lines with what is wrong in them."""

    def __init__(self, rows: int) -> None:
        """`rows` is the height of the box in lines."""
        super().__init__(code_area(rows).attrs | {"data-code": "template"})
        self.check: Callable[[], Listing] | None = None
        #: What the page knows of the profile, for its script; see `bootstrap_project.admin.profiles.admin`.
        self.workbench: Mapping[str, Any] = {}

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """Return the box with what belongs to it; no lines for an empty box."""
        box = super().render(name, value, attrs, renderer)
        listing = render_listing(self.check()) if self.check is not None and value else ""
        context = {"box": box, "listing": listing, **self.workbench}
        return render_to_string("admin/profiles/profile/workbench.html", context)


class ProfileForm(ServiceForm[Profile]):
    """A profile as operators write it; the services check it again.

    `is_draft` is whether it is only shown, with what was typed; `workbench` is what the page knows of the profile.
    """

    description = LiteralTextField(label="Description", rows=3, help_text="For people.")
    content_template = LiteralTextField(
        label="Template", widget=TemplateArea(24), help_text="Go text/template; sees .Device, .Vars and .Bindings."
    )
    defaults = JSONDocumentField(label="Defaults", help_text="Variables that all its devices share, as a JSON object.")
    binding_slots = SlotsField(
        label="Binding slots",
        required=False,
        help_text=(
            "What every device needs of Magistrala. Fields say what to keep of it, between commas; none means"
            " everything. A row without a name is left out."
        ),
    )

    class Meta:
        model = Profile
        fields = ("domain_id", *EDITABLE)
        field_classes: ClassVar = {"name": KeptTextField}
        labels: ClassVar = {"domain_id": "Domain", "template_format": "Format"}
        widgets: ClassVar = {"name": forms.TextInput(attrs={"class": "vTextField"})}

    def __init__(
        self, *args: Any, is_draft: bool = False, workbench: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.is_draft = is_draft
        if "content_template" in self.fields:
            # The form's own copy: `base_fields` and their widgets are everybody's.
            self.fields["content_template"].widget.check = self.check
            self.fields["content_template"].widget.workbench = workbench or {}
        if "defaults" in self.fields:
            self.fields["defaults"].widget.attrs["data-code"] = "json"

    def is_valid(self) -> bool:
        """Return whether it can be saved; a form that comes back from a review is shown again, whatever is in it."""
        return super().is_valid() and not self.is_draft

    def check(self) -> Listing:
        """Return the lines of the template as it stands in the form, stored or just typed, and what is wrong there."""
        typed = Profile(
            template_format=str(self["template_format"].value()),
            content_template=LiteralTextField().to_python(self["content_template"].value()),
        )
        try:
            typed.defaults = self._typed("defaults")
            typed.binding_slots = self._typed("binding_slots")
        except ValidationError:
            return check_template(typed, is_lintable=False)
        return check_template(typed)

    def _typed(self, name: str) -> Any:
        return self.fields[name].clean(self[name].value())

    def place(self, error: BootstrapError) -> tuple[str | None, str]:
        """Return the field that `error` is about and what to say; a template's defect is shown in its line below."""
        defect = error.diagnostics[0] if isinstance(error, InvalidTemplate) else None
        if defect is None or not defect.location.line:
            return super().place(error)
        line, column = defect.location.line, defect.location.column
        words = '<a href="#line-{0}" data-line="{0}" data-column="{1}">Line {0}, column {1}</a>'
        link = format_html(words, line, column)
        return "content_template", format_html("{}: {}", link, sentence(defect.message))


class ProfileChangeForm(ProfileForm):
    """The form of a profile that exists; it knows which version its author has seen."""

    base_version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    #: What differs between the version that somebody else saved and what was typed here.
    conflict: list[FieldDiff] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "base_version" in self.fields:
            self.initial["base_version"] = self.instance.version

    def clean(self) -> dict[str, Any] | None:
        """Refuse to write over a version that the author has not seen, and show what that version has."""
        cleaned = super().clean()
        seen, stored = self.cleaned_data.get("base_version"), self.instance.version
        if seen and seen != stored and self.data.get("force_version") != str(stored):
            theirs = copy_values(self.instance)
            self.conflict = compare_values(theirs, theirs | {k: v for k, v in self.cleaned_data.items() if k in theirs})
            self.add_error(
                None,
                f"Somebody saved version {stored} while you worked on version {seen}. Your text is still here. Below is"
                " what your version would change in theirs; take over what you need and save once more.",
            )
        return cleaned
