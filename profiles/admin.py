"""The admin's pages of profiles, and what the pages of all our applications share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Generic, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db import IntegrityError, transaction
from django.db.models import Count, Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bootstrap_project.api.viewsets import parse_id
from bootstrap_project.errors import BootstrapError
from profiles.errors import ProfileInUse
from profiles.forms import ProfileChangeForm, ProfileForm, ServiceForm, known_domains, pretty_json, sentence
from profiles.models import Profile
from profiles.services import EDITABLE, create_profile, delete_profile, update_profile

admin.site.site_header = "Bootstrap"
admin.site.site_title = "Bootstrap"
admin.site.index_title = "Devices and what they are given"
# There is no site for people beside these pages.
admin.site.site_url = None

_M = TypeVar("_M", bound=Model)
_SHORT_ID = 12


class ShortChangeList(ChangeList):
    """A list that reads the columns it shows: templates, certificates and secrets stay in the database."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Return the rows of the list as its admin wants them read."""
        rows = super().get_queryset(request, exclude_parameters)
        return self.model_admin.for_list(rows) if isinstance(self.model_admin, ProductAdmin) else rows


class ProductAdmin(admin.ModelAdmin[_M], Generic[_M]):
    """Lists that stay quick, search by exact id, and writing through services.

    A service that refuses makes the page come back with the refusal at its field: the first attempt is rolled back
    whole, and the form of the second one knows why.
    """

    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def for_list(self, queryset: QuerySet[_M]) -> QuerySet[_M]:
        """Return the rows of a list with no more columns than it shows."""
        return queryset

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that reads few columns."""
        return ShortChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[_M], search_term: str
    ) -> tuple[QuerySet[_M], bool]:
        """Search by substring, and by id when the term is one."""
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        row_id = parse_id(search_term.strip())
        return (found | queryset.filter(pk=row_id) if row_id else found), may_have_duplicates

    def get_form(
        self, request: HttpRequest, obj: _M | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[_M]]:
        """Return the form, which knows what the service refused a moment ago."""
        form = super().get_form(request, obj, change, **kwargs)
        if issubclass(form, ServiceForm):
            form.refusal = getattr(request, "refusal", None)
        return form

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


class DomainFilter(admin.SimpleListFilter):
    """One domain's rows."""

    title = "domain"
    parameter_name = "domain"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return the domains that have profiles, and the chosen one."""
        domains = {*known_domains(), *filter(None, [self.value()])}
        return [(domain, domain) for domain in sorted(domains)]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Limit the list to the chosen domain."""
        return queryset.in_domain(self.value()) if self.value() else queryset


@admin.register(Profile)
class ProfileAdmin(ProductAdmin[Profile]):
    """Profiles: their list, their form, and why one cannot be deleted."""

    form = ProfileChangeForm
    list_display = ("name", "domain", "template_format", "version", "slot_count", "used_by", "updated")
    list_filter = ("template_format", DomainFilter)
    search_fields = ("name",)
    search_help_text = "A part of the name, or an id."
    fieldsets = (
        (None, {"fields": ("base_version", "name", "domain_id", "description")}),
        ("Template", {"fields": ("template_format", "content_template")}),
        ("What it works with", {"fields": ("binding_slots", "defaults")}),
        ("Record", {"fields": ("id", "version", "created", "updated")}),
    )
    add_fieldsets = (
        (None, {"fields": ("name", "domain_id", "description")}),
        ("Template", {"fields": ("template_format", "content_template")}),
        ("What it works with", {"fields": ("binding_slots", "defaults")}),
    )
    readonly_fields = ("id", "version", "created", "updated")

    def for_list(self, queryset: QuerySet[Profile]) -> QuerySet[Profile]:
        """Return the rows with how many configs use each; the counts are made for the page's rows alone."""
        counted = Profile.objects.filter(pk=OuterRef("pk")).order_by().values("pk").annotate(number=Count("configs"))
        columns = ("name", "domain_id", "template_format", "version", "binding_slots", "created_at", "updated_at")
        return queryset.only(*columns).annotate(users=Subquery(counted.values("number")))

    @admin.display(description="domain", ordering="domain_id")
    def domain(self, profile: Profile) -> SafeString:
        """Return the domain, cut short."""
        return short_id(profile.domain_id)

    @admin.display(description="slots")
    def slot_count(self, profile: Profile) -> int:
        """Return how many slots it declares."""
        return len(profile.binding_slots)

    @admin.display(description="used by")
    def used_by(self, profile: Any) -> str:
        """Return how many configs use it, with a link to them."""
        return users_link(profile, profile.users)

    @admin.display(description="created", ordering="created_at")
    def created(self, profile: Profile) -> str:
        """Return when it was written."""
        return short_time(profile.created_at)

    @admin.display(description="updated", ordering="updated_at")
    def updated(self, profile: Profile) -> str:
        """Return when it was last saved."""
        return short_time(profile.updated_at)

    def get_fieldsets(self, request: HttpRequest, obj: Profile | None = None) -> Any:
        """Return what there is to write, and below it what we keep."""
        return self.fieldsets if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Profile | None = None) -> tuple[str, ...]:
        """Return what cannot be written; a profile stays in its domain."""
        return (*self.readonly_fields, "domain_id") if obj else self.readonly_fields

    def get_form(
        self, request: HttpRequest, obj: Profile | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Profile]]:
        """Return the form for a new profile or for one that exists."""
        return super().get_form(request, obj, change, **({} if obj else {"form": ProfileForm}) | kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Fill in the domain where there is but one."""
        return only_domain() | super().get_changeform_initial_data(request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Profile], search_term: str
    ) -> tuple[QuerySet[Profile], bool]:
        """Search; for the choice of a config's profile, only in the config's domain and without the templates."""
        if request.path.endswith("/autocomplete/"):
            queryset = queryset.only("name", "version", "domain_id", "created_at")
            domain_id = request.GET.get("domain_id")
            queryset = queryset.filter(domain_id=domain_id) if domain_id else queryset
        return super().get_search_results(request, queryset, search_term)

    def save_model(self, request: HttpRequest, obj: Profile, form: Any, change: bool) -> None:
        """Store the profile through its services; the version rises when something was changed."""
        if not change:
            values = {name: form.cleaned_data[name] for name in EDITABLE}
            obj.pk = create_profile(domain_id=obj.domain_id, values=values).pk
        elif changed := {name: form.cleaned_data[name] for name in form.changed_data if name in EDITABLE}:
            obj.version = update_profile(domain_id=obj.domain_id, profile_id=obj.pk, values=changed).version

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Return what deleting means; configs that use a profile are counted, not listed: there may be thousands."""
        ids = [profile.pk for profile in objs]
        profiles: list[Any] = list(self.for_list(Profile.objects.filter(pk__in=ids)))
        used: list[str] = [format_html("{}: {}", row, users_link(row, row.users)) for row in profiles if row.users]
        return [str(profile) for profile in profiles], {"profiles": len(profiles)}, set(), used

    def delete_model(self, request: HttpRequest, obj: Profile) -> None:
        """Remove the profile through its service."""
        delete_profile(domain_id=obj.domain_id, profile_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Profile]) -> None:
        """Remove the profiles through their service."""
        for profile in queryset:
            self.delete_model(request, profile)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask, then delete; a profile that got a user meanwhile stays, with the reason."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except ProfileInUse as error:
            return self._still_in_use(request, error)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:  # type: ignore[override]
        """Show the list, or delete what is chosen: all of it or, with the reason, nothing."""
        if request.method != "POST":
            return super().changelist_view(request, extra_context)
        try:
            with transaction.atomic():
                return super().changelist_view(request, extra_context)
        except ProfileInUse as error:
            return self._still_in_use(request, error)

    def _still_in_use(self, request: HttpRequest, error: ProfileInUse) -> HttpResponseRedirect:
        self.message_user(request, f"{sentence(error.message)} {sentence(error.detail)}", messages.ERROR)
        return HttpResponseRedirect(reverse("admin:profiles_profile_changelist"))


def only_domain() -> dict[str, Any]:
    """Return the domain as a form's initial value, if all profiles are in one."""
    domains = known_domains()
    return {"domain_id": domains[0]} if len(domains) == 1 else {}


def users_link(profile: Profile, users: int) -> SafeString | str:
    """Return "12 devices", with a link to their list."""
    if not users:
        return "no device"
    url = f"{reverse('admin:configs_config_changelist')}?profile={profile.pk}"
    return format_html('<a href="{}">{} device{}</a>', url, users, "" if users == 1 else "s")


def short_time(moment: datetime | None) -> str:
    """Return a moment to the minute, in the service's time zone."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}" if moment else "-"


def short_id(platform_id: str) -> SafeString:
    """Return the first characters of one of Magistrala's ids; the whole of it shows under the pointer."""
    shown = platform_id if len(platform_id) <= _SHORT_ID else f"{platform_id[: _SHORT_ID - 4]}…"
    return format_html('<span title="{}">{}</span>', platform_id, shown)


def badge(kind: str, text: str) -> SafeString:
    """Return a coloured word; `kind` is good, bad or plain."""
    return format_html('<span class="badge badge-{}">{}</span>', kind, text)


def json_block(value: Any) -> SafeString:
    """Return JSON over several lines that scrolls in itself."""
    return format_html('<pre class="document" tabindex="0">{}</pre>', pretty_json(value))
