"""Environment variables that earlier versions read; each refuses the start and names what stands in its place.

Ignored, one of them would leave its user believing in a limit, or in its absence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.core.exceptions import ImproperlyConfigured

REMOVED_SETTINGS: Final[Mapping[str, str]] = {
    "CACHE_URL": "Each process counts failures for itself; see the MG_BOOTSTRAP_LIMIT_… settings.",
    "MG_BOOTSTRAP_KEY_DIGESTS": "Digests of external keys are always on.",
    "MG_BOOTSTRAP_LIMITS": (
        "To limit nothing, give MG_BOOTSTRAP_LIMIT_SOURCE, MG_BOOTSTRAP_LIMIT_DEVICE and "
        "MG_BOOTSTRAP_LIMIT_KEY_CHECKS the rate 1000000000:1000000000."
    ),
    "MG_BOOTSTRAP_THREADS": (
        "MG_BOOTSTRAP_DEVICES_AT_ONCE says how many calls of devices a process works on at once, and "
        "MG_BOOTSTRAP_DB_POOL_SIZE how many connections to the database its other requests share."
    ),
}


def refuse_removed_settings(environment: Mapping[str, str]) -> None:
    """Raise ImproperlyConfigured for the first removed setting that has a value, also in its form NAME_FILE."""
    for name, instead in REMOVED_SETTINGS.items():
        for given in (name, f"{name}_FILE"):
            if environment.get(given, "").strip():
                raise ImproperlyConfigured(f"{given} is not a setting any more: unset it. {instead}")
