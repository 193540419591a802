"""The process's client is built once from Django's settings, and bad settings are named."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test.utils import override_settings

from bootstrap_project.magistrala import factory

GOOD = {
    "MG_CLIENTS_URL": "http://clients:9006",
    "MG_CHANNELS_URL": "http://channels:9005/",
    "MG_DOMAINS_URL": "http://domains:9003",
    "MG_USERS_URL": "http://users:9002",
    "MG_AUTH_URL": "http://auth:9001",
    "MG_AUTH_JWKS_URL": "",
    "MG_CONNECT_TIMEOUT_SECONDS": 1.5,
    "MG_READ_TIMEOUT_SECONDS": 4,
    "MG_RETRIES": 1,
    "MG_MAX_ANSWER_BYTES": 1000,
    "MG_POOL_SIZE": 4,
    "MG_CA_BUNDLE": "",
}


@pytest.fixture(autouse=True)
def fresh():
    if not settings.configured:
        settings.configure()
    factory.reset_client()
    with override_settings(**GOOD):
        yield
    factory.reset_client()


def test_all_threads_share_one_client_built_from_the_settings():
    with ThreadPoolExecutor(8) as executor:
        made = list(executor.map(lambda _: factory.get_client(), range(50)))

    assert len(set(map(id, made))) == 1
    assert made[0].urls.channels == "http://channels:9005"
    assert made[0].urls.jwks == "http://auth:9001/keys/.well-known/jwks.json"
    sending = made[0]._transport
    assert (sending._connect_timeout, sending._read_timeout, sending._retries, sending._max_body) == (1.5, 4.0, 1, 1000)
    assert sending._verify is True


def test_ca_bundle_and_key_set_have_settings_of_their_own():
    with override_settings(MG_CA_BUNDLE="/etc/ssl/own.pem", MG_AUTH_JWKS_URL="https://atom/jwks.json"):
        client = factory.get_client()

    assert client._transport._verify == "/etc/ssl/own.pem"
    assert client.urls.jwks == "https://atom/jwks.json"


@pytest.mark.parametrize("name", [name for name in GOOD if name.endswith("_URL") and GOOD[name]] + ["MG_AUTH_JWKS_URL"])
def test_bad_address_is_named_by_its_setting(name):
    with override_settings(**{name: "clients:9006"}), pytest.raises(ImproperlyConfigured, match=name):
        factory.get_client()


def test_reset_reads_the_settings_again():
    first = factory.get_client()
    factory.reset_client()

    assert factory.get_client() is not first


def test_forked_process_builds_its_own_client(monkeypatch):
    first = factory.get_client()
    monkeypatch.setattr(os, "getpid", lambda: 1)

    assert factory.get_client() is not first
