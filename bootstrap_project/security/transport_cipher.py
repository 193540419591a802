"""The cipher of the secure device endpoint: AES in CFB mode, bytes in and bytes out."""

from __future__ import annotations

import os

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

IV_SIZE = 16
KEY_SIZES = (16, 24, 32)


class CipherError(ValueError):
    """A key or a message that the cipher cannot work with; the message never holds either."""


def check_transport_key(key: bytes) -> bytes:
    """Return `key` when AES can use it.

    Raises: CipherError that names the length, never the key.
    Source: docs/contract.md#c4 (AES-128, AES-192 or AES-256 by the key's length).
    """
    if len(key) not in KEY_SIZES:
        raise CipherError(f"the encryption key has {len(key)} bytes; AES needs exactly 16, 24 or 32")
    return key


def encrypt(key: bytes, plaintext: bytes, *, iv: bytes | None = None) -> bytes:
    """Return a fresh IV followed by the AES-CFB128 ciphertext of `plaintext`.

    Shape: 16 bytes of IV, then as many bytes as `plaintext` has. `iv` is for test vectors alone.
    Raises: CipherError for a key of a wrong length.
    Source: service documentation, "Encrypt the External Key"; NIST SP 800-38A, CFB with 128-bit segments.
    """
    if iv is None:
        iv = os.urandom(IV_SIZE)
    encryptor = Cipher(AES(check_transport_key(key)), CFB(iv)).encryptor()
    return iv + encryptor.update(plaintext) + encryptor.finalize()


def decrypt(key: bytes, message: bytes) -> bytes:
    """Return the plaintext of `message`, an IV followed by ciphertext.

    CFB carries no integrity check: a wrong key gives bytes that mean nothing, not an error.
    Raises: CipherError for a key of a wrong length or a message shorter than its IV.
    """
    if len(message) < IV_SIZE:
        raise CipherError(f"an encrypted message has at least {IV_SIZE} bytes, its IV; this one has {len(message)}")
    decryptor = Cipher(AES(check_transport_key(key)), CFB(message[:IV_SIZE])).decryptor()
    return decryptor.update(message[IV_SIZE:]) + decryptor.finalize()
