"""Mistakes, help, settings and secrets: everything that needs no service."""

import itertools
import sys

import pytest

from bootstrap_project.cli.options import LINE
from tests.cli.tree import EVERY, GROUPS, RUNNING

NOWHERE = ("--bootstrap-url", "http://127.0.0.1:9")
#: Arguments that every command takes for good.
FIT = {
    "JSON_config": '{"id":"i","status":"enabled"}',
    "JSON_profile": '{"id":"i"}',
    "JSON_bindings": "[]",
    "JSON_preview": "{}",
    "file": "profile.json",
    "crypto_key": "0123456789abcdef",
}


def fit(command):
    return [FIT.get(argument.name, "value") for argument in command.arguments]


def path_of(command):
    return " ".join(command.path) or "nothing"


def test_all_documented_commands_are_there():
    assert {command.usage.removeprefix("magistrala-cli bootstrap ") for command in RUNNING} >= {
        "create <JSON_config> <domain_id> <user_auth_token>",
        "get all <domain_id> <user_auth_token>",
        "get <config_id> <domain_id> <user_auth_token>",
        "update config <JSON_config> <domain_id> <user_auth_token>",
        "update certs <config_id> <client_cert> <client_key> <ca_cert> <domain_id> <user_auth_token>",
        "remove <config_id> <domain_id> <user_auth_token>",
        "whitelist <JSON_config> <domain_id> <user_auth_token>",
        "bootstrap <external_id> <external_key>",
        "bootstrap secure <external_id> <external_key> <crypto_key>",
        "profiles create <JSON_profile> <domain_id> <user_auth_token>",
        "profiles get all <domain_id> <user_auth_token>",
        "profiles get <profile_id> <domain_id> <user_auth_token>",
        "profiles update <JSON_profile> <domain_id> <user_auth_token>",
        "profiles remove <profile_id> <domain_id> <user_auth_token>",
        "profiles upload <file> <domain_id> <user_auth_token>",
        "profiles slots <profile_id> <domain_id> <user_auth_token>",
        "profiles preview <profile_id> <JSON_preview> <domain_id> <user_auth_token>",
        "enrollments assign-profile <config_id> <profile_id> <domain_id> <user_auth_token>",
        "enrollments bind <config_id> <JSON_bindings> <domain_id> <user_auth_token>",
        "enrollments get-bindings <config_id> <domain_id> <user_auth_token>",
        "enrollments refresh-bindings <config_id> <domain_id> <user_auth_token>",
    }


@pytest.mark.parametrize("command", RUNNING, ids=path_of)
def test_wrong_number_of_arguments_is_a_mistake(program, command):
    arguments = fit(command)

    for count in range(len(arguments)):
        done = program(*command.path, *arguments[:count])
        done.failed(2, " is missing")
        assert done.out == f"\nusage: {command.usage}\n\n"
    done = program(*command.path, *arguments, "another").failed(2)
    assert done.out == f"\nusage: {command.usage}\n\n"
    assert "another" not in done.err


@pytest.mark.parametrize("command", RUNNING, ids=path_of)
def test_flag_that_is_none_is_reported_beside_the_commands_usage(program, command):
    done = program(*command.path, *fit(command), "--nosuch").failed(2, "there is no such flag")

    assert done.out == f"\nusage: {command.usage}\n\n"


@pytest.mark.parametrize("command", [one for one in RUNNING if one.arguments], ids=path_of)
def test_empty_argument_is_a_mistake(program, command):
    for position, argument in enumerate(command.arguments):
        if argument.name in {"client_cert", "client_key", "ca_cert"}:
            continue
        arguments = fit(command)
        arguments[position] = ""

        program(*command.path, *arguments, *NOWHERE).failed(2, f"<{argument.name}> is empty")


@pytest.mark.parametrize("command", [one for one in RUNNING if one.arguments], ids=path_of)
def test_silent_service_is_reported_without_secrets(program, tmp_path, command):
    (tmp_path / "profile.json").write_text("{}")

    done = program(*command.path, *fit(command), *NOWHERE, "-x")

    assert done.code == 3, done
    assert "error: nothing listens at http://127.0.0.1:9\n  the address is from --bootstrap-url" in done.err
    assert "0123456789abcdef" not in done.err


@pytest.mark.parametrize("command", EVERY, ids=path_of)
def test_every_level_has_help(program, command):
    for flag, position in itertools.product(("--help", "-h"), (0, len(command.path))):
        words = list(command.path)
        words.insert(position, flag)

        done = program(*words).succeeded()

        assert f"Usage:\n  {command.usage} [flags]\n" in done.out
        assert all(len(line) <= 120 for line in done.out.splitlines() if command.usage not in line)
        assert not command.runs or "Examples:\n  " in done.out


@pytest.mark.parametrize("command", GROUPS, ids=path_of)
def test_group_alone_is_a_mistake(program, command):
    program(*command.path).failed(2, "a command is missing; --help lists them")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["bootstrap", "creat"], "there is no command creat; did you mean create?"),
        (["bootstrap", "zzz"], "there is no command zzz; there are: create, get, update, "),
        (["bootstrap", "profiles", "eyJhbGciOiJFZERTQSJ9.e30.c2ln"], "that is no command; there are: create, "),
        (["clients"], "there is no command clients; there are: bootstrap, completion"),
        (["bootstrap", "get", "id", "d", "t", "--status", "all"], "--status does nothing here"),
        (["bootstrap", "get", "all", "d", "t", "--limit", "ten"], "--limit takes a whole number, 0 or more"),
        (["bootstrap", "get", "all", "d", "t", "--offset=-1"], "--offset takes a whole number, 0 or more"),
        (["bootstrap", "get", "--all", "d", "t", "--limit", "0"], "--limit takes a whole number, 1 or more"),
        (["bootstrap", "get", "--all", "d", "t", "--limit", "101"], "--limit is at most 100"),
        (["bootstrap", "get", "all", "eyJhbGciOiJFZERTQSJ9.e30.c2ln", "d"], "<domain_id> looks like a token"),
        (["bootstrap", "get", "all", "d", "two\nlines"], "holds a control character"),
        (["bootstrap", "bootstrap", "id", " key"], "begins or ends with a space"),
        (["bootstrap", "create", "{", "d", "t"], "<JSON_config> is not JSON: Expecting property name"),
        (["bootstrap", "create", "", "d", "t"], "<JSON_config> is empty"),
        (["bootstrap", "create", '{"a": NaN}', "d", "t"], "<JSON_config> is not JSON: it has no NaN"),
        (["bootstrap", "create", "[]", "d", "t"], "<JSON_config> is to be an object in JSON"),
        (["bootstrap", "create", "[" * 100_000, "d", "t"], "<JSON_config> is "),
        (["bootstrap", "create", "\udcff", "d", "t"], "<JSON_config> is not UTF-8 text"),
        (["bootstrap", "create", "@missing.json", "d", "t"], "missing.json cannot be read: No such file or directory"),
        (["bootstrap", "create", "@", "d", "t"], "the file after @ cannot be read"),
        (["bootstrap", "create", "@.", "d", "t"], "cannot be read: Is a directory"),
        (["bootstrap", "enrollments", "bind", "c", "{}", "d", "t"], "<JSON_bindings> is to be an array in JSON"),
        (["bootstrap", "update", "config", '{"name":"x"}', "d", "t"], 'the JSON needs an "id", a text'),
        (["bootstrap", "update", "config", '{"id":7}', "d", "t"], 'the JSON needs an "id", a text'),
        (["bootstrap", "profiles", "update", "{}", "d", "t"], 'the JSON needs an "id", a text'),
        (["bootstrap", "whitelist", '{"id":"x"}', "d", "t"], 'the JSON needs a "status": "enabled" or "disabled"'),
        (["bootstrap", "whitelist", '{"id":"x","status":true}', "d", "t"], 'the JSON needs a "status"'),
        (["--timeout", "0", "bootstrap", "get", "all", "d", "t"], "--timeout takes seconds"),
        (["--timeout", "nan", "bootstrap", "get", "all", "d", "t"], "--timeout takes seconds"),
        (["-b", "localhost:9013", "bootstrap", "get", "all", "d", "t"], "is to be like http://localhost:9013"),
        (["-b", "http://[::1", "bootstrap", "get", "all", "d", "t"], "is to be like http://localhost:9013"),
        (["-b", "http://h:99999", "bootstrap", "get", "all", "d", "t"], "is to be like http://localhost:9013"),
        (["-b", "http://user:pass@h", "bootstrap", "get", "all", "d", "t"], "nothing else"),
        (["-c", "none.toml", "bootstrap", "get", "all", "d", "t"], "none.toml cannot be read"),
        (["--limit"], "--limit needs a value"),
        (["bootstrap", "get", "all", "d", "t", "eyJhbGciOiJFZERTQSJ9.e30.c2ln"], "1 argument too many"),
        (["bootstrap", "get", "all", "d", "t", "--eyJhbGciOiJFZERTQSJ9.e30.c2ln"], "there is no such flag"),
        (["bootstrap", "get", "all", "d", "t", "--raw=eyJhbGciOiJFZERTQSJ9.e30.c2ln"], "--raw takes no value"),
        (["bootstrap", "get", "id", "eyJhbGciOiJFZERTQSJ9.e30.c2ln"], "<user_auth_token> is missing, and MG_TOKEN is"),
    ],
)
def test_mistake_is_explained_before_anything_is_sent(program, line, said):
    done = program(*line)

    done.failed(2, said)
    assert done.out.startswith("\nusage: magistrala-cli ")
    assert "eyJ" not in done.err + done.out
    assert "pass" not in done.err


def test_standard_input_is_one_thing_only(program):
    for line in (("create", "-", "d", "-"), ("update", "certs", "c", "-", "-", "", "d", "t")):
        done = program("bootstrap", *line, *NOWHERE, stdin=b"first line\n{}")

        done.failed(2, "standard input can be read for one argument only; use @file or a variable for the other")
        assert "first line" not in done.err


def test_nothing_is_asked_for_before_all_arguments_are_there(program):
    program("bootstrap", "bootstrap", "secure", "id", "-", stdin=b"typed\n").failed(2, "<crypto_key> is missing")

    assert sys.stdin.buffer.read() == b"typed\n"


def test_usage_is_bare_for_programs(program):
    expected = "usage: magistrala-cli bootstrap remove <config_id> <domain_id> <user_auth_token>\n"

    assert program("bootstrap", "remove", "-r").out == expected


def test_version_is_printed(program):
    done = program("--version").succeeded()

    assert done.out.startswith("magistrala-cli ")


def test_flag_names_are_unique():
    names = [name for flag in LINE.params for name in flag.opts]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_printed(program, shell):
    assert "magistrala-cli __complete" in program("completion", shell).succeeded().out


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([""], ["bootstrap", "completion"]),
        (["bootstrap", "pro"], ["profiles"]),
        (["bootstrap", "--limit", "5", "update", ""], ["config", "certs", "connection"]),
        (["bootstrap", "get", ""], ["all"]),
        (["bootstrap", "get", "some-id", ""], []),
        (["bootstrap", "get", "all", "--st"], ["--status"]),
        (["bootstrap", "remove", "--st"], []),
        (["bootstrap", "get", "all", "--status", ""], ["enabled", "disabled", "all"]),
        (["bootstrap", "create", "@con"], ["@config.json", "@configs/"]),
        (["bootstrap", "create", "@configs/"], ["@configs/a.json"]),
        (["bootstrap", "create", "@nowhere/"], []),
        ([], ["bootstrap", "completion"]),
    ],
)
def test_completion_knows_what_may_follow(program, tmp_path, words, found):
    (tmp_path / "config.json").touch()
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "a.json").touch()

    done = program("__complete", *words).succeeded()

    assert [line.split("\t")[0] for line in done.out.splitlines()] == found
