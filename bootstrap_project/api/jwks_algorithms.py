"""Which signatures anybody can check; apart from the rest, because the settings need no cryptography to name them."""

from __future__ import annotations

from typing import Final

#: What public keys can be for; a shared secret that somebody published by mistake is none.
ASYMMETRIC_ALGORITHMS: Final = frozenset(
    {"EdDSA", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
)
#: Signatures that only the platform itself can check.
SHARED_SECRET_ALGORITHMS: Final = frozenset({"HS256", "HS384", "HS512"})
