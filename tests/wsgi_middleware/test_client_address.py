"""Whose call it is: the peer's, unless a trusted proxy says otherwise."""

from __future__ import annotations

import json
import subprocess
import sys
from ipaddress import ip_network

import pytest
from django.core.exceptions import ImproperlyConfigured
from environ import Env

from bootstrap_project.conf.reading import read_choice, read_networks, read_rate
from bootstrap_project.wsgi_middleware.client_address import FORWARDED, X_FORWARDED_FOR, rate_limit_key, resolve_client

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
        ("::ffff:203.0.113.5", None, "203.0.113.5"),
        ("::ffff:203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("::ffff:10.0.0.1", None, "10.0.0.1"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("2001:db8::7", None, "2001:db8::7"),
        ("", "198.51.100.1", ""),
    ],
)
def test_the_rightmost_address_that_is_no_proxy_counts(peer, forwarded, source):
    environ = {"REMOTE_ADDR": peer} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {})

    assert settled(environ)["REMOTE_ADDR"] == source


def settled(environ, *, trusted=PROXIES, header=X_FORWARDED_FOR, trust_scheme=False):
    """Return what is behind the door of `environ`."""
    environ = {"wsgi.url_scheme": "http", **environ}
    resolve_client(environ, trusted=trusted, header=header, trust_scheme=trust_scheme)
    return environ


@pytest.mark.parametrize(
    ("peer", "forwarded", "source", "scheme"),
    [
        ("203.0.113.5", "for=198.51.100.1;proto=https", "203.0.113.5", "http"),
        ("10.0.0.1", "", "10.0.0.1", "http"),
        ("10.0.0.1", "for=198.51.100.1;proto=https", "198.51.100.1", "https"),
        ("10.0.0.1", 'For="198.51.100.1:4711"; Proto=HTTPS; by=10.0.0.1', "198.51.100.1", "https"),
        ("10.0.0.1", 'for="[2001:db8::7]:4711"', "2001:db8::7", "http"),
        ("10.0.0.1", "for=192.0.2.66;proto=https, for=198.51.100.1;proto=http", "198.51.100.1", "http"),
        ("10.0.0.1", "for=198.51.100.1;proto=https, for=10.0.0.2;proto=http", "198.51.100.1", "https"),
        # What a caller leaves open to the left does not swallow what the proxy wrote.
        ("10.0.0.1", 'for="192.0.2.66, for=198.51.100.1', "198.51.100.1", "http"),
        ("10.0.0.1", 'for=192.0.2.66;host="a, for=198.51.100.1', "198.51.100.1", "http"),
        ("10.0.0.1", 'for="192.0.2.66\\", for=198.51.100.1', "198.51.100.1", "http"),
        # What a proxy does not tell, or nobody can read, is not guessed.
        ("10.0.0.1", "for=192.0.2.66, for=unknown", "10.0.0.1", "http"),
        ("10.0.0.1", "for=192.0.2.66, for=_hidden;proto=https", "10.0.0.1", "http"),
        ("10.0.0.1", "for=192.0.2.66, proto=https", "10.0.0.1", "http"),
        ("10.0.0.1", "for=198.51.100.1;for=192.0.2.66", "10.0.0.1", "http"),
        ("10.0.0.1", "198.51.100.1", "10.0.0.1", "http"),
        ("10.0.0.1", "for=198.51.100.1,", "10.0.0.1", "http"),
        ("10.0.0.1", ", ".join(["for=10.0.0.9"] * 500 + ["for=198.51.100.1"]), "198.51.100.1", "http"),
    ],
)
def test_forwarded_is_read_from_its_right_end(peer, forwarded, source, scheme):
    environ = settled({"REMOTE_ADDR": peer, "HTTP_FORWARDED": forwarded}, header=FORWARDED, trust_scheme=True)

    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == (source, scheme)


def test_a_caller_chooses_neither_address_nor_scheme_by_the_header_that_is_not_read():
    said = {
        "HTTP_X_FORWARDED_FOR": "6.6.6.6",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_FORWARDED": "for=198.51.100.1;proto=http",
    }

    one = settled({"REMOTE_ADDR": "10.0.0.1", **said}, header=FORWARDED, trust_scheme=True)
    other = settled({"REMOTE_ADDR": "10.0.0.1", **said, "HTTP_FORWARDED": "for=7.7.7.7"}, trust_scheme=True)

    assert (one["REMOTE_ADDR"], one["wsgi.url_scheme"]) == ("198.51.100.1", "http")
    assert (other["REMOTE_ADDR"], other["wsgi.url_scheme"]) == ("6.6.6.6", "https")
    # Whoever looked again behind the door would believe the caller.
    assert not said.keys() & (one.keys() | other.keys())


@pytest.mark.parametrize(
    ("peer", "trusted", "trust_scheme", "scheme"),
    [
        ("10.0.0.1", PROXIES, True, "https"),
        ("10.0.0.1", PROXIES, False, "http"),
        ("203.0.113.5", PROXIES, True, "http"),
        # As ever where no proxy is named: the setting alone says that all come through one.
        ("203.0.113.5", (), True, "https"),
        ("203.0.113.5", (), False, "http"),
    ],
)
def test_the_scheme_is_believed_of_proxies_alone(peer, trusted, trust_scheme, scheme):
    said = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_PROTO": "https, http"}

    assert settled(said, trusted=trusted, trust_scheme=trust_scheme)["wsgi.url_scheme"] == scheme


def test_a_proxy_that_tells_plain_http_is_believed_over_tls():
    said = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_PROTO": "http", "wsgi.url_scheme": "https"}

    assert settled(said, trust_scheme=True)["wsgi.url_scheme"] == "http"


@pytest.mark.parametrize("header", [X_FORWARDED_FOR, FORWARDED])
def test_nothing_is_believed_by_default(header):
    said = {"HTTP_X_FORWARDED_FOR": "198.51.100.1", "HTTP_FORWARDED": "for=198.51.100.1"}

    assert settled({"REMOTE_ADDR": "10.0.0.1", **said}, trusted=(), header=header)["REMOTE_ADDR"] == "10.0.0.1"
    assert settled({}, trusted=(), header=header).get("REMOTE_ADDR", "") == ""


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
    assert rate_limit_key(source) == limited


def test_settings_are_read():
    assert read_rate(environment(RATE="7:0.5"), "RATE", "1:1") == (7, 0.5)
    assert read_rate(environment(), "RATE", "1:1") == (1, 1)
    assert read_networks(environment(NETS="10.0.0.0/8, ::1"), "NETS") == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert read_networks(environment(NETS="::ffff:10.0.0.0/104,::ffff:192.0.2.7"), "NETS") == (
        ip_network("10.0.0.0/8"),
        ip_network("192.0.2.7"),
    )
    assert read_networks(environment(NETS="::/0"), "NETS") == (ip_network("::/0"),)
    assert read_networks(environment(), "NETS") == ()
    assert read_choice(environment(WORD=" Forwarded "), "WORD", "a", choices=("a", "forwarded")) == "forwarded"
    assert read_choice(environment(), "WORD", "a", choices=("a", "b")) == "a"


@pytest.mark.parametrize(
    ("read", "value"),
    [
        *((lambda env: read_rate(env, "NAME", "1:1"), text) for text in ("5", "a:b", "0:1", "1:0", "nan:1", "1:inf")),
        *((lambda env: read_networks(env, "NAME"), text) for text in ("localhost", "10.0.0.1/8", "10.0.0.0/99")),
        (lambda env: read_choice(env, "NAME", "a", choices=("a", "b")), "x-real-ip"),
    ],
)
def test_bad_settings_stop_the_start(read, value):
    with pytest.raises(ImproperlyConfigured, match="NAME"):
        read(environment(NAME=value))


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MG_BOOTSTRAP_WORKERS": "64"}, {"KEY_CHECKS_AT_ONCE": 1, "KEY_CHECKS_WAITING": 4}),
        ({"MG_BOOTSTRAP_DEVICES_AT_ONCE": "1"}, {"DEVICES_AT_ONCE": 1, "DB_POOL_SIZE": 12, "KEY_CHECKS_WAITING": 4}),
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
