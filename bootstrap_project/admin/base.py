"""What the admin's pages of all our applications share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partialmethod
from typing import Any, ClassVar, Final, Generic, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.text import smart_split

from bootstrap_project.admin.access import NO_DOMAIN, granted_domains, limit_to_granted
from bootstrap_project.admin.display import counted_rows, short_time
from bootstrap_project.admin.filters import misunderstood
from bootstrap_project.admin.forms import ServiceForm
from bootstrap_project.errors import BootstrapError
from bootstrap_project.ids import parse_id

_M = TypeVar("_M", bound=Model)
#: Words that Django's search takes for quotes around nothing, which everything holds; and how they are searched for.
_EMPTY_QUOTES: Final = {'"': r'"\""', "'": r"'\''", '""': r'"\"\""', "''": r"'\'\''"}


class UnderstoodChangeList(ChangeList):
    """A list that shows nothing, and says why, where its address is not understood.

    Whoever then chooses all of its rows has chosen none, and not every row that there is.
    """

    misunderstood: Sequence[str] = ()

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        for words in self.misunderstood:
            messages.error(request, words)

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        rows = super().get_queryset(request, exclude_parameters)
        self.misunderstood = [words for spec in self.filter_specs for words in misunderstood(spec)]
        # Where Django leads whoever asks by a column or a value that cannot be.
        if ERROR_FLAG in request.GET:
            self.misunderstood.append("The address asks for something that this list does not know.")
        return rows.none() if self.misunderstood else rows


class CountedChangeList(UnderstoodChangeList):
    """A list that says in words what it shows."""

    @property
    def is_limited(self) -> bool:
        """Return whether a search or a filter is on."""
        return bool(self.query) or self.has_active_filters

    @property
    def counted(self) -> str:
        """Return "1 profile" or "3,200 profiles"."""
        return counted_rows(self.result_count, self.opts)


class ShortChangeList(CountedChangeList):
    """A list that reads the columns it shows: templates, certificates and secrets stay in the database."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        rows = super().get_queryset(request, exclude_parameters)
        return self.model_admin.for_list(rows) if isinstance(self.model_admin, ProductAdmin) else rows


class CheckedAdmin(admin.ModelAdmin[_M], Generic[_M]):
    """Pages that check what an address or a form says before Django relies on it."""

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Let rows be named by their primary key: nothing of ours refers to another column."""
        return to_field == self.opts.pk.name

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return UnderstoodChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:  # type: ignore[override]
        """Show the list, or do something with what was chosen, if all of it can be an id."""
        if not all(_is_key(self.opts.pk, chosen) for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            self.message_user(request, "What was chosen cannot be understood; choose again.", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return super().changelist_view(request, extra_context)


class ProductAdmin(CheckedAdmin[_M], Generic[_M]):
    """Lists that stay quick, search by exact id, rows of granted domains alone, and writing through services.

    A service that refuses makes the page come back with the refusal at its field: the first attempt is rolled back
    whole, and the form of the second one knows why.
    """

    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    #: The way from a row to its domain.
    domain_field: ClassVar[str] = "domain_id"

    def get_queryset(self, request: HttpRequest) -> QuerySet[_M]:
        """Return the rows that the user may see: pages, lists, searches, actions and choices all start from here."""
        return limit_to_granted(super().get_queryset(request), request.user, field=self.domain_field)

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> QuerySet[Any] | None:
        """Return what a foreign key may lead to: rows that the user may see on their own pages."""
        related = self.admin_site._registry.get(db_field.remote_field.model)  # noqa: SLF001
        choices: QuerySet[Any] | None = super().get_field_queryset(db, db_field, request)
        if not isinstance(related, ProductAdmin):
            return choices
        if choices is None:
            choices = db_field.remote_field.model._default_manager.using(db)  # noqa: SLF001
        return limit_to_granted(choices, request.user, field=related.domain_field)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Let an address filter by what the list offers: any column would let hashes be guessed letter by letter."""
        filters: Any = self.get_list_filter(request)
        offered = {one[0] if isinstance(one, tuple) else getattr(one, "parameter_name", one) for one in filters}
        columns = {name for field in self.opts.fields for name in (field.name, field.attname)}
        hidden = columns - {self.opts.pk.name} - offered
        return lookup.split("__", 1)[0] not in hidden and super().lookup_allowed(lookup, value, request)

    def choice_label(self, request: HttpRequest) -> Callable[[_M], str]:
        """Return what names a row where rows are offered as choices."""
        return str

    def for_list(self, queryset: QuerySet[_M]) -> QuerySet[_M]:
        """Return the rows of a list with no more columns than it shows."""
        return queryset

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:  # type: ignore[override]
        """Show the list; to somebody who has no domain yet, say why it is empty."""
        may_look = request.method == "GET" and self.has_view_or_change_permission(request)
        if may_look and granted_domains(request.user) == frozenset():
            self.message_user(request, NO_DOMAIN, messages.WARNING)
        return super().changelist_view(request, extra_context)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ShortChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[_M], search_term: str
    ) -> tuple[QuerySet[_M], bool]:
        quoted = " ".join(_EMPTY_QUOTES.get(word, word) for word in smart_split(search_term))
        found, may_have_duplicates = super().get_search_results(request, queryset, quoted)
        row_id = parse_id(search_term.strip())
        return (found | queryset.filter(pk=row_id) if row_id else found), may_have_duplicates

    def page(
        self, request: HttpRequest, template: str, title: str, original: Model | None = None, **context: Any
    ) -> TemplateResponse:
        """Return a page of ours in the frame of the admin's pages; `original` is the row that it is about."""
        request.current_app = self.admin_site.name
        frame = {**self.admin_site.each_context(request), "title": title, "opts": self.opts, "media": self.media}
        return TemplateResponse(request, template, frame | {"original": original} | context)

    def get_form(
        self, request: HttpRequest, obj: _M | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[_M]]:
        """Return the form, made for this request; where a service writes the row, with what `form_kwargs` gives."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        if issubclass(form, ServiceForm):
            form.__init__ = partialmethod(form.__init__, **self.form_kwargs(request, obj))
        return form  # type: ignore[no-any-return]

    def form_kwargs(self, request: HttpRequest, obj: _M | None) -> dict[str, Any]:
        """Return what the form is told beside what was typed: who writes, and what a service refused a moment ago."""
        return {"user": request.user, "refusal": getattr(request, "refusal", None)}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form, or save it; a refusal comes back inside the form."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except BootstrapError as error:
            refusal = error
        except IntegrityError:
            refusal = BootstrapError("somebody changed what this refers to", "look at it again and save once more")
        request.refusal = refusal  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, form_url, extra_context)


class RecordTimes:
    """When a row was made and last written, on its page."""

    @admin.display(description="created", ordering="created_at")
    def created(self, row: Any) -> str:
        return short_time(row.created_at)

    @admin.display(description="updated", ordering="updated_at")
    def updated(self, row: Any) -> str:
        return short_time(row.updated_at)


class ReadOnly:
    """Whoever may look can look, and nobody can write."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SuperusersWrite:
    """Superusers alone write: nobody grants what they may not have themselves."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


class SuperusersOnly(SuperusersWrite):
    """Superusers alone look and write: nobody else learns of other people's domains."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


def _is_key(pk: Field[Any, Any], text: str) -> bool:
    """Return whether a row may have this primary key; numbers of more digits than the column takes are none."""
    try:
        pk.run_validators(pk.to_python(text))
    except ValidationError:
        return False
    return True
