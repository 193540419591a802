"""The sandbox's auth service: signing keys, JSON Web Tokens of every type, API keys and personal access tokens."""

from __future__ import annotations

import base64
import secrets
import string
import time
import uuid
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bootstrap_project.magistrala.sandbox.state import ZERO_TIME, User, now

ISSUER = "magistrala.auth"
ACCESS, REFRESH, RECOVERY, API_KEY, PAT, INVITATION = range(6)
ACCESS_SECONDS, REFRESH_SECONDS = 3600, 24 * 3600
_PAT_CHARACTERS = string.ascii_letters + string.digits + "!@#$%^&*|+-=>"
_MAX_CHECKED = 10_000


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims of a valid JSON Web Token."""

    user_id: str
    kind: int
    role: int
    verified: bool
    expires_at: float
    jti: str


@dataclass(slots=True)
class PersonalToken:
    """A personal access token; `scopes` None means every scope, otherwise (domain, entity type, operation, entity)."""

    id: str
    user_id: str
    name: str
    secret: str = field(repr=False)
    scopes: list[tuple[str, str, str, str]] | None = None
    expires_at: float | None = None
    revoked: bool = False
    description: str = ""
    issued_at: str = field(default_factory=now)
    updated_at: str = ZERO_TIME

    def allows(self, domain_id: str, entity_type: str, operation: str, entity_id: str) -> bool:
        """Whether some scope covers the operation; a scope's entity may be `*`."""
        if self.scopes is None:
            return True
        return any(
            (domain, kind, action) == (domain_id, entity_type, operation) and entity in {"*", entity_id}
            for domain, kind, action, entity in self.scopes
        )


@dataclass(frozen=True, slots=True)
class _Key:
    kid: str
    private: Ed25519PrivateKey

    def public(self) -> dict[str, str]:
        raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        return {"kid": self.kid, "kty": "OKP", "alg": "EdDSA", "use": "sig", "crv": "Ed25519", "x": x}


class TokenIssuer:
    """Issues and checks tokens. The first key and the shared secret live as long as the process, across resets."""

    def __init__(self) -> None:
        self._first = _Key("active", Ed25519PrivateKey.generate())
        self._foreign = _Key("active", Ed25519PrivateKey.generate())
        self._secret = secrets.token_hex(64)
        self.reset()

    def reset(self) -> None:
        """Forget rotations, API keys and personal access tokens."""
        self._keys = [self._first]
        self.shared_secret = False
        self.personal: dict[str, PersonalToken] = {}
        self.takes_api_keys = False
        self.api_keys: set[str] = set()
        self._checked: dict[str, Claims] = {}

    def rotate(self) -> str:
        """Start signing with a new key; the previous one stays valid. Return the new key's id."""
        key = _Key(f"active-{uuid.uuid4().hex[:8]}", Ed25519PrivateKey.generate())
        self._keys = [key, self._keys[0]]
        self._checked.clear()
        return key.kid

    def use_shared_secret(self, on: bool) -> None:
        """Sign with HS512 instead of Ed25519, so that there are no public keys to check tokens with."""
        self.shared_secret = on
        self._checked.clear()

    def jwks(self) -> dict[str, object]:
        """Return the public keys; null when there are none."""
        return {"keys": None if self.shared_secret else [key.public() for key in self._keys]}

    def issue(
        self,
        user: User,
        kind: int = ACCESS,
        *,
        lifetime: float | None = None,
        verified: bool | None = None,
        hs: bool | None = None,
        foreign: bool = False,
        issuer: str = ISSUER,
        extra: dict[str, object] | None = None,
    ) -> str:
        """Return a signed token of any type; `foreign` signs with another platform's key, `hs` with a shared secret."""
        if lifetime is None:
            lifetime = REFRESH_SECONDS if kind == REFRESH else ACCESS_SECONDS
        issued = int(time.time())
        claims: dict[str, object] = {
            "iss": issuer,
            "sub": user.id,
            "iat": issued,
            "exp": issued + int(lifetime),
            "type": kind,
            "role": 0 if kind == API_KEY else user.role,
            "verified": user.verified if verified is None else verified,
        }
        if kind in {REFRESH, API_KEY}:
            claims["jti"] = str(uuid.uuid4())
        claims.update(extra or {})
        if kind == API_KEY:
            self.api_keys.add(str(claims["jti"]))
        if self.shared_secret if hs is None else hs:
            return jwt.encode(claims, self._secret, algorithm="HS512")
        key = self._foreign if foreign else self._keys[0]
        return jwt.encode(claims, key.private, algorithm="EdDSA", headers={"kid": key.kid})

    def check(self, token: str) -> Claims | None:
        """Return a token's claims, or None when it is forged, expired, revoked or malformed.

        v0.30.0 makes API keys, and none of its services takes one.
        """
        claims = self._checked.get(token) or self._decode(token)
        if claims is None or claims.expires_at <= time.time():
            return None
        if claims.kind == API_KEY and not (self.takes_api_keys and claims.jti in self.api_keys):
            return None
        return claims

    def _decode(self, token: str) -> Claims | None:
        candidates: list[tuple[object, str]] = (
            [(self._secret, "HS512")] if self.shared_secret else [(k.private.public_key(), "EdDSA") for k in self._keys]
        )
        for key, algorithm in candidates:
            try:
                body = jwt.decode(
                    token,
                    key,  # type: ignore[arg-type]
                    algorithms=[algorithm],
                    issuer=ISSUER,
                    options={"require": ["exp", "sub", "iss"], "verify_iat": False},
                )
                claims = Claims(
                    user_id=str(body["sub"]),
                    kind=int(body.get("type", ACCESS)),
                    role=int(body.get("role", 1)),
                    verified=bool(body.get("verified", False)),
                    expires_at=float(body["exp"]),
                    jti=str(body.get("jti", "")),
                )
            except (jwt.PyJWTError, ValueError, TypeError):
                continue
            if len(self._checked) >= _MAX_CHECKED:
                self._checked.clear()
            self._checked[token] = claims
            return claims
        return None

    def revoke_api_key(self, jti: str) -> None:
        """Make an API key invalid; unknown ones are ignored."""
        self.api_keys.discard(jti)

    def issue_personal(
        self,
        user: User,
        name: str,
        *,
        scopes: list[tuple[str, str, str, str]] | None = None,
        lifetime: float | None = None,
    ) -> PersonalToken:
        """Return a new personal access token: pat_<base64 of both ids>_<100 characters>."""
        pat_id = str(uuid.uuid4())
        token = PersonalToken(pat_id, user.id, name, _personal_secret(user.id, pat_id), scopes, _end(lifetime))
        self.personal[token.id] = token
        return token

    def reset_personal(self, token: PersonalToken, lifetime: float | None) -> None:
        """Replace the text and the expiry of a personal access token; the old text is invalid."""
        token.secret = _personal_secret(token.user_id, token.id)
        token.expires_at, token.updated_at = _end(lifetime), now()

    def check_personal(self, secret: str) -> PersonalToken | None:
        """Return the personal access token behind its text, or None when unknown, revoked or expired."""
        try:
            ids = base64.b64decode(secret.split("_", 2)[1], validate=True)
            token = self.personal.get(str(uuid.UUID(bytes=ids[16:])))
        except (ValueError, IndexError):
            return None
        if token is None or token.revoked or not secrets.compare_digest(token.secret.encode(), secret.encode()):
            return None
        return None if token.expires_at is not None and token.expires_at <= time.time() else token


def _personal_secret(user_id: str, pat_id: str) -> str:
    ids = base64.b64encode(uuid.UUID(user_id).bytes + uuid.UUID(pat_id).bytes).decode()
    return f"pat_{ids}_{''.join(secrets.choice(_PAT_CHARACTERS) for _ in range(100))}"


def _end(lifetime: float | None) -> float | None:
    return None if lifetime is None else time.time() + lifetime
