"""Members that a command does not change: a line on standard error each, and nothing about what is as it was sent."""

import json

import pytest

from tests.cli.conftest import CLIENT_ID, unique

SLOTS = [{"name": "mqtt_client", "type": "client", "required": True}]


@pytest.mark.parametrize(
    ("members", "line"),
    [
        ({"status": "disabled"}, "status does nothing here; `magistrala-cli bootstrap whitelist` changes it"),
        ({"status": 1}, "status does nothing here; `magistrala-cli bootstrap whitelist` changes it"),
        ({"external_key": "a-new-key"}, "external_key does nothing here; the key cannot be changed here"),
        ({"external_id": "another"}, "external_id does nothing here; it cannot be changed"),
        ({"profile_id": "P"}, "profile_id does nothing here; `magistrala-cli bootstrap enrollments assign-profile`"),
        ({"client_key": "PEM"}, "client_key does nothing here; `magistrala-cli bootstrap update certs` changes it"),
        ({"bindings": []}, ""),
        ({"bindings": [1]}, "bindings does nothing here; `magistrala-cli bootstrap enrollments bind` changes it"),
        ({"nmae": "x"}, "nmae does nothing here; did you mean name?"),
        ({"Name": "x"}, "Name does nothing here; did you mean name?"),
        ({"zzz": "x"}, "zzz does nothing here; there are: id, name, content, render_context"),
        ({"status": "ENABLED"}, ""),
        ({"status": None}, ""),
        ({"name": "x", "content": "c", "render_context": {"a": 1.0}}, ""),
    ],
)
def test_update_config_says_what_it_does_not_change(cli, members, line):
    config = cli.config()
    if "name" in members:
        members = members | {"name": unique("name")}

    done = cli("update", "config", json.dumps({"id": config, **members}))

    assert (done.code, done.out) == (0, "\nok\n\n")
    assert done.err.startswith(f"warning: {line}") if line else done.err == ""
    assert done.err.count("\n") == bool(line)
    assert "a-new-key" not in done.err


def test_profile_that_an_update_would_take_away_stays_and_is_named(cli):
    config = cli.config(profile_id=cli.profile())

    done = cli("update", "config", json.dumps({"id": config, "profile_id": ""}))

    assert "profile_id does nothing here" in done.err


def test_create_says_that_the_device_is_enabled(cli):
    config = {"external_id": unique("a"), "external_key": "key", "status": "disabled", "id": "mine"}

    done = cli("create", json.dumps(config), "-r")

    assert done.code == 0
    assert done.err.splitlines() == [
        "warning: status does nothing here; `magistrala-cli bootstrap whitelist` changes it",
        "warning: id does nothing here; the service gives ids",
    ]


def test_create_takes_all_that_a_new_config_may_have_without_a_word(cli):
    certs = {"client_cert": "C", "client_key": "K", "ca_cert": "A"}
    config = {"external_id": unique("a"), "external_key": "key", "name": unique("n"), "content": "c", **certs}

    cli("create", json.dumps({**config, "status": "enabled", "render_context": {}, "profile_id": ""})).succeeded()


def test_what_get_printed_is_sent_back_without_a_word(cli):
    config = cli.config(name=unique("n"), render_context={"a": 1.5, "b": [None]}, profile_id=cli.profile())
    printed = cli("get", config, "-r").succeeded().out

    cli("update", "config", printed).succeeded()
    cli("whitelist", printed).succeeded()


def test_whitelist_says_what_it_does_not_change(cli):
    config = cli.config()

    done = cli("whitelist", json.dumps({"id": config, "status": "disabled", "name": "pump"}))

    assert done.code == 0
    assert done.err == "warning: name does nothing here; `magistrala-cli bootstrap update config` changes it\n"


def test_profiles_say_what_they_do_not_change(cli):
    slots = [{**SLOTS[0], "requird": True}, {"name": "b", "type": "client", "requird": False}]

    done = cli("profiles", "create", json.dumps({"name": unique("p"), "content": "x", "binding_slots": slots}))

    assert done.code == 0
    assert done.err.splitlines() == [
        "warning: content does nothing here; did you mean content_template?",
        "warning: binding_slots: requird does nothing here; did you mean required?",
    ]


def test_profile_that_was_printed_is_sent_back_without_a_word(cli):
    profile = cli.profile(binding_slots=SLOTS, defaults={"a": 1})
    printed = cli("profiles", "get", profile, "-r").succeeded().out

    cli("profiles", "update", printed).succeeded()
    done = cli("profiles", "update", json.dumps({"id": profile, "version": 70, "descripton": "x"}))

    assert done.err.splitlines() == [
        "warning: version does nothing here; the service counts versions",
        "warning: descripton does nothing here; did you mean description?",
    ]


def test_bind_says_once_what_it_does_not_take(cli):
    config = cli.config(profile_id=cli.profile(binding_slots=SLOTS))
    binding = {
        "slot": "mqtt_client",
        "type": "client",
        "resource_id": CLIENT_ID,
        "config_id": config,
        "snapshot": {"a": 1},
    }

    done = cli("enrollments", "bind", config, json.dumps([binding]))

    assert done.code == 0
    assert done.err == "warning: snapshot does nothing here; it is read from the platform\n"
