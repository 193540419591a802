"""The admin's pages of external keys: rotating one, and showing once the one that was made here."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.utils import unquote
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from bootstrap_project.admin import permissions
from bootstrap_project.admin.devices.key_forms import KEY_FIELDS, MAKE, RotateKeyForm
from bootstrap_project.admin.devices.page import DevicePages
from bootstrap_project.admin.display import sentence
from bootstrap_project.errors import BootstrapError
from bootstrap_project.ids import parse_id
from configs.errors import ConfigConflict
from configs.models import Config
from configs.provisioning import Installation
from configs.services import key_mark, rotate_external_key

_ENROLMENT_SALT = "configs.enrolment"
SHOWN_ONCE = "Its key was shown once and is not kept; if nobody has it, rotate the key."


class KeyPages(DevicePages):
    """Rotate, and the page that shows a key.

    A key that was made here is in the answer to the POST that stored its hash, and nowhere else: not in the session,
    a message, an address or a log. Sending that POST again, as a reload does, finds that it was done.
    """

    def get_urls(self) -> list[URLPattern]:
        rotate = self.admin_site.admin_view(self.rotate_key_view)
        return [path("<path:object_id>/rotate-key/", rotate, name="configs_config_rotate_key"), *super().get_urls()]

    @method_decorator(sensitive_post_parameters(*KEY_FIELDS))
    def rotate_key_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make a key or ask for one, and store its hash; the old key is worth nothing from then on."""
        config = self.get_object(request, unquote(object_id))
        if not (self.has_view_permission(request, config) and request.user.has_perm(permissions.ROTATE_KEYS)):
            raise PermissionDenied
        if config is None:
            return self.gone(request)
        form = RotateKeyForm(request.POST or None, initial={"mark": key_mark(config), "key_choice": MAKE})
        if form.is_valid() and (answer := self._rotate(request, config, form)):
            return answer
        # Any form will do for a fieldset; the stubs know of forms of models alone.
        unchecked: Any = form
        fieldsets: Any = [(None, {"fields": ("mark", "key_choice", "external_key", "repeated_key")})]
        adminform = AdminForm(unchecked, fieldsets, {}, model_admin=self)
        return self.device_page(request, config, "rotate_key", "Rotate key", {"adminform": adminform, "form": form})

    def _rotate(self, request: HttpRequest, config: Config, form: RotateKeyForm) -> HttpResponse | None:
        key, page = form.cleaned_data["external_key"], reverse("admin:configs_config_change", args=(config.pk,))
        try:
            with transaction.atomic():
                rotate_external_key(
                    domain_id=config.domain_id,
                    config_id=config.pk,
                    external_key=key,
                    instead_of=form.cleaned_data["mark"] or None,
                )
                how = "made here" if form.was_generated else "typed"
                self.log_change(request, config, f"Rotated the external key; the new one was {how}.")
        except ConfigConflict:
            text = f"The key of this device had been rotated already, so nothing was changed. {SHOWN_ONCE}"
            self.message_user(request, text, messages.WARNING)
            return HttpResponseRedirect(page)
        except BootstrapError as error:
            self.message_user(request, sentence(error.detail or error.message), messages.ERROR)
            return None
        if form.was_generated:
            return self.show_key(request, config, key, is_new=False)
        self.message_user(request, "The key was rotated: the device needs the new one from now on.", messages.SUCCESS)
        return HttpResponseRedirect(page)

    def show_key(self, request: HttpRequest, config: Config, external_key: str, *, is_new: bool) -> HttpResponse:
        """Return the page that shows a key this once; nothing keeps a copy of it."""
        installation = Installation(device_url(request, config.external_id), config.external_id, external_key)
        context = {"installation": installation, "is_new": is_new, "is_public_url_set": bool(settings.PUBLIC_URL)}
        title = "Device enrolled" if is_new else "Key rotated"
        response = self.device_page(request, config, "key", title, context)
        # The admin says so of all its pages; here much depends on it.
        add_never_cache_headers(response)
        return response


def device_url(request: HttpRequest, external_id: str) -> str:
    """Return where a device asks for its configuration: below the setting, or where the admin was reached."""
    path = reverse("device-bootstrap", args=(external_id,))
    if settings.PUBLIC_URL:
        # It says all that stands before, which need not be the admin's prefix.
        return settings.PUBLIC_URL + path.removeprefix(settings.URL_PREFIX)
    return request.build_absolute_uri("/").rstrip("/") + path


def new_enrolment(user: Any) -> str:
    """Return the id of a device that `user` is about to enrol, signed: sent twice, it is still one device."""
    return signing.dumps([str(uuid.uuid4()), str(user.pk)], salt=_ENROLMENT_SALT)


def read_enrolment(token: str, user: Any) -> uuid.UUID | None:
    """Return the id that `new_enrolment` drew for the same user; None for anything else."""
    try:
        drawn, owner = signing.loads(token, salt=_ENROLMENT_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return parse_id(drawn) if owner == str(user.pk) else None
