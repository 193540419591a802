"""Previews of a profile for a stored config, and what stands in previews in place of secrets."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from bootstrap_project.rendering.renderer import MASK
from bootstrap_project.security.keyring import SealError
from configs.models import Config
from configs.services import get_config
from enrollments.errors import named
from enrollments.models import BindingSnapshot
from enrollments.slots import declared_bindings
from profiles.errors import PreviewFailed
from profiles.models import Profile, TemplateFormat
from profiles.services import SampleBinding, SampleDevice, preview_profile


def preview_stored_config(*, profile: Profile, config_id: uuid.UUID | None) -> str:
    """Return what `profile` renders to for a stored config of its domain with the config's bindings, secrets masked.

    Raises: ConfigNotFound; PreviewFailed with the template's own error.
    Source: docs/contract.md#a4, form 2.
    """
    config = get_config(domain_id=profile.domain_id, config_id=config_id)
    return render_for_config(profile=profile, config=config, stored=BindingSnapshot.objects.filter(config=config))


def render_for_config(*, profile: Profile, config: Config, stored: Iterable[BindingSnapshot]) -> str:
    """Return what `profile` gives `config` with its `stored` bindings; secrets are masked before it is rendered.

    Raises: PreviewFailed.
    """
    is_raw = profile.template_format == TemplateFormat.RAW
    bindings = [
        SampleBinding(
            slot=binding.slot,
            type=binding.type,
            resource_id=binding.resource_id,
            snapshot=binding.snapshot,
            secret_snapshot=masked_secret(binding),
        )
        # The device path opens nothing for a raw profile either.
        for _slot, binding in ([] if is_raw else declared_bindings(profile.slots, stored))
    ]
    device = SampleDevice(id=str(config.pk), external_id=config.external_id, render_context=config.render_context)
    return preview_profile(profile=profile, device=device, bindings=bindings)


def masked_secret(binding: BindingSnapshot) -> dict[str, Any]:
    """Return the secret part of a binding with the same members and none of its values.

    Raises: PreviewFailed when it cannot be opened.
    """
    try:
        secret = binding.secret_snapshot
    except SealError as error:
        detail = f"{named(binding.slot)}: {error}; refresh the bindings"
        raise PreviewFailed("the secret snapshot cannot be opened", detail, slot=binding.slot) from error
    return masked_members(secret)


def masked_members(secret: Mapping[str, Any]) -> dict[str, Any]:
    """Return `secret` with the same members and none of its values."""
    return {name: _masked(value) for name, value in secret.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _masked(member) for name, member in value.items()}
    return [_masked(member) for member in value] if isinstance(value, list) else MASK
