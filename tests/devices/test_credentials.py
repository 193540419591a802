from __future__ import annotations

import pytest

from devices.credentials import read_encrypted_key, read_key
from devices.errors import MissingKey, RefusedEncrypted


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Client k-77", b"k-77"),
        ("Client k 7  7", b"k 7  7"),
        ("Client  k", b" k"),
        (" \tClient k \t", b"k"),
        ("Client Client k", b"Client k"),
        ("Client Bearer k", b"Bearer k"),
        ("Client \xd0\xba", "к".encode()),
        ("Client \xff\xfe", b"\xff\xfe"),
        ("Client к", "к".encode()),
        ("Client a,b", b"a,b"),
    ],
)
def test_a_key_is_what_follows_the_scheme(header, key):
    assert read_key(header) == key


@pytest.mark.parametrize(
    "header", ["", " ", "Client", "Client ", "client k", "CLIENT k", "Client\tk", "Bearer k", "k", "XClient k"]
)
def test_anything_else_is_no_key(header):
    with pytest.raises(MissingKey):
        read_key(header)
    with pytest.raises(MissingKey):
        read_encrypted_key(header, transport_key=b"k" * 16)


@pytest.mark.parametrize("text", ["zz", "0", "00 00", "00\n00", "Client 00", "\u0660\u0660"])
def test_an_encrypted_key_is_hexadecimal(text):
    with pytest.raises(RefusedEncrypted):
        read_encrypted_key(f"Client {text}", transport_key=b"k" * 16)
