"""The device's credential: `Authorization: Client <key>`, in clear or encrypted (docs/contract.md#c1 and #c4)."""

from __future__ import annotations

import binascii
from typing import Final

from bootstrap_project.security.transport_cipher import IV_SIZE, CipherError, decrypt
from devices.errors import MissingKey, RefusedEncrypted

_PREFIX: Final = b"Client "


def read_key(header: str) -> bytes:
    """Return the external key in the header `Authorization`, byte for byte as it was sent.

    Shape: `header` as WSGI has it, each byte a Latin-1 character; "" when there is none.
    Raises: MissingKey for no key, and for any other scheme; the scheme is case-sensitive.
    """
    try:
        value = header.encode("latin-1")
    except UnicodeEncodeError:  # A server that breaks PEP 3333 and decodes headers as UTF-8.
        value = header.encode("utf-8", "surrogatepass")
    # Whitespace around a header's value is no part of it (RFC 9110, section 5.5), inside of it is.
    value = value.strip(b" \t")
    if not value.startswith(_PREFIX):
        raise MissingKey
    return value.removeprefix(_PREFIX)


def read_encrypted_key(header: str, *, transport_key: bytes, min_bytes: int = 0) -> bytes:
    """Return the external key that the header holds as hexadecimal of IV and AES-CFB ciphertext.

    A message too short for its IV is an empty key, and so is a key of less than `min_bytes`: the cipher has no
    integrity, and a person who may choose a config's key could have a recorded message tried byte by byte against short
    ones (docs/contract.md#k23). A wrong transport key gives meaningless bytes. All are then refused like any wrong key,
    after the same work.
    Raises: MissingKey; RefusedEncrypted when it is not hexadecimal or the cipher cannot be used.
    """
    text = read_key(header)
    try:
        message = binascii.unhexlify(text)
    except ValueError:
        raise RefusedEncrypted(reason="encrypted key is not hexadecimal") from None
    if len(message) < IV_SIZE:
        return b""
    try:
        key = decrypt(transport_key, message)
    except CipherError as error:
        raise RefusedEncrypted(reason=str(error)) from error
    return key if len(key) >= min_bytes else b""
