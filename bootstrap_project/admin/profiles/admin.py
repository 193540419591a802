"""The admin's pages of profiles."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bootstrap_project.admin import permissions
from bootstrap_project.admin.access import known_domains, only_domain
from bootstrap_project.admin.base import RecordTimes
from bootstrap_project.admin.display import json_block, pluralized, sentence, short_date, short_id
from bootstrap_project.admin.filters import DomainFilter
from bootstrap_project.admin.profiles.annotated_source import check_template, render_listing
from bootstrap_project.admin.profiles.editor import EditorPages
from bootstrap_project.admin.profiles.editor_media import editor_media
from bootstrap_project.admin.profiles.files import FilePages
from bootstrap_project.admin.profiles.forms import START, ProfileChangeForm, ProfileForm
from bootstrap_project.admin.profiles.help_pages import doc_page
from bootstrap_project.admin.profiles.live_answer import markers_of
from bootstrap_project.admin.profiles.review_page import ReviewPages, is_draft
from bootstrap_project.admin.profiles.slot_table import Row
from bootstrap_project.admin.profiles.snippets import snippet_groups
from bootstrap_project.documents.kinds import KINDS
from bootstrap_project.visible_text import shown
from profiles.errors import ProfileInUse
from profiles.models import Profile
from profiles.services import EDITABLE, create_profile, delete_profile, update_profile


@admin.register(Profile)
class ProfileAdmin(RecordTimes, ReviewPages, EditorPages, FilePages):
    """Profiles: their list, their editor, review before saving, files, and why one cannot be deleted."""

    form = ProfileChangeForm
    list_display = ("label", "domain", "template_format", "version", "slot_count", "used_by", "updated_on")
    list_filter = ("template_format", DomainFilter)
    list_display_links = ("label",)
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
    view_fieldsets = (
        (None, {"fields": ("name", "domain_id", "description")}),
        ("Template", {"fields": ("template_format", "checked_template")}),
        ("What it works with", {"fields": ("slot_list", "default_list")}),
        fieldsets[-1],
    )
    readonly_fields = ("id", "version", "created", "updated")

    @property
    def media(self) -> forms.Media:
        """Return the editor's scripts and styles; strict policies of the browser let all of them through."""
        return super().media + editor_media()

    def for_list(self, queryset: QuerySet[Profile]) -> QuerySet[Profile]:
        """Return the rows with how many configs use each; the counts are made for the page's rows alone."""
        counted = Profile.objects.filter(pk=OuterRef("pk")).order_by().values("pk").annotate(number=Count("configs"))
        columns = ("name", "domain_id", "template_format", "version", "binding_slots", "created_at", "updated_at")
        return queryset.only(*columns).annotate(users=Subquery(counted.values("number")))

    @admin.display(description="name", ordering="name")
    def label(self, profile: Profile) -> str:
        return shown(profile.name)

    @admin.display(description="domain", ordering="domain_id")
    def domain(self, profile: Profile) -> SafeString:
        return short_id(profile.domain_id)

    @admin.display(description="slots")
    def slot_count(self, profile: Profile) -> int:
        return len(profile.binding_slots)

    @admin.display(description="used by")
    def used_by(self, profile: Any) -> str:
        return users_link(profile, profile.users, is_link=True)

    @admin.display(description="used by")
    def used_by_plain(self, profile: Any) -> str:
        return users_link(profile, profile.users, is_link=False)

    def get_list_display(self, request: HttpRequest) -> list[Any] | tuple[Any, ...]:
        """Return the columns; who may not see devices gets no link to them."""
        if request.user.has_perm(permissions.VIEW_DEVICES):
            return self.list_display
        return ["used_by_plain" if name == "used_by" else name for name in self.list_display]

    @admin.display(description="updated", ordering="updated_at")
    def updated_on(self, profile: Profile) -> SafeString | str:
        return short_date(profile.updated_at)

    @admin.display(description="template")
    def checked_template(self, profile: Profile) -> SafeString:
        """Return the template in an editor that writes nothing, with its warnings, for who may not write it."""
        listing = check_template(profile)
        context = {
            "profile": profile,
            "listing": listing,
            "lines": render_listing(listing, is_only_view=True),
            "problems": markers_of("template", listing.diagnostics),
            "ace": static("django_ace/ace/"),
        }
        return render_to_string("admin/profiles/profile/viewer.html", context)

    @admin.display(description="slots")
    def slot_list(self, profile: Profile) -> SafeString | str:
        if not profile.binding_slots:
            return "none"
        rows = [Row.from_slot(slot) for slot in profile.binding_slots]
        return render_to_string("admin/profiles/profile/slot_list.html", {"rows": rows})

    @admin.display(description="defaults")
    def default_list(self, profile: Profile) -> SafeString | str:
        return json_block(profile.defaults) if profile.defaults else "none"

    def get_fieldsets(self, request: HttpRequest, obj: Profile | None = None) -> Any:
        """Return what there is to write, and below it what we keep; who may only look can write nothing."""
        if obj is None:
            return self.add_fieldsets
        return self.fieldsets if self.has_change_permission(request, obj) else self.view_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Profile | None = None) -> tuple[str, ...]:
        """Return what cannot be written; a profile stays in its domain."""
        shown = ("domain_id", "checked_template", "slot_list", "default_list")
        return (*self.readonly_fields, *shown) if obj else self.readonly_fields

    def get_form(
        self, request: HttpRequest, obj: Profile | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Profile]]:
        return super().get_form(request, obj, change, **({} if obj else {"form": ProfileForm}) | kwargs)

    def form_kwargs(self, request: HttpRequest, obj: Profile | None) -> dict[str, Any]:
        own = {"is_draft": is_draft(request), "workbench": self._workbench(request, obj)}
        return super().form_kwargs(request, obj) | own

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Profile | None = None,
    ) -> HttpResponse:
        """Show the editor with what surrounds it: who uses the profile, and what somebody else saved meanwhile."""
        context["conflict"] = getattr(context["adminform"].form, "conflict", None)
        if obj is not None and change and request.method == "POST":
            # The form's instance holds what was typed; the page is named after what is stored.
            stored = self.for_list(self.get_queryset(request)).filter(pk=obj.pk).first() or obj
            context |= {"original": stored, "subtitle": str(stored)}
        if obj is not None and change:
            context["users"] = users_link(
                obj, obj.configs.count(), is_link=request.user.has_perm(permissions.VIEW_DEVICES)
            )
            context["kinds"] = KINDS
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _workbench(self, request: HttpRequest, profile: Profile | None) -> dict[str, Any]:
        return {
            "profile": profile,
            "ace": static("django_ace/ace/"),
            "may_use_devices": request.user.has_perm(permissions.PREVIEW),
            "snippet_groups": snippet_groups(profile or Profile(**START)),
        }

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return START | only_domain(request.user) | super().get_changeform_initial_data(request)

    def choice_label(self, request: HttpRequest) -> Callable[[Profile], str]:
        """Return what names a profile as a choice: its domain too, unless only one is asked about or known."""
        is_one_domain = bool(request.GET.get("domain_id")) or len(known_domains(request.user)) <= 1
        return str if is_one_domain else attrgetter("name_with_domain")

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
            saved = update_profile(domain_id=obj.domain_id, profile_id=obj.pk, values=changed, seen_version=obj.version)
            obj.version = saved.version

    def response_add(self, request: HttpRequest, obj: Profile, post_url_continue: str | None = None) -> HttpResponse:
        response = super().response_add(request, obj, post_url_continue)
        self._count_warnings(request, obj)
        return response

    def response_change(self, request: HttpRequest, obj: Profile) -> HttpResponse:
        response = super().response_change(request, obj)
        self._count_warnings(request, obj)
        return response

    def _count_warnings(self, request: HttpRequest, profile: Profile) -> None:
        if not (warnings := check_template(profile).warnings):
            return
        url = reverse("admin:profiles_profile_change", args=(profile.pk,))
        words = (
            'The template has <a href="{}#template-lines">{}</a>: some devices may get nothing, or not what was meant.'
        )
        self.message_user(request, format_html(words, url, pluralized(warnings, "warning")), messages.WARNING)

    def get_urls(self) -> list[URLPattern]:
        rules = self.admin_site.admin_view(self.lint_rules_view)
        language = self.admin_site.admin_view(self.language_view)
        own = [
            path("lint-rules/", rules, name="profiles_profile_lint_rules"),
            path("language/", language, name="profiles_profile_language"),
        ]
        return [*own, *self.editor_urls(), *self.file_urls(), *super().get_urls()]

    def language_view(self, request: HttpRequest) -> HttpResponse:
        if not (self.has_view_permission(request) or self.has_add_permission(request)):
            raise PermissionDenied
        return self._help_page(request, "Template language", doc_page("templates"), is_language=True)

    def lint_rules_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._help_page(request, "Lint rules", doc_page("lint"))

    def _help_page(
        self, request: HttpRequest, title: str, text: SafeString, *, is_language: bool = False
    ) -> HttpResponse:
        return self.page(request, "admin/profiles/profile/help.html", title, text=text, is_language=is_language)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Return what deleting means; configs that use a profile are counted, not listed: there may be thousands."""
        ids = [profile.pk for profile in objs]
        profiles: list[Any] = list(self.for_list(Profile.objects.filter(pk__in=ids)))
        is_link = request.user.has_perm(permissions.VIEW_DEVICES)
        used: list[str] = [
            format_html("{}: {}", row, users_link(row, row.users, is_link=is_link)) for row in profiles if row.users
        ]
        return [str(profile) for profile in profiles], {"profiles": len(profiles)}, set(), used

    def delete_model(self, request: HttpRequest, obj: Profile) -> None:
        delete_profile(domain_id=obj.domain_id, profile_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Profile]) -> None:
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


def users_link(profile: Profile, users: int, *, is_link: bool) -> SafeString | str:
    """Return "12 devices", with a link to their list where it `is_link`."""
    if not users:
        return "no device"
    if not is_link:
        return pluralized(users, "device")
    url = f"{reverse('admin:configs_config_changelist')}?profile={profile.pk}"
    return format_html('<a href="{}">{}</a>', url, pluralized(users, "device"))
