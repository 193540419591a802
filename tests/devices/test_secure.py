"""`GET /clients/bootstrap/secure/{external_id}`: docs/contract.md#c4."""

from __future__ import annotations

import json
import logging

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bootstrap_project.security import transport_cipher
from configs.models import Config, Status
from devices.rate_limit import failure_limits
from tests.devices.conftest import SECRETS, message_of
from tests.support.lines import request_lines
from tests.support.rows import EXTERNAL_KEY, make_config

REFUSED = "failed to get bootstrap configuration for given external key"
REFUSED_ENCRYPTED = "failed to get bootstrap configuration for given encrypted external key"
KEYS = [b"0123456789abcdef", b"0123456789abcdef01234567", b"0123456789abcdef0123456789abcdef"]
VECTORS = [
    "000102030405060708090a0b0c0d0e0fc41cef9981da937496fae79af0d628c7f9503264",
    "000102030405060708090a0b0c0d0e0f95bf569a481c77d962f8e45cab1753f0faf3e6b1",
    "000102030405060708090a0b0c0d0e0f3738aa9cf5aa1b066e53f33ef1fbda5139fa2ad6",
]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("transport_key", KEYS, ids=["AES-128", "AES-192", "AES-256"])
def test_the_answer_is_the_plain_one_encrypted(ask, ask_secure, pi, settings, transport_key):
    plain = ask()
    settings.TRANSPORT_KEY = transport_key

    response = ask_secure()

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Length"] == str(len(response.content))
    assert response.headers["Cache-Control"] == "no-store"
    assert transport_cipher.decrypt(transport_key, response.content) == plain.content.removesuffix(b"\n")
    assert SECRETS[0].encode() not in response.content


@pytest.mark.parametrize(("transport_key", "message"), list(zip(KEYS, VECTORS, strict=True)), ids=["128", "192", "256"])
def test_the_vectors_of_the_contract_are_understood(ask_secure, pi, settings, transport_key, message):
    settings.TRANSPORT_KEY = transport_key

    assert ask_secure(raw=message).status_code == 200
    assert ask_secure(raw=message.upper()).status_code == 200


def test_every_answer_has_its_own_iv(ask_secure, pi):
    assert len({ask_secure().content[:16] for _ in range(5)}) == 5


def test_a_key_beyond_ascii_and_with_spaces_is_taken_as_it_is(ask_secure):
    make_config(external_id="pi-1", external_key="ключ и пробелы  é")

    assert ask_secure(key="ключ и пробелы  é").status_code == 200


@pytest.mark.parametrize(
    "raw", ["zz", "0", "00 01", "0x00", EXTERNAL_KEY, VECTORS[2][:-1], VECTORS[2] + "g", "\xe9\xe9"]
)
def test_a_key_that_is_not_hexadecimal_is_refused_as_encrypted(ask_secure, pi, raw):
    response = ask_secure(raw=raw)

    assert (response.status_code, message_of(response)) == (403, REFUSED_ENCRYPTED)
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("raw", ["00", "00" * 15, "00" * 16])
def test_a_message_without_a_text_is_an_empty_key(ask_secure, pi, raw):
    response = ask_secure(raw=raw)

    assert (response.status_code, message_of(response)) == (403, REFUSED)


def test_a_key_under_another_transport_key_is_a_wrong_key(ask_secure, pi):
    response = ask_secure(transport_key=b"k" * 32)

    assert (response.status_code, message_of(response)) == (403, REFUSED)


@pytest.mark.parametrize("key", [b"\xff\xfe\x00", b"\x00", b"wrong", EXTERNAL_KEY.encode() + b"\xff"])
def test_a_key_that_decrypts_to_other_bytes_is_a_wrong_key(ask_secure, pi, key):
    response = ask_secure(key=key)

    assert (response.status_code, message_of(response)) == (403, REFUSED)


def test_an_unknown_id_is_refused_like_a_wrong_key(ask_secure, pi):
    unknown, wrong = ask_secure("nobody"), ask_secure(key="wrong")

    assert (unknown.status_code, message_of(unknown)) == (wrong.status_code, message_of(wrong)) == (403, REFUSED)


@pytest.mark.parametrize("key", ["a", "k" * 11, "ключи", "é" * 5])
def test_a_key_of_less_than_twelve_bytes_is_refused_like_a_wrong_one(ask, ask_secure, settings, caplog, key):
    make_config(external_id="short", external_key=key, content="c")
    caplog.set_level(logging.INFO)

    with CaptureQueriesContext(connection) as short_work:
        short = ask_secure("short", key=key)
    with CaptureQueriesContext(connection) as wrong_work:
        wrong = ask_secure("short", key="wrong key of a usual length")

    assert (short.status_code, message_of(short)) == (wrong.status_code, message_of(wrong)) == (403, REFUSED)
    assert {name for name, _ in short.items()} == {name for name, _ in wrong.items()}
    assert [len(work) for work in (short_work, wrong_work)] == [1, 1]
    assert [query["sql"][:600] for query in short_work] == [query["sql"][:600] for query in wrong_work]
    assert [line.reason for line in request_lines(caplog)] == [
        "external key too short for the secure endpoint",
        "wrong external key",
    ]
    settings.SECURE_MIN_KEY_BYTES = len(key.encode())
    assert ask_secure("short", key=key).status_code == 200


def test_short_keys_are_taken_elsewhere_and_keys_of_twelve_bytes_everywhere(ask, ask_secure):
    make_config(external_id="short", external_key="k" * 11)
    make_config(external_id="long", external_key="k" * 12)

    assert [ask("short", key="k" * 11).status_code, ask_secure("long", key="k" * 12).status_code] == [200, 200]
    assert ask(path="/clients/bootstrap/", key="k" * 11).status_code == 200


@pytest.mark.parametrize("key", ["a", "guessed"])
def test_a_right_short_key_that_only_a_slow_hash_decides_is_refused_too(ask_secure, key):
    make_config(external_id="short", external_key=key)
    Config.objects.update(external_key_digest="", external_key_pepper="")

    assert ask_secure("short", key=key).status_code == 403
    assert not Config.objects.get().external_key_digest


@pytest.mark.parametrize("raw", ["zz", "00", None], ids=["not hexadecimal", "no text", "too short"])
@pytest.mark.parametrize("external_id", ["pi-1", "nobody"])
def test_every_failure_counts_for_the_device_and_its_source(ask, ask_secure, pi, settings, raw, external_id):
    settings.DEVICE_FAILURES = (3, 0.001)
    failure_limits.cache_clear()

    answers = [ask_secure(external_id, raw=raw, key="short").status_code for _ in range(5)]

    assert answers == [403, 403, 403, 429, 429]
    assert ask_secure(external_id, key="a-wrong-key-of-its-own").status_code == 429
    assert ask_secure("another", key="a-wrong-key-of-its-own").status_code == 403
    assert ask(external_id, key="wrong").status_code == 403
    assert ask_secure().status_code == 200


def test_a_key_in_clear_is_not_taken(client, pi):
    response = client.get("/clients/bootstrap/secure/pi-1", headers={"authorization": f"Client {EXTERNAL_KEY}"})

    assert (response.status_code, message_of(response)) == (403, REFUSED_ENCRYPTED)


def test_no_key_is_401(client, pi):
    response = client.get("/clients/bootstrap/secure/pi-1")

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Client")


def test_an_unusable_transport_key_is_refused(ask_secure, pi, settings):
    message = transport_cipher.encrypt(settings.TRANSPORT_KEY, EXTERNAL_KEY.encode()).hex()
    settings.TRANSPORT_KEY = b"k" * 50

    response = ask_secure(raw=message)

    assert (response.status_code, message_of(response)) == (403, REFUSED_ENCRYPTED)


def test_errors_are_plain_json(ask_secure, pi):
    Config.objects.filter(pk=pi.pk).update(status=Status.DISABLED)
    disabled = ask_secure()
    Config.objects.filter(pk=pi.pk).update(status=Status.ENABLED)
    pi.bindings.all().delete()
    unbound = ask_secure()

    assert (disabled.status_code, message_of(disabled)) == (403, "bootstrap configuration is disabled")
    assert (unbound.status_code, message_of(unbound)) == (422, "required binding is missing")
    for response in (disabled, unbound):
        assert response.headers["Content-Type"] == "application/json"
        assert json.loads(response.content)["request_id"]


def test_without_an_id_the_word_itself_is_the_id(ask, client):
    config = make_config(external_id="secure")

    assert json.loads(ask("secure").content)["id"] == str(config.id)
    assert client.get("/clients/bootstrap/secure/", headers={"authorization": "Client x"}).status_code == 404
