"""Previews of a stored config: what a profile renders to for it, and what its device would get, without its secrets."""

from __future__ import annotations

import uuid
from typing import Any

from bootstrap_project.keyring import SealError
from bootstrap_project.rendering.context import BindingContext, build_context
from bootstrap_project.rendering.renderer import MASK, render
from configs.models import Config
from configs.services import get_config
from enrollments.models import BindingSnapshot
from enrollments.slots import declared_bindings, named
from profiles.errors import PreviewFailed
from profiles.models import Profile, TemplateFormat
from profiles.services import SampleBinding, SampleDevice, preview_profile


def preview_stored_config(*, profile: Profile, config_id: uuid.UUID | None) -> str:
    """Return what `profile` renders to for a stored config of its domain with the config's bindings, secrets masked.

    Raises: ConfigNotFound; PreviewFailed with the template's own error.
    Source: contract A.4, form 2.
    """
    config = get_config(domain_id=profile.domain_id, config_id=config_id)
    stored = BindingSnapshot.objects.filter(config=config)
    bindings = [
        SampleBinding(
            slot=binding.slot,
            type=binding.type,
            resource_id=binding.resource_id,
            snapshot=binding.snapshot,
            secret_snapshot=masked_secret(binding),
        )
        for _slot, binding in declared_bindings(profile.slots, stored)
    ]
    device = SampleDevice(id=str(config.pk), external_id=config.external_id, render_context=config.render_context)
    return preview_profile(profile=profile, device=device, bindings=bindings)


def preview_device(config: Config) -> str:
    """Return the content that the device of `config` would get at its next call if it were enabled, secrets masked.

    The steps are those of `devices.services.bootstrap` after its checks, on models instead of rows, and a test holds
    both together. Secrets are masked before rendering, so that no function of a template can carry one out.
    Raises: PreviewFailed for unbound required slots and secrets that cannot be opened; RenderError.
    Cost: one query for the bindings.
    """
    profile = config.profile
    if profile is None:
        return config.content
    declared = declared_bindings(profile.slots, BindingSnapshot.objects.filter(config_id=config.pk))
    bound = {slot.name for slot, _binding in declared}
    missing = [slot.name for slot in profile.slots if slot.required and slot.name not in bound]
    if missing:
        raise PreviewFailed("required slots are not bound", f"bind these first: {', '.join(missing)}")
    # The device path opens nothing for a raw profile either.
    opened = [] if profile.template_format == TemplateFormat.RAW else [binding for _slot, binding in declared]
    bindings = {
        binding.slot: BindingContext(
            Type=binding.type,
            ID=binding.resource_id,
            Snapshot=binding.snapshot,
            Secret=masked_secret(binding),
        )
        for binding in opened
    }
    context = build_context(
        config_id=str(config.pk),
        external_id=config.external_id,
        domain_id=config.domain_id,
        defaults=profile.defaults,
        render_context=config.render_context,
        bindings=bindings,
    )
    return render(template_format=profile.template_format, content_template=profile.content_template, context=context)


def masked_secret(binding: BindingSnapshot) -> dict[str, Any]:
    """Return the secret part of a binding with the same members and none of its values.

    Raises: PreviewFailed when it cannot be opened.
    """
    try:
        secret = binding.secret_snapshot
    except SealError as error:
        detail = f"{named(binding.slot)}: {error}; refresh the bindings"
        raise PreviewFailed("the secret snapshot cannot be opened", detail) from error
    return {name: _masked(value) for name, value in secret.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _masked(member) for name, member in value.items()}
    return [_masked(member) for member in value] if isinstance(value, list) else MASK
