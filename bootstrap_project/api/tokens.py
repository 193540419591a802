"""What a bearer token says about itself: read to refuse what is evidently no good, never to accept anything."""

from __future__ import annotations

import base64
import re
import time
import uuid
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import jwt

from bootstrap_project.api.jwks_algorithms import SHARED_SECRET_ALGORITHMS
from bootstrap_project.api.messages import BAD_TOKEN, NOT_VERIFIED
from bootstrap_project.api.operators_errors import VERIFY_HERE, NotAuthenticated

#: How far the platform's clock and ours may be apart, in seconds.
LEEWAY_SECONDS: Final = 30

_PERSONAL = re.compile(r"pat_([A-Za-z0-9+/]{43}=)_[!-~]{1,512}")
_PLATFORM_ADMIN: Final = 2
_DOTS_OF_A_WEB_TOKEN: Final = 2


class TokenKind(IntEnum):
    """The claim `type` of the platform's tokens (docs/contract.md#f8), and a token that makes no claims."""

    ACCESS = 0
    REFRESH = 1
    RECOVERY = 2
    API_KEY = 3
    PERSONAL = 4
    INVITATION = 5
    OPAQUE = -1


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a JSON Web Token must say; an empty `audience` is not looked at."""

    issuer: str
    audience: str
    algorithms: frozenset[str]
    allow_unverified: bool


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """What a token claims; nothing of it is to be believed before the platform has accepted the token.

    Units: `expires_at` in seconds since 1970, None when the token does not say.
    """

    kind: TokenKind
    user_id: str
    algorithm: str = ""
    kid: str = ""
    expires_at: float | None = None

    def seconds_left(self) -> float:
        """Return for how long the token says that it is good; negative when that is over."""
        return float("inf") if self.expires_at is None else self.expires_at - time.time()


def examine(token: str, rules: TokenRules) -> PresentedToken:
    """Return what `token` says about itself.

    The type counts also where nobody can check the signature: the platform takes a refresh, recovery or invitation
    token for a bearer's like any other, and we do not.

    A token in no form that is known here is left to the platform, whose forms may change.

    Raises: NotAuthenticated for a web token that is malformed, expired, from elsewhere, or of a type that is refused.
    Cost: no network, no signature; some 30 µs.
    Source: docs/contract.md#f7, #f8 and #i2.
    """
    if (personal := _PERSONAL.fullmatch(token)) is not None:
        return PresentedToken(TokenKind.PERSONAL, str(uuid.UUID(bytes=base64.b64decode(personal[1])[:16])))
    if token.count(".") != _DOTS_OF_A_WEB_TOKEN:
        return PresentedToken(TokenKind.OPAQUE, "")
    try:
        decoded = jwt.decode_complete(
            token,
            options={
                "verify_signature": False,
                "verify_exp": True,
                "verify_nbf": True,
                "verify_iat": True,
                "verify_iss": True,
                "verify_sub": True,
                "verify_aud": bool(rules.audience),
                "require": ["iss", "sub"],
            },
            issuer=rules.issuer,
            audience=rules.audience or None,
            leeway=LEEWAY_SECONDS,
        )
    except jwt.ExpiredSignatureError:
        raise _refused("the token has expired; sign in again") from None
    except jwt.ImmatureSignatureError:
        raise _refused("the token is not valid yet; compare the clocks of this machine and the platform's") from None
    except (jwt.InvalidIssuerError, jwt.InvalidAudienceError):
        raise _refused("the token was made by somebody else or for somebody else") from None
    except jwt.MissingRequiredClaimError as error:
        raise _refused(f"the token lacks the claim {error.claim}") from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        # The library's own words may quote the token, so the chain ends here.
        raise _refused("this is no JSON Web Token of the platform") from None
    return _check_claims(decoded["header"], decoded["payload"], rules)


def _check_claims(header: dict[str, Any], claims: dict[str, Any], rules: TokenRules) -> PresentedToken:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in rules.algorithms | SHARED_SECRET_ALGORITHMS:
        raise _refused("the token is signed in a way that is not accepted")
    kind = _kind(claims)
    expires = claims.get("exp")
    if expires is None and kind is not TokenKind.API_KEY:
        raise _refused("the token lacks the claim exp")
    if not claims["sub"]:
        raise _refused("the token lacks the claim sub")
    # Where the claim is missing the platform decides, as it does for personal access tokens.
    verified = claims.get("verified", True) is True or claims.get("role") == _PLATFORM_ADMIN
    if not verified and not rules.allow_unverified:
        raise NotAuthenticated(NOT_VERIFIED, f"{BAD_TOKEN}; {VERIFY_HERE}")
    try:
        expires_at = None if expires is None else float(int(expires))
    except OverflowError:
        raise _refused("the token's claim exp is no time") from None
    return PresentedToken(kind, claims["sub"], algorithm, header.get("kid") or "", expires_at)


def _kind(claims: dict[str, Any]) -> TokenKind:
    value = claims.get("type")
    # True is an int to Python and 0.0 equals 0; the platform writes neither.
    kind = TokenKind(value) if type(value) is int and value in set(TokenKind) else None
    if kind in {TokenKind.ACCESS, TokenKind.API_KEY}:
        return kind
    name = kind.name.lower() if kind is not None else "unknown"
    raise _refused(f"a token of the type {name} opens nothing here; send an access token")


def _refused(why: str) -> NotAuthenticated:
    return NotAuthenticated(BAD_TOKEN, why)
