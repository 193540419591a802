"""Entity tags of profiles: made from what operators can write (docs/contract.md#k27)."""

from __future__ import annotations

from bootstrap_project.conditions import make_etag
from profiles.models import Profile


def profile_etag(profile: Profile) -> str:
    """Return the tag of `profile`; an update that changes nothing keeps it, though it raises the version."""
    return make_etag(
        "profiles.etag",
        str(profile.pk),
        profile.domain_id,
        profile.name,
        profile.description,
        profile.template_format,
        profile.content_template,
        profile.defaults,
        profile.binding_slots,
    )
