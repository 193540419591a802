from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from bootstrap_project.security.keyring import (
    DigestRing,
    Key,
    KeyRingError,
    SealError,
    SealingRing,
    derive_key,
    parse_key_ring,
)

OLD, NEW = Key("old", b"o" * 32), Key("new", b"n" * 32)
TEXT = base64.b64encode(b"s" * 32).decode()


def test_entries_become_keys_in_their_order():
    keys = parse_key_ring([f" b:{TEXT} ", f"a-1_X:{TEXT}"], setting="NAME")

    assert keys == (Key("b", b"s" * 32), Key("a-1_X", b"s" * 32))


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ([TEXT], "entry 1 must be written id:key"),
        ([f"a:{TEXT}", f":{TEXT}"], "entry 2 must be written id:key"),
        ([f"a b:{TEXT}"], "entry 1 must be written id:key"),
        ([f"{'a' * 33}:{TEXT}"], "entry 1 must be written id:key"),
        (["a:???secret???"], "'a' is not base64"),
        (["a:c2VjcmV0"], "'a' has 6 bytes; it needs 32"),
        ([f"a:{TEXT}", f"a:{TEXT}"], "'a' stands there twice"),
    ],
)
def test_a_bad_entry_is_named_without_its_secret(entries, complaint):
    with pytest.raises(KeyRingError, match="NAME: ") as caught:
        parse_key_ring(entries, setting="NAME")

    assert complaint in str(caught.value)
    assert "secret" not in str(caught.value)
    assert TEXT not in str(caught.value)


def test_derived_keys_differ_by_master_and_by_purpose():
    keys = [derive_key(b"m" * 32, "one"), derive_key(b"m" * 32, "two"), derive_key(b"M" * 32, "one")]

    assert len({key.secret for key in keys}) == len({key.id for key in keys}) == 3
    assert derive_key(b"m" * 32, "one") == keys[0]
    assert all(len(key.secret) == 32 for key in keys)


def test_a_key_shows_no_secret():
    assert "nnn" not in repr(NEW)
    assert "nnn" not in repr(SealingRing((NEW,)))
    assert "nnn" not in repr(DigestRing((NEW,)))


@pytest.mark.parametrize("ring", [SealingRing, DigestRing])
def test_a_ring_needs_a_key(ring):
    with pytest.raises(KeyRingError, match="at least one key"):
        ring(())


@pytest.mark.parametrize("text", ["", "s3cret", "ключ \0 \U0001f511", "x" * 100_000])
def test_what_was_sealed_opens_for_the_same_purpose(text):
    ring = SealingRing((NEW,))

    envelope = ring.seal(text, purpose="table.column:1")

    assert envelope.startswith("v1.new.")
    assert not text or text not in envelope
    assert ring.open(envelope, purpose="table.column:1") == text


def test_the_same_text_is_sealed_differently_each_time():
    ring = SealingRing((NEW,))

    assert ring.seal("s3cret", purpose="p") != ring.seal("s3cret", purpose="p")


def test_a_sealed_text_does_not_open_in_another_place():
    ring = SealingRing((NEW,))
    envelope = ring.seal("s3cret", purpose="table.column:1")

    with pytest.raises(SealError, match="altered or belongs to another row") as caught:
        ring.open(envelope, purpose="table.column:2")

    assert "s3cret" not in str(caught.value)


def test_any_key_of_the_ring_opens_and_only_the_first_one_seals():
    before = SealingRing((OLD,)).seal("s3cret", purpose="p")
    ring = SealingRing((NEW, OLD))

    assert ring.open(before, purpose="p") == "s3cret"
    assert ring.seal("s3cret", purpose="p").startswith("v1.new.")
    assert not before.startswith(ring.prefix)
    assert ring.seal("s3cret", purpose="p").startswith(ring.prefix)


def test_a_text_under_a_key_that_is_gone_names_the_key():
    envelope = SealingRing((OLD,)).seal("s3cret", purpose="p")

    with pytest.raises(SealError, match="under the key 'old'"):
        SealingRing((NEW,)).open(envelope, purpose="p")


def test_a_key_that_took_over_an_id_does_not_open():
    envelope = SealingRing((OLD,)).seal("s3cret", purpose="p")

    with pytest.raises(SealError, match="altered"):
        SealingRing((Key("old", b"x" * 32),)).open(envelope, purpose="p")


def test_a_sealed_text_names_its_key_and_takes_no_other_name():
    ring = SealingRing((NEW, Key("same", NEW.secret)))
    envelope = ring.seal("s3cret", purpose="p")

    with pytest.raises(SealError, match="altered"):
        ring.open(envelope.replace("v1.new.", "v1.same."), purpose="p")


@pytest.mark.parametrize(
    "envelope", ["", "v1", "v1.", "v1.new", "v1.new.", "v1.new.AAAA", "v1.new.?", "v1.new.é", "s3cret"]
)
def test_what_is_no_sealed_text_does_not_open(envelope):
    with pytest.raises(SealError):
        SealingRing((NEW,)).open(envelope, purpose="p")


def test_every_altered_byte_is_noticed():
    ring = SealingRing((NEW,))
    head, body = ring.seal("s3cret", purpose="p").rsplit(".", 1)
    message = base64.b64decode(body)

    for position in range(len(message)):
        altered = bytearray(message)
        altered[position] ^= 1
        with pytest.raises(SealError):
            ring.open(f"{head}.{base64.b64encode(bytes(altered)).decode()}", purpose="p")


def test_digests_are_hmac_sha256_under_every_pepper_the_current_one_first():
    ring = DigestRing((NEW, OLD))

    def expected(key: Key) -> str:
        return hmac.new(key.secret, b"k-77", hashlib.sha256).hexdigest()

    assert ring.digests(b"k-77") == [("new", expected(NEW)), ("old", expected(OLD))]
