"""Every command against the running service: what it prints, how it fails, and its exit code."""

import json
import re

import pytest

from tests.cli.conftest import CHANNEL_ID, CLIENT_ID, CRYPTO_KEY, DOMAIN, UNKNOWN, unique

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
SLOTS = [
    {"name": "mqtt_client", "type": "client", "required": True, "fields": ["id", "identity", "secret"]},
    {"name": "telemetry", "type": "channel", "required": False},
]
TEMPLATE = '{"site":"{{ .Vars.site }}","client":"{{ (index .Bindings "mqtt_client").ID }}"}'
BINDINGS = [
    {"slot": "mqtt_client", "type": "client", "resource_id": CLIENT_ID},
    {"slot": "telemetry", "type": "channel", "resource_id": CHANNEL_ID},
]

#: Every command that needs an operator, with arguments that fit; ids that nobody has.
OPERATORS = [
    ("create", '{"external_id":"refused","external_key":"key"}'),
    ("get", "all"),
    ("get", "all", "--all"),
    ("get", UNKNOWN),
    ("update", "config", f'{{"id":"{UNKNOWN}","name":"x"}}'),
    ("update", "certs", UNKNOWN, "a", "b", "c"),
    ("remove", UNKNOWN),
    ("whitelist", f'{{"id":"{UNKNOWN}","status":"enabled"}}'),
    ("profiles", "create", '{"name":"refused"}'),
    ("profiles", "upload", "profile.json"),
    ("profiles", "get", "all"),
    ("profiles", "get", UNKNOWN),
    ("profiles", "slots", UNKNOWN),
    ("profiles", "preview", UNKNOWN, "{}"),
    ("profiles", "update", f'{{"id":"{UNKNOWN}","description":"x"}}'),
    ("profiles", "remove", UNKNOWN),
    ("enrollments", "assign-profile", UNKNOWN, UNKNOWN),
    ("enrollments", "bind", UNKNOWN, json.dumps(BINDINGS)),
    ("enrollments", "get-bindings", UNKNOWN),
    ("enrollments", "refresh-bindings", UNKNOWN),
]
#: Those that find out that there is no such thing; removing is done either way.
LOOKING = [line for line in OPERATORS if UNKNOWN in " ".join(line) and "remove" not in line]


def name_of(line):
    return " ".join(word for word in line if re.fullmatch(r"[a-z-]+", word))


@pytest.fixture
def enrolled(cli):
    """A device with a profile and all its bindings: config id, external id, profile id."""
    profile = cli.profile(template_format="json", binding_slots=SLOTS, content_template=TEMPLATE)
    external_id = unique("enrolled")
    config = cli.config(external_id=external_id, profile_id=profile, render_context={"site": "Werk Köln"})
    cli("enrollments", "bind", config, json.dumps(BINDINGS)).succeeded()
    return config, external_id, profile


def test_create_prints_the_id(cli):
    done = cli("create", json.dumps({"external_id": unique("a"), "external_key": "key"})).succeeded()

    assert re.fullmatch(rf"\ncreated: {UUID}\n\n", done.out)


def test_create_prints_the_bare_id_for_programs(cli):
    done = cli("create", json.dumps({"external_id": unique("a"), "external_key": "key"}), "--raw").succeeded()

    assert re.fullmatch(rf"{UUID}\n", done.out)


def test_create_warns_of_an_id_that_is_nearly_another_one(cli):
    external_id = unique("pi")
    there = cli.config(external_id=external_id)

    done = cli("create", json.dumps({"external_id": external_id.upper(), "external_key": "key"}), "--raw")

    assert done.code == 0
    assert re.fullmatch(rf"{UUID}\n", done.out)
    assert done.err == f"warning: external_id: a device's id differs in upper and lower case only: config {there}\n"


def test_create_passes_the_service_its_own_words_on(cli):
    external_id = unique("twice")
    cli.config(external_id=external_id)

    done = cli("create", json.dumps({"external_id": external_id, "external_key": "key"}))

    done.failed(1, "error: Status: Conflict: entity already exists\n", "\n  request id: ")
    assert done.out == ""


def test_body_that_is_too_large_is_refused_in_the_services_words(cli, tmp_path):
    config = {"external_id": unique("large"), "external_key": "key", "content": "x" * 5_000_000}
    (tmp_path / "large.json").write_text(json.dumps(config))

    cli("create", "@large.json").failed(1, "request body too large")


def test_config_is_printed_with_sorted_members_between_blank_lines(cli):
    config = cli.config(name="Pumpe №4", render_context={"b": 1.0, "a": [1, {"c": None}], "big": 10**30})

    done = cli("get", config).succeeded()

    assert done.out.startswith('\n{\n  "ca_cert": "",\n')
    assert done.out.endswith("\n}\n\n")
    assert list(done.json) == sorted(done.json)
    assert '"name": "Pumpe №4"' in done.out
    assert (
        '  "render_context": {\n    "a": [\n      1,\n      {\n        "c": null\n      }\n    ],\n    "b": 1'
        in done.out
    )
    assert "external_key" not in done.out


def test_config_is_one_line_for_programs(cli):
    done = cli("get", cli.config(), "-r").succeeded()

    assert done.out.count("\n") == 1
    assert list(done.json) == sorted(done.json)


def test_list_is_a_page_of_ten(cli):
    for _ in range(11):
        cli.config()

    page = cli("get", "all").succeeded().json
    second = cli("get", "all", "-o", "2", "-l", "3").succeeded().json

    assert (len(page["configs"]), page["offset"], page["limit"]) == (10, 0, 10)
    assert second["configs"] == page["configs"][2:5]


def test_list_filters_by_status_and_name(cli):
    word = unique("needle")
    config = cli.config(name=f"a {word} b")
    cli("whitelist", json.dumps({"id": config, "status": "disabled"})).succeeded()

    assert cli("get", "all", "--name", word).json["total"] == 0
    assert cli("get", "all", "--name", word.upper(), "-S", "disabled").json["configs"][0]["id"] == config
    assert cli("get", "all", f"-n{word}", "--status=all").json["total"] == 1
    cli("get", "all", "-S", "sleeping").failed(1, "Status: Bad Request: invalid query parameters")


@pytest.mark.parametrize("line", [("get", "all", "--all"), ("get", "--all"), ("get", "-a")])
def test_all_pages_are_read_as_one(cli, line):
    word = unique("fleet")
    made = {cli.config(name=f"{word} {number}") for number in range(7)}

    page = cli(*line, "--limit", "3", "--name", word).succeeded().json
    rest = cli(*line, "-n", word, "--offset", "5").succeeded().json

    assert {config["id"] for config in page["configs"]} == made
    assert (page["total"], page["limit"], page["offset"]) == (7, 7, 0)
    assert (len(rest["configs"]), rest["total"]) == (2, 7)


def test_update_changes_what_is_named(cli):
    config = cli.config(name="before", render_context={"site": "north"})

    done = cli("update", "config", json.dumps({"id": config, "name": f"after {config}"})).succeeded()

    assert done.out == "\nok\n\n"
    after = cli("get", config).json
    assert (after["name"], after["render_context"]) == (f"after {config}", {"site": "north"})


def test_certs_are_changed_one_by_one(cli, tmp_path):
    config = cli.config()
    (tmp_path / "ca.pem").write_text("the authority\n")

    first = cli(
        "update", "certs", config, "-----BEGIN CERTIFICATE-----\na=", "-", "@ca.pem", stdin=b"a key"
    ).succeeded()
    second = cli("update", "certs", config, "other", "", "").succeeded()

    assert first.json == {
        "id": config,
        "ca_cert": "the authority\n",
        "client_cert": "-----BEGIN CERTIFICATE-----\na=",
        "client_key": "a key",
    }
    assert second.json == {"id": config, "ca_cert": "the authority\n", "client_cert": "other"}


def test_connections_are_said_to_be_over(cli):
    for line in (("update", "connection", UNKNOWN, "[]"), ("update", "connection")):
        cli(*line).failed(2, "updating connections is no longer supported", "enrollments bind")


def test_remove_removes(cli):
    config = cli.config()

    assert cli("remove", config).succeeded().out == "\nok\n\n"
    cli("get", config).failed(1, "Status: Not Found: entity not found")


@pytest.mark.parametrize(
    ("status", "shown"), [("disabled", "disabled"), ("Enabled", "enabled"), (1, "disabled"), ("0", "enabled")]
)
def test_whitelist_sets_the_status(cli, status, shown):
    config = cli.config()

    assert cli("whitelist", json.dumps({"id": config, "status": status})).succeeded().out == "\nok\n\n"
    assert cli("get", config).json["status"] == shown


def test_profile_is_made_shown_changed_and_removed(cli):
    name = unique("profile")
    made = cli("profiles", "create", json.dumps({"name": name, "template_format": "raw", "binding_slots": SLOTS}))
    profile = made.succeeded().json["id"]

    assert made.json["template_format"] == "raw"
    assert cli("profiles", "get", profile).succeeded().json | {"warnings": []} == made.json | {"warnings": []}
    assert cli("profiles", "slots", profile).succeeded().json["binding_slots"][0]["name"] == "mqtt_client"
    changed = cli("profiles", "update", json.dumps({"id": profile, "description": "new"})).succeeded().json
    assert (changed["description"], changed["version"]) == ("new", 2)
    assert cli("profiles", "get", "all", "-l", "1").succeeded().json["profiles"][0]["id"] == profile
    assert cli("profiles", "get", "--all", "-n", name).succeeded().json["total"] == 1
    assert cli("profiles", "remove", profile).succeeded().out == "\nok\n\n"
    cli("profiles", "get", profile).failed(1, "Not Found")


def test_profile_in_use_stays(cli, enrolled):
    cli("profiles", "remove", enrolled[2]).failed(1, "Status: Conflict: ", "request id: ")


@pytest.mark.parametrize(
    ("file", "flags", "text", "format_"),
    [
        ("p.json", [], '{"name": "NAME"}', "json"),
        ("p.yaml", [], "name: NAME\n", "yaml"),
        ("p.YML", [], "name: NAME\n", "yaml"),
        ("p.toml", [], 'name = "NAME"\n', "toml"),
        ("p.txt", ["--format", "toml"], 'name = "NAME"\n', "toml"),
        ("-", ["-f", "yaml"], "name: NAME\n", "yaml"),
    ],
)
def test_profile_is_uploaded(cli, tmp_path, file, flags, text, format_):
    text = text.replace("NAME", unique("uploaded"))
    (tmp_path / "p.txt").touch()
    if file != "-":
        (tmp_path / file).write_text(text)

    done = cli("profiles", "upload", file, *flags, stdin=text.encode()).succeeded()

    assert done.json["template_format"] == format_


def test_upload_of_an_unclear_file_is_a_mistake(cli, tmp_path):
    (tmp_path / "profile.txt").write_text("name: x")

    cli("profiles", "upload", "profile.txt").failed(2, "--format is json, yaml or toml")
    cli("profiles", "upload", "profile.txt", "-f", "xml").failed(2, "--format is json, yaml or toml")
    cli("profiles", "upload", "missing.yaml").failed(2, "missing.yaml cannot be read: No such file")
    cli("profiles", "upload", "profile.txt", "-f", "json").failed(1, "Status: Bad Request: ")


def test_preview_renders_without_storing(cli, enrolled):
    body = {"config": {"id": "x", "external_id": "y", "render_context": {"site": "s"}}, "bindings": BINDINGS}

    done = cli("profiles", "preview", enrolled[2], json.dumps(body)).succeeded()

    assert json.loads(done.json["content"]) == {"site": "s", "client": CLIENT_ID}
    cli("profiles", "preview", enrolled[2], "{}").failed(1, "Status: ")


def test_enrolment_has_its_bindings(cli, enrolled):
    config, _, _ = enrolled

    assert cli("enrollments", "refresh-bindings", config).succeeded().out == "\nok\n\n"
    bindings = cli("enrollments", "get-bindings", config).succeeded()
    assert [one["slot"] for one in bindings.json] == ["mqtt_client", "telemetry"]
    assert "example-client-secret" not in bindings.out
    assert cli("enrollments", "get-bindings", cli.config()).succeeded().out == "\n[]\n\n"


def test_profile_is_assigned(cli):
    config, profile = cli.config(), cli.profile()

    assert cli("enrollments", "assign-profile", config, profile).succeeded().out == "\nok\n\n"
    assert cli("get", config).json["profile_id"] == profile


def test_binding_to_an_unknown_slot_is_refused(cli, enrolled):
    binding = [{"slot": "other", "type": "client", "resource_id": CLIENT_ID}]

    cli("enrollments", "bind", enrolled[0], json.dumps(binding)).failed(1, "Status: Bad Request: ", "other")


def test_device_gets_its_configuration(cli, enrolled):
    config, external_id, _ = enrolled

    done = cli.run("bootstrap", external_id, "the-device-key").succeeded()

    assert list(done.json) == ["ca_cert", "client_cert", "client_key", "content", "id"]
    assert json.loads(done.json["content"]) == {"site": "Werk Köln", "client": CLIENT_ID}
    assert done.json["id"] == config


def test_secure_answer_is_decrypted(cli, enrolled):
    plain = cli.run("bootstrap", enrolled[1], "the-device-key").succeeded()

    secure = cli.run("bootstrap", "secure", enrolled[1], "the-device-key", CRYPTO_KEY).succeeded()

    assert secure.out == plain.out


@pytest.mark.parametrize("external_id", ["01:6:0:sb:sa", "a b?c#d%41&e", "größe", "..."])
def test_any_external_id_is_found(cli, external_id):
    external_id += unique("")
    config = cli.config(external_id=external_id, external_key="a key with  spaces", content="static")

    done = cli.run("bootstrap", external_id, "a key with  spaces").succeeded()

    assert (done.json["id"], done.json["content"]) == (config, "static")


def test_wrong_external_key_is_refused_and_not_repeated(cli, enrolled):
    done = cli.run("bootstrap", enrolled[1], "some-wrong-key")

    done.failed(1, "Status: Forbidden: failed to get bootstrap configuration for given external key")
    assert "some-wrong-key" not in done.err + done.out


def test_wrong_crypto_key_is_refused_with_a_hint(cli, enrolled):
    wrong = "fedcba9876543210fedcba9876543210"

    done = cli.run("bootstrap", "secure", enrolled[1], "the-device-key", wrong)

    done.failed(1, "Status: Forbidden: ", "another crypto key (its MG_BOOTSTRAP_ENCRYPT_KEY)")
    assert wrong not in done.err


def test_short_external_key_is_refused_with_a_hint(cli, enrolled):
    done = cli.run("bootstrap", "secure", enrolled[1], "short-key", CRYPTO_KEY)

    done.failed(1, "Status: Forbidden: ", "takes keys of 12 bytes or more")
    assert "bytes" not in cli.run("bootstrap", "secure", enrolled[1], "a-long-but-wrong-key", CRYPTO_KEY).err


def test_crypto_key_of_a_wrong_length_is_a_mistake(cli):
    done = cli.run("bootstrap", "secure", "device", "the-device-key", "fifteen-bytes-!")

    done.failed(2, "the encryption key has 15 bytes; AES needs exactly 16, 24 or 32")
    assert "fifteen" not in done.err + done.out


def test_disabled_device_is_refused(cli, enrolled):
    cli("whitelist", json.dumps({"id": enrolled[0], "status": "disabled"})).succeeded()

    cli.run("bootstrap", enrolled[1], "the-device-key").failed(1, "Status: Forbidden: ")


@pytest.mark.parametrize("line", OPERATORS, ids=name_of)
def test_every_operators_command_needs_a_good_token(cli, tmp_path, line):
    (tmp_path / "profile.json").write_text('{"name":"refused"}')

    done = cli.run(*line, DOMAIN, "not-the-right-token")

    done.failed(1, "error: Status: Unauthorized: failed to perform authentication over the entity")
    assert "not-the-right-token" not in done.err + done.out
    assert done.out == ""


@pytest.mark.parametrize("line", OPERATORS, ids=name_of)
def test_every_operators_command_stays_in_its_domains(cli, tmp_path, line):
    (tmp_path / "profile.json").write_text('{"name":"refused"}')

    done = cli.run(*line, "3c9a4e0f-7d21-4b6a-8f55-1e2d3c4b5a69", cli.token)

    done.failed(1, "error: Status: Forbidden: failed to perform authorization over the ")


@pytest.mark.parametrize("line", OPERATORS, ids=name_of)
def test_every_operators_command_says_that_a_domain_does_not_exist(cli, tmp_path, line):
    (tmp_path / "profile.json").write_text('{"name":"refused"}')

    cli.run(*line, UNKNOWN, cli.token).failed(1, "error: Status: Not Found: entity not found")


@pytest.mark.parametrize("line", LOOKING, ids=name_of)
def test_every_command_about_nothing_says_so(cli, line):
    cli(*line).failed(1, "error: Status: Not Found: entity not found")


@pytest.mark.parametrize("line", OPERATORS, ids=name_of)
def test_no_curl_command_shows_the_token(cli, tmp_path, line):
    (tmp_path / "profile.json").write_text('{"name":"curl"}')

    done = cli(*line, "--curl")

    shown = done.err.splitlines()[0]
    assert shown.startswith("curl -sS -X ")
    assert '"Authorization: Bearer $MG_TOKEN"' in shown
    assert '"external_key":"key"' not in done.err


def test_removing_nothing_is_done(cli):
    cli("remove", UNKNOWN).succeeded()
    cli("profiles", "remove", UNKNOWN).succeeded()
