"""Previews of a stored config: what a profile would render to for it, without its secrets."""

from __future__ import annotations

import uuid
from typing import Any, Final

from bootstrap_project.keyring import SealError
from configs.services import get_config
from enrollments.models import BindingSnapshot
from enrollments.slots import declared_bindings, named
from profiles.errors import PreviewFailed
from profiles.models import Profile
from profiles.services import SampleBinding, SampleDevice, preview_profile

#: What stands for every secret value: a preview shows where secrets go, never what they are.
MASK: Final = "********"


def preview_stored_config(*, profile: Profile, config_id: uuid.UUID | None) -> str:
    """Return what `profile` renders to for a stored config of its domain with the config's bindings, secrets masked.

    Raises: ConfigNotFound; PreviewFailed with the template's own error.
    Source: contract A.4, form 2.
    """
    config = get_config(domain_id=profile.domain_id, config_id=config_id)
    stored = BindingSnapshot.objects.filter(config=config)
    bindings = [_masked(binding) for _slot, binding in declared_bindings(profile.slots, stored)]
    device = SampleDevice(id=str(config.pk), external_id=config.external_id, render_context=config.render_context)
    return preview_profile(profile=profile, device=device, bindings=bindings)


def _masked(binding: BindingSnapshot) -> SampleBinding:
    try:
        secret = mask(binding.secret_snapshot)
    except SealError as error:
        raise PreviewFailed(
            "the secret snapshot cannot be opened", f"{named(binding.slot)}: {error}; refresh the bindings"
        ) from error
    return SampleBinding(
        slot=binding.slot,
        type=binding.type,
        resource_id=binding.resource_id,
        snapshot=binding.snapshot,
        secret_snapshot=secret,
    )


def mask(secret: dict[str, Any]) -> dict[str, Any]:
    """Return `secret` with the same names and a mask for every value."""
    return dict.fromkeys(secret, MASK)
