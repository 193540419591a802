"""Checks which keys the stored data needs: part of `check --deploy`, which queries the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Warning, register  # noqa: A004 - Django's own name for it.
from django.db import DatabaseError

from bootstrap_project.security.keyring import Key, KeyState, state_of
from configs.external_keys import count_digests
from enrollments.reseal import count_secrets_by_key


@register(deploy=True)
def check_transport_key_is_its_own(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Check that no other key is the one that devices hold (W004; docs/contract.md#k19)."""
    transport_key = settings.TRANSPORT_KEY.decode(errors="replace")
    return [
        Warning(
            f"{name} is the same text as MG_BOOTSTRAP_ENCRYPT_KEY, which devices of the secure endpoint hold.",
            hint="Rotate it: the page on operations says how.",
            id="bootstrap.W004",
        )
        for name, keys in (
            ("MG_BOOTSTRAP_SECRET_KEY", [settings.SECRET_KEY]),
            ("A key of MG_BOOTSTRAP_SECRET_KEY_FALLBACKS", settings.SECRET_KEY_FALLBACKS),
        )
        if transport_key in keys
    ]


@register(deploy=True)
def check_stored_keys(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Report data that still needs the transport key (W005, W006), and data that no key opens (W007).

    Cost: one pass over the configs and their bindings. Reports nothing when the database does not answer.
    """
    try:
        secrets = _by_state(count_secrets_by_key(), settings.SEALING_RING.keys)
        digests = _by_state(count_digests(), settings.PEPPER_RING.keys)
    except DatabaseError:
        return []
    messages: list[CheckMessage] = []
    if number := secrets["transport"]:
        messages.append(
            Warning(
                f"Stored secrets under a key derived from MG_BOOTSTRAP_ENCRYPT_KEY, which devices hold: {number}.",
                hint="manage.py reseal_secrets seals them again; what still needs it is served meanwhile.",
                id="bootstrap.W005",
            )
        )
    if number := digests["transport"]:
        messages.append(
            Warning(
                f"Digests of external keys under a pepper that is derived from MG_BOOTSTRAP_ENCRYPT_KEY: {number}.",
                hint="Devices renew them by calling. manage.py renew_key_digests tells how far that is; with "
                "--clear-old it waits for nobody.",
                id="bootstrap.W006",
            )
        )
    if number := secrets["unknown"]:
        messages.append(
            Warning(
                f"Stored secrets under a key that is in no ring, so that they cannot be opened: {number}.",
                hint="Put it back: a former MG_BOOTSTRAP_SECRET_KEY into MG_BOOTSTRAP_SECRET_KEY_FALLBACKS, a former "
                "key of MG_BOOTSTRAP_SEALING_KEYS to its end. manage.py reseal_secrets --check names it.",
                id="bootstrap.W007",
            )
        )
    return messages


def _by_state(numbers: Mapping[str, int], keys: Sequence[Key]) -> Counter[KeyState]:
    found: Counter[KeyState] = Counter()
    for key_id, number in numbers.items():
        if key_id:  # Rows without a digest.
            found[state_of(key_id, keys)] += number
    return found
