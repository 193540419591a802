"""Settings that cannot work stop the start with one sentence that names the variable."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.middleware.security import SecurityMiddleware
from django.test import RequestFactory

from bootstrap_project.conf.database import read_database
from bootstrap_project.conf.reading import (
    PUBLISHED_KEYS,
    read_number,
    read_secret,
    read_transport_key,
    read_url,
    read_whole_number,
)
from bootstrap_project.removed_settings import REMOVED_SETTINGS, refuse_removed_settings
from tests.support.server import ROOT
from tests.support.starts import GOOD, Environment, start


def test_the_settings_load_with_the_two_secrets_alone():
    code, output, error = start({}, "DEBUG", "MAX_BODY_BYTES", "MG_CLIENTS_URL", "OPERATOR_CACHE_SECONDS")

    assert (code, error) == (0, "")
    assert json.loads(output) == {
        "DEBUG": False,
        "MAX_BODY_BYTES": 1_048_576,
        "MG_CLIENTS_URL": "http://localhost:9006",
        "OPERATOR_CACHE_SECONDS": 30,
    }


@pytest.mark.parametrize(
    ("given", "promised"),
    [
        ({}, ""),
        ({"MG_BOOTSTRAP_HSTS_SUBDOMAINS": "true"}, ""),
        ({"MG_BOOTSTRAP_HTTPS_ONLY": "true"}, "max-age=31536000"),
        (
            {"MG_BOOTSTRAP_HTTPS_ONLY": "true", "MG_BOOTSTRAP_HSTS_SUBDOMAINS": "true"},
            "max-age=31536000; includeSubDomains",
        ),
        (
            {
                "MG_BOOTSTRAP_HTTPS_ONLY": "true",
                "MG_BOOTSTRAP_HSTS_SUBDOMAINS": "true",
                "MG_BOOTSTRAP_HSTS_PRELOAD": "true",
            },
            "max-age=31536000; includeSubDomains; preload",
        ),
    ],
)
def test_browsers_are_promised_no_more_than_was_asked_for(settings, given, promised):
    names = ("SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD")
    code, output, error = start(given, *names)
    assert (code, error) == (0, "")
    for name, value in json.loads(output).items():
        setattr(settings, name, value)
    request = RequestFactory().get("/health", secure=True)

    answer: Any = SecurityMiddleware(lambda _request: HttpResponse())(request)

    assert answer.headers.get("Strict-Transport-Security", "") == promised


REFUSALS = {
    "no secret key": ({"MG_BOOTSTRAP_SECRET_KEY": None}, "MG_BOOTSTRAP_SECRET_KEY"),
    "no encryption key": ({"MG_BOOTSTRAP_ENCRYPT_KEY": None}, "MG_BOOTSTRAP_ENCRYPT_KEY"),
    "a published key": ({"MG_BOOTSTRAP_ENCRYPT_KEY": min(PUBLISHED_KEYS)}, "MG_BOOTSTRAP_ENCRYPT_KEY"),
    "the other published key": ({"MG_BOOTSTRAP_ENCRYPT_KEY": max(PUBLISHED_KEYS)}, "MG_BOOTSTRAP_ENCRYPT_KEY"),
    "a key of 50 characters": ({"MG_BOOTSTRAP_ENCRYPT_KEY": "k" * 50}, "MG_BOOTSTRAP_ENCRYPT_KEY"),
    "bad sealing keys": ({"MG_BOOTSTRAP_SEALING_KEYS": "nonsense"}, "MG_BOOTSTRAP_SEALING_KEYS"),
    "bad peppers": ({"MG_BOOTSTRAP_KEY_PEPPERS": "a:c2hvcnQ="}, "MG_BOOTSTRAP_KEY_PEPPERS"),
    "a URL without a scheme": ({"MG_CLIENTS_URL": "clients:9006"}, "MG_CLIENTS_URL"),
    "a URL of another scheme": ({"MG_DOMAINS_URL": "ftp://domains"}, "MG_DOMAINS_URL"),
    "a public URL without a scheme": ({"MG_BOOTSTRAP_PUBLIC_URL": "boot.example.com"}, "MG_BOOTSTRAP_PUBLIC_URL"),
    "a broken URL": ({"MG_USERS_URL": "http://[::1"}, "MG_USERS_URL"),
    "a URL with a bad port": ({"MG_AUTH_URL": "http://auth:port"}, "MG_AUTH_URL"),
    "a number that is none": ({"MG_READ_TIMEOUT_SECONDS": "soon"}, "MG_READ_TIMEOUT_SECONDS"),
    "a number out of bounds": ({"MG_RETRIES": "99"}, "MG_RETRIES"),
    "a wait for locks without an end": ({"MG_BOOTSTRAP_DB_LOCK_TIMEOUT_SECONDS": "-1"}, "DB_LOCK_TIMEOUT_SECONDS"),
    "a bind without an end": ({"MG_BOOTSTRAP_BIND_DEADLINE_SECONDS": "0"}, "MG_BOOTSTRAP_BIND_DEADLINE_SECONDS"),
    "half a process": ({"MG_BOOTSTRAP_WORKERS": "1.5"}, "MG_BOOTSTRAP_WORKERS"),
    "a list of whole domains without subdomains": (
        {"MG_BOOTSTRAP_HTTPS_ONLY": "true", "MG_BOOTSTRAP_HSTS_PRELOAD": "true"},
        "MG_BOOTSTRAP_HSTS_PRELOAD",
    ),
    "a prefix that is no path": ({"MG_BOOTSTRAP_URL_PREFIX": "boot"}, "MG_BOOTSTRAP_URL_PREFIX"),
    "a prefix with a scheme": ({"MG_BOOTSTRAP_URL_PREFIX": "https://x/boot"}, "MG_BOOTSTRAP_URL_PREFIX"),
    "a prefix that leads elsewhere": ({"MG_BOOTSTRAP_URL_PREFIX": "/a/../b"}, "MG_BOOTSTRAP_URL_PREFIX"),
    "a prefix with a query": ({"MG_BOOTSTRAP_URL_PREFIX": "/boot?x"}, "MG_BOOTSTRAP_URL_PREFIX"),
    "certificates that are not there": ({"MG_CA_BUNDLE": "/no/such/file"}, "MG_CA_BUNDLE"),
    "no login at all": ({"MG_BOOTSTRAP_LOGIN_FAILURES": "0"}, "MG_BOOTSTRAP_LOGIN_FAILURES"),
    "a login closed for ever": ({"MG_BOOTSTRAP_LOGIN_COOLOFF_SECONDS": "1e9"}, "MG_BOOTSTRAP_LOGIN_COOLOFF_SECONDS"),
    "a session without an end": ({"MG_BOOTSTRAP_SESSION_SECONDS": "1e9"}, "MG_BOOTSTRAP_SESSION_SECONDS"),
    "a cache that keeps too long": (
        {"MG_BOOTSTRAP_OPERATOR_CACHE_SECONDS": "61"},
        "MG_BOOTSTRAP_OPERATOR_CACHE_SECONDS",
    ),
    "an unknown log level": ({"MG_BOOTSTRAP_LOG_LEVEL": "loud"}, "MG_BOOTSTRAP_LOG_LEVEL"),
    "another database": ({"DATABASE_URL": "mysql://u:p@h/d"}, "DATABASE_URL"),
    "no database URL": ({"DATABASE_URL": "what is this"}, "DATABASE_URL"),
    "a removed setting": ({"CACHE_URL": "redis://:s3cret@cache:6379/0"}, "CACHE_URL"),
    "neither on nor off": ({"MG_BOOTSTRAP_ATTEMPTS": "enabled"}, "MG_BOOTSTRAP_ATTEMPTS"),
    "a password with a slash": ({"DATABASE_URL": "postgres://boot:s3cret/pass@db/boot"}, "percent-encoded"),
    "a missing file": (
        {"MG_BOOTSTRAP_SECRET_KEY": None, "MG_BOOTSTRAP_SECRET_KEY_FILE": "/no/such/file"},
        "MG_BOOTSTRAP_SECRET_KEY_FILE",
    ),
    "a value and a file": ({"MG_BOOTSTRAP_ENCRYPT_KEY_FILE": "/no/such/file"}, "MG_BOOTSTRAP_ENCRYPT_KEY_FILE"),
}


@pytest.mark.parametrize(("environment", "name"), REFUSALS.values(), ids=REFUSALS)
def test_the_start_is_refused_with_one_sentence_that_names_the_variable(environment, name):
    code, output, error = start(environment)

    assert code == 1
    assert output == ""
    assert error.startswith("ImproperlyConfigured: "), error[-600:]
    assert len(error.strip().splitlines()) == 1
    assert name in error
    assert error.strip().endswith((".", "'", "file")), error
    assert "s3cret" not in error
    for secret in environment.values():
        # Keys are never repeated; addresses, numbers and paths are.
        assert secret is None or "KEY" not in name or name.endswith("_FILE") or secret not in error


@pytest.mark.parametrize("suffix", ["", "_FILE"])
@pytest.mark.parametrize("name", REMOVED_SETTINGS)
def test_a_removed_setting_is_refused_with_what_replaces_it(name, suffix):
    with pytest.raises(ImproperlyConfigured) as refused:
        refuse_removed_settings({"MG_BOOTSTRAP_WORKERS": "2", name + suffix: "s3cret"})

    assert str(refused.value) == f"{name}{suffix} is not a setting any more: unset it. {REMOVED_SETTINGS[name]}"
    assert REMOVED_SETTINGS[name].endswith(".")


def test_removed_settings_without_a_value_stop_nothing():
    refuse_removed_settings(dict.fromkeys(REMOVED_SETTINGS, ""))


def test_a_ring_that_is_given_still_opens_what_the_derived_key_sealed():
    rings = ("SEALING_RING", "PEPPER_RING")
    given = "new:" + base64.b64encode(b"k" * 32).decode()

    derived = json.loads(start({}, *rings)[1])
    both = json.loads(start({"MG_BOOTSTRAP_SEALING_KEYS": given, "MG_BOOTSTRAP_KEY_PEPPERS": given}, *rings)[1])

    for ring in rings:
        old = re.findall(r"id='(\w+)'", derived[ring])
        assert re.findall(r"id='(\w+)'", both[ring]) == ["new", *old]


@pytest.mark.parametrize(
    ("word", "is_on"), [("TRUE", True), ("1", True), ("on", True), ("no", False), ("False", False), ("", True)]
)
def test_switches_are_read_in_their_usual_words(word, is_on):
    assert json.loads(start({"MG_BOOTSTRAP_ATTEMPTS": word}, "RECORD_ATTEMPTS")[1]) == {"RECORD_ATTEMPTS": is_on}


@pytest.mark.parametrize("length", [1, 15, 17, 31, 33, 50, 64])
def test_a_transport_key_of_another_length_is_refused_without_being_shown(length):
    key = "k" * length

    with pytest.raises(ImproperlyConfigured) as refused:
        read_transport_key(Environment(MG_BOOTSTRAP_ENCRYPT_KEY=key), debug=False)

    assert f"{length} bytes" in str(refused.value)
    assert "16, 24 or 32" in str(refused.value)
    assert length < 3 or key not in str(refused.value)


@pytest.mark.parametrize("key", ["k" * 16, "k" * 24, "k" * 32, "$" + "k" * 15, "é" * 8])
def test_a_transport_key_is_the_bytes_of_its_text(key):
    assert read_transport_key(Environment(MG_BOOTSTRAP_ENCRYPT_KEY=key), debug=False) == key.encode()


def test_published_keys_serve_development_alone():
    for key in PUBLISHED_KEYS:
        assert read_transport_key(Environment(MG_BOOTSTRAP_ENCRYPT_KEY=key), debug=True) == key.encode()
    assert read_transport_key(Environment(), debug=True).decode() in PUBLISHED_KEYS


def test_a_secret_may_stand_in_a_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text("from a file\n")

    assert read_secret(Environment(NAME_FILE=str(path)), "NAME") == "from a file"
    assert read_secret(Environment(NAME="$direct"), "NAME") == "$direct"
    assert read_secret(Environment(), "NAME", default="default") == "default"


def test_a_secret_given_twice_or_in_no_readable_file_is_refused(tmp_path):
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    for variables in (
        {"NAME": "x", "NAME_FILE": "y"},
        {"NAME_FILE": str(tmp_path / "missing")},
        {"NAME_FILE": str(tmp_path)},
        {"NAME_FILE": str(binary)},
    ):
        with pytest.raises(ImproperlyConfigured, match="NAME_FILE"):
            read_secret(Environment(**variables), "NAME")


@pytest.mark.parametrize(
    "url",
    ["x", "http://a b", "localhost:9006", "//host", "http://", "file:///etc", "http:/x", "http://[", "http://h:x"],
)
def test_a_url_that_cannot_be_called_is_refused(url):
    with pytest.raises(ImproperlyConfigured, match="NAME"):
        read_url(Environment(NAME=url), "NAME", "http://default")


def test_a_url_loses_the_slash_at_its_end():
    assert read_url(Environment(NAME="https://h:1/base/"), "NAME", "") == "https://h:1/base"
    assert read_url(Environment(), "NAME", "http://default/") == "http://default"


@pytest.mark.parametrize("text", ["x", "1,5", "nan", "inf", "-1", "0.9", "10.1", "1e9"])
def test_a_number_that_is_none_or_out_of_bounds_is_refused(text):
    with pytest.raises(ImproperlyConfigured, match="NAME"):
        read_number(Environment(NAME=text), "NAME", 5, minimum=1, maximum=10)


def test_a_number_within_bounds_is_read():
    assert read_number(Environment(NAME="2.5"), "NAME", 5, minimum=1, maximum=10) == 2.5
    assert read_number(Environment(NAME=""), "NAME", 5, minimum=1, maximum=10) == 5


# The database.


@pytest.mark.parametrize("text", ["2.5", "0.5", "nan"])
def test_a_fraction_is_no_whole_number(text):
    with pytest.raises(ImproperlyConfigured, match="NAME"):
        read_whole_number(Environment(NAME=text), "NAME", 5, minimum=1, maximum=10)


def test_a_whole_number_is_read_as_one():
    for text, number in (("2", 2), ("2.0", 2), ("", 5)):
        found = read_whole_number(Environment(NAME=text), "NAME", 5, minimum=1, maximum=10)
        assert (found, type(found)) == (number, int)


def test_bounds_are_told_to_the_last_digit():
    with pytest.raises(ImproperlyConfigured, match="between 1024 and 67108864; it is 67108865"):
        read_whole_number(Environment(NAME="67108865"), "NAME", 2048, minimum=1024, maximum=2**26)


def test_upstreams_variables_name_a_postgresql(tmp_path):
    variables = {
        "HOST": "db",
        "PORT": "6543",
        "USER": "u",
        "PASS": "p",
        "NAME": "n",
        "SSL_MODE": "verify-full",
        "SSL_CERT": "c.pem",
        "SSL_KEY": "k.pem",
        "SSL_ROOT_CERT": "r.pem",
    }

    database = read_database(
        Environment(**{f"MG_BOOTSTRAP_DB_{name}": value for name, value in variables.items()}), base_dir=tmp_path
    )

    assert database["ENGINE"].endswith(".postgresql")
    assert (database["HOST"], database["PORT"]) == ("db", "6543")
    assert (database["USER"], database["PASSWORD"], database["NAME"]) == ("u", "p", "n")
    tls = {name: value for name, value in database["OPTIONS"].items() if name.startswith("ssl")}
    assert tls == {"sslmode": "verify-full", "sslcert": "c.pem", "sslkey": "k.pem", "sslrootcert": "r.pem"}


def test_upstreams_defaults_fill_what_is_not_given(tmp_path):
    database = read_database(Environment(MG_BOOTSTRAP_DB_HOST="db"), base_dir=tmp_path)

    assert (database["PORT"], database["USER"], database["NAME"]) == ("5432", "magistrala", "bootstrap")
    assert not [name for name in database["OPTIONS"] if name.startswith("ssl")]


def test_a_database_url_comes_before_upstreams_variables(tmp_path):
    both = Environment(DATABASE_URL="postgres://u:p%40w@h:5433/n?sslmode=require", MG_BOOTSTRAP_DB_HOST="other")

    database = read_database(both, base_dir=tmp_path)

    assert (database["HOST"], database["PORT"], database["PASSWORD"]) == ("h", 5433, "p@w")
    assert database["OPTIONS"]["sslmode"] == "require"
    assert database["CONN_HEALTH_CHECKS"] is True


def test_a_database_url_may_stand_in_a_file(tmp_path):
    path = tmp_path / "url"
    path.write_text("postgresql://u:secret@h/n\n")

    assert read_database(Environment(DATABASE_URL_FILE=str(path)), base_dir=tmp_path)["HOST"] == "h"


def test_a_bad_database_url_is_not_repeated(tmp_path):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as refused:
        read_database(Environment(DATABASE_URL="mysql://user:hunter2@h/n"), base_dir=tmp_path)

    assert "hunter2" not in str(refused.value)


def test_without_any_a_sqlite_file_in_var_is_used(tmp_path):
    database = read_database(Environment(), base_dir=tmp_path)

    assert database["ENGINE"].endswith(".sqlite3")
    assert database["NAME"] == str(tmp_path / "var" / "bootstrap.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in database["OPTIONS"]["init_command"]


def test_prepared_statements_can_be_switched_off_for_a_pooler(tmp_path):
    database = read_database(
        Environment(DATABASE_URL="postgres://h/n", MG_BOOTSTRAP_DB_PREPARED_STATEMENTS="false"), base_dir=tmp_path
    )

    assert database["OPTIONS"]["prepare_threshold"] is None
    assert database["OPTIONS"]["server_side_binding"] is False
    assert database["DISABLE_SERVER_SIDE_CURSORS"] is True


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"MG_RETRIES": "99"}, "MG_RETRIES must lie between 0 and 10; it is 99."),
        (
            {"DATABASE_URL": "sqlite:////no/such/folder/x"},
            (
                "the database cannot be used: the SQLite file /no/such/folder/x: unable to open database file "
                "(a path after sqlite:/// begins at the working directory, one after sqlite://// at the root)"
            ),
        ),
    ],
    ids=["setting", "database"],
)
def test_the_command_line_tells_what_it_cannot_use_without_a_traceback(environment, sentence):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MG_", "DJANGO_"))}
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=ROOT,
        env=inherited | GOOD | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == f"bootstrap: {sentence}\n"
