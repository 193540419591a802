"""What a profile renders to for a device that is stored or made up, and what stands in place of its secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bootstrap_project.diagnostics import Location
from bootstrap_project.rendering.context import BindingContext, build_context
from bootstrap_project.rendering.errors import OutputInvalid, RenderError
from bootstrap_project.rendering.renderer import MASK, render
from bootstrap_project.rendering.turns import turns
from bootstrap_project.security.keyring import SealError
from configs.models import Config
from enrollments.errors import named
from enrollments.models import BindingSnapshot
from enrollments.slots import declared_bindings
from profiles.errors import PreviewFailed, PreviewOutputInvalid
from profiles.models import Profile, TemplateFormat

_MASKED: Final = f"`{MASK}` stands there for the secret that the device gets: with that it may be otherwise."
#: Longer than secrets are, and than what templates cut of them.
_LONG: Final = 4_096


@dataclass(frozen=True, slots=True)
class Subject:
    """The device that a profile is rendered for, stored or made up; its bindings may hold secrets."""

    id: str = ""
    external_id: str = ""
    render_context: Mapping[str, Any] = field(default_factory=dict)
    bindings: Mapping[str, BindingContext] = field(default_factory=dict, repr=False)
    is_masked: bool = False


def stored_subject(profile: Profile, config: Config) -> Subject:
    """Return a stored config with those of its bindings that `profile` declares, secrets masked.

    Raises: PreviewFailed for a secret that cannot be opened.
    Cost: one query, unless the bindings were prefetched.
    Source: docs/contract.md#a4, form 2.
    """
    # The device path opens nothing for a raw profile either.
    is_raw = profile.template_format == TemplateFormat.RAW
    declared = () if is_raw else declared_bindings(profile.slots, config.bindings.all())
    bindings = {
        binding.slot: BindingContext(
            Type=binding.type, ID=binding.resource_id, Snapshot=binding.snapshot, Secret=masked_secret(binding)
        )
        for _slot, binding in declared
    }
    return Subject(str(config.pk), config.external_id, config.render_context, bindings, is_masked=True)


def render_preview(profile: Profile, subject: Subject) -> str:
    """Return what `profile`, which need not be stored, renders to for `subject`; nothing is read or changed.

    Required slots are not asked for, so that a template can be tried bit by bit (docs/contract.md#a4).
    Raises: PreviewFailed with the template's own error; NoTurn.
    """
    try:
        return _render(profile, subject)
    except PreviewFailed as error:
        if subject.is_masked and _is_of_masks(error, profile, subject):
            diagnostics = tuple(replace(one, hint=f"{one.hint} {_MASKED}".lstrip()) for one in error.diagnostics)
            raise type(error)(error.message, f"{error.detail}; {_MASKED}", diagnostics=diagnostics) from error
        raise


def _render(profile: Profile, subject: Subject) -> str:
    with turns.work_for(profile.domain_id):
        context = build_context(
            config_id=subject.id,
            external_id=subject.external_id,
            domain_id=profile.domain_id,
            defaults=profile.defaults,
            render_context=subject.render_context,
            bindings=subject.bindings,
        )
        try:
            return render(
                template_format=profile.template_format, content_template=profile.content_template, context=context
            )
        except RenderError as error:
            kind = PreviewOutputInvalid if isinstance(error, OutputInvalid) else PreviewFailed
            raise kind(error.message, error.detail, diagnostics=error.diagnostics) from error


def _is_of_masks(error: PreviewFailed, profile: Profile, subject: Subject) -> bool:
    """Return whether the mask itself breaks a preview, where a secret might not: another mask fails elsewhere, or not.

    No secret has a part in the answer, which depends on the template and the masks alone.
    """
    # Digits fit where a number stands; of one length, so that places stay; long where the template takes a piece.
    other = "1" * (len(MASK) if isinstance(error, PreviewOutputInvalid) else _LONG)
    remasked = {slot: replace(one, Secret=masked_members(one.Secret, other)) for slot, one in subject.bindings.items()}
    try:
        _render(profile, replace(subject, bindings=remasked))
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
