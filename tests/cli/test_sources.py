"""Failures name the address and where it comes from, the proxy by its variable, and the file that cannot be read."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys

import pytest

from bootstrap_project.cli.http import _hint_about_certificate
from tests.cli.conftest import ROOT, clean_environment

GET = ("bootstrap", "get", "id", "dom", "a-token")


@pytest.fixture
def nowhere() -> str:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("source", ["--bootstrap-url", "MG_BOOTSTRAP_URL", "./config.toml", "--config f.toml"])
def test_failure_says_where_the_address_comes_from(program, tmp_path, nowhere, source):
    more: list[str] = []
    if source == "--bootstrap-url":
        more = ["-b", f" {nowhere} "]
    elif source == "MG_BOOTSTRAP_URL":
        program.setenv(MG_BOOTSTRAP_URL=f"{nowhere} ")
    else:
        name = "config.toml" if source.startswith(".") else "f.toml"
        (tmp_path / name).write_text(f'[remotes]\nbootstrap_url = "{nowhere}"\n')
        more = [] if source.startswith(".") else ["--config", name]

    done = program(*GET, *more)

    assert done.code == 3
    assert f"nothing listens at {nowhere}\n  the address is from {source}\n" in done.err


def test_address_that_cannot_be_one_is_shown_with_its_source(program):
    program.setenv(MG_BOOTSTRAP_URL="boot:9013 ")

    program(*GET).failed(2, "the address boot:9013 of the service", "it is from MG_BOOTSTRAP_URL")


@pytest.mark.parametrize("value", ["http//me:word@host", "eyJhbGciOi.e30.c2ln"])
def test_address_with_a_secret_is_not_shown(program, value):
    program.setenv(MG_BOOTSTRAP_URL=value)

    assert value not in program(*GET).failed(2, "it is from MG_BOOTSTRAP_URL").err


def test_file_without_the_address_is_told_before_anything_is_sent(program, tmp_path):
    (tmp_path / "f.toml").write_text('[remote]\nbootstrap_url = "http://127.0.0.1:9"\n')

    program(*GET, "--config", "f.toml").failed(2, "f.toml has no bootstrap_url in a table [remotes]")
    program(*GET, "--config", "f.toml", "-b", "http://127.0.0.1:9").failed(3, "--bootstrap-url")


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_proxy_that_is_down_is_named_by_its_variable(program, nowhere, variable):
    program.setenv(**{variable: nowhere.replace("//", "//me:word@")})

    done = program(*GET, "-b", "http://boot.example.com")

    done.failed(3, f"nothing listens at the proxy {nowhere.removeprefix('http://')} of {variable}")
    assert "word" not in done.err


def refused(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError()
    error.verify_code = code
    return error


def test_each_defect_of_a_certificate_has_its_hint(monkeypatch, tmp_path):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    assert "for another name" in _hint_about_certificate(refused(62))
    assert "clock" in _hint_about_certificate(refused(10))
    assert _hint_about_certificate(refused(18)).startswith("SSL_CERT_FILE names the authorities")

    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    assert _hint_about_certificate(refused(18)) == "/no/such/file, which SSL_CERT_FILE names, cannot be read"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (
            ["bootstrap", "get", "all", "d", "t", "--limti", "3"],
            "there is no such flag: --limti; did you mean --limit?",
        ),
        (["bootstrap", "get", "a", "d", "t", "x"], "1 argument too many"),
        (["bootstrap", "get", "a", "d", "t", "x", "y"], "2 arguments too many"),
        (["bootstrap", "bootstrap", "id", "schlüssel"], "the key holds a character that is not ASCII"),
    ],
)
def test_mistakes_of_a_line_are_named(program, argv, words):
    program(*argv).failed(2, words)


def test_help_is_a_word_as_well(program):
    assert program("help", "bootstrap", "get").out == program("bootstrap", "get", "--help").out
    assert program("help").out == program("--help").out


def test_mark_at_the_beginning_of_a_piped_token_is_no_part_of_it(program, nowhere):
    done = program("bootstrap", "get", "id", "dom", "-", "-b", nowhere, "--curl", stdin="\ufeffa-token\n".encode())

    assert done.code == 3
    assert "\ufeff" not in done.err


def test_answer_that_cannot_be_written_is_not_done():
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", sys.executable, "-m", "bootstrap_project.cli", "--help"],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        check=False,
    )

    assert done.returncode == 4
    assert b"the output cannot be written" in done.stderr


def test_upload_takes_a_file_as_other_commands_write_it(program, tmp_path, nowhere):
    (tmp_path / "p.yaml").write_text("name: a\n")

    program("bootstrap", "profiles", "upload", "@p.yaml", "dom", "a-token", "-b", nowhere).failed(3, "nothing listens")
