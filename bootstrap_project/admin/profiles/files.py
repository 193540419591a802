"""Profiles from files and as files, and copies of profiles."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.text import slugify

from bootstrap_project.admin import permissions
from bootstrap_project.admin.access import granted_domains, limit_to_granted, may_touch
from bootstrap_project.admin.base import ProductAdmin
from bootstrap_project.admin.display import explained, sentence
from bootstrap_project.admin.forms import DomainInput
from bootstrap_project.admin.profiles.review import review_change, with_values
from bootstrap_project.database.constraints import NAME_LENGTH, PLATFORM_ID_LENGTH
from bootstrap_project.documents.errors import InvalidDocument
from bootstrap_project.documents.json import parse_json
from bootstrap_project.documents.kinds import KINDS, any_of
from bootstrap_project.errors import BootstrapError
from profiles.documents import ProfileFile, read_document, write_document
from profiles.errors import InvalidProfile
from profiles.models import Profile
from profiles.serializers import ProfileBody
from profiles.services import EDITABLE, check_profile, create_profile, update_profile

_FILE_HELP = f"{any_of(map(str.upper, KINDS))}, known by the end of its name."


class DomainForm(forms.Form):
    """A choice among the domains that the person may touch."""

    domain_id = forms.CharField(label="Domain", max_length=PLATFORM_ID_LENGTH)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        granted = granted_domains(user)
        if granted is None:
            known = Profile.objects.order_by("domain_id").values_list("domain_id", flat=True).distinct()[:100]
            self.fields["domain_id"].widget = DomainInput(list(known))
            domains = list(known)
        else:
            domains = sorted(granted)
            self.fields["domain_id"].widget = forms.Select(choices=[(domain, domain) for domain in domains])
        if len(domains) == 1:
            self.fields["domain_id"].initial = domains[0]

    def clean_domain_id(self) -> str:
        """Refuse domains of others, as if they did not exist."""
        domain_id: str = self.cleaned_data["domain_id"]
        if not may_touch(self.user, domain_id):
            raise forms.ValidationError("Choose one of the domains that were granted to you.")
        return domain_id


class UploadForm(DomainForm):
    """A file with a new profile."""

    file = forms.FileField(label="File", help_text=_FILE_HELP)
    field_order = ("file", "domain_id")


class ReplaceForm(forms.Form):
    """A file with another version of a profile."""

    file = forms.FileField(label="File", help_text=_FILE_HELP)


class DuplicateForm(DomainForm):
    """The name and the domain of a copy."""

    name = forms.CharField(
        label="Name", max_length=NAME_LENGTH, strip=False, widget=forms.TextInput(attrs={"class": "vTextField"})
    )
    field_order = ("name", "domain_id")


class FilePages(ProductAdmin[Profile]):
    """Upload, download and duplicate."""

    def file_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("upload/", wrap(self.upload_view), name="profiles_profile_upload"),
            path("<path:object_id>/upload/", wrap(self.replace_view), name="profiles_profile_replace"),
            path("<path:object_id>/download/<str:kind>/", wrap(self.download_view), name="profiles_profile_download"),
            path("<path:object_id>/duplicate/", wrap(self.duplicate_view), name="profiles_profile_duplicate"),
        ]

    @transaction.atomic
    def upload_view(self, request: HttpRequest) -> HttpResponse:
        """Create a profile from a file, as the API's upload does."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None, user=request.user)
        if request.method == "POST" and form.is_valid():
            try:
                read = _read_file(form, is_new=True)
                profile = create_profile(domain_id=form.cleaned_data["domain_id"], values=read.values)
            except BootstrapError as error:
                _refuse(form, error)
            else:
                self._tell_ignored(request, read)
                return self._made(request, profile, f"was made from {form.cleaned_data['file'].name}")
        return self._page(request, "file_form", {"title": "Upload a profile", "form": form, "is_upload": True})

    @transaction.atomic
    def replace_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what a file would change of a profile, then change it."""
        profile = self._profile(request, object_id)
        if not self.has_change_permission(request, profile):
            raise PermissionDenied
        form = ReplaceForm(None)
        if request.method == "POST" and "document" in request.POST:
            # The file was read by the page before; there is none to be asked for again.
            form = ReplaceForm(request.POST)
            form.errors.pop("file", None)
            if response := self._replace(request, profile, form):
                return response
        elif request.method == "POST":
            form = ReplaceForm(request.POST, request.FILES)
            if form.is_valid() and (response := self._review_file(request, profile, form)):
                return response
        context = {"title": "Upload another version", "original": profile, "form": form, "is_upload": True}
        return self._page(request, "file_form", context)

    def _review_file(self, request: HttpRequest, profile: Profile, form: forms.Form) -> HttpResponse | None:
        try:
            read = _read_file(form, is_new=False)
            changed = with_values(profile, read.values)
            check_profile(changed)
        except BootstrapError as error:
            _refuse(form, error)
            return None
        self._tell_ignored(request, read)
        context = {
            "title": "Review changes",
            "original": profile,
            "review": review_change(profile, changed),
            "may_see_devices": request.user.has_perm(permissions.PREVIEW),
            "hidden_fields": [("document", json.dumps(read.values)), ("base_version", str(profile.version))],
            "source": form.cleaned_data["file"].name,
            "back": reverse("admin:profiles_profile_replace", args=(profile.pk,)),
        }
        return self._page(request, "review", context)

    def _replace(self, request: HttpRequest, profile: Profile, form: forms.Form) -> HttpResponse | None:
        try:
            document = parse_json(request.POST["document"])
            if not isinstance(document, dict):
                raise InvalidProfile("not a profile", "choose the file again")
            values = ProfileBody.read(document)
            version = int(request.POST.get("base_version", ""))
            changed = update_profile(
                domain_id=profile.domain_id, profile_id=profile.pk, values=values, seen_version=version
            )
        except (InvalidDocument, ValueError):
            form.add_error(None, "What was reviewed did not arrive whole. Choose the file again.")
        except BootstrapError as error:
            _refuse(form, error)
        else:
            return self._made(request, changed, "was changed from a file", flag=CHANGE)
        return None

    def download_view(self, request: HttpRequest, object_id: str, kind: str) -> HttpResponse:
        """Send a profile as a file that an upload reads as the same."""
        profile = self._profile(request, object_id)
        if not self.has_view_or_change_permission(request, profile):
            raise PermissionDenied
        if kind not in KINDS:
            raise Http404(f"a profile is downloaded as {any_of(KINDS)}")
        try:
            text = write_document(profile, KINDS[kind])
        except BootstrapError as error:
            self.message_user(request, f"{sentence(error.message)} {sentence(error.detail)}", messages.ERROR)
            return HttpResponseRedirect(reverse("admin:profiles_profile_change", args=(profile.pk,)))
        name = f"{slugify(profile.name)[:80] or 'profile'}.{KINDS[kind].endings[0]}"
        return HttpResponse(
            text.encode(),
            content_type=f"{KINDS[kind].media_type}; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    @transaction.atomic
    def duplicate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        profile = self._profile(request, object_id)
        if not (self.has_add_permission(request) and self.has_view_or_change_permission(request, profile)):
            raise PermissionDenied
        initial = {"name": _free_name(request.user, profile), "domain_id": profile.domain_id}
        form = DuplicateForm(request.POST or None, user=request.user, initial=initial)
        if request.method == "POST" and form.is_valid():
            values = {name: getattr(profile, name) for name in EDITABLE} | {"name": form.cleaned_data["name"]}
            try:
                copy = create_profile(domain_id=form.cleaned_data["domain_id"], values=values)
            except BootstrapError as error:
                form.add_error("name" if error.field == "name" else None, sentence(error.detail))
            else:
                return self._made(request, copy, f"was made as a copy of {profile.name}")
        context = {"title": f"Duplicate {profile.name}", "original": profile, "form": form, "is_upload": False}
        return self._page(request, "file_form", context)

    def _tell_ignored(self, request: HttpRequest, read: ProfileFile) -> None:
        for warning in read.ignored:
            self.message_user(request, explained(warning), messages.WARNING)

    def _made(self, request: HttpRequest, profile: Profile, words: str, *, flag: int = ADDITION) -> HttpResponse:
        # The log's own page puts a capital in front and a full stop at the end.
        log = self.log_addition if flag == ADDITION else self.log_change
        log(request, profile, sentence(words.removeprefix("was ")))
        self.message_user(request, f"The profile “{profile.name}” v{profile.version} {words}.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:profiles_profile_change", args=(profile.pk,)))

    def _profile(self, request: HttpRequest, object_id: str) -> Profile:
        profile = self.get_object(request, unquote(object_id))
        if profile is None or not may_touch(request.user, profile.domain_id):
            raise Http404("there is no such profile")
        return profile

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        return self.page(request, f"admin/profiles/profile/{name}.html", **context)


def _read_file(form: forms.Form, *, is_new: bool) -> ProfileFile:
    file = form.cleaned_data["file"]
    return read_document(file.name, file.read(settings.MAX_BODY_BYTES + 1), is_new=is_new)


def _refuse(form: forms.Form, error: BootstrapError) -> None:
    """Say at the file what is wrong with it."""
    words = error.message if error.message in error.detail or not error.detail else f"{error.message}: {error.detail}"
    form.add_error("file" if "file" in form.fields else None, sentence(words))


def _free_name(user: Any, profile: Profile) -> str:
    """Return a name for a copy that no profile of the domain has."""
    base = f"{profile.name[: NAME_LENGTH - 10]} copy"
    names = limit_to_granted(Profile.objects.in_domain(profile.domain_id), user).filter(name__startswith=base)
    taken = set(names.values_list("name", flat=True)[:1000])
    return next(name for name in (base, *(f"{base} {number}" for number in range(2, 1100))) if name not in taken)
