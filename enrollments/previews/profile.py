"""Previews of a profile for a stored config, and what stands in previews in place of secrets."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from bootstrap_project.diagnostics import Location
from bootstrap_project.rendering.renderer import MASK
from bootstrap_project.security.keyring import SealError
from configs.models import Config
from configs.services import get_config
from enrollments.errors import named
from enrollments.models import BindingSnapshot
from enrollments.slots import declared_bindings
from profiles.errors import PreviewFailed, PreviewOutputInvalid
from profiles.models import Profile, TemplateFormat
from profiles.services import SampleBinding, SampleDevice, preview_profile

_MASKED: Final = f"`{MASK}` stands there for the secret that the device gets: with that it may be otherwise."
#: Longer than secrets are, and than what templates cut of them.
_LONG: Final = 4_096


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
    try:
        return preview_profile(profile=profile, device=device, bindings=bindings)
    except PreviewFailed as error:
        if _is_of_masks(error, profile, device, bindings):
            diagnostics = tuple(replace(one, hint=f"{one.hint} {_MASKED}".lstrip()) for one in error.diagnostics)
            raise type(error)(error.message, f"{error.detail}; {_MASKED}", diagnostics=diagnostics) from error
        raise


def _is_of_masks(
    error: PreviewFailed, profile: Profile, device: SampleDevice, bindings: Iterable[SampleBinding]
) -> bool:
    """Return whether the mask itself breaks a preview, where a secret might not: another mask fails elsewhere, or not.

    No secret has a part in the answer, which depends on the template and the masks alone.
    """
    # Digits fit where a number stands; of one length, so that places stay; long where the template takes a piece.
    other = "1" * (len(MASK) if isinstance(error, PreviewOutputInvalid) else _LONG)
    remasked = [replace(one, secret_snapshot=masked_members(one.secret_snapshot, other)) for one in bindings]
    try:
        preview_profile(profile=profile, device=device, bindings=remasked)
    except PreviewFailed as second:
        return type(second) is not type(error) or _places(second) != _places(error)
    return True


def _places(error: PreviewFailed) -> list[Location]:
    return [one.location for one in error.diagnostics]


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


def masked_members(secret: Mapping[str, Any], mask: str = MASK) -> dict[str, Any]:
    """Return `secret` with the same members and none of its values."""
    return {name: _masked(value, mask) for name, value in secret.items()}


def _masked(value: Any, mask: str) -> Any:
    if isinstance(value, dict):
        return masked_members(value, mask)
    return [_masked(member, mask) for member in value] if isinstance(value, list) else mask
