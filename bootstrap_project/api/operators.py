"""Who may act in which domain: a local look at the token, then the word of the domains service, kept briefly."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from typing import Final

from django.conf import settings

from bootstrap_project.api.jwks import KeyStore, Verdict
from bootstrap_project.api.messages import BAD_TOKEN, DENIED, NOT_VERIFIED
from bootstrap_project.api.operators_beliefs import READING, Beliefs, is_failing
from bootstrap_project.api.operators_cache import DecisionCache
from bootstrap_project.api.operators_errors import (
    VERIFY_THERE,
    DomainNotFound,
    NotAuthenticated,
    NotAuthorized,
    PlatformUnavailable,
)
from bootstrap_project.api.operators_questions import Question, Questions
from bootstrap_project.api.tokens import PresentedToken, TokenKind, TokenRules, examine
from bootstrap_project.magistrala.errors import Forbidden, MagistralaError, Unauthorized, Unverified
from bootstrap_project.magistrala.factory import get_client
from bootstrap_project.magistrala.resources import DomainMembership, KeySet
from bootstrap_project.observability.request_id import current_request_id

__all__ = [
    "DecisionCache",
    "DomainNotFound",
    "NotAuthenticated",
    "NotAuthorized",
    "Operator",
    "PlatformUnavailable",
    "forget_decisions",
    "identify_operator",
]

logger = logging.getLogger(__name__)

#: What a role must allow for its holder to count as the domain's administrator (docs/contract.md#f9).
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
PLATFORM_RETRY_SECONDS: Final = 5
#: How long a stranger's second question about the same domain gets the first one's answer.
EXISTENCE_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody whose membership of one domain has been confirmed; `actions` are those of his role there."""

    domain_id: str
    is_platform_admin: bool
    user_id: str = ""
    actions: frozenset[str] = field(default=frozenset(), repr=False)
    #: How long ago the platform confirmed it, where it is believed because the platform fails; None: it holds now.
    confirmed_seconds_ago: int | None = None

    @property
    def is_authenticated(self) -> bool:
        """Return True: there is no such thing as an anonymous operator."""
        return True

    def may(self, action: str) -> bool:
        """Return whether the role in the domain allows `action`; administrators of the platform need no role."""
        return self.is_platform_admin or action in self.actions


def _fetch_keys() -> KeySet:
    return get_client().jwks(request_id=current_request_id())


_decisions: Final[DecisionCache[Operator]] = DecisionCache()
_existence: Final[DecisionCache[bool]] = DecisionCache()
_beliefs: Final[Beliefs[Operator]] = Beliefs()
_questions: Final = Questions()
_keys: Final = KeyStore(_fetch_keys)


def forget_decisions() -> None:
    """Ask the platform again for every token and every key from now on."""
    _decisions.clear()
    _existence.clear()
    _beliefs.clear()
    _questions.clear()
    _keys.clear()


def identify_operator(token: str, domain_id: str, method: str = "", source: str = "") -> Operator:
    """Return the operator behind `token` if he may act in `domain_id`.

    An access token must be signed by one of the platform's public keys, where it has any; API keys and personal access
    tokens can be revoked, so nothing but the online check counts for them. That check is made for every token, and only
    its good decisions are kept: for OPERATOR_CACHE_SECONDS, and never beyond the token's own end. While the platform
    fails, a `method` that only reads goes on with a decision that is older than that, up to
    MG_PLATFORM_OUTAGE_BELIEF_SECONDS.

    Raises: NotAuthenticated, NotAuthorized, DomainNotFound; PlatformUnavailable when nobody can tell.
    Cost: one call to the domains service for a pair that was not seen lately, two for a stranger to the domain; now and
    then one to the key set; none for a token that is evidently no good or was refused a moment ago.
    Source: docs/contract.md#f9, #k7 and #k37.
    """
    tag = _decisions.tag(token, domain_id)
    now = time.monotonic()
    known = _decisions.get(tag, now)
    if known is not None:
        return known
    lately = _beliefs.find(tag, now)
    believed = lately if method in READING else None
    user_id = ""
    try:
        presented = examine(token, _rules())
        user_id = presented.user_id
        # Whoever was confirmed lately is no junk, wherever he comes from.
        flooded = lately is None and _questions.junk.floods(source, now)
        genuine = _signed_by_platform(token, presented, flooded=flooded)
        question = Question(token, domain_id, presented.kind, source, genuine=genuine, may_wait=believed is None)
        operator = _confirm(question, user_id, now)
    except (NotAuthenticated, NotAuthorized, DomainNotFound) as error:
        _beliefs.refuse(tag)
        # The user is only who the token says he is.
        data = {"domain_id": domain_id, "claimed_user_id": user_id, "reason": error.detail}
        logger.info("operator refused", extra=data)
        raise
    except PlatformUnavailable as error:
        cause = error.__cause__
        if believed is None or not isinstance(cause, MagistralaError) or not is_failing(cause):
            raise
        _questions.outage.note(cause, now)
        age, operator = believed
        return replace(operator, confirmed_seconds_ago=int(age))
    logger.info(
        "operator confirmed",
        extra={"domain_id": domain_id, "user_id": user_id, "token_type": presented.kind.name.lower()},
    )
    left = presented.seconds_left()
    lifetime = min(float(settings.OPERATOR_CACHE_SECONDS), left)
    if lifetime > 0:
        _decisions.put(tag, operator, now + lifetime)
    _beliefs.confirm(tag, operator, now, min(float(settings.MG_PLATFORM_OUTAGE_BELIEF_SECONDS), left))
    return operator


def _rules() -> TokenRules:
    return TokenRules(
        issuer=settings.MG_AUTH_ISSUER,
        audience=settings.MG_AUTH_AUDIENCE,
        algorithms=frozenset(settings.MG_AUTH_ALGORITHMS),
        allow_unverified=settings.MG_ALLOW_UNVERIFIED_USER,
    )


def _signed_by_platform(token: str, presented: PresentedToken, *, flooded: bool) -> bool:
    """Return whether the platform's keys show that it made `token`; False where nobody but the platform can tell.

    From a source that floods the platform with junk, a token in no form that is known here is not passed on, and an
    API key's signature is looked at too; whatever may be good goes on to be asked about.

    Raises: NotAuthenticated for a token that is certainly not the platform's.
    """
    if flooded and presented.kind is TokenKind.OPAQUE:
        raise NotAuthenticated(BAD_TOKEN, "this is no token of the platform; sign in again")
    if presented.kind is not TokenKind.ACCESS and not (flooded and presented.kind is TokenKind.API_KEY):
        return False
    verdict = _keys.judge(token, presented.algorithm, presented.kid)
    if verdict is Verdict.FORGED:
        raise NotAuthenticated(BAD_TOKEN, "the token was not signed by the platform; sign in again")
    return verdict is Verdict.GENUINE


def _confirm(question: Question, user_id: str, now: float) -> Operator:
    try:
        word = _questions.ask(question, now)
    except Unverified as error:
        raise NotAuthenticated(NOT_VERIFIED, f"{BAD_TOKEN}; {VERIFY_THERE}") from error
    except Unauthorized as error:
        raise NotAuthenticated(BAD_TOKEN, "the platform does not accept the token; sign in again") from error
    except Forbidden as error:
        raise NotAuthorized(DENIED, "the platform lets this token see no domains") from error
    except MagistralaError as error:
        raise _unavailable(error) from error
    if not word.may_read:
        raise NotAuthorized(DENIED, "a personal access token needs the scope read of domains here")
    return _decide(word.membership, question.token, question.domain_id, user_id)


def _exists(token: str, domain_id: str) -> bool:
    """Return whether there is a domain of which the token's user is no member.

    The list of domains is the same for both, so the domain itself is asked for: 404 says that there is none, 403 that
    it is not his. Callers learn no more than the platform tells them itself, and a personal access token without the
    scope to read domains learns less.
    """
    tag, now = _existence.tag(token, domain_id), time.monotonic()
    known = _existence.get(tag, now)
    if known is not None:
        return known
    try:
        exists = get_client().domain_exists(domain_id, token, request_id=current_request_id())
    except MagistralaError:
        # The list of domains has spoken already: he is no member, whether or not there is such a domain.
        return True
    _existence.put(tag, exists, now + EXISTENCE_SECONDS)
    return exists


def _unavailable(error: MagistralaError) -> PlatformUnavailable:
    return PlatformUnavailable(
        f"service temporarily unavailable: the Magistrala {error.service} service cannot confirm the token now",
        f"the token may be good; try again later. {error.message}",
        retry_after=error.retry_after or PLATFORM_RETRY_SECONDS,
    )


def _decide(membership: DomainMembership | None, token: str, domain_id: str, user_id: str) -> Operator:
    if membership is None:
        if not _exists(token, domain_id):
            raise DomainNotFound("there is no such domain")
        raise NotAuthorized(DENIED, "the token's user is not a member of the domain")
    actions = frozenset(membership.actions or ())
    platform_admin = membership.by_platform_admin
    domain_admin = platform_admin or actions >= ADMIN_ACTIONS
    if membership.status == "deleted":
        raise DomainNotFound("the domain was deleted")
    if membership.status == "disabled" and not domain_admin:
        raise NotAuthorized(DENIED, "the domain is disabled; only its administrators may act in it")
    if membership.status == "freezed" and not platform_admin:
        raise NotAuthorized(DENIED, "the domain is frozen; only administrators of the platform may act in it")
    if membership.status not in {"enabled", "disabled", "freezed"}:
        raise NotAuthorized(DENIED, "the domain is in a state that is not known here")
    return Operator(domain_id, platform_admin, user_id, actions)
