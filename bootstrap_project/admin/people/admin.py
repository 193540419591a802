"""The admin's pages of people: what somebody may do by their groups, and in which domains."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Field, ManyToManyField, OuterRef, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse

from bootstrap_project.admin.access import granted_domains, known_domains
from bootstrap_project.admin.base import CheckedAdmin, SuperusersOnly, SuperusersWrite
from bootstrap_project.admin.forms import DomainInput
from bootstrap_project.admin.models import DomainGrant

_FOR_SUPERUSERS = ("is_superuser", "groups", "user_permissions")
_GROUPS = (
    "Viewers see lists, pages and masked previews. Operators also enrol, edit, delete, switch, bind and refresh"
    " devices. Template authors also write profiles. Key keepers also rotate keys and may reveal secrets. All of it in"
    " the domains that are granted below; superusers see all domains. Who enrols and binds can be the device, and who"
    " writes templates decides where secrets go: give both to those alone who may have the devices' secrets."
)
_SHOWN_DOMAINS = 3
# Applications whose rows nobody sees on a page.
_NO_PAGES = ("admin", "adminsite", "axes", "contenttypes", "django_tasks_database", "runs", "sessions")


def is_within_reach(editor: Any, user: User) -> bool:
    """Return whether `editor` may change `user`: nobody gets at rights that they lack through another's password.

    Cost: for editors that are no superusers, some queries.
    """
    if editor.is_superuser:
        return True
    if user.is_superuser:
        return False
    granted = granted_domains(editor) or frozenset()
    domains = set(user.domain_grants.values_list("domain_id", flat=True))
    # The permissions of somebody who is not active count too: they may be activated again.
    given = User(pk=user.pk, is_active=True).get_all_permissions()
    return domains <= granted and given <= editor.get_all_permissions()


def _as_boxes(db_field: ManyToManyField[Any, Any]) -> dict[str, Any]:
    """Return how a field of groups or permissions is chosen from."""
    boxes: dict[str, Any] = {"widget": forms.CheckboxSelectMultiple(attrs={"class": "choices"})}
    if db_field.name == "groups":
        return boxes
    asked_for = Permission.objects.exclude(content_type__app_label__in=_NO_PAGES).exclude(
        content_type__model="permission"
    )
    return boxes | {"queryset": asked_for, "form_class": PermissionsField}


class PermissionsField(forms.ModelMultipleChoiceField[Any]):
    """Permissions by their names alone: these say what they are about."""

    def label_from_instance(self, obj: Any) -> str:
        """Return "Can add device"."""
        return str(obj.name)


class DomainGrantFormSet(forms.BaseInlineFormSet[DomainGrant, User, forms.ModelForm[DomainGrant]]):
    """Rows whose boxes have names: Django's table leaves them to its heading, which not everybody sees."""

    def add_fields(self, form: forms.ModelForm[DomainGrant], index: int | None) -> None:
        super().add_fields(form, index)
        for name, label in (("domain_id", "Domain"), ("DELETE", "Take this domain away")):
            if name in form.fields:
                form.fields[name].widget.attrs["aria-label"] = label


class DomainGrantInline(SuperusersOnly, admin.TabularInline[DomainGrant, User]):
    """The domains that somebody may see and touch."""

    model = DomainGrant
    formset = DomainGrantFormSet
    extra = 1
    verbose_name = "domain"
    verbose_name_plural = "domains"

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "domain_id":
            kwargs["widget"] = DomainInput(known_domains(request.user))
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class UserAdmin(CheckedAdmin[User], auth_admin.UserAdmin[User]):
    """People; only superusers say what others may do, and where."""

    inlines = (DomainGrantInline,)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Personal info", {"fields": ("first_name", "last_name", "email")}),
        ("What they may do", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Single permissions, beside those of the groups", {"fields": ("user_permissions",), "classes": ("collapse",)}),
        ("Record", {"fields": ("last_login", "date_joined")}),
    )
    show_facets = admin.ShowFacets.NEVER
    # Boxes to tick instead of Django's two lists, which screen readers and keyboards get lost in.
    filter_horizontal = ()
    list_display = ("username", "first_name", "last_name", "is_active", "is_staff", "is_superuser", "group_names")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        grants = Prefetch("domain_grants", queryset=DomainGrant.objects.order_by("domain_id"))
        return super().get_queryset(request).prefetch_related("groups", grants)

    def get_list_display(self, request: HttpRequest) -> Any:
        shown = tuple(super().get_list_display(request))
        return (*shown, "domain_names") if request.user.is_superuser else shown

    @admin.display(description="groups", empty_value="none")
    def group_names(self, user: User) -> str | None:
        return ", ".join(sorted(group.name for group in user.groups.all())) or None

    @admin.display(description="domains", empty_value="none")
    def domain_names(self, user: Any) -> str | None:
        if user.is_superuser:
            return "all"
        names = [grant.domain_id for grant in user.domain_grants.all()]
        more = len(names) - _SHOWN_DOMAINS
        return ", ".join(names[:_SHOWN_DOMAINS]) + (f" and {more} more" if more > 0 else "") or None

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        """Return the domains, once there is somebody to grant them to."""
        return super().get_inlines(request, obj) if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Return what is only told: of rights, everything but to superusers."""
        own: tuple[str, ...] = ("last_login", "date_joined")
        return own if request.user.is_superuser else (*own, *_FOR_SUPERUSERS)

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.ModelMultipleChoiceField[Any] | None:
        field = super().formfield_for_manytomany(db_field, request, **kwargs | _as_boxes(db_field))
        if field is not None and db_field.name == "groups":
            field.help_text = _GROUPS
        return field

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or is_within_reach(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or is_within_reach(request.user, obj))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Store somebody; who is added here by a superuser is to use the admin, until that is taken away."""
        obj.is_staff = obj.is_staff or (not change and bool(request.user.is_superuser))
        super().save_model(request, obj, form, change)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the history to superusers: it names domains."""
        if not request.user.is_superuser:
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Return what deleting means; who has changed anything stays, as the record of it would go along."""
        changes = LogEntry.objects.filter(user=OuterRef("pk"))
        people: Any = User.objects.filter(pk__in=[user.pk for user in objs]).annotate(has_changes=Exists(changes))
        names = [str(user) for user in people]
        kept = [
            f"what {user} has changed is on record: take away “Active” instead" for user in people if user.has_changes
        ]
        needed = {"user"} if any(not self.has_delete_permission(request, user) for user in people) else set()
        return names, {"users": len(names)}, needed, kept


class GroupAdmin(SuperusersWrite, CheckedAdmin[Group], auth_admin.GroupAdmin):
    """Groups; only superusers write them, as a group's members get what it has."""

    filter_horizontal = ()

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> forms.ModelMultipleChoiceField[Any] | None:
        """Offer the permissions that our pages ask for."""
        return super().formfield_for_manytomany(db_field, request, **kwargs | _as_boxes(db_field))


# Importing Django's pages above has registered them.
admin.site.unregister([User, Group])
admin.site.register(User, UserAdmin)
admin.site.register(Group, GroupAdmin)
