"""AES-CFB written once more, block by block, as a device without the product would write it."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

IV = bytes(range(16))


def keystream(key, block):
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(block)


def cfb(key, iv, data, *, decrypt=False):
    result, previous = b"", iv
    for start in range(0, len(data), 16):
        block = data[start : start + 16]
        made = bytes(a ^ b for a, b in zip(block, keystream(key, previous), strict=False))
        result += made
        previous = block if decrypt else made
    return result
