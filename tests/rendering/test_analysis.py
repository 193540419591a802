"""`analyze`: which parts of the render context a template reads, where, and how."""

import json
import time
from pathlib import Path

import pytest

from bootstrap_project.diagnostics import Location
from bootstrap_project.gotemplate import TemplateSyntaxError
from bootstrap_project.rendering.analysis.paths import Step
from bootstrap_project.rendering.analysis.values import Access, AccessMode, Guard
from bootstrap_project.rendering.analysis.variables import find_variables, first_slot_reads
from bootstrap_project.rendering.analysis.walker import analyze
from tests.support import pi

VECTORS = Path(__file__).parents[1] / "gotemplate" / "cases" / "vectors.jsonl"
WEAKEST = (Guard.NONE, Guard.DEFAULT, Guard.CONDITION, Guard.REQUIRED)


def weakness(access):
    return WEAKEST.index(access.guard)


def reads(source, *start):
    """Return the accesses of what lies below a path, each place once and with its weakest guard, in their order."""
    found: dict[object, Access] = {}
    for access in analyze(source).accesses:
        if access.path[: len(start)] == start and access.is_named:
            key = (access.path, access.node.start, access.mode)
            found[key] = min(found.get(key, access), access, key=weakness)
    return sorted(found.values(), key=lambda access: (access.node.start, access.mode))


def spelled(path):
    return ".".join(step.value if isinstance(step, Step) else step for step in path)


def variables(source):
    found: dict[str, list[tuple[str, str]]] = {}
    for access in reads(source, "Vars"):
        found.setdefault(spelled(access.path[1:]), []).append((access.mode.value, access.guard.value))
    return found


def names(source):
    return sorted(variables(source))


def slots(source):
    found: dict[str, tuple[list[str], set[str], set[str]]] = {}
    for access in reads(source, "Bindings"):
        if isinstance(access.path[1], Step):
            continue
        accesses, snapshot, secret = found.setdefault(access.path[1], ([], set(), set()))
        if len(access.path) == 2:
            accesses.append(access.mode.value)
        else:
            (snapshot if access.path[2] == "Snapshot" else secret).add(spelled(access.path[3:]))
    return {slot: (accesses, sorted(snapshot), sorted(secret)) for slot, (accesses, snapshot, secret) in found.items()}


def open_reads(source):
    found = {(spelled(access.path), access.mode.value) for access in analyze(source).accesses if not access.is_named}
    return sorted(found)


def test_the_raspberry_pi_profile():
    assert names(pi.TEMPLATE) == [
        "mqtt_host",
        "mqtt_port",
        "sample_interval_seconds",
        "sensor",
        "site",
    ]
    assert sorted({access.path[1] for access in reads(pi.TEMPLATE, "Device")}) == ["ExternalID", "ID"]
    assert slots(pi.TEMPLATE) == {
        "mqtt_client": (["index", "index"], ["identity"], ["secret"]),
        "telemetry": (["index"], [], []),
    }
    assert open_reads(pi.TEMPLATE) == []
    assert analyze(pi.TEMPLATE).is_complete


def test_every_read_has_its_place():
    source = 'é{{ "x" }}\n  {{ print\n .Vars.a.b }}{{define "t"}}{{ index $.Vars "a" "b" }}{{end}}{{template "t" .}}'

    location = analyze(source).location

    found = reads(source, "Vars", "a", "b")

    assert [(location(one.node), str(one.node), one.template, one.mode, one.guard) for one in found] == [
        (Location(3, 2, 9), ".Vars.a.b", "", AccessMode.FIELD, Guard.NONE),
        (Location(3, 31, 20), 'index $.Vars "a" "b"', "t", AccessMode.INDEX, Guard.NONE),
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ .Vars.x }}", {"x": [("field", "none")]}),
        ("{{ $.Vars.a.b.c }}", {"a.b.c": [("field", "none")]}),
        ("{{ (.Vars).a }}", {"a": [("field", "none")]}),
        ('{{ index .Vars "x" }}', {"x": [("index", "none")]}),
        ('{{ "x" | index .Vars }}', {"x": [("index", "none")]}),
        ('{{ (index .Vars "a").b }}', {"a": [("index", "none")], "a.b": [("field", "none")]}),
        ('{{ index .Vars "a" "b" }}', {"a": [("index", "none")], "a.b": [("index", "none")]}),
        ('{{ index .Vars "x" | default 1 }}', {"x": [("index", "default")]}),
        ('{{ default 1 (index .Vars "x") }}', {"x": [("index", "default")]}),
        ('{{ or (index .Vars "x") 1 }}', {"x": [("index", "default")]}),
        ('{{ required "x" (index .Vars "x") }}', {"x": [("index", "required")]}),
        ('{{ if index .Vars "x" }}{{ .Vars.x }}{{ end }}', {"x": [("index", "condition"), ("field", "condition")]}),
        (
            '{{ with index .Vars "x" }}{{ .y }}{{ end }}',
            {"x": [("index", "condition")], "x.y": [("field", "condition")]},
        ),
        ("{{ if .Vars.x }}{{ end }}", {"x": [("field", "none")]}),
    ],
)
def test_how_a_variable_is_read(source, expected):
    assert variables(source) == expected


@pytest.mark.parametrize(
    "condition",
    [
        'index .Vars "x"',
        'and (index .Vars "y") (index .Vars "x")',
        'not (not (index .Vars "x"))',
        'eq (index .Vars "x") "on"',
        'index .Vars "x" | eq 1',
        '$found := index .Vars "x"',
    ],
)
def test_conditions_that_find_a_variable(condition):
    source = f"{{{{ if {condition} }}}}{{{{ .Vars.x }}}}{{{{ end }}}}"

    assert variables(source)["x"][-1] == ("field", "condition")


@pytest.mark.parametrize(
    "condition",
    [
        'or (index .Vars "y") (index .Vars "x")',
        'not (index .Vars "x")',
        'eq (index .Vars "x") ""',
        'ne (index .Vars "x") "on"',
        'index .Vars "x" | default 1',
        "true",
    ],
)
def test_conditions_that_find_nothing(condition):
    source = f"{{{{ if {condition} }}}}{{{{ .Vars.x }}}}{{{{ end }}}}"

    assert variables(source)["x"][-1] == ("field", "none")


@pytest.mark.parametrize(
    "source",
    [
        '{{ if not (index .Vars "x") }}{{ else }}{{ .Vars.x }}{{ end }}',
        '{{ if ne (index .Vars "x") "on" }}{{ else }}{{ .Vars.x }}{{ end }}',
        '{{ if not (index .Vars "x") }}{{ else if true }}{{ .Vars.x }}{{ end }}',
        '{{ $x := required "x" (index .Vars "x") }}{{ .Vars.x }}',
        '{{ and (index .Vars "x") .Vars.x }}',
        '{{ if index .Vars "x" }}{{ template "t" . }}{{ end }}{{ define "t" }}{{ .Vars.x }}{{ end }}',
    ],
)
def test_what_is_certain_lasts_as_long_as_it_is(source):
    (use,) = variables(source).values()

    assert next(guard for access, guard in use if access == "field") == "condition"


def test_what_is_certain_in_one_branch_is_not_behind_it():
    source = '{{ if index .Vars "x" }}{{ .Vars.x }}{{ end }}{{ .Vars.x }}'

    assert [guard for _, guard in variables(source)["x"]] == ["condition", "condition", "none"]


def test_a_place_that_one_call_reaches_without_a_guard_has_none():
    called = '{{ define "t" }}{{ .Vars.x }}{{ end }}'
    source = called + '{{ if index .Vars "x" }}{{ template "t" . }}{{ end }}{{ template "t" . }}'

    assert variables(source)["x"][0] == ("field", "none")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ $v := .Vars }}{{ $v.a }}", ["a"]),
        ("{{ $v := .Vars.a }}{{ with $v }}{{ .b }}{{ end }}", ["a", "a.b"]),
        ("{{ with .Vars }}{{ .a }}{{ $.Vars.b }}{{ else }}{{ .Vars.c }}{{ end }}", ["a", "b", "c"]),
        ("{{ with $v := .Vars.a }}{{ $v.b }}{{ .c }}{{ end }}", ["a", "a.b", "a.c"]),
        ("{{ range .Vars.list }}{{ .name }}{{ else }}{{ .Vars.b }}{{ end }}", ["b", "list", "list.[].name"]),
        ("{{ range $i, $v := .Vars.list }}{{ $v.name }}{{ $i }}{{ end }}", ["list", "list.[].name"]),
        ("{{ (index .Vars.list 0).name }}", ["list", "list.[?].name"]),
        (
            '{{ define "t" }}{{ .host }}{{ $.port }}{{ end }}{{ template "t" .Vars.mqtt }}',
            ["mqtt", "mqtt.host", "mqtt.port"],
        ),
        ('{{ block "b" .Vars }}{{ .a }}{{ end }}', ["a"]),
        ('{{ define "t" }}{{ . }}{{ end }}{{ template "t" }}{{ template "t" .Vars.a }}', ["a"]),
        ('{{ $n := "x" }}{{ index .Vars $n }}', ["x"]),
        ("{{ if .Vars.a }}{{ else if .Vars.b }}{{ else }}{{ .Vars.c }}{{ end }}", ["a", "b", "c"]),
        ('{{ printf "%s" (slice .Vars.a 1) | html }}', ["a"]),
        ("{{ $x := .Vars.a }}{{ if true }}{{ $x := .Vars.b }}{{ $x.c }}{{ end }}{{ $x.d }}", ["a", "a.d", "b", "b.c"]),
        ("{{ if false }}{{ .Vars.a }}{{ end }}", ["a"]),
        ('{{ define "never" }}{{ $.Vars.a }}{{ end }}', []),
    ],
)
def test_dot_and_variables_are_followed(source, expected):
    assert names(source) == expected


def test_nothing_is_known_of_a_variable_that_changes():
    source = "{{ $v := .Vars.a }}{{ range .Vars.list }}{{ $v.x }}{{ $v = . }}{{ end }}"

    assert names(source) == ["a", "list"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ .Bindings.m.ID }}{{ .Bindings.m.Type }}", {"m": (["field", "field"], [], [])}),
        ("{{ .Bindings.m.Snapshot.metadata.a.b }}", {"m": (["field"], ["metadata.a.b"], [])}),
        ('{{ with index .Bindings "m" }}{{ .Secret.secret }}{{ end }}', {"m": (["index"], [], ["secret"])}),
        ('{{ $s := (index .Bindings "m").Snapshot }}{{ index $s "topic" }}', {"m": (["index"], ["topic"], [])}),
        ('{{ index .Bindings "m" }}{{ .Bindings.t }}', {"m": (["index"], [], []), "t": (["field"], [], [])}),
        ('{{ with .Bindings }}{{ (index . "my-slot").ID }}{{ end }}', {"my-slot": (["index"], [], [])}),
    ],
)
def test_slots_and_what_is_read_of_them(source, expected):
    assert slots(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ index .Vars .Device.ID }}", [("Vars", "dynamic")]),
        ("{{ range $k := .Vars.names }}{{ (index $.Bindings $k).ID }}{{ end }}", [("Bindings", "dynamic")]),
        ('{{ index (index .Bindings "m").Snapshot .Vars.key }}', [("Bindings.m.Snapshot", "dynamic")]),
        ("{{ toJSON .Vars }}", [("Vars", "whole")]),
        ("{{ range .Bindings }}{{ .ID }}{{ end }}", [("Bindings", "whole")]),
        ("{{ range $k, $v := .Vars }}{{ $v }}{{ end }}", [("Vars", "whole")]),
        ("{{ . }}", [("", "whole")]),
        ("{{ .Bindings.m.Secret | toJSON }}", [("Bindings.m.Secret", "whole")]),
        ("{{ $v := .Vars }}{{ $v = .Device }}", [("Device", "whole"), ("Vars", "whole")]),
        ("{{ .Vars.a }}{{ toJSON .Vars.b }}", []),
    ],
)
def test_reads_of_members_without_a_name(source, expected):
    assert open_reads(source) == expected


@pytest.mark.parametrize(
    ("source", "needed", "optional"),
    [
        ("{{ .Vars.a.b }}", [("a", "b")], []),
        ('{{ index .Vars "a" "b" }}', [("a",)], [("a", "b")]),
        ("{{ range .Vars.list }}{{ .name }}{{ end }}", [("list",)], []),
        ("{{ (index .Vars.map .Device.ID).name }}", [("map",)], []),
        ('{{ define "t" }}{{ index .Vars "a" }}{{ end }}{{ template "t" . }}', [], [("a",)]),
    ],
)
def test_which_variables_a_template_cannot_do_without(source, needed, optional):
    found = find_variables(source)

    assert found is not None
    assert [use.path for use in found.variables if use.is_needed] == needed
    assert [use.path for use in found.variables if not use.is_needed] == optional


def test_each_slot_has_the_first_place_that_reads_it():
    source = '{{ .Bindings.b.ID }}\n{{ with index .Bindings "a" }}{{ .ID }}{{ end }}{{ .Bindings.b.Type }}'

    assert first_slot_reads(source) == {
        "a": Location(2, 9, width=19),
        "b": Location(1, 4, width=14),
    }


def test_an_open_read_has_its_place():
    facts = analyze("{{ toJSON .Vars }}")

    (found,) = facts.accesses

    assert (found.path, found.mode, facts.location(found.node)) == (("Vars",), AccessMode.WHOLE, Location(1, 4, 12))


@pytest.mark.parametrize("source", ["{{", "{{ nope }}", "{{ end }}", "x" * 1_000_000, "{{ (" * 200])
def test_what_does_not_parse_is_refused(source):
    with pytest.raises(TemplateSyntaxError):
        analyze(source)


def test_the_same_template_gives_the_same_answer():
    for line in VECTORS.read_text("utf-8").splitlines()[::20]:
        vector = json.loads(line)
        if vector.get("stage") != "parse":
            assert analyze(vector["template"]) == analyze(vector["template"]), vector["id"]


BOMBS = {
    "doubling": "".join(
        f'{{{{define "d{i}"}}}}{{{{template "d{i + 1}" .}}}}{{{{template "d{i + 1}" .}}}}{{{{end}}}}'
        for i in range(200)
    )
    + '{{define "d200"}}{{.Vars.x}}{{end}}{{template "d0" .}}',
    "recursion with growing dot": '{{define "a"}}{{template "a" .x}}{{template "a" .y}}{{end}}{{template "a" .Vars}}',
    "many ways": "".join(
        f'{{{{define "d{i}"}}}}' + "".join(f'{{{{template "d{j}" .k{i}}}}}' for j in range(30)) + "{{end}}"
        for i in range(30)
    )
    + '{{template "d0" .Vars}}',
    "deep blocks": "{{if .Vars.a}}" * 64 + "{{" + "(" * 60 + ".Vars.b" + ")" * 60 + "}}" + "{{end}}" * 64,
    "long chains of else": "{{if .Vars.a}}" + '{{else if index .Vars "b"}}x' * 249 + "{{end}}",
    "long condition": "{{if and " + " ".join(f'(index .Vars "x{i}")' for i in range(850)) + "}}{{end}}",
    "long paths": "".join("{{.Vars" + ".a" * 60 + "}}" for _ in range(100)),
    "long names": '{{index .Vars "' + "x" * 250_000 + '"}}',
    "many variables": "".join(f"{{{{$v{i} := .Vars.x{i}}}}}{{{{$v{i}}}}}" for i in range(600)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_soon(name):
    started = time.process_time()

    analysis = analyze(BOMBS[name])

    assert time.process_time() - started < 2.0
    assert isinstance(analysis.is_complete, bool)


def test_a_walk_that_left_something_out_says_so():
    assert not analyze(BOMBS["recursion with growing dot"]).is_complete
    assert analyze(BOMBS["doubling"]).is_complete
    assert names(BOMBS["doubling"]) == ["x"]
