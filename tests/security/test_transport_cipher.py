from __future__ import annotations

import subprocess
from shutil import which

import pytest

from bootstrap_project.security.transport_cipher import CipherError, check_transport_key, decrypt, encrypt

IV = bytes(range(16))
PLAINTEXT = b"device-bootstrap-key"
VECTORS = [
    (
        b"0123456789abcdef",
        "000102030405060708090a0b0c0d0e0fc41cef9981da937496fae79af0d628c7f9503264",
    ),
    (
        b"0123456789abcdef01234567",
        "000102030405060708090a0b0c0d0e0f95bf569a481c77d962f8e45cab1753f0faf3e6b1",
    ),
    (
        b"0123456789abcdef0123456789abcdef",
        "000102030405060708090a0b0c0d0e0f3738aa9cf5aa1b066e53f33ef1fbda5139fa2ad6",
    ),
]


@pytest.mark.parametrize(("key", "message"), VECTORS, ids=["AES-128", "AES-192", "AES-256"])
def test_messages_are_those_of_the_platform_s_devices(key, message):
    assert encrypt(key, PLAINTEXT, iv=IV).hex() == message
    assert decrypt(key, bytes.fromhex(message)) == PLAINTEXT


@pytest.mark.skipif(which("openssl") is None, reason="no openssl here")
def test_openssl_reads_what_we_encrypt():
    key = b"0123456789abcdef0123456789abcdef"
    message = encrypt(key, PLAINTEXT)

    command = ["openssl", "enc", "-d", "-aes-256-cfb", "-K", key.hex(), "-iv", message[:16].hex()]
    done = subprocess.run(command, input=message[16:], capture_output=True, check=True)

    assert done.stdout == PLAINTEXT


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 1000])
def test_a_message_is_its_iv_and_as_many_bytes_as_the_text(length):
    text = b"x" * length

    message = encrypt(b"k" * 16, text)

    assert len(message) == 16 + length
    assert decrypt(b"k" * 16, message) == text


def test_every_message_has_its_own_iv():
    messages = {encrypt(b"k" * 16, PLAINTEXT) for _ in range(20)}

    assert len({message[:16] for message in messages}) == 20


def test_a_wrong_key_gives_meaningless_bytes_and_no_error():
    message = encrypt(b"k" * 16, PLAINTEXT)

    assert decrypt(b"K" * 16, message) != PLAINTEXT


@pytest.mark.parametrize("length", [0, 8, 15, 17, 31, 33, 50])
def test_a_key_of_another_length_is_refused_by_its_length_alone(length):
    key = b"s" * length

    for use in (check_transport_key, lambda key: encrypt(key, b"x"), lambda key: decrypt(key, bytes(20))):
        with pytest.raises(CipherError, match=f"has {length} bytes") as caught:
            use(key)
        assert not length or key.decode() not in str(caught.value)


@pytest.mark.parametrize("length", [0, 1, 15])
def test_a_message_without_a_whole_iv_is_refused(length):
    with pytest.raises(CipherError, match="at least 16 bytes"):
        decrypt(b"k" * 16, bytes(length))
