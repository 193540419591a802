"""What can be done with an enrollment: assign a profile, bind, list and refresh."""

from __future__ import annotations

import logging
import uuid

from django.db import IntegrityError
from django.utils import timezone

from bootstrap_project.ids import parse_id
from configs.errors import ConfigNotFound
from configs.models import Config
from enrollments.binding.bind import BindingRequest, BindResult, bind_resources
from enrollments.errors import InvalidEnrollment
from enrollments.models import BindingSnapshot
from enrollments.refresh.run_one import RefreshResult, apply_refresh, needed_resources, refresh_bindings
from profiles.errors import ProfileNotFound
from profiles.models import Profile

__all__ = [
    "BindResult",
    "BindingRequest",
    "RefreshResult",
    "apply_refresh",
    "assign_profile",
    "bind_resources",
    "get_enrollment",
    "list_bindings",
    "needed_resources",
    "refresh_bindings",
]

logger = logging.getLogger(__name__)


def get_enrollment(*, domain_id: str, config_id: uuid.UUID | None) -> Config:
    """Return a config of the domain with its profile.

    Raises: ConfigNotFound, for another domain's as for one that does not exist (contract K17).
    Cost: one query.
    """
    configs = Config.objects.in_domain(domain_id).select_related("profile")
    found = configs.filter(pk=config_id).first() if config_id else None
    if found is None:
        raise ConfigNotFound("entity not found", "the domain has no config of this id")
    return found


def assign_profile(*, config: Config, profile_id: str | uuid.UUID) -> Profile:
    """Make the profile of that id the one that `config` renders, and return it.

    Bindings stay stored; those that the new profile does not declare, or declares with the other type, are ignored
    until it does or until their slot is bound again (`enrollments.slots`).

    Raises: InvalidEnrollment without an id; ProfileNotFound when the domain has no such profile; ConfigNotFound.
    Cost: two statements.
    """
    if not profile_id:
        raise InvalidEnrollment("missing entity id", "profile_id: give the id of a profile of this domain")
    parsed = parse_id(str(profile_id))
    profile = Profile.objects.in_domain(config.domain_id).filter(pk=parsed).first() if parsed else None
    if profile is None:
        raise ProfileNotFound("entity not found", "the domain has no profile of this id")
    try:
        found = Config.objects.filter(pk=config.pk).update(profile=profile, updated_at=timezone.now())
    except IntegrityError as error:
        # Removed between the two statements.
        raise ProfileNotFound("entity not found", "the profile was removed meanwhile") from error
    if not found:
        raise ConfigNotFound("entity not found", f"the config {config.pk} was removed meanwhile")
    config.profile = profile
    logger.info("profile assigned", extra={"config_id": config.pk, "profile_id": profile.pk})
    return profile


def list_bindings(*, config: Config) -> list[BindingSnapshot]:
    """Return all stored bindings of `config` by slot, those that its profile does not declare included.

    Cost: one query, which leaves the sealed secrets in the database.
    """
    return list(BindingSnapshot.objects.filter(config_id=config.pk).defer("secret_sealed").order_by("slot"))
