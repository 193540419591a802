"""Settings are read as people write them: empty, with blanks, in quotes; lists with what is between members."""

from __future__ import annotations

import json
import re

import pytest
from django.core.exceptions import ImproperlyConfigured

from bootstrap_project.conf.hosts import LOCAL_HOSTS, read_hosts, read_origins
from bootstrap_project.conf.reading import (
    read_bool,
    read_choice,
    read_list,
    read_networks,
    read_number,
    read_rate,
    read_ring_keys,
    read_secret,
    read_text,
    read_transport_key,
    read_url,
    remarks_on_secrets,
)
from tests.support.server import ROOT
from tests.support.starts import GOOD, Environment, start

RING = "new:" + "aw" * 21 + "s="
READERS = {
    "text": (lambda env: read_text(env, "NAME", "default"), "value", "default"),
    "list": (lambda env: read_list(env, "NAME", ["default"]), "value", ["default"]),
    "hosts": (lambda env: read_hosts(env, "NAME"), "boot.example.com", list(LOCAL_HOSTS)),
    "origins": (lambda env: read_origins(env, "NAME"), "https://boot.example.com", []),
    "networks": (lambda env: read_networks(env, "NAME"), "10.0.0.0/8", ()),
    "url": (lambda env: read_url(env, "NAME", "http://default"), "http://other", "http://default"),
    "switch": (lambda env: read_bool(env, "NAME", default=True), "false", True),
    "choice": (lambda env: read_choice(env, "NAME", "one", choices=("one", "two")), "two", "one"),
    "number": (lambda env: read_number(env, "NAME", 5, minimum=1, maximum=10), "2.5", 5),
    "rate": (lambda env: read_rate(env, "NAME", "5:1"), "7:2", (5, 1)),
}


@pytest.mark.parametrize("kind", READERS)
def test_an_empty_value_is_the_default_and_blanks_around_one_are_none_of_it(kind):
    read, given, default = READERS[kind]

    for empty in ({}, {"NAME": ""}, {"NAME": " "}, {"NAME": "\t\n"}):
        assert read(Environment(**empty)) == default
    assert read(Environment(NAME=f" {given}\t\n")) == read(Environment(NAME=given)) != default


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("kind", READERS)
def test_quotes_are_refused_by_name(kind, quote):
    read, given, _default = READERS[kind]

    with pytest.raises(ImproperlyConfigured, match="NAME begins with a quotation mark"):
        read(Environment(NAME=f"{quote}{given}{quote}"))
    with pytest.raises(ImproperlyConfigured, match="NAME begins with a quotation mark"):
        read(Environment(NAME=f" {quote}{quote}"))


def test_members_of_a_list_lose_their_blanks_and_empty_ones_are_none():
    assert read_list(Environment(NAME=" a , b,,\n c ,"), "NAME") == ["a", "b", "c"]
    assert read_list(Environment(NAME=" , "), "NAME", ["default"]) == ["default"]
    with pytest.raises(ImproperlyConfigured, match="NAME has a member that begins with a quotation mark"):
        read_list(Environment(NAME="a, 'b'"), "NAME")


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("localhost, boot.example.com", ["localhost", "boot.example.com"]),
        ("*", ["*"]),
        (".example.com", [".example.com"]),
        ("Boot.Example.com", ["Boot.Example.com"]),
        ("10.0.0.5,[::1],::1,[FD00:0::5]", ["10.0.0.5", "[::1]", "[::1]", "[fd00::5]"]),
    ],
)
def test_hosts_are_what_a_host_header_can_be(text, hosts):
    assert read_hosts(Environment(NAME=text), "NAME") == hosts


@pytest.mark.parametrize(
    "text",
    [
        "https://boot.example.com",
        "boot.example.com:8443",
        "[::1]:9013",
        "boot.example.com/admin",
        "localhost boot.example.com",
        "localhost;boot.example.com",
        "*.example.com",
        "my_host",
        "bücher.example.com",
        "boot..example.com",
        "boot.example.com.",
        ".",
        "[boot]",
        "localhost,[]",
    ],
)
def test_what_no_host_header_can_be_is_refused_with_an_example(text):
    with pytest.raises(ImproperlyConfigured, match=r"NAME must list hosts alone.*such as boot\.example\.com.* is none"):
        read_hosts(Environment(NAME=text), "NAME")


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("https://boot.example.com , http://localhost:9013", ["https://boot.example.com", "http://localhost:9013"]),
        ("HTTPS://Boot.Example.com:443,http://b:80", ["https://boot.example.com", "http://b"]),
        ("https://*.example.com:8443", ["https://*.example.com:8443"]),
        ("https://[::1]:8443", ["https://[::1]:8443"]),
    ],
)
def test_origins_are_written_as_browsers_write_theirs(text, origins):
    assert read_origins(Environment(NAME=text), "NAME") == origins


@pytest.mark.parametrize(
    "text",
    [
        "boot.example.com",
        "//boot.example.com",
        "https://boot.example.com/",
        "https://boot.example.com/admin",
        "https://boot.example.com?x",
        "https://boot.example.com#x",
        "https://u@boot.example.com",
        "https://boot.example.com:port",
        "https://boot.example.com:0",
        "https://a https://b",
        "ftp://boot.example.com",
        "https://",
        "https://*",
        "https://[::1",
        "null",
        "*",
    ],
)
def test_what_no_origin_can_be_is_refused_with_an_example(text):
    with pytest.raises(ImproperlyConfigured, match=r"NAME must list origins.*as https://boot\.example\.com.* none"):
        read_origins(Environment(NAME=text), "NAME")


def test_networks_separated_by_blanks_are_refused():
    with pytest.raises(ImproperlyConfigured, match="NAME must list addresses or networks"):
        read_networks(Environment(NAME="10.0.0.0/8 ::1"), "NAME")


def ring(text):
    return read_ring_keys(
        Environment(NAME=text), "NAME", purpose="p", secret_key="s", fallbacks=[], transport_key=b"k" * 16
    )


def test_a_ring_is_a_list_as_well():
    assert next(key.id for key in ring(f" {RING} , ")) == "new"
    assert ring(" ") == ring("")
    with pytest.raises(ImproperlyConfigured, match="NAME begins with a quotation mark"):
        ring(f'"{RING}"')


# Secrets: what was sealed under one with a blank at its end needs the blank.


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("\ufeffsecret\n", "begins with a byte order mark"),
        (" secret\n", "has blanks at its ends"),
        ("secret \r\n", "has blanks at its ends"),
        ("'secret'", "begins with a quotation mark"),
    ],
)
def test_what_is_around_a_secret_stays_and_is_told(tmp_path, content, what):
    path = tmp_path / "secret"
    path.write_text(content, encoding="utf-8")
    environment = Environment(MG_BOOTSTRAP_SECRET_KEY_FILE=str(path))

    assert read_secret(environment, "MG_BOOTSTRAP_SECRET_KEY") == content.strip("\r\n")
    (remark,) = remarks_on_secrets(environment)
    assert remark.startswith(f"MG_BOOTSTRAP_SECRET_KEY_FILE {what}")
    assert "secret'" not in remark
    assert remarks_on_secrets(Environment(MG_BOOTSTRAP_DB_PASS="it's", MG_BOOTSTRAP_PASSWORD='"')) == []


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ('"' + "k" * 16 + '"', "begins with a quotation mark"),
        ("\ufeff" + "k" * 16, "begins with a byte order mark"),
        ("k" * 16 + " ", "has blanks at its ends"),
    ],
)
def test_a_transport_key_that_is_too_long_by_what_is_around_it_says_so(key, what):
    with pytest.raises(ImproperlyConfigured, match=what) as refused:
        read_transport_key(Environment(MG_BOOTSTRAP_ENCRYPT_KEY=key), debug=False)
    assert "kkk" not in str(refused.value)


@pytest.mark.parametrize("content", ["\ufeffvalue\r\n", " value \n"])
def test_a_file_with_what_is_no_key_may_have_blanks_and_a_byte_order_mark(tmp_path, content):
    path = tmp_path / "file"
    path.write_text(content, encoding="utf-8")

    assert read_text(Environment(NAME_FILE=f" {path}"), "NAME", may_be_file=True) == "value"


def test_remarks_are_warnings_of_the_checks():
    code, output, error = start({"MG_BOOTSTRAP_SECRET_KEY": f"'{'s' * 60}'"}, "SETTING_REMARKS")

    assert (code, error) == (0, "")
    assert json.loads(output)["SETTING_REMARKS"] == [
        "MG_BOOTSTRAP_SECRET_KEY begins with a quotation mark, and ends with one, which the secret has as a part of it."
    ]


@pytest.mark.parametrize("empty", ["", " "])
def test_every_variable_may_be_empty(empty):
    names = set()
    for path in (ROOT / "bootstrap_project").glob("*.py"):
        names |= set(re.findall(r'"(MG_[A-Z_]+|DATABASE_[A-Z_]*URL)"', path.read_text(encoding="utf-8")))
    settings = ("ALLOWED_HOSTS", "MG_CLIENTS_URL", "MG_AUTH_ALGORITHMS", "DEVICES_AT_ONCE", "PUBLIC_URL", "LOGGING")
    assert len(names) > 60

    unset, emptied = start({}, *settings), start(dict.fromkeys(names - set(GOOD), empty), *settings)

    assert unset[0] == 0
    assert emptied == unset
