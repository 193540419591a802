"""Whether Magistrala answers, and what this service's credential may do there: `manage.py check --tag magistrala`.

Django runs every registered check before most of its commands and at the start of its server, whatever the tags. None
of those may depend on another service, so this check says nothing until the command has been given its tag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning, register  # noqa: A004 - Django's own name for it.
from django.core.exceptions import ImproperlyConfigured

from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.credential import HINT, is_configured, with_service_token
from bootstrap_project.magistrala.errors import Forbidden, MagistralaError, Unauthorized
from bootstrap_project.magistrala.factory import get_client
from bootstrap_project.magistrala.resources import DomainMembership

TAG: Final = "magistrala"
SERVICES: Final = ("auth", "users", "domains", "clients", "channels")
#: So many domains are looked into; a platform may have thousands.
DOMAINS_SHOWN: Final = 10

_asked: ContextVar[bool] = ContextVar("magistrala_check_asked", default=False)


@contextmanager
def asked_for(tags: Iterable[str]) -> Iterator[None]:
    """Let the check speak inside the block if its tag is among `tags`."""
    token = _asked.set(TAG in tags)
    try:
        yield
    finally:
        _asked.reset(token)


@register(TAG)
def check_magistrala(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Ask every service, read the public keys, and try the credential; nothing unless the tag was given.

    Cost: a call to each service and two to each domain shown, each within the time-outs of the settings.
    """
    if not _asked.get():
        return []
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
        hint = "Make a new personal access token, or correct the user name and password."
        return [Error(f"The service credential is refused: {error.message}", hint=hint, id="bootstrap.E104")]
    except MagistralaError as error:
        hint = "Try again when the service answers."
        return [Error(f"The service credential cannot be tried: {error.message}", hint=hint, id="bootstrap.E105")]
    if not domains:
        hint = "Make its user a member of the domains that are to be served."
        return [Warning("The service credential works, but sees no domain.", hint=hint, id="bootstrap.W105")]
    messages: list[CheckMessage] = []
    for domain in domains[:DOMAINS_SHOWN]:
        messages.extend(_check_domain(client, domain))
    if len(domains) > DOMAINS_SHOWN:
        text = f"The service credential sees {len(domains)} domains or more; {DOMAINS_SHOWN} were looked into."
        messages.append(Info(text, id="bootstrap.I107"))
    return messages


def _check_domain(client: MagistralaClient, domain: DomainMembership) -> list[CheckMessage]:
    role = "administrator of the platform" if domain.by_platform_admin else f"role {domain.role_name or 'unnamed'}"
    named = f"{domain.name or domain.id} ({domain.status}, {role})"
    refused: list[str] = []
    searches: dict[str, Callable[[str], object]] = {
        "clients": lambda token: client.search_clients(domain.id, "", token, 1),
        "channels": lambda token: client.search_channels(domain.id, "", token, 1),
    }
    for kind, search in searches.items():
        try:
            with_service_token(search)
        except (Forbidden, Unauthorized):
            refused.append(kind)
        except MagistralaError as error:
            text = f"In {named} the service credential could not be tried on {kind}: {error.message}"
            return [Warning(text, hint="Try again when the service answers.", id="bootstrap.W107")]
    if not refused:
        return [Info(f"In {named} the service credential may list clients and channels.", id="bootstrap.I106")]
    return [
        Warning(
            f"In {named} the service credential may not list {' or '.join(refused)}.",
            hint="Give its user a role that may; a personal access token also needs the scopes view and list.",
            id="bootstrap.W106",
        )
    ]
