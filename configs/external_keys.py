"""External keys: how they are stored, and whether a presented one is right (contract K2).

A row holds a slow hash of its key and, beside it, a digest under a pepper that lives outside the database. Whoever
steals the database alone can't use the digest without the pepper and faces scrypt; so a presented key may be decided
by the digest, in microseconds, and scrypt is left for rows that have no digest we can check.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import bcrypt
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.conf import settings

from configs.models import Config

SALT_SIZE: Final = 16
HASH_SIZE: Final = 32
BCRYPT_KEY_SIZE: Final = 72
UPSTREAM_LOG2_N: Final = 14

_BLOCK_SIZE, _PARALLELISM = 8, 1
# What a stored text may ask for: 128 MiB of memory, or some two seconds of bcrypt. More is refused, not tried.
_MAX_LOG2_N = 17
_OURS = re.compile(r"\$scrypt\$ln=([1-9][0-9]?),r=8,p=1\$([A-Za-z0-9+/]{1,88})\$([A-Za-z0-9+/]{43})")
_UPSTREAM = re.compile(r"scrypt\$([A-Za-z0-9+/]{43}=)\.([A-Za-z0-9+/]{1,88}={0,2})")
_BCRYPT = re.compile(r"\$2[aby]\$(?:0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}")
_DUMMY_DIGEST = b"0" * 64
_DUMMY_SALT = bytes(SALT_SIZE)

Method = Literal["digest", "scrypt", "bcrypt", "none"]


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """A key as a caller presents it, with its digest under every known pepper, the current one first.

    Shape: `digests` maps pepper id to hexadecimal digest; it is empty while digests are switched off.
    """

    value: bytes = field(repr=False)
    digests: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, key: str | bytes) -> PresentedKey:
        """Return `key` with its digests; text counts as UTF-8."""
        value = _as_bytes(key)
        return cls(value, dict(settings.PEPPER_RING.digests(value)) if settings.EXTERNAL_KEY_DIGESTS else {})


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What a row holds of its external key; "" for a digest that was never made."""

    hash: str = field(repr=False)
    digest: str = field(default="", repr=False)
    pepper_id: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a presented key is right, what decided it, and what the row should get for next time."""

    matched: bool
    method: Method
    needs_digest: bool = False
    needs_rehash: bool = False


@dataclass(frozen=True, slots=True)
class _ScryptHash:
    log2_n: int
    salt: bytes
    digest: bytes

    def __str__(self) -> str:
        return f"$scrypt$ln={self.log2_n},r=8,p=1${_unpadded(self.salt)}${_unpadded(self.digest)}"

    @property
    def current(self) -> bool:
        return bool(1 << self.log2_n == settings.EXTERNAL_KEY_SCRYPT_N and len(self.salt) >= SALT_SIZE)


def hash_external_key(key: str | bytes) -> str:
    """Return the scrypt hash of `key` as text that names its own parameters, under a fresh salt.

    Shape: `$scrypt$ln=14,r=8,p=1$<salt>$<hash>`, both in base64 without padding.
    Cost: some 35 ms of one core and 16 MiB.
    """
    log2_n = settings.EXTERNAL_KEY_SCRYPT_N.bit_length() - 1
    salt = os.urandom(SALT_SIZE)
    return str(_ScryptHash(log2_n, salt, _scrypt(_as_bytes(key), salt, log2_n)))


def digest_external_key(key: str | bytes) -> tuple[str, str]:
    """Return (pepper id, digest) of `key` under the current pepper; two empty texts while digests are switched off."""
    return next(iter(PresentedKey.of(key).digests.items()), ("", ""))


def verify_external_key(presented: PresentedKey, stored: StoredKey | None) -> Verification:
    """Tell whether `presented` is the key that `stored` was made from; None stands for a row that does not exist.

    A digest under a known pepper decides alone, and what is stored is never itself a key. A row that does not exist
    costs what a wrong key costs on the rows that we made: one digest, or one scrypt while digests are off. (A row
    still without a digest is slower to refuse, until its device's first call; to hide that, everyone's unknown ids
    would have to run scrypt, which is what an attacker wants.)
    Cost: microseconds with a digest; otherwise what the stored hash costs, in the middle of which the GIL is free.
    """
    # The digest that is compared is there for known and unknown rows alike.
    usable = stored is not None and bool(stored.digest) and stored.pepper_id in presented.digests
    if presented.digests and (stored is None or usable):
        pepper_id = stored.pepper_id if stored else next(iter(presented.digests))
        expected = stored.digest.encode() if stored else _DUMMY_DIGEST
        same = hmac.compare_digest(presented.digests[pepper_id].encode(), expected)
        matched = same and stored is not None and presented.value != b""
        return Verification(
            matched,
            "digest" if stored else "none",
            needs_digest=matched and pepper_id != next(iter(presented.digests)),
        )
    if stored is None:
        _scrypt(presented.value, _DUMMY_SALT, settings.EXTERNAL_KEY_SCRYPT_N.bit_length() - 1)
        return Verification(matched=False, method="none")
    return _verify_hash(presented, stored.hash)


def renew_stored_key(config_id: uuid.UUID, presented: PresentedKey, stored: StoredKey) -> bool:
    """Write today's digest and form of hash for a key that was just verified; tell whether the row took it.

    A hash of today's cost keeps its bytes: upstream's scrypt text is only rewritten. The row is left alone when its
    key was rotated meanwhile.
    Cost: one filtered UPDATE; one scrypt more where the hash was bcrypt's, or of another cost.
    """
    parsed = _parse_scrypt(stored.hash)
    pepper_id, digest = next(iter(presented.digests.items()), ("", ""))
    updated = Config.objects.filter(
        pk=config_id,
        external_key_hash=stored.hash,
        external_key_digest=stored.digest,
        external_key_pepper=stored.pepper_id,
    ).update(
        external_key_hash=str(parsed) if parsed and parsed.current else hash_external_key(presented.value),
        external_key_digest=digest or stored.digest,
        external_key_pepper=pepper_id or stored.pepper_id,
    )
    return updated == 1


def _verify_hash(presented: PresentedKey, text: str) -> Verification:
    needs_digest = bool(presented.digests)
    parsed = _parse_scrypt(text)
    if parsed is not None:
        same = hmac.compare_digest(_scrypt(presented.value, parsed.salt, parsed.log2_n), parsed.digest)
        matched = same and presented.value != b""
        needs_rehash = str(parsed) != text or not parsed.current
        return Verification(matched, "scrypt", matched and needs_digest, matched and needs_rehash)
    if _BCRYPT.fullmatch(text):
        matched = _bcrypt_matches(presented.value, text)
        return Verification(matched, "bcrypt", matched and needs_digest, needs_rehash=matched)
    return Verification(matched=False, method="none")


def _bcrypt_matches(value: bytes, text: str) -> bool:
    # Upstream refused longer keys, so no stored hash can be one's.
    if not value or len(value) > BCRYPT_KEY_SIZE:
        return False
    try:
        return bcrypt.checkpw(value, text.encode())
    except ValueError:  # The salt's last character can stand for bits that don't exist.
        return False


def _parse_scrypt(text: str) -> _ScryptHash | None:
    if ours := _OURS.fullmatch(text):
        log2_n, salt, digest = int(ours[1]), _decoded(ours[2]), _decoded(ours[3])
    elif upstream := _UPSTREAM.fullmatch(text):
        log2_n, salt, digest = UPSTREAM_LOG2_N, _decoded(upstream[2]), _decoded(upstream[1])
    else:
        return None
    if log2_n > _MAX_LOG2_N or not salt or len(digest) != HASH_SIZE:
        return None
    return _ScryptHash(log2_n, salt, digest)


def _scrypt(value: bytes, salt: bytes, log2_n: int) -> bytes:
    return Scrypt(salt=salt, length=HASH_SIZE, n=1 << log2_n, r=_BLOCK_SIZE, p=_PARALLELISM).derive(value)


def _as_bytes(key: str | bytes) -> bytes:
    # Half a surrogate pair can be written in JSON; it must hash to something rather than fail.
    return key if isinstance(key, bytes) else key.encode("utf-8", "surrogatepass")


def _unpadded(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii").rstrip("=")


def _decoded(text: str) -> bytes:
    text = text.rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return b""
