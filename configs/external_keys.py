"""External keys: how they are stored, and whether a presented one is right (docs/contract.md#k2).

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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import bcrypt
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, Count, Value, When

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

Method = Literal["digest", "scrypt", "bcrypt", "none"]


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """A key as a caller presents it, with its digest under every known pepper, the current one first.

    Shape: `digests` maps pepper id to hexadecimal digest.
    """

    value: bytes = field(repr=False)
    digests: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, key: str | bytes) -> PresentedKey:
        """Return `key` with its digests; text counts as UTF-8."""
        value = _as_bytes(key)
        return cls(value, dict(settings.PEPPER_RING.digests(value)))


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
    """Return (pepper id, digest) of `key` under the current pepper."""
    return next(iter(PresentedKey.of(key).digests.items()))


def is_decided_by_digest(presented: PresentedKey, stored: StoredKey | None) -> bool:
    """Return whether `verify_external_key` needs microseconds here, rather than a slow hash.

    Shape: None stands for a row that does not exist; it is decided the way most rows are.
    """
    return stored is None or (bool(stored.digest) and stored.pepper_id in presented.digests)


def slow_method(stored: StoredKey) -> Method:
    """Return which slow hash a row without a usable digest is verified by."""
    return "bcrypt" if stored.hash.startswith("$2") else "scrypt"


def verify_external_key(presented: PresentedKey, stored: StoredKey | None) -> Verification:
    """Return whether `presented` is the key that `stored` was made from; None stands for a row that does not exist.

    A digest under a known pepper decides alone, and what is stored is never itself a key. A row that does not exist
    costs what a wrong key costs on the rows that we made: one digest. (A row still without a digest is slower to
    refuse, until its device's first call; to hide that, everyone's unknown ids would have to run scrypt, which is what
    an attacker wants.)
    Cost: microseconds with a digest; otherwise what the stored hash costs, in the middle of which the GIL is free.
    """
    # The digest that is compared is there for known and unknown rows alike.
    if stored is None or is_decided_by_digest(presented, stored):
        pepper_id = stored.pepper_id if stored else next(iter(presented.digests))
        expected = stored.digest.encode() if stored else _DUMMY_DIGEST
        same = hmac.compare_digest(presented.digests[pepper_id].encode(), expected)
        matched = same and stored is not None and presented.value != b""
        return Verification(
            matched,
            "digest" if stored else "none",
            needs_digest=matched and pepper_id != next(iter(presented.digests)),
        )
    return _verify_hash(presented, stored.hash)


def renew_stored_key(config_id: uuid.UUID, presented: PresentedKey, stored: StoredKey) -> StoredKey | None:
    """Write today's digest and form of hash for a key that was just verified; return what the row now holds.

    A hash of today's cost keeps its bytes: upstream's scrypt text is only rewritten. The row is left alone, and the
    result is None, when its key was rotated meanwhile.
    Cost: one filtered UPDATE; one scrypt more where the hash was bcrypt's, or of another cost.
    """
    parsed = _parse_scrypt(stored.hash)
    pepper_id, digest = next(iter(presented.digests.items()))
    renewed = StoredKey(
        str(parsed) if parsed and parsed.current else hash_external_key(presented.value), digest, pepper_id
    )
    return renewed if _replace(config_id, stored, renewed) else None


def read_stored_key(config_id: uuid.UUID) -> StoredKey | None:
    """Return what the config's row holds of its key now; None when there is no such row."""
    columns = ("external_key_hash", "external_key_digest", "external_key_pepper")
    row = Config.objects.filter(pk=config_id).values_list(*columns).first()
    return StoredKey(*row) if row else None


@dataclass(frozen=True, slots=True)
class DigestRenewal:
    """A row's digest under an older pepper, and the same key's under today's; harmless to lose."""

    config_id: uuid.UUID
    old: StoredKey
    new: StoredKey

    @classmethod
    def of(cls, config_id: uuid.UUID, presented: PresentedKey, stored: StoredKey) -> DigestRenewal:
        """Return the renewal for a key that was just found right by its digest."""
        pepper_id, digest = next(iter(presented.digests.items()))
        return cls(config_id, stored, StoredKey(stored.hash, digest, pepper_id))


def renew_digests(renewals: Iterable[DigestRenewal]) -> int:
    """Write digests under today's pepper; return how many rows took theirs.

    A row whose key was rotated meanwhile is left alone, and so is one that somebody else holds just now: its device
    calls again.
    Raises: DatabaseError.
    Cost: one transaction with a SELECT, and an UPDATE a row; no scrypt.
    """
    # In the order of the ids, so that two processes never wait for each other in a circle.
    by_id = {renewal.config_id: renewal for renewal in sorted(renewals, key=lambda renewal: renewal.config_id)}
    renewed = 0
    with transaction.atomic():
        rows = Config.objects.filter(pk__in=by_id).order_by("pk")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        for config_id in list(rows.values_list("pk", flat=True)):
            renewal = by_id[config_id]
            renewed += _replace(config_id, renewal.old, renewal.new)
    return renewed


def count_digests() -> dict[str, int]:
    """Return how many configs have a digest under each pepper; those without one are counted under "".

    Cost: one pass over the table.
    """
    without_digest = Case(When(external_key_digest="", then=Value("")), default="external_key_pepper")
    rows = Config.objects.order_by().annotate(pepper=without_digest).values_list("pepper").annotate(Count("pk"))
    return dict(rows)


def clear_digests(pepper_ids: Iterable[str], *, batch: int = 2000) -> int:
    """Remove the digests that were made under `pepper_ids`; return how many there were.

    Each of those devices costs one slow hash at its next call, as an imported one does.
    Cost: one UPDATE for `batch` rows, committed one by one, so that no device or operator waits for long.
    """
    affected = Config.objects.filter(external_key_pepper__in=list(pepper_ids)).exclude(external_key_digest="")
    cleared = 0
    while ids := list(affected.order_by().values_list("pk", flat=True)[:batch]):
        # Asked once more for the pepper: a row that was renewed meanwhile keeps what it has.
        cleared += affected.filter(pk__in=ids).update(external_key_digest="", external_key_pepper="")
    return cleared


def _replace(config_id: uuid.UUID, old: StoredKey, new: StoredKey) -> bool:
    # Compare and swap: a key that was rotated in between is never overwritten.
    updated = Config.objects.filter(
        pk=config_id,
        external_key_hash=old.hash,
        external_key_digest=old.digest,
        external_key_pepper=old.pepper_id,
    ).update(external_key_hash=new.hash, external_key_digest=new.digest, external_key_pepper=new.pepper_id)
    return updated == 1


def _verify_hash(presented: PresentedKey, text: str) -> Verification:
    parsed = _parse_scrypt(text)
    if parsed is not None:
        same = hmac.compare_digest(_scrypt(presented.value, parsed.salt, parsed.log2_n), parsed.digest)
        matched = same and presented.value != b""
        return Verification(matched, "scrypt", needs_digest=matched)
    if _BCRYPT.fullmatch(text):
        matched = _bcrypt_matches(presented.value, text)
        return Verification(matched, "bcrypt", needs_digest=matched)
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
