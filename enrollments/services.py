"""What can be done with an enrollment without the platform: assign a profile, and list the bindings."""

from __future__ import annotations

from bootstrap_project.conditions import IfMatch
from bootstrap_project.ids import parse_id
from configs.models import Config
from configs.services import set_profile
from enrollments.errors import InvalidEnrollment
from enrollments.models import BindingSnapshot
from profiles.services import get_profile


def assign_profile(*, config: Config, profile_id: str, if_match: IfMatch | None = None) -> None:
    """Make the profile of that id the one that `config` renders.

    Bindings stay stored; those that the new profile does not declare, or declares with the other type, are ignored
    until it does or until their slot is bound again (`enrollments.slots`).

    Raises: InvalidEnrollment without an id; ProfileNotFound when the domain has no such profile; ConfigNotFound;
    PreconditionFailed.
    """
    if not profile_id:
        raise InvalidEnrollment("missing entity id", "profile_id: give the id of a profile of this domain")
    profile = get_profile(domain_id=config.domain_id, profile_id=parse_id(profile_id))
    set_profile(domain_id=config.domain_id, config_id=config.pk, profile_id=profile.pk, if_match=if_match)


def list_bindings(*, config: Config) -> list[BindingSnapshot]:
    """Return all stored bindings of `config` by slot, those that its profile does not declare included.

    Cost: one query, which leaves the sealed secrets in the database.
    """
    return list(BindingSnapshot.objects.filter(config_id=config.pk).defer("secret_sealed").order_by("slot"))
