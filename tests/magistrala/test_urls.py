"""Addresses of the platform's services, checked before the first request."""

from __future__ import annotations

import pytest

from bootstrap_project.magistrala.urls import MagistralaURLs, checked_url

GOOD = {name: f"http://{name}:9000" for name in ("clients", "channels", "domains", "users", "auth")}


def test_trailing_slash_is_dropped_and_the_key_set_found_below_auth():
    urls = MagistralaURLs(**{**GOOD, "auth": "https://auth.example/base/"})

    assert urls.of("auth") == "https://auth.example/base"
    assert urls.jwks == "https://auth.example/base/keys/.well-known/jwks.json"


def test_key_set_may_have_an_address_of_its_own():
    assert (
        MagistralaURLs(**GOOD, jwks="https://atom/.well-known/jwks.json").jwks == "https://atom/.well-known/jwks.json"
    )


@pytest.mark.parametrize(
    "address",
    [
        "",
        "clients:9006",
        "/clients",
        "//clients",
        "ftp://clients",
        "file:///etc/passwd",
        "http://",
        "http://:80",
        "http://clients:port",
        "http://clients:99999",
        "http://clients:0",
        "http://[::1",
        "http://user:hidden-word@clients",
        "http://clients?x=hidden-word",
        "http://clients/#hidden-word",
        "http://cli ents",
        " http://clients",
        "http://clients\n",
    ],
)
def test_address_that_is_not_absolute_http_is_refused_by_name_and_not_quoted(address):
    with pytest.raises(ValueError, match="channels") as caught:
        MagistralaURLs(**{**GOOD, "channels": address})

    assert "hidden-word" not in str(caught.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9005", "https://[::1]:9005/a/b", "HTTP://Channels"])
def test_absolute_addresses_are_taken(address):
    assert checked_url("channels", address) == address
