"""The admin's site: its name, and a record of changes that tells of granted domains alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.models import LogEntry
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from django.utils.functional import SimpleLazyObject, cached_property

from bootstrap_project.admin.base import ProductAdmin

_MAX_LOOKED_AT: Final = 100


class ChoicesView(AutocompleteJsonView):
    """The rows that are offered while somebody types, as their own admin names them."""

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        result: dict[str, str] = super().serialize_result(obj, to_field_name)
        return result | {"text": self._label(obj)}

    @cached_property
    def _label(self) -> Callable[[Any], str]:
        return self.model_admin.choice_label(self.request) if isinstance(self.model_admin, ProductAdmin) else str


class LoginForm(AdminAuthenticationForm):
    """The login, which tells somebody with the right password that the account is for nothing here."""

    def confirm_login_allowed(self, user: Any) -> None:
        if user.is_active and not user.is_staff:
            raise ValidationError("This account may not use the admin.", code="no_staff")
        super().confirm_login_allowed(user)


class ProductAdminSite(AdminSite):
    """The site of all our pages; there is none for people beside it."""

    login_form = LoginForm

    site_header = "Bootstrap"
    site_title = "Bootstrap"
    index_title = "Devices and what they are given"
    site_url = None

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the pages, without the redirect that would tell which ids exist: our rows have no page elsewhere."""
        return [page for page in super().get_urls() if getattr(page, "name", "") != "view_on_site"]

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        answer: Any = ChoicesView.as_view(admin_site=self)(request)
        return answer  # type: ignore[no-any-return]

    def get_log_entries(self, request: HttpRequest) -> QuerySet[LogEntry]:
        """Return the changes that the page may tell of: to others than superusers, their own on rows they may see.

        Cost: nothing until the page shows them; then one query, and another for each kind of row among them.
        """
        entries: QuerySet[LogEntry] = super().get_log_entries(request)
        user: Any = request.user
        if getattr(user, "is_superuser", False):
            return entries
        lazily: Any = SimpleLazyObject(lambda: self._visible(request, entries.filter(user_id=user.pk)))
        return lazily  # type: ignore[no-any-return]

    def _visible(self, request: HttpRequest, entries: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
        """Return those of `entries` that are about rows the user may see.

        Rows that were deleted are among those that nobody can be shown to be allowed to see.
        """
        by_type: dict[int, list[tuple[int, str]]] = defaultdict(list)
        rows = entries.order_by("-action_time").values_list("pk", "content_type_id", "object_id")[:_MAX_LOOKED_AT]
        for entry_id, type_id, object_id in rows:
            if type_id and object_id:
                by_type[type_id].append((entry_id, object_id))
        visible: list[int] = []
        for type_id, mentioned in by_type.items():
            found = self._existing(request, type_id, [object_id for _entry_id, object_id in mentioned])
            visible += [entry_id for entry_id, object_id in mentioned if object_id in found]
        return entries.filter(pk__in=visible)

    def _existing(self, request: HttpRequest, type_id: int, ids: list[str]) -> set[str]:
        model = ContentType.objects.get_for_id(type_id).model_class()
        page = self._registry.get(model) if model else None
        if model is None or page is None:
            return set()
        if not isinstance(page, ProductAdmin):
            return set(ids)
        keys = []
        for one in ids:
            with suppress(ValidationError):
                keys.append(model._meta.pk.to_python(one))  # noqa: SLF001 - Django's own way.
        return {str(key) for key in page.get_queryset(request).filter(pk__in=keys).values_list("pk", flat=True)}
