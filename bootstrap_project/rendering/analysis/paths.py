"""Paths into the render context: `("Vars", "mqtt", "host")` leads from the root to a value.

Steps that are not names known in advance are members of `Step`.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, TypeAlias, TypeGuard

from bootstrap_project.gotemplate import BindingContext, DeviceContext, RenderContext, quote


class Step(Enum):
    """A step of a path that has no name of its own."""

    #: Any member, as `range` visits them.
    ITEM = "[]"
    #: A member whose name is computed.
    DYNAMIC = "[?]"
    #: The name or number of any member, as `range` gives it.
    KEY = "[key]"


Path: TypeAlias = tuple[str | Step, ...]

ROOT: Final[Path] = ()
VARS: Final[Path] = ("Vars",)
BINDINGS: Final[Path] = ("Bindings",)
DEVICE: Final[Path] = ("Device",)

_NAME: Final = re.compile(r"[^\W\d]\w{0,79}")


def prefixes(path: Path) -> frozenset[Path]:
    """Return what is there where `path` is there: itself and what it goes through, from the second step on."""
    return frozenset(path[:length] for length in range(2, len(path) + 1))


def leading_names(path: Path) -> tuple[str, ...]:
    """Return the names that `path` begins with, up to the first step that is none."""
    names: list[str] = []
    for step in path:
        if isinstance(step, Step):
            break
        names.append(step)
    return tuple(names)


def is_slot(path: Path | None) -> TypeGuard[Path]:
    """Return whether `path` leads to a binding."""
    return path is not None and len(path) == 2 and path[0] == "Bindings"


def is_container(path: Path | None) -> bool:
    """Return whether `path` leads to something that holds named values: a struct, or one of the maps of the context."""
    if path is None:
        return False
    return path in {ROOT, VARS, BINDINGS, DEVICE} or is_slot(path) or is_resource_map(path)


def is_resource_map(path: Path) -> bool:
    """Return whether `path` leads to the snapshot or the secret of a binding."""
    return len(path) == 3 and path[0] == "Bindings" and path[2] in {"Snapshot", "Secret"}


def members_of(path: Path) -> tuple[str, ...] | None:
    """Return the members of the struct under `path`; None where there is a map, or something unknown."""
    if path == ROOT:
        return RenderContext.go_fields
    if path == DEVICE:
        return DeviceContext.go_fields
    return BindingContext.go_fields if is_slot(path) else None


def struct_string(path: Path) -> bool:
    """Return whether `path` leads to a string of one of the structs, which is always there."""
    return (len(path) == 2 and path[0] == "Device") or (
        len(path) == 3 and path[0] == "Bindings" and path[2] in {"Type", "ID"}
    )


def dotted(path: Path) -> str:
    """Return `path` as people would write it: `.Vars.sensors[].name`, `.Vars["my-name"]`."""
    return "".join(map(_dotted_step, path)) or "."


def _dotted_step(step: str | Step) -> str:
    if isinstance(step, Step):
        return step.value
    return f".{step}" if _NAME.fullmatch(step) else f"[{shorten(quote(step), 60)}]"


def shorten(text: str, length: int) -> str:
    """Return `text`, its end cut off where it is longer than `length`."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
