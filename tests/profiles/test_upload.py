"""POST …/profiles/upload: JSON, YAML and TOML documents (contract A.4 and K3)."""

from __future__ import annotations

import json
import time

import pytest

from profiles.models import Profile
from tests.api.support import told

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
        "true": True,
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
        "at": "2026-05-05T10:00:00+00:00",
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
    "endless name": "defaults: {0x" + "F" * 6000 + ": 1}",
    "endless sexagesimal": "defaults: {x: 1" + ":10" * 3000 + "}",
    "infinity": "defaults: {x: .inf}",
    "not a number": "defaults: {x: .nan}",
    "number of base 60": "defaults: {a: 1" + ":1" * 200_000 + "}",
    "fraction of base 60": "defaults: {a: 1" + ":1" * 175 + ".5}",
    "number as a tag says": 'defaults: {a: !!int "1' + ":1" * 300 + '"}',
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
    "lone surrogate": 'name: "\\ud800"',
    "control character": b"name: a\x01",
    "not utf-8": b"name: \xff",
}


@pytest.mark.parametrize("document", HOSTILE_YAML.values(), ids=HOSTILE_YAML)
def test_yaml_that_is_not_plain_data_of_bounded_size_is_refused_quickly(upload, document):
    if isinstance(document, str) and "name:" not in document:
        document = f"name: n\n{document}"
    started = time.perf_counter()

    answer = upload(document, "application/yaml")

    assert "request body is not a valid JSON" in told(answer, 400)
    assert time.perf_counter() - started < 5
    assert len(answer.content) < 500
    assert not Profile.objects.exists()


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
    "infinity": "x = inf",
    "not a number": "x = nan",
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
