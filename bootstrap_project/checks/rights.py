"""Checks what the service's credential may do in a domain, without changing anything there."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

import jwt
from django.conf import settings
from django.core.checks import CheckMessage, Info, Warning  # noqa: A004 - Django's own name for it.

from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.credential import service_token, with_service_token
from bootstrap_project.magistrala.errors import Forbidden, MagistralaError, Unauthorized
from bootstrap_project.magistrala.resources import DomainMembership

#: Actions that a role in the domain needs to connect a bound channel to bound clients.
CONNECTING: Final = ("client_connect_to_channel", "channel_connect_to_client")
KINDS: Final = ("clients", "channels")
_PLATFORM_ADMIN: Final = 2


def check_verification() -> list[CheckMessage]:
    """Compare whether the platform and this service require verified e-mail addresses (W108, I108).

    Only an issued token says whether its user's address is verified; this one was just used successfully.
    """
    if settings.SERVICE_TOKEN:
        return []
    claims = _claims(service_token())
    if claims.get("verified") is not False:
        return []
    is_admin = claims.get("role") == _PLATFORM_ADMIN
    if settings.MG_ALLOW_UNVERIFIED_USER:
        text = "This service lets users in whose e-mail address is not verified (MG_ALLOW_UNVERIFIED_USER is true)."
        return [Info(text, id="bootstrap.I108")]
    if is_admin:
        text = (
            "The service's user administers the platform, which needs no verified e-mail address; of ordinary operators"
            " this service demands one (MG_ALLOW_UNVERIFIED_USER is false)."
        )
        return [Info(text, id="bootstrap.I108")]
    return [
        Warning(
            "The platform lets users in whose e-mail address is not verified, such as the service's own, and this"
            ' service answers them 401 "email not verified".',
            hint=(
                "MG_ALLOW_UNVERIFIED_USER decides, on the platform and here by itself: set it to true here as well, or"
                " to false there once its users are verified."
            ),
            id="bootstrap.W108",
        )
    ]


def check_domain(client: MagistralaClient, domain: DomainMembership) -> list[CheckMessage]:
    """Try to list and view clients and channels, and read the role's actions (I106, W106, W107, W109).

    Lists ask the platform for no scope, so only viewing shows what a personal access token may. Connecting cannot be
    tried: it would connect.
    """
    role = "administrator of the platform" if domain.by_platform_admin else f"role {domain.role_name or 'unnamed'}"
    named = f"In {domain.name or domain.id} ({domain.status}, {role}) the service credential"
    tried: dict[str, _Tried] = {}
    for kind in KINDS:
        try:
            tried[kind] = _try(client, domain.id, kind)
        except MagistralaError as error:
            hint = "Correct what the message names." if error.permanent else "Try again when the service answers."
            return [Warning(f"{named} could not be tried on {kind}: {error.message}", hint=hint, id="bootstrap.W107")]
    missing = [] if domain.actions is None else [action for action in CONNECTING if action not in domain.actions]
    messages: list[CheckMessage] = []
    for verb, wanted in (("list", _Tried.NOT_LISTED), ("view", _Tried.NOT_VIEWED)):
        if kinds := [kind for kind in KINDS if tried[kind] is wanted]:
            messages.append(_refused(named, verb, kinds))
    if missing:
        messages.append(
            Warning(
                f"{named} cannot connect what is bound: its user's role lacks {' and '.join(missing)}.",
                hint="Add the actions to the role; without them a channel cannot be bound beside a client.",
                id="bootstrap.W109",
            )
        )
    return messages or [_all_well(named, [kind for kind in KINDS if tried[kind] is _Tried.NOTHING_THERE])]


class _Tried(Enum):
    """Result of trying to read one kind of resource."""

    VIEWED = "viewed"
    NOTHING_THERE = "nothing there"
    NOT_LISTED = "not listed"
    NOT_VIEWED = "not viewed"


def _try(client: MagistralaClient, domain_id: str, kind: str) -> _Tried:
    """Try to list one kind, and to view the first resource listed.

    Raises: MagistralaError when the platform cannot say.
    """
    clients = kind == "clients"
    search = client.search_clients if clients else client.search_channels
    view = client.view_client if clients else client.view_channel
    try:
        found = with_service_token(lambda token: search(domain_id, "", token, 1, status="all"))
    except (Forbidden, Unauthorized):
        return _Tried.NOT_LISTED
    if not found:
        return _Tried.NOTHING_THERE
    try:
        with_service_token(lambda token: view(domain_id, found[0].id, token))
    except (Forbidden, Unauthorized):
        return _Tried.NOT_VIEWED
    return _Tried.VIEWED


def _refused(named: str, verb: str, kinds: list[str]) -> CheckMessage:
    actions = " and ".join(f"{kind[:-1]}_read" for kind in kinds)
    return Warning(
        f"{named} may not {verb} {' or '.join(kinds)}.",
        hint=(
            f"Give its user a role with {actions}; a personal access token also needs the scopes"
            f" view and list of {' and '.join(kinds)}."
        ),
        id="bootstrap.W106",
    )


def _all_well(named: str, untried: list[str]) -> CheckMessage:
    text = f"{named} may list and view clients and channels, and its role may connect them."
    if untried:
        text += f" (Viewing could not be tried on {' and '.join(untried)}: there are none.)"
    if settings.SERVICE_TOKEN:
        text += " Whether the token has the scopes connect_client and connect_to_channel cannot be tried."
    return Info(text, id="bootstrap.I106")


def _claims(token: str) -> dict[str, Any]:
    """Return a token's claims, unverified: it came directly from the platform."""
    try:
        return dict(jwt.decode(token, options={"verify_signature": False}))
    except jwt.PyJWTError:
        return {}
