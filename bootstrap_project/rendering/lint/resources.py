"""What snapshots of each type of resource hold.

Source: docs/contract.md#e3, #k4 and #k5; `enrollments.binding.resolve` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bootstrap_project.rendering.analysis.paths import Path
from bootstrap_project.rendering.analysis.values import Kind
from bootstrap_project.slots import RESOURCE_KINDS

SNAPSHOT_KEYS: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(kind.snapshot_keys) for name, kind in RESOURCE_KINDS.items()
}
SECRET_KEYS: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(kind.secret_keys) for name, kind in RESOURCE_KINDS.items()
}
#: Keys that not every resource has; the platform gives all others with every client and channel.
OPTIONAL_KEYS: Final = frozenset(key for kind in RESOURCE_KINDS.values() for key in kind.optional_keys)
#: Keys whose text is an id of the platform: letters, digits and hyphens.
ID_KEYS: Final = frozenset({"id", "domain_id"})


def key_kind(path: Path) -> Kind | None:
    """Return the kind of what a snapshot or secret holds; None for what is inside of metadata."""
    if len(path) != 4:
        return None
    return Kind.MAP if path[3] == "metadata" else Kind.STRING
