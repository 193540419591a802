"""Key rings: secrets sealed at rest, and keyed digests, under keys that can be rotated.

A ring holds one or more keys, each with an id. The first key writes; all of them read. A sealed text names the key that
made it, so that old rows stay readable while a rotation is under way.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_SIZE: Final = 32
NONCE_SIZE: Final = 12
ENVELOPE_VERSION: Final = "v1"
#: What a key is in its ring; `transport` is an older one that an earlier release derived from the transport key.
KeyState = Literal["writing", "older", "transport", "unknown"]
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}\Z")


class KeyRingError(ValueError):
    """A key ring that cannot be built from what the settings say."""


class SealError(ValueError):
    """A sealed text that cannot be opened: its key is unknown, it was altered, or it belongs to another row."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a ring. Its secret stays out of `repr`; `of_transport` says that devices can derive it, too."""

    id: str
    secret: bytes = field(repr=False)
    of_transport: bool = field(default=False, compare=False)


def parse_key_ring(entries: Iterable[str], *, setting: str) -> tuple[Key, ...]:
    """Return the keys of `entries`, each written `id:base64-of-32-bytes`.

    Raises: KeyRingError that names `setting` and the position of the bad entry, never its secret.
    """
    keys: list[Key] = []
    for number, entry in enumerate(entries, start=1):
        key_id, separator, text = entry.strip().partition(":")
        if not separator or not _KEY_ID.match(key_id):
            raise KeyRingError(
                f"{setting}: entry {number} must be written id:key, the id of letters, digits, '-' and '_', at most 32"
            )
        try:
            secret = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise KeyRingError(f"{setting}: the key {key_id!r} is not base64") from None
        if len(secret) != KEY_SIZE:
            raise KeyRingError(f"{setting}: the key {key_id!r} has {len(secret)} bytes; it needs {KEY_SIZE}")
        if any(known.id == key_id for known in keys):
            raise KeyRingError(f"{setting}: the key id {key_id!r} stands there twice")
        keys.append(Key(key_id, secret))
    return tuple(keys)


def derive_key(master: bytes, purpose: str, *, of_transport: bool = False) -> Key:
    """Return a key for `purpose` alone, derived from `master`; its id tells apart the masters it may come from.

    Source: RFC 5869 (HKDF), with the purpose as its info.
    """
    material = HKDF(algorithm=SHA256(), length=KEY_SIZE + 4, salt=None, info=f"bootstrap/{purpose}".encode()).derive(
        master
    )
    return Key(f"d{material[KEY_SIZE:].hex()}", material[:KEY_SIZE], of_transport)


def state_of(key_id: str, keys: Sequence[Key]) -> KeyState:
    """Return what the key `key_id` is in the ring of `keys`."""
    if key_id == keys[0].id:
        return "writing"
    for key in keys:
        if key.id == key_id:
            return "transport" if key.of_transport else "older"
    return "unknown"


@dataclass(frozen=True)
class SealingRing:
    """Seals texts with AES-256-GCM under the first key and opens what any of the keys sealed."""

    keys: tuple[Key, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise KeyRingError("a key ring needs at least one key")

    @cached_property
    def _ciphers(self) -> dict[str, AESGCM]:
        return {key.id: AESGCM(key.secret) for key in self.keys}

    def seal(self, plaintext: str, *, purpose: str) -> str:
        """Return `plaintext` encrypted and bound to `purpose`, as text for a database column.

        Shape: `v1.<key id>.<base64 of nonce, ciphertext and tag>`. `purpose` names the column and the row, so that a
        sealed text moved to another row, or another column, does not open.
        """
        nonce = os.urandom(NONCE_SIZE)
        key_id = self.keys[0].id
        sealed = self._ciphers[key_id].encrypt(nonce, plaintext.encode(), _associated_data(key_id, purpose))
        return f"{ENVELOPE_VERSION}.{key_id}.{base64.b64encode(nonce + sealed).decode('ascii')}"

    def open(self, envelope: str, *, purpose: str) -> str:
        """Return the text that `seal` was given with the same `purpose`.

        Raises: SealError, which says what does not fit and never what was sealed.
        """
        version, _, rest = envelope.partition(".")
        key_id, _, body = rest.partition(".")
        if version != ENVELOPE_VERSION:
            raise SealError("a sealed value is not in a known form")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealError(f"a value is sealed under the key {key_id!r}, which the key ring does not hold")
        try:
            message = base64.b64decode(body, validate=True)
            plaintext = cipher.decrypt(message[:NONCE_SIZE], message[NONCE_SIZE:], _associated_data(key_id, purpose))
        except (InvalidTag, ValueError):
            raise SealError("a sealed value was altered or belongs to another row") from None
        return plaintext.decode()

    @property
    def prefix(self) -> str:
        """What everything begins with that is sealed under the writing key."""
        return f"{ENVELOPE_VERSION}.{self.keys[0].id}."


@dataclass(frozen=True)
class DigestRing:
    """Keyed digests of external keys: HMAC-SHA256 under peppers outside the database (docs/contract.md#k2)."""

    keys: tuple[Key, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise KeyRingError("a key ring needs at least one key")

    def digests(self, presented: bytes) -> list[tuple[str, str]]:
        """Return (pepper id, hexadecimal digest) of `presented` under every pepper, the current one first.

        Cost: some 2 microseconds a pepper.
        """
        return [(key.id, hmac.digest(key.secret, presented, "sha256").hex()) for key in self.keys]


def _associated_data(key_id: str, purpose: str) -> bytes:
    return f"{ENVELOPE_VERSION}.{key_id}.{purpose}".encode()
