from __future__ import annotations

import base64
import hmac

import bcrypt
import pytest

from bootstrap_project.security.keyring import DigestRing, Key
from configs import external_keys
from configs.external_keys import (
    PresentedKey,
    StoredKey,
    Verification,
    digest_external_key,
    hash_external_key,
    renew_stored_key,
    verify_external_key,
)
from configs.models import Config

KEY = "device-bootstrap-key"
#: docs/contract.md#c5: the salt is the bytes 0 to 15.
UPSTREAM_SCRYPT = "scrypt$x/PAY/ZmlWfs0vgd27aiOXU3F/EVzTQ6WejHmYmMCB8=.AAECAwQFBgcICQoLDA0ODw=="
OLD, NEW = Key("old", b"o" * 32), Key("new", b"n" * 32)


def bcrypt_hash(key: str = KEY, prefix: bytes = b"2a") -> str:
    return bcrypt.hashpw(key.encode(), bcrypt.gensalt(4, b"2b")).replace(b"$2b$", b"$" + prefix + b"$").decode()


def verify(presented: str | bytes, stored: StoredKey | None) -> Verification:
    return verify_external_key(PresentedKey.of(presented), stored)


def stored_key(key: str = KEY) -> StoredKey:
    pepper_id, digest = digest_external_key(key)
    return StoredKey(hash_external_key(key), digest, pepper_id)


def make_config(key_hash: str, digest: str = "", pepper_id: str = "") -> Config:
    return Config.objects.create(
        domain_id="d1",
        external_id="pump-4",
        external_key_hash=key_hash,
        external_key_digest=digest,
        external_key_pepper=pepper_id,
    )


@pytest.fixture
def scrypt_calls(monkeypatch):
    calls = []
    derive = external_keys._scrypt

    def counted(value, salt, log2_n):
        calls.append(log2_n)
        return derive(value, salt, log2_n)

    monkeypatch.setattr(external_keys, "_scrypt", counted)
    return calls


# --- Hashing ---------------------------------------------------------------------------------------------------------


def test_a_hash_names_its_parameters_and_has_its_own_salt():
    first, second = hash_external_key(KEY), hash_external_key(KEY)

    assert first != second
    head, salt, digest = first.rsplit("$", 2)
    assert head == "$scrypt$ln=4,r=8,p=1"
    assert (len(salt), len(digest)) == (22, 43)


def test_the_deployed_cost_is_upstream_s(settings):
    settings.EXTERNAL_KEY_SCRYPT_N = 2**14

    text = hash_external_key(KEY)

    assert text.startswith("$scrypt$ln=14,r=8,p=1$")
    assert verify(KEY, StoredKey(text)).matched


@pytest.mark.parametrize("key", ["k", "k 7 7", "ключ", "x" * 5000, "a\0b", "\ud800"])
def test_every_text_is_a_key(key):
    text = hash_external_key(key)

    assert verify(key, StoredKey(text)).matched
    assert not verify(key + "x", StoredKey(text)).matched


def test_text_and_its_bytes_in_utf_8_are_the_same_key():
    stored = stored_key("ключ")

    assert verify("ключ".encode(), stored).matched
    assert not verify("ключ".encode("cp1251"), stored).matched


def test_nothing_of_a_key_is_in_a_repr():
    presented, stored = PresentedKey.of(KEY), stored_key()

    shown = repr((presented, stored))

    for secret in (KEY, stored.hash, stored.digest, *presented.digests.values()):
        assert secret not in shown


# --- Verification by digest ------------------------------------------------------------------------------------------


def test_a_digest_decides_alone(scrypt_calls):
    stored = StoredKey(hash_external_key("another key"), *reversed(digest_external_key(KEY)))
    scrypt_calls.clear()

    right, wrong = verify(KEY, stored), verify("another key", stored)

    assert (right.matched, right.method, right.needs_digest) == (True, "digest", False)
    assert (wrong.matched, wrong.method) == (False, "digest")
    assert scrypt_calls == []


def test_a_digest_under_an_older_pepper_decides_and_is_to_be_renewed(settings, scrypt_calls):
    settings.PEPPER_RING = DigestRing((OLD,))
    stored = stored_key()
    scrypt_calls.clear()
    settings.PEPPER_RING = DigestRing((NEW, OLD))

    assert (verify(KEY, stored).matched, verify(KEY, stored).needs_digest) == (True, True)
    assert (verify("wrong", stored).matched, verify("wrong", stored).needs_digest) == (False, False)
    assert scrypt_calls == []


def test_the_hash_decides_where_the_pepper_is_lost(settings):
    settings.PEPPER_RING = DigestRing((OLD,))
    stored = stored_key()
    settings.PEPPER_RING = DigestRing((NEW,))

    verification = verify(KEY, stored)

    assert verification == Verification(matched=True, method="scrypt", needs_digest=True)
    assert not verify("wrong", stored).matched


def test_an_empty_key_is_never_right():
    key_hash = hash_external_key("")

    assert not verify("", StoredKey(key_hash, *reversed(digest_external_key("")))).matched
    assert not verify("", StoredKey(key_hash)).matched
    assert not verify("", StoredKey(bcrypt_hash(""))).matched


# --- Equal work ------------------------------------------------------------------------------------------------------


def test_an_unknown_row_costs_what_a_wrong_key_costs(scrypt_calls, monkeypatch):
    stored = stored_key()
    comparisons = []
    compare = hmac.compare_digest

    def counted(first, second):
        comparisons.append((len(first), len(second)))
        return compare(first, second)

    monkeypatch.setattr(hmac, "compare_digest", counted)

    scrypt_calls.clear()
    wrong = verify("wrong", stored)
    compared_by_wrong = list(comparisons)
    comparisons.clear()
    unknown = verify("wrong", None)

    assert scrypt_calls == []
    assert not wrong.matched
    assert not unknown.matched
    assert unknown.method == "none"
    assert compared_by_wrong == comparisons == [(64, 64)]


# --- Other hashes ----------------------------------------------------------------------------------------------------


def test_the_hash_of_the_contract_verifies():
    verification = verify(KEY, StoredKey(UPSTREAM_SCRYPT))

    assert verification == Verification(matched=True, method="scrypt", needs_digest=True)
    assert not verify("device-bootstrap-kez", StoredKey(UPSTREAM_SCRYPT)).matched


@pytest.mark.parametrize("prefix", [b"2a", b"2b", b"2y"])
def test_bcrypt_verifies(prefix):
    verification = verify(KEY, StoredKey(bcrypt_hash(prefix=prefix)))

    assert verification == Verification(matched=True, method="bcrypt", needs_digest=True)
    assert not verify("wrong", StoredKey(bcrypt_hash(prefix=prefix))).matched


def test_a_key_longer_than_bcrypt_takes_is_no_match():
    stored = StoredKey(bcrypt_hash("x" * 72))

    assert verify("x" * 72, stored).matched
    assert not verify("x" * 73, stored).matched


@pytest.mark.parametrize(
    "text",
    [UPSTREAM_SCRYPT, bcrypt_hash(), hash_external_key(KEY), "plain text key"],
    ids=["upstream scrypt", "bcrypt", "scrypt", "plain text"],
)
def test_the_stored_text_is_never_a_key(text):
    assert not verify(text, StoredKey(text)).matched


@pytest.mark.parametrize(
    "text",
    [
        "",
        "device-bootstrap-key",
        "$scrypt$",
        "$scrypt$ln=4,r=8,p=1$$",
        "$scrypt$ln=0,r=8,p=1$" + "A" * 22 + "$" + "A" * 43,
        "$scrypt$ln=4,r=8,p=1$A$" + "A" * 43,
        "$scrypt$ln=4,r=8,p=1$" + "A" * 22 + "$" + "A" * 42,
        "$scrypt$ln=4,r=8,p=1$" + "A" * 22 + "$" + "A" * 43 + "\n",
        "scrypt$AAAA.AAAA",
        "scrypt$" + "A" * 43 + "=.A",
        "scrypt$" + "A" * 43 + "=.",
        "$2b$04$" + "z" * 53,
        "$2b$04$" + "." * 52,
        "$2x$04$" + "." * 53,
        "\0",
        "ключ",
        "$argon2id$v=19$m=65536,t=3,p=4$AAAA$AAAA",
    ],
)
def test_a_malformed_hash_is_no_match_and_no_error(text):
    assert not verify(KEY, StoredKey(text)).matched


@pytest.mark.parametrize(
    "text",
    [
        "$scrypt$ln=18,r=8,p=1$" + "A" * 22 + "$" + "A" * 43,
        "$scrypt$ln=30,r=8,p=1$" + "A" * 22 + "$" + "A" * 43,
        "$scrypt$ln=99,r=8,p=1$" + "A" * 22 + "$" + "A" * 43,
        "$scrypt$ln=4,r=800,p=1$" + "A" * 22 + "$" + "A" * 43,
        "$scrypt$ln=4,r=8,p=99$" + "A" * 22 + "$" + "A" * 43,
        "$2b$15$" + "." * 53,
        "$2b$31$" + "." * 53,
        "$2b$99$" + "." * 53,
    ],
)
def test_a_hash_that_asks_for_endless_work_is_refused_before_any(text, scrypt_calls, monkeypatch):
    bcrypt_calls: list[bytes] = []

    def counted(value: bytes, _text: bytes) -> bool:
        bcrypt_calls.append(value)
        return True

    monkeypatch.setattr("bcrypt.checkpw", counted)

    assert not verify(KEY, StoredKey(text)).matched

    assert scrypt_calls == bcrypt_calls == []


@pytest.mark.parametrize(("digest", "pepper_id"), [("ключ", "old"), ("", "old"), ("x", ""), ("0" * 63, "old")])
def test_a_malformed_digest_is_no_match_and_no_error(settings, digest, pepper_id):
    settings.PEPPER_RING = DigestRing((OLD,))

    assert not verify("wrong", StoredKey(hash_external_key(KEY), digest, pepper_id)).matched


# --- Renewal ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("make_hash", [bcrypt_hash, lambda: UPSTREAM_SCRYPT], ids=["bcrypt", "upstream scrypt"])
def test_a_verified_row_gets_our_hash_and_a_digest(make_hash):
    stored = StoredKey(make_hash())
    config = make_config(stored.hash)

    assert renew_stored_key(config.id, PresentedKey.of(KEY), stored)

    config.refresh_from_db()
    renewed = StoredKey(config.external_key_hash, config.external_key_digest, config.external_key_pepper)
    assert renewed.hash.startswith("$scrypt$ln=4,r=8,p=1$")
    assert verify(KEY, renewed).method == "digest"
    assert verify(KEY, StoredKey(renewed.hash)).matched
    assert not verify("wrong", StoredKey(renewed.hash)).matched


@pytest.mark.django_db
def test_an_upstream_hash_of_today_s_cost_is_rewritten_without_hashing_again(settings, scrypt_calls):
    settings.EXTERNAL_KEY_SCRYPT_N = 2**14
    config = make_config(UPSTREAM_SCRYPT)

    assert renew_stored_key(config.id, PresentedKey.of(KEY), StoredKey(UPSTREAM_SCRYPT))

    config.refresh_from_db()
    assert scrypt_calls == []
    salt = base64.b64encode(bytes(range(16))).decode().rstrip("=")
    digest = "x/PAY/ZmlWfs0vgd27aiOXU3F/EVzTQ6WejHmYmMCB8"
    assert config.external_key_hash == f"$scrypt$ln=14,r=8,p=1${salt}${digest}"
    assert verify(KEY, StoredKey(config.external_key_hash)) == Verification(
        matched=True, method="scrypt", needs_digest=True
    )


@pytest.mark.django_db
def test_a_hash_of_ours_stays_when_only_the_digest_was_missing(scrypt_calls):
    key_hash = hash_external_key(KEY)
    config = make_config(key_hash)
    scrypt_calls.clear()

    assert renew_stored_key(config.id, PresentedKey.of(KEY), StoredKey(key_hash))

    config.refresh_from_db()
    assert config.external_key_hash == key_hash
    assert (config.external_key_pepper, config.external_key_digest) == digest_external_key(KEY)
    assert scrypt_calls == []


@pytest.mark.django_db
def test_a_key_that_was_rotated_meanwhile_stays_where_no_digest_tells_the_two_apart():
    verified, rotated = StoredKey(UPSTREAM_SCRYPT), hash_external_key("another key")
    config = make_config(rotated)

    assert renew_stored_key(config.id, PresentedKey.of(KEY), verified) is None

    config.refresh_from_db()
    assert config.external_key_hash == rotated


@pytest.mark.django_db
def test_a_renewal_writes_one_statement(django_assert_num_queries):
    config = make_config(hash_external_key(KEY))

    with django_assert_num_queries(1):
        renew_stored_key(config.id, PresentedKey.of(KEY), StoredKey(config.external_key_hash))


@pytest.mark.django_db
def test_a_key_rotated_meanwhile_is_left_alone():
    old_hash = bcrypt_hash()
    config = make_config(old_hash)
    rotated = stored_key("the new key")
    Config.objects.filter(pk=config.pk).update(
        external_key_hash=rotated.hash, external_key_digest=rotated.digest, external_key_pepper=rotated.pepper_id
    )

    assert not renew_stored_key(config.id, PresentedKey.of(KEY), StoredKey(old_hash))

    config.refresh_from_db()
    assert StoredKey(config.external_key_hash, config.external_key_digest, config.external_key_pepper) == rotated
