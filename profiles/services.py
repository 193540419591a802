"""What can be done with profiles: create, read, change, remove, lint."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from bootstrap_project.conditions import IfMatch
from bootstrap_project.database.constraints import violated_constraint
from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.rendering.errors import TemplateInvalid
from bootstrap_project.rendering.lint.lint import lint
from bootstrap_project.rendering.renderer import validate_template
from bootstrap_project.rendering.turns import turns
from bootstrap_project.slots import validate_slots
from bootstrap_project.visible_text import unseen_in_id, unseen_in_name
from profiles.errors import (
    InvalidProfile,
    InvalidTemplate,
    ProfileChanged,
    ProfileInUse,
    ProfileNameTaken,
    ProfileNotFound,
)
from profiles.etags import profile_etag
from profiles.models import Profile, TemplateFormat

logger = logging.getLogger(__name__)

#: What a caller may set; everything else is ours.
EDITABLE = ("name", "description", "template_format", "content_template", "defaults", "binding_slots")


def get_profile(*, domain_id: str, profile_id: uuid.UUID | None) -> Profile:
    """Return the profile of that id.

    Raises: ProfileNotFound, for another domain's as for one that does not exist (docs/contract.md#k17).
    """
    profile = Profile.objects.in_domain(domain_id).filter(pk=profile_id).first() if profile_id else None
    if profile is None:
        raise ProfileNotFound(field="profile_id")
    return profile


def create_profile(*, domain_id: str, values: Mapping[str, Any]) -> Profile:
    """Store a new profile of version 1.

    Raises: InvalidProfile and its kinds, InvalidSlots for what docs/contract.md#a3 refuses; ProfileNameTaken.
    """
    profile = Profile(domain_id=domain_id, **_checked({name: values[name] for name in EDITABLE if name in values}))
    with turns.work_for(domain_id):
        check_profile(profile)
    try:
        with transaction.atomic():
            profile.save(force_insert=True)
    except IntegrityError as error:
        raise _conflict(error, profile.name) from error
    _log_saved(profile)
    return profile


def update_profile(
    *,
    domain_id: str,
    profile_id: uuid.UUID | None,
    values: Mapping[str, Any],
    seen_version: int | None = None,
    if_match: IfMatch | None = None,
) -> Profile:
    """Replace the given members, leave the others, and raise the version by one.

    The profile as it will be is what is checked: a template that only fits its old format is refused.
    With `seen_version` it is written only over that version, with `if_match` only over what that names.
    Raises: ProfileNotFound; ProfileChanged; PreconditionFailed; InvalidProfile and its kinds, InvalidSlots;
    ProfileNameTaken.
    """
    if values.get("content_template"):
        # Compiled, and kept, before the row is locked: who waits for a turn holds up nobody else.
        with turns.work_for(domain_id), suppress(TemplateInvalid):
            validate_template(template_format="", content_template=values["content_template"])
    try:
        with transaction.atomic():
            profile = (
                Profile.objects.in_domain(domain_id).select_for_update().filter(pk=profile_id).first()
                if profile_id
                else None
            )
            if profile is None:
                raise ProfileNotFound(field="profile_id")
            if seen_version is not None and seen_version != profile.version:
                raise ProfileChanged(
                    "the profile was changed meanwhile", f"version {profile.version} was saved; look at it first"
                )
            if if_match is not None:
                if_match.check(profile_etag(profile))
            changed = _checked({name: values[name] for name in EDITABLE if name in values}, profile)
            for name, value in changed.items():
                setattr(profile, name, value)
            check_profile(profile)
            profile.version += 1
            profile.save(update_fields=[*changed, "version", "updated_at"])
    except IntegrityError as error:
        raise _conflict(error, str(values.get("name", ""))) from error
    _log_saved(profile)
    return profile


def delete_profile(*, domain_id: str, profile_id: uuid.UUID | None, if_match: IfMatch | None = None) -> None:
    """Remove the profile; removing one that is not there is no error (docs/contract.md#k8).

    Raises: ProfileInUse, saying how many configs use it; PreconditionFailed, also for one that is not there.
    """
    try:
        with transaction.atomic():
            # Locked, so that no config begins to use it after the look at its users.
            profiles = Profile.objects.in_domain(domain_id).select_for_update()
            profile = profiles.filter(pk=profile_id).first() if profile_id else None
            if if_match is not None:
                if_match.check(profile_etag(profile) if profile else None)
            if profile is not None:
                profile.delete()
    except ProtectedError as error:
        users = Profile(pk=profile_id).configs.count()
        noun = "1 config uses" if users == 1 else f"{users} configs use"
        raise ProfileInUse(
            "profile is in use", f"{noun} it; assign another profile to them or remove them first"
        ) from error


def _checked(values: Mapping[str, Any], stored: Profile | None = None) -> dict[str, Any]:
    """Return `values` with the name trimmed; what `stored` holds already may stay as it is.

    Raises: InvalidProfile for what nobody sees in the name, or in that of a slot or a variable.
    """
    checked = dict(values)
    if "name" in values and (stored is None or values["name"] != stored.name):
        checked["name"] = values["name"].strip()
        if unseen := unseen_in_name(checked["name"]):
            raise InvalidProfile("invalid name", f"name: it has {unseen}", field="name")
    slots = [slot.get("name") for slot in values.get("binding_slots") or () if isinstance(slot, Mapping)]
    known = stored or Profile()
    names = {
        "binding_slots": {name for name in slots if isinstance(name, str)} - {slot.name for slot in known.slots},
        "defaults": (values.get("defaults") or {}).keys() - known.defaults.keys(),
    }
    for field_name, unknown in names.items():
        for name in unknown:
            if unseen := unseen_in_id(name):
                detail = f"{field_name}: a name has {unseen}; write it without"
                raise InvalidProfile(f"invalid {field_name}", detail, field=field_name)
    return checked


def check_profile(profile: Profile) -> None:
    """Check `profile`, stored or not, as it is checked before it is saved; its slots get their stored form.

    Raises: InvalidProfile and its kinds, InvalidSlots.
    """
    if not profile.name:
        raise InvalidProfile("missing identity name", "name: a profile needs a name", field="name")
    if profile.template_format not in TemplateFormat.values:
        detail = f"template_format must be one of {', '.join(TemplateFormat.values)}"
        raise InvalidProfile("unknown template format", detail, field="template_format")
    profile.binding_slots = [slot.to_json() for slot in validate_slots(profile.binding_slots)]
    try:
        validate_template(template_format=profile.template_format, content_template=profile.content_template)
    except TemplateInvalid as error:
        raise InvalidTemplate(error) from error


def lint_profile(*, profile: Profile) -> list[Diagnostic]:
    """Return what may go wrong with the template of `profile`; see `docs/lint.md`.

    Cost: no queries, no network; some milliseconds.
    """
    with turns.work_for(profile.domain_id):
        return lint(
            profile.content_template,
            slots=profile.slots,
            defaults=profile.defaults,
            template_format=profile.template_format,
        )


def _log_saved(profile: Profile) -> None:
    # Who it was is in the request's own line, or in the record of changes.
    logger.info(
        "profile saved",
        extra={"domain_id": profile.domain_id, "profile_id": profile.pk, "version": profile.version},
    )


def _conflict(error: IntegrityError, name: str) -> Exception:
    if violated_constraint(error, Profile.NAME_UNIQUE):
        detail = f"the domain has another profile with the name {name[:80]!r}"
        return ProfileNameTaken("entity already exists", detail, field="name")
    return error
