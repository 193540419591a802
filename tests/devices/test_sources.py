"""Whose call it is: the peer's, unless a trusted proxy says otherwise."""

from __future__ import annotations

import json
import subprocess
import sys
from ipaddress import ip_network

import pytest
from django.core.exceptions import ImproperlyConfigured
from environ import Env

from devices.environment import read_cache, read_networks, read_rate
from devices.sources import limited_source, source_of

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def environment(**variables):
    env = Env()
    env.ENVIRON = variables
    return env


@pytest.mark.parametrize(
    ("peer", "forwarded", "source"),
    [
        ("203.0.113.5", None, "203.0.113.5"),
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1,, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("fd00::1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", ", ".join(["192.0.2.66"] * 500 + ["198.51.100.1"]), "198.51.100.1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_the_rightmost_address_that_is_no_proxy_counts(peer, forwarded, source):
    meta = {"REMOTE_ADDR": peer} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {})

    assert source_of(meta, PROXIES) == source


def test_nothing_is_believed_by_default():
    assert source_of({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "198.51.100.1"}, ()) == "10.0.0.1"
    assert source_of({}, ()) == ""


@pytest.mark.parametrize(
    ("source", "limited"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("", ""),
        ("a socket", ""),
    ],
)
def test_limits_count_whole_networks_of_ipv6(source, limited):
    assert limited_source(source) == limited


def test_settings_are_read():
    assert read_rate(environment(RATE="7:0.5"), "RATE", "1:1") == (7, 0.5)
    assert read_rate(environment(), "RATE", "1:1") == (1, 1)
    assert read_networks(environment(NETS="10.0.0.0/8, ::1"), "NETS") == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert read_networks(environment(), "NETS") == ()
    assert read_cache("URL", "")["BACKEND"].endswith("LocMemCache")
    assert read_cache("URL", "locmemcache://x")["LOCATION"] == "x"


@pytest.mark.parametrize(
    ("read", "value"),
    [
        *((lambda env: read_rate(env, "NAME", "1:1"), text) for text in ("5", "a:b", "0:1", "1:0", "nan:1", "1:inf")),
        *((lambda env: read_networks(env, "NAME"), text) for text in ("localhost", "10.0.0.1/8", "10.0.0.0/99")),
        *((lambda env: read_cache("NAME", env.str("NAME")), text) for text in ("nonsense", "nonsense://x")),
    ],
)
def test_bad_settings_stop_the_start(read, value):
    with pytest.raises(ImproperlyConfigured, match="NAME"):
        read(environment(NAME=value))


def test_redis_needs_its_library_and_answers_soon(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImproperlyConfigured, match="redis"):
        read_cache("URL", "redis://localhost:6379/0")

    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    cache = read_cache("URL", "redis://localhost:6379/0")
    assert cache["OPTIONS"]["socket_timeout"] < 1


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MG_BOOTSTRAP_WORKERS": "64"}, {"KEY_CHECKS_AT_ONCE": 1, "KEY_CHECKS_WAITING": 4}),
        ({"MG_BOOTSTRAP_THREADS": "1"}, {"DEVICE_PLACES": 1, "OTHER_PLACES": 4, "KEY_CHECKS_WAITING": 4}),
        ({"MG_BOOTSTRAP_KEY_CHECKS_AT_ONCE": "2", "MG_BOOTSTRAP_KEY_CHECKS_WAITING": "3"}, {"KEY_CHECKS_WAITING": 3}),
    ],
)
def test_how_much_a_process_works_on_at_once(variables, expected):
    program = (
        "import json, sys; from bootstrap_project import settings;"
        "print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *expected],
        env={"MG_BOOTSTRAP_DEBUG": "1", **variables},
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == expected
