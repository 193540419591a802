"""POST …/profiles/upload: JSON, YAML and TOML documents (docs/contract.md#a4 and #k3)."""

from __future__ import annotations

import json

import pytest
import yaml

from bootstrap_project.documents.kinds import KINDS
from profiles.documents import write_document
from profiles.models import Profile
from tests.support.api import told
from tests.support.rows import make_profile

UPLOAD = "/clients/bootstrap/profiles/upload"
YAML = """\
# A profile for sensors.
name: &name sensor profile
description: *name
defaults:
  qos: 1
  ratio: 0.5
  since: 2026-05-05
  at: 2026-05-05T10:00:00Z
  mac: "01:06:00"
  on: true
  nothing: null
binding_slots:
  - name: mqtt_client
    type: client
    required: true
    fields: [id, name]
content_template: |
  device: {{ .Device.ID }}
"""
TOML = """\
name = "sensor profile"
description = "sensor profile"
content_template = '''
device = "{{ .Device.ID }}"
'''
[defaults]
qos = 1
ratio = 0.5
since = 2026-05-05
at = 2026-05-05T10:00:00Z
clock = 10:00:00
[[binding_slots]]
name = "mqtt_client"
type = "client"
required = true
fields = ["id", "name"]
"""
SLOTS = [{"name": "mqtt_client", "type": "client", "required": True, "fields": ["id", "name"]}]


@pytest.fixture
def upload(api):
    def uploading(document, content_type):
        return api.post(UPLOAD, document, content_type=content_type)

    return uploading


@pytest.mark.parametrize(
    "content_type",
    ["application/yaml", "application/x-yaml", "text/yaml; charset=utf-8", "text/yml", "Application/YAML"],
)
def test_yaml_is_taken_and_is_the_profiles_format(upload, content_type):
    answer = upload(YAML, content_type)

    assert answer.status_code == 201
    created = answer.json()
    assert created["name"] == created["description"] == "sensor profile"
    assert created["template_format"] == created["content_format"] == "yaml"
    assert created["content_template"] == "device: {{ .Device.ID }}\n"
    assert created["binding_slots"] == SLOTS
    assert created["defaults"] == {
        "qos": 1,
        "ratio": 0.5,
        "since": "2026-05-05",
        "at": "2026-05-05T10:00:00Z",
        "mac": "01:06:00",
        "on": True,
        "nothing": None,
    }
    assert created["version"] == 1
    assert answer["Location"].endswith(created["id"])


@pytest.mark.parametrize("content_type", ["application/toml", "text/x-toml", "application/toml; charset=utf-8"])
def test_toml_is_taken_and_is_the_profiles_format(upload, content_type):
    answer = upload(TOML, content_type)

    assert answer.status_code == 201
    created = answer.json()
    assert created["template_format"] == "toml"
    assert created["content_template"] == 'device = "{{ .Device.ID }}"\n'
    assert created["binding_slots"] == SLOTS
    assert created["defaults"] == {
        "qos": 1,
        "ratio": 0.5,
        "since": "2026-05-05",
        "at": "2026-05-05T10:00:00Z",
        "clock": "10:00:00",
    }


@pytest.mark.parametrize("content_type", ["application/json", "text/json", "application/vnd.api+json"])
def test_json_is_taken_and_is_the_profiles_format(upload, content_type):
    assert upload(json.dumps({"name": "n"}), content_type).json()["template_format"] == "json"


@pytest.mark.parametrize("member", ["template_format", "content_format"])
def test_a_format_in_the_document_counts_more_than_the_documents_own(upload, member):
    assert upload(f"name: n\n{member}: raw\n", "application/yaml").json()["template_format"] == "raw"
    assert upload(f'name = "m"\n{member} = "json"\n', "application/toml").json()["template_format"] == "json"
    assert upload(json.dumps({"name": "o", member: ""}), "application/json").json()["template_format"] == "json"


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/xml", "multipart/form-data; boundary=x"])
def test_another_kind_of_document_is_refused(upload, content_type):
    assert "unsupported content type" in told(upload("name: n", content_type), 415)


@pytest.mark.parametrize("document", ["", "# nothing\n", "---\n", "{}"])
def test_an_empty_yaml_document_lacks_a_name(upload, document):
    assert "missing identity name" in told(upload(document, "application/yaml"), 400)


def test_an_empty_toml_document_lacks_a_name(upload):
    assert "missing identity name" in told(upload("", "application/toml"), 400)


def merge_bomb(levels, width):
    lines = ["name: n", "l0: &l0 {k: v}"]
    lines += [f"l{n}: &l{n} {{<<: [{', '.join([f'*l{n - 1}'] * width)}]}}" for n in range(1, levels)]
    return "\n".join(lines)


def alias_bomb(levels, width):
    lines = ["name: n", "l0: &l0 [x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


HOSTILE_YAML = {
    "python object": "name: !!python/object/apply:os.system [id]",
    "python name": "name: !!python/name:os.system",
    "own tag": "name: !secret x",
    "binary": "name: !!binary aGk=",
    "set": "defaults: !!set {a, b}",
    "integer that is none": 'defaults: {x: !!int ""}',
    "boolean that is none": "defaults: {x: !!bool maybe}",
    "timestamp that is none": "defaults: {x: !!timestamp yesterday}",
    "float that is none": 'defaults: {x: !!float ""}',
    "day that is none": "defaults: {x: !!timestamp 2001-13-45}",
    "endless integer": "defaults: {x: 0x" + "F" * 6000 + "}",
    "null as a name of variables": "defaults: {~: 1}",
    "infinity": "defaults: {x: .inf}",
    "not a number": "defaults: {x: .nan}",
    "number of base 60 as a tag says": 'defaults: {a: !!int "1' + ":1" * 300 + '"}',
    "fraction of base 60 as a tag says": 'defaults: {a: !!float "1' + ":1" * 175 + '.5"}',
    "itself": "defaults: &a {b: *a}",
    "itself in a list": "defaults: {a: &a [*a]}",
    "unknown alias": "defaults: *nowhere",
    "too many aliases": "a: &a x\nb: [" + "*a, " * 65 + "]",
    "unfolding aliases": alias_bomb(9, 7),
    "deep": "defaults: " + "[" * 100 + "]" * 100,
    "very deep": "defaults: " + "[" * 100_000,
    "very deep blocks": "\n".join(" " * n + "a:" for n in range(1000)),
    "many values": "defaults: {a: [" + "1," * 200_000 + "]}",
    "list": "- name: n",
    "text": "just text",
    "two documents": "name: a\n---\nname: b",
    "list as a name": "? [a]\n: b",
    "null as a name": "~: b",
    "tab": "name:\n\t- a",
    "cut": "name: [a",
    "nul": 'name: "a\\0"',
    "key twice": "defaults: {a: 1, a: 2}",
    "key twice in another dress": "defaults: {1: a, '1': b}",
    "no number": "defaults: {a: !!int abc}",
    "lone surrogate": 'name: "\\ud800"',
    "control character": b"name: a\x01",
    "not utf-8": b"name: \xff",
}


@pytest.mark.parametrize("document", HOSTILE_YAML.values(), ids=HOSTILE_YAML)
def test_yaml_that_is_not_plain_data_of_bounded_size_is_refused(upload, document):
    if isinstance(document, str) and "name:" not in document:
        document = f"name: n\n{document}"

    answer = upload(document, "application/yaml")

    assert "request body is not a valid JSON" in told(answer, 400)
    assert len(answer.content) < 500
    assert not Profile.objects.exists()


def test_plain_words_of_yaml_are_what_they_are_to_go(upload):
    """As gopkg.in/yaml.v3 reads them: YAML 1.1 would make numbers of times and of some hardware addresses."""
    words = {
        "10:20:30:40:50:12": "10:20:30:40:50:12",
        "22:30": "22:30",
        **{word: word for word in ("NO", "no", "on", "Off", "yes", "y", "N", "=", "1.2.3", "_1", "2026-01-01")},
        **dict.fromkeys(("true", "True", "TRUE"), True),
        **dict.fromkeys(("~", "null", "Null", "NULL", "")),
        "1e3": 1000.0,
        ".5": 0.5,
        "5.": 5.0,
        "-1.5e-3": -0.0015,
        "089": 89.0,
        "0o17": 15,
        "017": 15,
        "0x1F": 31,
        "-0b101": -5,
        "1_000": 1000,
        "+12": 12,
        "!!int '0x10'": 16,
    }
    lines = "".join(f"  word{number}: {word}\n" for number, word in enumerate(words))

    read = upload(f"name: n\ndefaults:\n  on: key\n{lines}", "application/yaml").json()["defaults"]

    assert read.pop("on") == "key"
    assert dict(zip(words, read.values(), strict=True)) == words


def test_texts_that_look_like_something_else_are_quoted_in_a_downloaded_profile(upload):
    texts = ["1e3", "089", "0o17", "22:30", "no", "on", "True", "~", "", "=", "<<", "2026-01-01", ".inf", "12", "0x1F"]
    profile = make_profile(name="texts", template_format="yaml", defaults={text: text for text in texts})

    written = write_document(profile, KINDS["yaml"]).replace("name: texts", "name: again")

    assert upload(written, "application/yaml").json()["defaults"] == profile.defaults
    assert yaml.safe_load(written)["defaults"] == profile.defaults


def test_names_of_members_are_the_texts_that_stand_there(upload):
    """As numbers they could be chosen so that Python takes seconds for a few thousand of them."""
    names = ["1", "1.50", "0x1F", "true", "No", "&a 7"]
    document = "name: n\ndefaults: {" + ", ".join(f"{name}: x" for name in names) + ", seven: *a}\n"

    read = upload(document, "application/yaml").json()["defaults"]

    assert list(read) == ["1", "1.50", "0x1F", "true", "No", "7", "seven"]
    assert read["seven"] == 7


def test_moments_of_toml_are_texts_of_rfc_3339(upload):
    moments = {
        "2026-05-05T10:00:00Z": "2026-05-05T10:00:00Z",
        "2026-05-05 10:00:00.500-02:00": "2026-05-05T10:00:00.5-02:00",
        "2026-05-05T10:00:00": "2026-05-05T10:00:00",
        "10:00:00.25": "10:00:00.25",
        "2026-05-05": "2026-05-05",
    }
    lines = "".join(f"moment{number} = {text}\n" for number, text in enumerate(moments))

    read = upload(f'name = "n"\n[defaults]\n{lines}', "application/toml").json()["defaults"]

    assert list(read.values()) == list(moments.values())


def test_yaml_may_use_a_few_aliases_and_merges(upload):
    document = "base: &base {a: 1, b: 2}\nname: n\ndefaults: {<<: *base, b: 3}\ndescription: &d x\n"

    assert upload(document, "application/yaml").json()["defaults"] == {"a": 1, "b": 3}


def test_dots_in_a_text_are_no_long_key(upload):
    dotted = ".".join("a" * 100)
    document = f"""name = "n" # {dotted}
[defaults]
one = "{dotted}" # it's fine
two = '{dotted}'
three = '''
{dotted} = "'''
"""

    assert upload(document, "application/toml").json()["defaults"] == {
        "one": dotted,
        "two": dotted,
        "three": f'{dotted} = "',
    }


def test_merges_of_merges_do_not_unfold_by_powers(upload):
    answer = upload(merge_bomb(9, 7), "application/yaml")

    assert answer.status_code == 201
    assert len(answer.content) < 1000


HOSTILE_TOML = {
    "many parts": "".join(f"[{'a.' * 60}b{number}]\n" for number in range(400)),
    "many values": "x = [" + "1," * 20_001 + "]",
    "infinity": "x = inf",
    "not a number": "x = nan",
    "integer of 65 bits": "x = [{y = 9223372036854775808}]",
    "endless integer": "x = 0x" + "F" * 6000,
    "endless decimal": "x = " + "9" * 6000,
    "twice": "x = 1\nx = 2",
    "deep": "x = " + "[" * 200 + "]" * 200,
    "very deep": "x = " + "[" * 50_000,
    "deep names": ".".join(["a"] * 5000) + " = 1",
    "cut": 'x = "a',
    "nul": 'x = "\\u0000"',
    "lone surrogate": 'x = "\\ud800"',
    "not utf-8": b'x = "\xff"',
    "no date": "x = 2001-13-45",
}


@pytest.mark.parametrize("document", HOSTILE_TOML.values(), ids=HOSTILE_TOML)
def test_toml_that_cannot_be_stored_is_refused(upload, document):
    head = b'name = "n"\n[defaults]\n'

    answer = upload(head + (document if isinstance(document, bytes) else document.encode()), "application/toml")

    assert "request body is not a valid JSON" in told(answer, 400)
    assert len(answer.content) < 500
    assert not Profile.objects.exists()


@pytest.mark.parametrize("content_type", ["application/json", "application/yaml", "application/toml"])
def test_a_file_as_notepad_writes_it_is_taken(upload, content_type):
    kind = KINDS[content_type.partition("/")[2]]
    text = kind.write({"name": "n", "defaults": {"a": "ä"}})

    assert upload(text.encode("utf-8-sig"), content_type).json()["defaults"] == {"a": "ä"}
    assert "the text is UTF-16; save it as UTF-8" in told(upload(text.encode("utf-16"), content_type), 400)


@pytest.mark.parametrize(
    ("document", "content_type"),
    [
        ('{"name": "a", "defaults": {"rate": 5, "rate": 50}}', "application/json"),
        ('{"name": "a", "defaults": {"rate": 5, "rate": 50}}', "application/yaml"),
        ('{"name": "a", "defaults": {"list": [{"rate": 5, "r\\u0061te": 50}]}}', "application/json"),
        ('name = "a"\ndefaults = {rate = 5, rate = 50}\n', "application/toml"),
    ],
)
def test_a_member_that_is_there_twice_is_refused(upload, document, content_type):
    said = told(upload(document, content_type), 400)

    assert "there twice" in said
    assert "line " in said
    assert not Profile.objects.exists()


def test_a_member_that_is_there_twice_is_refused_in_every_body(api):
    key = '{"external_id": "x", "external_key": "one-key-for-it", "external_key": "another-key-for-it"}'
    refused = api.post("/clients/configs", key)
    profile = make_profile()
    path = f"/clients/bootstrap/profiles/{profile.pk}"

    assert "the member 'external_key' is there twice at line 1, column 56" in told(refused, 400)
    assert b"key-for-it" not in refused.content
    assert "there twice" in told(api.patch(path, '{"defaults": {"a": 1, "a": 2}}'), 400)
    assert "there twice" in told(api.post(f"{path}/render-preview", '{"config": {"id": "a", "id": "b"}}'), 400)


def ignored(answer):
    assert answer.status_code == 201, answer.content
    return [(one["message"], one["hint"]) for one in answer.json()["warnings"] if one["rule"] == "ignored-member"]


@pytest.mark.parametrize(
    ("document", "name", "near"),
    [
        ('name: a\ntemplate: "{}"\ntemplate_format: json\n', "template", "`content_template`"),
        ("name: a\ndefault: {b: 1}\n", "default", "`defaults`"),
        ("name: a\nslots: []\n", "slots", "binding_slots"),
        ("name: a\nx: 1\n", "x", "content_template"),
        ("name: a\nbinding_slots: [{name: m, type: client, requird: true}]\n", "requird", "`required`"),
        ("name: a\nbinding_slots: [{name: m, type: client, field: [id]}]\n", "field", "`fields`"),
    ],
)
def test_a_member_that_a_file_cannot_have_is_told_by_its_name(upload, document, name, near):
    ((message, hint),) = ignored(upload(document, "application/yaml"))

    assert f"'{name}'" in message
    assert near in hint


def test_a_profile_as_it_was_answered_is_taken_without_a_word(upload):
    answer = upload(YAML, "application/yaml").json()

    assert ignored(upload(json.dumps(answer | {"name": "again"}), "application/json")) == []


def test_a_few_of_many_members_that_are_left_out_are_told(upload):
    document = {"name": "n"} | {f"{'x' * 3000}{number}": 1 for number in range(300)}

    answer = upload(json.dumps(document), "application/json")

    assert 0 < len(ignored(answer)) <= 50
    assert len(answer.content) < 20_000


@pytest.mark.parametrize("content_type", ["application/yaml", "application/toml"])
def test_an_upload_above_one_mebibyte_is_too_large(upload, content_type):
    told(upload("#" * 1_048_577, content_type), 413)


@pytest.mark.parametrize(
    ("member", "status"), [("name: 7", 400), ("content_template: '{{ if'", 400), ("binding_slots: [{name: a}]", 400)]
)
def test_an_uploaded_profile_is_checked_like_any_other(upload, member, status):
    name = "" if member.startswith("name") else "name: n\n"

    told(upload(f"{name}{member}\n", "application/yaml"), status)
    assert not Profile.objects.exists()


def test_an_uploaded_name_that_is_taken_is_a_conflict(upload):
    assert upload("name: n", "application/yaml").status_code == 201
    assert "entity already exists" in told(upload("name: n", "application/yaml"), 409)
