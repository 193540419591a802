"""Who may act in which domain, as Magistrala's domains service says; kept briefly (contract F.9)."""

from __future__ import annotations

import hmac
import os
import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

from django.conf import settings

from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.magistrala.errors import Forbidden, MagistralaError, ResourceNotFound, Unauthorized
from bootstrap_project.magistrala.factory import get_client
from bootstrap_project.magistrala.resources import DomainMembership
from bootstrap_project.observability.request_id import current_request_id

#: What a role must allow for its holder to count as the domain's administrator (contract F.9).
ADMIN_ACTIONS: Final = frozenset(
    {
        "read",
        "update",
        "enable",
        "disable",
        "delete",
        "manage_role",
        "add_role_users",
        "remove_role_users",
        "view_role_users",
    }
)
CACHE_SIZE: Final = 10_000
PLATFORM_RETRY_SECONDS: Final = 5


class NotAuthenticated(BootstrapError):
    """No bearer token, or one that the platform does not accept."""

    kind = ErrorKind.UNAUTHORIZED


class NotAuthorized(BootstrapError):
    """A good token whose user may not act in the domain."""

    kind = ErrorKind.FORBIDDEN


class DomainNotFound(BootstrapError):
    """A domain that is no more."""

    kind = ErrorKind.NOT_FOUND


class PlatformUnavailable(BootstrapError):
    """The platform cannot say who is asking; never taken for a wrong token."""

    kind = ErrorKind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody whose membership of one domain has been confirmed."""

    domain_id: str
    is_domain_admin: bool
    is_platform_admin: bool

    @property
    def is_authenticated(self) -> bool:
        """Return True: there is no such thing as an anonymous operator."""
        return True


class DecisionCache:
    """Confirmed decisions for a short time, under a digest of token and domain that only this process can make."""

    def __init__(self, size: int = CACHE_SIZE) -> None:
        """Hold at most `size` decisions; the one that was used least recently goes first."""
        self._size = size
        self._key = os.urandom(32)
        self._lock = Lock()
        self._decisions: OrderedDict[bytes, tuple[float, Operator]] = OrderedDict()

    def tag(self, token: str, domain_id: str) -> bytes:
        """Return what stands for the pair; neither part can be read from it."""
        message = len(domain_id).to_bytes(4, "big") + domain_id.encode() + token.encode()
        return hmac.digest(self._key, message, "sha256")

    def get(self, tag: bytes, now: float) -> Operator | None:
        """Return the decision kept under `tag` unless its time is over."""
        with self._lock:
            known = self._decisions.get(tag)
            if known is None:
                return None
            if known[0] <= now:
                del self._decisions[tag]
                return None
            self._decisions.move_to_end(tag)
            return known[1]

    def put(self, tag: bytes, operator: Operator, expires: float) -> None:
        """Keep a decision until `expires`."""
        with self._lock:
            self._decisions[tag] = (expires, operator)
            self._decisions.move_to_end(tag)
            while len(self._decisions) > self._size:
                self._decisions.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._decisions.clear()


_cache = DecisionCache()


def forget_decisions() -> None:
    """Ask the platform again for every token from now on."""
    _cache.clear()


def identify_operator(token: str, domain_id: str) -> Operator:
    """Return the operator behind `token` if he may act in `domain_id`.

    Only good decisions are kept, for OPERATOR_CACHE_SECONDS.
    Raises: NotAuthenticated, NotAuthorized, DomainNotFound; PlatformUnavailable when nobody can tell.
    Cost: one call to the domains service for a pair that was not seen lately.
    Source: contract F.9, item 1.
    """
    tag = _cache.tag(token, domain_id)
    now = time.monotonic()
    known = _cache.get(tag, now)
    if known is not None:
        return known
    operator = _decide(_ask(token, domain_id), domain_id)
    if settings.OPERATOR_CACHE_SECONDS > 0:
        _cache.put(tag, operator, now + settings.OPERATOR_CACHE_SECONDS)
    return operator


def _ask(token: str, domain_id: str) -> DomainMembership | None:
    try:
        return get_client().membership(domain_id, token, request_id=current_request_id())
    except Unauthorized as error:
        raise NotAuthenticated(
            "failed to perform authentication over the entity", "the platform does not accept the token"
        ) from error
    except (Forbidden, ResourceNotFound) as error:
        raise NotAuthorized("failed to perform authorization over the entity") from error
    except MagistralaError as error:
        raise PlatformUnavailable(
            "service temporarily unavailable",
            f"the platform cannot confirm the token now: {error.message}",
            retry_after=error.retry_after or PLATFORM_RETRY_SECONDS,
        ) from error


def _decide(membership: DomainMembership | None, domain_id: str) -> Operator:
    refusal = "failed to perform authorization over the entity"
    if membership is None:
        raise NotAuthorized(refusal, "the token's user is not a member of the domain")
    platform_admin = membership.by_platform_admin
    domain_admin = platform_admin or frozenset(membership.actions or ()) >= ADMIN_ACTIONS
    if membership.status == "deleted":
        raise DomainNotFound("entity not found", "the domain was deleted")
    if membership.status == "disabled" and not domain_admin:
        raise NotAuthorized(refusal, "the domain is disabled; only its administrators may act in it")
    if membership.status == "freezed" and not platform_admin:
        raise NotAuthorized(refusal, "the domain is frozen; only administrators of the platform may act in it")
    if membership.status not in {"enabled", "disabled", "freezed"}:
        raise NotAuthorized(refusal, "the domain is in a state that is not known here")
    return Operator(domain_id=domain_id, is_domain_admin=domain_admin, is_platform_admin=platform_admin)
