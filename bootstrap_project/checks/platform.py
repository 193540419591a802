"""Checks Magistrala and what this service's credential may do there: `manage.py check --tag magistrala`.

Django runs every registered check before most of its commands and at the start of its server, whatever the tags. None
of those may depend on another service, so the command registers this check, for its own time.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning  # noqa: A004 - Django's own name for it.
from django.core.exceptions import ImproperlyConfigured

from bootstrap_project.checks.rights import check_domain, check_verification
from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.credential import HINT, is_configured, with_service_token
from bootstrap_project.magistrala.errors import MagistralaError, Unauthorized, Unverified
from bootstrap_project.magistrala.factory import get_client
from bootstrap_project.magistrala.urls import SERVICES

TAG: Final = "magistrala"
#: A platform may have thousands of domains; no more than these are tried.
MAX_DOMAINS: Final = 10


def check_magistrala(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Ask every service, read the public keys, and try the credential.

    Cost: a call to each service and at most four for each domain shown, each within the time-outs of the settings.
    """
    try:
        client = get_client()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="Correct the address.", id="bootstrap.E100")]
    return [*_check_services(client), *_check_keys(client), *_check_credential(client)]


def _check_services(client: MagistralaClient) -> list[CheckMessage]:
    with ThreadPoolExecutor(len(SERVICES)) as executor:
        return list(executor.map(lambda service: _check_service(client, service), SERVICES))


def _check_service(client: MagistralaClient, service: str) -> CheckMessage:
    where = f"The Magistrala {service} service at {client.urls.of(service)}"
    if client.health(service):
        return Info(f"{where} answers.", id="bootstrap.I101")
    return Error(
        f"{where} does not answer its health check.",
        hint=f"Check MG_{service.upper()}_URL, MG_CA_BUNDLE, the network, and whether the service runs.",
        id="bootstrap.E101",
    )


def _check_keys(client: MagistralaClient) -> list[CheckMessage]:
    try:
        keys = client.jwks().keys
    except MagistralaError as error:
        hint = "Set MG_AUTH_JWKS_URL; the stock gateway does not route it. Until then tokens are checked online alone."
        return [Warning(f"The platform's public keys cannot be read: {error.message}", hint=hint, id="bootstrap.W102")]
    if not keys:
        return [Info("The platform has no public keys; tokens are checked online alone.", id="bootstrap.I102")]
    algorithms = sorted({str(key.get("alg") or "unnamed") for key in keys})
    if not set(algorithms) & {*settings.MG_AUTH_ALGORITHMS, "unnamed"}:
        return [
            Error(
                f"The platform signs with {', '.join(algorithms)}, so every access token would be refused here.",
                hint="Add it to MG_AUTH_ALGORITHMS.",
                id="bootstrap.E102",
            )
        ]
    count = f"{len(keys)} public key{'s' if len(keys) > 1 else ''}"
    return [Info(f"The platform has {count} ({', '.join(algorithms)}).", id="bootstrap.I103")]


def _check_credential(client: MagistralaClient) -> list[CheckMessage]:
    if not is_configured():
        text = "There is no service credential: admin pages and commands cannot ask the platform."
        return [Warning(text, hint=f"{HINT[0].upper()}{HINT[1:]}.", id="bootstrap.W104")]
    try:
        domains = with_service_token(client.list_domains)
    except Unauthorized as error:
        return [
            Error(f"The service credential is refused: {error.message}", hint=_remedy(error), id="bootstrap.E104"),
        ]
    except MagistralaError as error:
        hint = "Correct what the message names." if error.permanent else "Try again when the service answers."
        return [Error(f"The service credential cannot be tried: {error.message}", hint=hint, id="bootstrap.E105")]
    messages = check_verification()
    if not domains:
        text = "The service credential works, but its user is a member of no domain, so nothing can be bound with it."
        hint = "Give its user a role in each domain that is to be served."
        return [*messages, Warning(text, hint=hint, id="bootstrap.W105")]
    for domain in domains[:MAX_DOMAINS]:
        messages.extend(check_domain(client, domain))
    if len(domains) > MAX_DOMAINS:
        text = f"The service credential sees {len(domains)} domains or more; {MAX_DOMAINS} were looked into."
        messages.append(Info(text, id="bootstrap.I107"))
    return messages


def _remedy(error: Unauthorized) -> str:
    """Return the hint for a refused credential."""
    if isinstance(error, Unverified):
        return (
            "Let the user follow the link in the platform's mail; where it sends no mails, set MG_ALLOW_UNVERIFIED_USER"
            " to true, on the platform and here."
        )
    if settings.SERVICE_TOKEN:
        return "Make a new personal access token for MG_BOOTSTRAP_TOKEN."
    return "The name or the password is wrong: correct MG_BOOTSTRAP_USERNAME or MG_BOOTSTRAP_PASSWORD."
