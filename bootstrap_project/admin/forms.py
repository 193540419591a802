"""Form fields of the admin: texts and JSON kept to the letter, and a service's refusal at the field it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms.fields import InvalidJSONInput
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from bootstrap_project.admin.access import NO_DOMAIN, known_domains, may_touch
from bootstrap_project.admin.display import pretty_json, sentence
from bootstrap_project.documents.errors import InvalidDocument
from bootstrap_project.documents.json import parse_json
from bootstrap_project.errors import BootstrapError

_M = TypeVar("_M", bound=Model)


def code_area(rows: int) -> forms.Textarea:
    """Return a box for code: fixed width, no spell checker."""
    return forms.Textarea(attrs={"class": "vLargeTextField code-area", "rows": rows, "spellcheck": "false"})


class LiteralTextField(forms.CharField):
    """A text of several lines of which nothing is trimmed; a browser's CRLF becomes LF, which is what people typed."""

    def __init__(self, *, rows: int = 10, **kwargs: Any) -> None:
        """`rows` is the height of the box in lines."""
        kwargs.setdefault("required", False)
        kwargs.setdefault("widget", code_area(rows))
        super().__init__(strip=False, **kwargs)

    def to_python(self, value: Any) -> str:
        """Return the text with the line ends of Unix."""
        return str(super().to_python(value)).replace("\r\n", "\n")

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether more than the line ends is different."""
        return super().has_changed(self.to_python(initial), self.to_python(data))


class JSONDocumentField(forms.JSONField):
    """A JSON object, or a list, read as strictly as the API reads it; an empty box is an empty one."""

    def __init__(self, *, kind: type[dict[str, Any] | list[Any]] = dict, rows: int = 8, **kwargs: Any) -> None:
        """`kind` is what the document must be, `rows` the height of the box in lines."""
        self.kind = kind
        super().__init__(required=False, widget=code_area(rows), **kwargs)

    def to_python(self, value: Any) -> Any:
        """Return the document.

        Raises: ValidationError that says what must be there, or where it breaks off.
        """
        if isinstance(value, dict | list):
            return value
        if value is None or not value.strip():
            return self.kind()
        try:
            document = parse_json(value)
        except InvalidDocument as error:
            raise ValidationError(f"This is not valid JSON: {error.detail}.", code="invalid") from None
        if not isinstance(document, self.kind):
            wanted = 'an object, such as {"site": "north"}' if self.kind is dict else "a list: [ … ]"
            raise ValidationError(f"This must be {wanted}.", code="invalid")
        return document

    def bound_data(self, data: Any, initial: Any) -> Any:
        return InvalidJSONInput(data) if isinstance(data, str) else initial

    def prepare_value(self, value: Any) -> str:
        """Return stored JSON over several lines; nothing for an empty document."""
        if isinstance(value, str):
            return value
        return pretty_json(value) if value else ""


class DomainInput(forms.TextInput):
    """A text box that offers the domains we know of."""

    def __init__(self, domains: Sequence[str]) -> None:
        super().__init__(attrs={"class": "vTextField"})
        self.domains = domains

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        list_id = f"{name}_known"
        box = super().render(name, value, {**(attrs or {}), "list": list_id}, renderer)
        options = format_html_join("", '<option value="{}"></option>', ((domain,) for domain in self.domains))
        return format_html('{}<datalist id="{}">{}</datalist>', box, list_id, options)


class KeptTextField(forms.CharField):
    """A text without blanks around it; one that comes back as it was shown stays as it is stored, to the letter."""

    stored = ""

    def clean(self, value: Any) -> Any:
        return self.stored if self._is_untouched(value) else super().clean(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return not self._is_untouched(data) and super().has_changed(initial, data)

    def _is_untouched(self, value: Any) -> bool:
        # A browser leaves line breaks out of a line.
        return bool(self.stored) and value in {self.stored, self.stored.translate({10: None, 13: None})}


class ServiceForm(forms.ModelForm[_M]):
    """A form whose row is written by a service for `user`; nobody may touch any domain.

    `refusal` is what the service said the first time, and is shown at its field.

    Uniqueness is left to the database, through the service: asking first would be a race, and Django's own check of a
    constraint on expressions has no words for people.
    """

    def __init__(self, *args: Any, user: Any = None, refusal: BootstrapError | None = None, **kwargs: Any) -> None:
        self.user, self.refusal = user or AnonymousUser(), refusal
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field, KeptTextField):
                field.stored = getattr(self.instance, name)
        if "domain_id" in self.fields:
            self.fields["domain_id"].widget = DomainInput(known_domains(self.user))

    def clean_domain_id(self) -> str:
        """Refuse to write into a domain that was not granted, whether or not it exists."""
        domain_id: str = self.cleaned_data["domain_id"]
        if not may_touch(self.user, domain_id):
            raise ValidationError(_not_granted(known_domains(self.user)), code="not_granted")
        return domain_id

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.refusal is not None:
            self.add_error(*self.place(self.refusal))
        return cleaned

    def place(self, error: BootstrapError) -> tuple[str | None, str]:
        """Return the field that `error` is about, None for the form as a whole, and what to say there."""
        # A choice is called after what it chooses, and sent as an id.
        field = next((name for name in (error.field, error.field.removesuffix("_id")) if name in self.fields), None)
        return field, sentence(error.defect if field else error.detail or error.message)

    def _get_validation_exclusions(self) -> set[str]:
        # The model's own validation would ask for every constraint; the form's fields and the service check the rest.
        return {field.name for field in self.instance._meta.fields}  # noqa: SLF001


def _not_granted(granted: Sequence[str]) -> str:
    if not granted:
        return NO_DOMAIN
    return f"This domain is not granted to you. Choose one that is: {', '.join(granted)}."
