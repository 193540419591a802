"""The data that a template sees: device, variables and bindings (docs/contract.md#d1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bootstrap_project.documents.limits import MAX_INTEGER_BITS
from bootstrap_project.gotemplate import BindingContext, DeviceContext, RenderContext


def build_context(
    *,
    config_id: str,
    external_id: str,
    domain_id: str,
    defaults: Mapping[str, Any],
    render_context: Mapping[str, Any],
    bindings: Mapping[str, BindingContext],
) -> RenderContext:
    """Return what a template is executed with.

    Variables are the profile's `defaults` with the device's `render_context` on top, key by key, not deeper.
    Source: docs/contract.md#d1; #k14 for integers, which stay integers and print as such, also beyond 64 bits.
    """
    return RenderContext(
        Device=DeviceContext(ID=config_id, ExternalID=external_id, DomainID=domain_id),
        Vars=_go_numbers({**defaults, **render_context}),
        Bindings={slot: _with_go_numbers(binding) for slot, binding in bindings.items()},
    )


def _with_go_numbers(binding: BindingContext) -> BindingContext:
    snapshot = _go_numbers(binding.Snapshot)
    return binding if snapshot is binding.Snapshot else replace(binding, Snapshot=snapshot)


def _go_numbers(value: Any) -> Any:
    """Return `value` with integers out of all bounds as floats; the same object where there are none."""
    if type(value) is int:
        return value if value.bit_length() <= MAX_INTEGER_BITS else _float(value)
    if isinstance(value, dict):
        changed = {name: _go_numbers(member) for name, member in value.items()}
        return changed if any(changed[name] is not value[name] for name in value) else value
    if isinstance(value, list):
        items = [_go_numbers(member) for member in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


def _float(value: int) -> float:
    """Return `value` as a float, infinite beyond their range, so that no device's call fails for it."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


__all__ = ["BindingContext", "DeviceContext", "RenderContext", "build_context"]
