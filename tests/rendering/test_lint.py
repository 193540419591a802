"""`lint`: every rule finds what it is for and leaves everything else alone."""

import difflib
import json
import random
import re
import threading
import time
from pathlib import Path

import pytest

from bootstrap_project.diagnostics import NOWHERE, Diagnostic, Location
from bootstrap_project.gotemplate.suggestions import MAX_WORK
from bootstrap_project.magistrala.resources import ChannelResource
from bootstrap_project.rendering.lint import lint as lint_module
from bootstrap_project.rendering.lint.lint import MAX_WARNINGS, RULES, lint
from bootstrap_project.slots import RESOURCE_KINDS, BindingSlot
from enrollments.binding.resolve import resolve
from tests.rendering.template_grammar import random_template
from tests.support import pi

VECTORS = Path(__file__).parents[1] / "gotemplate" / "cases" / "vectors.jsonl"
CLIENT = BindingSlot("m", "client", required=True)
CHANNEL = BindingSlot("c", "channel", required=True)
OPTIONAL = BindingSlot("o", "client")
OPTIONAL_CHANNEL = BindingSlot("oc", "channel")
NARROW = BindingSlot("n", "client", required=True, fields=("id", "name"))
NARROW_CHANNEL = BindingSlot("nc", "channel", required=True, fields=("id",))
SLOTS = (CLIENT, CHANNEL, OPTIONAL, OPTIONAL_CHANNEL, NARROW, NARROW_CHANNEL)
DEFAULTS = {
    "text": "t",
    "port": 8883,
    "ratio": 0.5,
    "on": True,
    "null": None,
    "list": [1, 2],
    "items": [{"name": "a"}, {"name": "b", "extra": 1}],
    "empty": [],
    "mqtt": {"host": "h"},
}
# These look at what a template leaves out; the other rules are tested with templates that leave out nearly all.
CLIENT_KEYS = ("id", "name", "identity", "secret", "domain_id")
CHANNEL_KEYS = ("id", "name", "topic", "metadata", "domain_id")
ABOUT_THE_PROFILE = {"unused-slot", "unknown-field", "unused-default"}


def warnings(source, *, fmt="go-template", slots=SLOTS, defaults=DEFAULTS):
    return lint(source, slots=slots, defaults=defaults, template_format=fmt)


def rules(source, **profile):
    return [warning.code for warning in warnings(source, **profile) if warning.code not in ABOUT_THE_PROFILE]


FOUND = {
    "undeclared-slot": [
        "{{ .Bindings.nope.ID }}",
        '{{ (index .Bindings "nope").ID }}',
        '{{ if (index .Bindings "nope").ID }}{{ end }}',
        '{{ define "t" }}{{ .nope.ID }}{{ end }}{{ template "t" .Bindings }}',
        '{{ $n := "nope" }}{{ (index .Bindings $n).ID }}',
    ],
    "optional-slot": [
        "{{ .Bindings.o.ID }}",
        "{{ with .Bindings }}{{ .o.Snapshot.name }}{{ end }}",
        '{{ (index .Bindings "o").Snapshot.name }}',
        '{{ if (index .Bindings "oc").ID }}{{ end }}{{ .Bindings.o.ID }}',
    ],
    "slot-always-true": [
        '{{ if index .Bindings "m" }}x{{ end }}',
        '{{ with index .Bindings "o" }}x{{ end }}',
        '{{ if not (index .Bindings "m") }}x{{ end }}',
        '{{ if and (index .Bindings "m") .Vars.on }}x{{ end }}',
        '{{ if and .Vars.on (index .Bindings "m") }}x{{ end }}',
        "{{ if .Bindings.m }}x{{ end }}",
        '{{ $s := index .Bindings "m" }}{{ if $s }}{{ $s.ID }}{{ end }}',
        "{{ range .Bindings }}{{ if . }}x{{ end }}{{ end }}",
    ],
    "missing-snapshot-key": [
        "{{ .Bindings.m.Snapshot.topic }}",
        '{{ index .Bindings.m.Snapshot "secret" }}',
        '{{ index .Bindings.m.Snapshot "topic" | default "x" }}',
        "{{ .Bindings.n.Snapshot.identity }}",
        '{{ index .Bindings.nc.Snapshot "metadata" "a" }}',
        "{{ .Bindings.c.Snapshot.identity }}",
    ],
    "missing-secret": [
        "{{ .Bindings.n.Secret.secret }}",
        '{{ index .Bindings.n.Secret "secret" }}',
        "{{ .Bindings.m.Secret.key }}",
        "{{ .Bindings.c.Secret.secret }}",
        '{{ index .Bindings.m.Secret "id" | default "" }}',
    ],
    "optional-snapshot-key": [
        "{{ .Bindings.c.Snapshot.metadata }}",
        "{{ .Bindings.c.Snapshot.metadata.a }}",
        "{{ toJSON .Bindings.c.Snapshot.metadata }}",
        '{{ (index .Bindings.c.Snapshot "metadata").a }}',
    ],
    "required-variable": [
        "{{ .Vars.site }}",
        "{{ if .Vars.site }}{{ end }}",
        "{{ .Vars.mqtt.user }}",
        '{{ index .Vars "mqttt" "host" }}',
        '{{ (index .Vars "mqttt").host }}',
        "{{ range .Vars.things }}{{ .name }}{{ end }}",
        "{{ range .Vars.items }}{{ .extra }}{{ end }}",
        '{{ define "t" }}{{ .user }}{{ end }}{{ template "t" .Vars.mqtt }}',
        "{{ .Vars.null }}",
        "{{ or .Vars.text .Vars.site }}",
    ],
    "index-without-default": [
        '{{ index .Vars "site" }}',
        '{{ "site" | index .Vars }}',
        '{{ $s := index .Vars "site" }}{{ $s }}',
        '{{ printf "%s" (index .Vars "site") }}',
        '{{ print (index .Vars "null") }}',
        '{{ index .Vars "mqtt" "user" }}',
        '{{ or (index .Vars "text") (index .Vars "site") }}',
        '{{ index (index .Bindings "o").Snapshot "name" }}',
        '{{ index .Bindings.c.Snapshot "metadata" }}',
        '{{ if not (index .Vars "site") }}{{ index .Vars "site" }}{{ end }}',
        '{{ index (index .Bindings "o").Secret "secret" }}',
    ],
    "default-too-late": [
        '{{ .Vars.site | default "x" }}',
        '{{ default "x" .Vars.site }}',
        '{{ or .Vars.site "x" }}',
        '{{ .Vars.mqtt.user | default "x" }}',
        '{{ .Bindings.o.ID | default "x" }}',
        '{{ .Bindings.c.Snapshot.metadata | default "x" }}',
    ],
    "printf-verb": [
        '{{ printf "%d" .Vars.text }}',
        '{{ printf "%s" .Vars.port }}',
        '{{ printf "%d" .Vars.ratio }}',
        '{{ printf "%d" .Device.ID }}',
        '{{ .Bindings.m.ID | printf "%d" }}',
        '{{ printf "%t" "x" }}',
        '{{ printf "%s" }}',
        '{{ printf "%s %s" .Device.ID }}',
        '{{ printf "x" .Device.ID }}',
        '{{ printf "%y" .Vars.mqtt }}',
        '{{ printf "100%" }}',
        '{{ printf "%d" (len .Vars.list | print) }}',
        '{{ printf "%s" (index .Vars "port" | default 1) }}',
        '{{ printf "%[3]s" .Device.ID }}',
        '{{ printf "%*d" "wide" 1 }}',
    ],
    "no-members": [
        "{{ .Vars.text.deeper }}",
        "{{ .Vars.port.x }}",
        "{{ .Vars.list.x }}",
        '{{ index .Vars.list "0" }}',
        '{{ index .Vars.text "x" }}',
        "{{ index .Vars.port 0 }}",
        "{{ index .Vars.mqtt 0 }}",
        "{{ .Device.ID.x }}",
        "{{ .Bindings.m.Snapshot.name.x }}",
        "{{ .Bindings.m.ID.x }}",
        "{{ $n := len .Vars.list }}{{ $n.x }}",
    ],
    "type-mismatch": [
        '{{ if eq .Vars.port "1883" }}x{{ end }}',
        '{{ if eq "1883" .Vars.port }}x{{ end }}',
        "{{ if gt .Vars.text 5 }}x{{ end }}",
        "{{ if lt .Vars.on true }}x{{ end }}",
        "{{ if ne .Vars.on `yes` }}x{{ end }}",
        "{{ if eq .Device.ID 1 }}x{{ end }}",
        "{{ if eq .Vars.list .Vars.text }}x{{ end }}",
        "{{ range .Vars.text }}x{{ end }}",
        "{{ range .Vars.on }}x{{ end }}",
        "{{ len .Vars.port }}",
        "{{ printf 'x' }}",
        "{{ printf .Vars.port }}",
    ],
    "lost-dot": [
        "{{ range .Vars.list }}{{ .Vars.text }}{{ end }}",
        "{{ range .Vars.items }}{{ .Device.ID }}{{ end }}",
        "{{ range .Vars.items }}{{ .Bindings.m.ID }}{{ end }}",
        "{{ range slice .Vars.items 0 1 }}{{ .Device.ID }}{{ end }}",
        "{{ range 3 }}{{ .Device.ID }}{{ end }}",
        "{{ with .Vars.mqtt }}{{ .Device.ID }}{{ end }}",
        "{{ with .Vars.text }}{{ .Vars.port }}{{ end }}",
        '{{ with index .Vars "site" }}{{ .Vars.port }}{{ end }}',
        '{{ define "x" }}{{ .Vars.text }}{{ end }}{{ template "x" }}',
        '{{ define "x" }}{{ .Vars.text }}{{ end }}{{ template "x" .Vars.mqtt }}',
    ],
    "unknown-member": [
        "{{ .Foo }}",
        "{{ .Device.Serial }}",
        "{{ .Bindings.m.Name }}",
        '{{ (index .Bindings "m").secret }}',
        "{{ range .Bindings }}{{ .Nope }}{{ end }}",
        "{{ with .Device }}{{ .Vars }}{{ end }}",
    ],
    "undefined-template": [
        '{{ template "nope" }}',
        '{{ define "a" }}{{ template "b" . }}{{ end }}{{ template "a" . }}',
    ],
    "unused-define": ['{{ define "t" }}x{{ end }}', '{{ define "a" }}{{ template "a" }}{{ end }}text'],
    "unused-variable": [
        "{{ $x := 1 }}",
        "{{ $x := 1 }}{{ $x = 2 }}",
        "{{ if $x := .Vars.on }}y{{ end }}",
        "{{ range $i, $v := .Vars.list }}x{{ end }}",
        "{{ $x := 1 }}{{ if .Vars.on }}{{ $x := 2 }}{{ $x }}{{ end }}",
    ],
    "constant-condition": [
        "{{ if true }}x{{ end }}",
        "{{ if false }}x{{ else }}y{{ end }}",
        "{{ if not true }}x{{ end }}",
        '{{ if "" }}x{{ end }}',
        "{{ if .Vars.on }}a{{ else if 1 }}b{{ else }}c{{ end }}",
        "{{ with 0 }}x{{ end }}",
        "{{ with 1 }}x{{ else }}y{{ end }}",
    ],
    "unreachable": [
        "{{ range .Vars.list }}{{ break }}{{ . }}{{ end }}",
        "{{ range .Vars.list }}{{ if .  }}{{ continue }} text{{ end }}{{ end }}",
    ],
    "unquoted-text": [],
    "raw-collection": [],
    "extra-comma": [],
    "joined-comment": [
        "# note\n{{- $x := .Vars.text -}}\nserver {{ $x }}\n",
        "a\n  # note\n\n{{- /* why */ -}}\nserver\n",
        "# for {{ .Device.ID }}:\n{{- if .Vars.on -}}\nserver{{ end }}\n",
        "# note\n{{- .Vars.text }}\n",
    ],
    "quoted-value": [],
    "quoted-json": [],
    "invalid-output": [],
    "unused-slot": [],
    "unknown-field": [],
    "unused-default": [],
}
QUIET = [
    "",
    "text",
    "{{ .Device.ID }}{{ .Device.ExternalID }}{{ .Device.DomainID }}",
    "{{ .Vars.text }}{{ .Vars.mqtt.host }}{{ .Vars.empty }}",
    '{{ index .Vars "text" }}{{ index .Vars "mqtt" "host" }}',
    '{{ index .Vars "site" | default "x" }}{{ default "x" (index .Vars "site") }}',
    '{{ index .Vars "site" | required "site" }}{{ .Vars.site }}',
    '{{ required "site" .Vars.site }}',
    '{{ .Vars.text | default "x" }}',
    '{{ or (index .Vars "site") "x" }}',
    '{{ if index .Vars "site" }}{{ .Vars.site }}{{ index .Vars "site" }}{{ end }}',
    '{{ with index .Vars "site" }}{{ . }}{{ .a.b }}{{ end }}',
    '{{ with $s := index .Vars "site" }}{{ $s }}{{ end }}',
    '{{ if and (index .Vars "a") (index .Vars "b") }}{{ .Vars.a }}{{ .Vars.b }}{{ end }}',
    '{{ if eq (index .Vars "mode") "fast" }}{{ .Vars.mode }}{{ end }}',
    '{{ toJSON (index .Vars "site") }}{{ toJSON .Vars.null }}',
    '{{ range index .Vars "things" }}{{ .name }}{{ end }}',
    "{{ range .Vars.items }}{{ .name }}{{ end }}{{ range .Vars.empty }}{{ .name }}{{ end }}",
    "{{ range $i, $v := .Vars.list }}{{ $i }}{{ end }}{{ range $i, $v := .Vars.list }}{{ $v }}{{ end }}",
    "{{ range $k, $v := .Vars }}{{ $k }}={{ $v }}{{ end }}",
    "{{ index .Vars .Device.ID }}",
    '{{ $v := .Vars.text }}{{ if .Vars.on }}{{ $v = "b" }}{{ end }}{{ $v }}',
    '{{ $_ := required "site" (index .Vars "site") }}{{ .Vars.site }}',
    "{{ .Bindings.m.ID }}{{ .Bindings.m.Snapshot.identity }}{{ .Bindings.m.Secret.secret }}",
    "{{ .Bindings.c.Snapshot.topic }}{{ .Bindings.c.Snapshot.name }}",
    "{{ .Bindings.n.ID }}{{ .Bindings.n.Type }}{{ .Bindings.n.Snapshot.name }}",
    '{{ (index .Bindings "o").ID }}{{ if (index .Bindings "o").ID }}{{ .Bindings.o.Snapshot.name }}{{ end }}',
    '{{ if (index .Bindings "o").ID }}{{ index (index .Bindings "o").Snapshot "name" }}{{ end }}',
    '{{ with (index .Bindings "o").Snapshot }}{{ .name }}{{ index . "identity" }}{{ end }}',
    '{{ with index .Bindings.c.Snapshot "metadata" }}{{ .a }}{{ end }}',
    '{{ index .Bindings.c.Snapshot "metadata" | toJSON }}',
    "{{ range $name, $slot := .Bindings }}{{ $name }}{{ $slot.ID }}{{ toJSON $slot.Snapshot }}{{ end }}",
    '{{ printf "%s %d %v %t %.2f %q %x %5.1f" .Vars.text .Vars.port .Vars.mqtt .Vars.on .Vars.ratio .Device.ID 1 2 }}',
    '{{ printf "%f" .Vars.port }}{{ printf "%d%%" (len .Vars.list) }}{{ printf "%*d" 5 .Vars.port }}',
    '{{ printf "%[2]s %[1]d" .Vars.port .Vars.text }}{{ printf .Vars.text 1 2 }}',
    '{{ printf "%s" (required "anything" (index .Vars "anything")) }}',
    '{{ range .Vars.items }}{{ printf "%s" .name }}{{ end }}',
    '{{ define "t" }}{{ . }}{{ end }}{{ template "t" .Vars.text }}{{ block "b" . }}{{ .Vars.text }}{{ end }}',
    '{{define "r"}}{{if .n}}{{template "r" .n}}{{end}}{{end}}{{with index .Vars "x"}}{{template "r" .}}{{end}}',
    "{{ range .Vars.list }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ . }}{{ break }} {{ end }}",
    '{{ $on := true }}{{ if $on }}x{{ end }}{{ with "x" }}{{ . }}{{ end }}',
    "{{ range 3 }}{{ . }}{{ end }}",
    "{{ with .Bindings.m }}{{ .ID }}{{ end }}{{ with $s := .Bindings.m }}{{ $s.ID }}{{ end }}",
    '{{ with index .Bindings "o" }}{{ if .ID }}{{ .ID }}{{ end }}{{ end }}',
    '{{ with index .Bindings "o" }}{{ with .ID }}{{ . }}{{ end }}{{ end }}',
    '{{ with $o := index .Bindings "o" }}{{ if ne $o.ID "" }}{{ $o.ID }}{{ $o.Snapshot.name }}{{ end }}{{ end }}',
    '{{ define "t" }}{{ if .ID }}x{{ end }}{{ end }}{{ with index .Bindings "o" }}{{ template "t" . }}{{ end }}',
    '{{ if ne (index .Bindings "o").ID "" }}{{ .Bindings.o.ID }}{{ end }}',
    '{{ if ne "" (index .Bindings "o").ID }}{{ .Bindings.o.ID }}{{ end }}',
    '{{ if eq (index .Bindings "o").ID "" }}x{{ else }}{{ .Bindings.o.ID }}{{ end }}',
    '{{ if not (eq (index .Bindings "o").ID "") }}{{ .Bindings.o.ID }}{{ end }}',
    '{{ if gt (len (index .Bindings "o").ID) 0 }}{{ .Bindings.o.ID }}{{ end }}',
    '{{ if lt 0 (len (index .Bindings "o").ID) }}{{ .Bindings.o.ID }}{{ end }}',
    '{{ if ge (len (index .Bindings "o").ID) 1 }}{{ .Bindings.o.ID }}{{ end }}',
    '{{ if len (index .Bindings "o").ID }}{{ .Bindings.o.ID }}{{ end }}',
    '{{ if eq 0 (len (index .Bindings "o").ID) }}x{{ else }}{{ .Bindings.o.ID }}{{ end }}',
    '{{ if (index .Bindings "o").ID | ne "" }}{{ .Bindings.o.ID }}{{ end }}',
    '{{ $id := (index .Bindings "o").ID }}{{ if ne $id "" }}{{ .Bindings.o.ID }}{{ end }}',
    '{{ $has := ne (index .Bindings "o").ID "" }}{{ if and $has .Vars.on }}{{ .Bindings.o.ID }}{{ end }}',
    '{{ if ne (index .Vars "x") nil }}{{ .Vars.x }}{{ end }}',
    '{{ if eq nil (index .Vars "x") }}y{{ else }}{{ .Vars.x }}{{ end }}',
    '{{ if and .Vars.on (ne nil (index .Vars "x")) }}{{ .Vars.x }}{{ end }}',
    '{{ if ne (index .Vars "x" | default "") "" }}{{ .Vars.x }}{{ end }}',
    "{{ range .Vars.list }}{{ $.Vars.text }}{{ end }}{{ with .Vars.mqtt }}{{ $.Device.ID }}{{ end }}",
    '{{ define "x" }}{{ .Vars.text }}{{ end }}{{ template "x" . }}{{ range 2 }}{{ template "x" $ }}{{ end }}',
    "{{ with . }}{{ .Vars.text }}{{ end }}{{ with $ }}{{ .Device.ID }}{{ end }}",
    "{{ if eq .Vars.port 8883 }}a{{ end }}{{ if gt .Vars.ratio 1 }}b{{ end }}{{ if eq .Vars.text `t` }}c{{ end }}",
    '{{ if eq (index .Vars "x") "a" }}a{{ end }}{{ if lt "a" .Vars.text }}b{{ end }}{{ range .Vars.port }}c{{ end }}',
    "{{ index .Vars.text 0 }}{{ index .Vars.items 0 }}{{ len .Vars.mqtt }}",
    "# note\n{{- $x := .Vars.text }}\nserver {{ $x }}\n",
    "# note\n{{- if .Vars.on }}\nserver\n{{- end }}\n",
    "# note {{ $x := .Vars.text -}} more\nserver {{ $x }}",
    "{{ index .Vars.list 0 }}{{ (index .Vars.items 1).extra }}",
    "{{ len .Vars.text }}{{ slice .Vars.text 1 }}{{ html .Vars.text }}{{ js .Vars.text }}{{ println 1 }}",
]


def test_every_rule_is_tested():
    assert set(FOUND) == {rule.id for rule in RULES}
    assert len(RULES) == len({rule.id for rule in RULES})


@pytest.mark.parametrize(("rule", "source"), [(rule, source) for rule, sources in FOUND.items() for source in sources])
def test_a_rule_finds_what_it_is_for(rule, source):
    assert set(rules(source)) == {rule}


@pytest.mark.parametrize("source", QUIET)
def test_a_sound_template_has_no_warnings(source):
    assert rules(source) == []


@pytest.mark.parametrize("fmt", ["json", "yaml", "toml"])
@pytest.mark.parametrize(
    ("action", "rule"),
    [
        ("{{ .Vars.text }}", "quoted-value"),
        ('{{ .Vars.anything | default "x" }}', "quoted-value"),
        ('{{ index .Vars "text" }}', "quoted-value"),
        ("{{ .Device.ExternalID }}", "quoted-value"),
        ("{{ .Bindings.m.Snapshot.name }}", "quoted-value"),
        ("{{ .Bindings.m.Secret.secret }}", "quoted-value"),
        ('{{ printf "%s/%v" .Device.ID .Vars.text }}', "quoted-value"),
        ("{{ .Vars.mqtt }}", "quoted-value"),
        ("{{ toJSON .Vars.text }}", "quoted-json"),
        ("{{ .Vars.mqtt | toJSON }}", "quoted-json"),
        ('{{ printf "%x" .Vars.text }}', None),
        ('{{ index .Vars "q" | default 1 | printf "%d" }}', None),
        ('{{ index .Vars "q" | default 1 }}', None),
        ('{{ printf "%s" .Vars.text }}', "quoted-value"),
        ('{{ printf "%x-%v" .Vars.text .Vars.text }}', "quoted-value"),
        ('{{ printf "%q" .Vars.text }}', "quoted-json"),
        ("{{ .Device.ID }}", None),
        ("{{ .Device.DomainID }}", None),
        ('{{ (index .Bindings "m").ID }}', None),
        ("{{ .Bindings.m.Type }}", None),
        ("{{ .Bindings.m.Snapshot.id }}", None),
        ("{{ .Vars.port }}", None),
        ("{{ .Vars.on }}", None),
        ("{{ toJSON .Vars.port }}", None),
        ('{{ printf "%s-%d" .Device.ID .Vars.port }}', None),
        ("{{ len .Vars.text }}", None),
        ("{{ urlquery .Vars.text }}", None),
        ('{{ "constant" }}', None),
    ],
)
def test_values_in_quotes(fmt, action, rule):
    template = {"json": '{"a": "ACTION"}', "yaml": 'a: "ACTION" # why\n', "toml": 'a = "ACTION"\n'}[fmt]

    found = [found for found in rules(template.replace("ACTION", action), fmt=fmt) if found.startswith("quoted")]

    assert found == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("template", "fmt"),
    [
        ('{"a": "x {{ .Vars.text }} y"}', "json"),
        ('{"a": "{{ .Vars.text }}{{ .Vars.text }}"}', "json"),
        ('{"a": {{ toJSON .Vars.text }}}', "json"),
        ("{'a': '{{ .Vars.text }}'}", "json"),
        ('"a" "{{ .Vars.text }}" "b"', "json"),
        ('{"a": "{{ .Vars.text }}"}', "go-template"),
        ('{"a": "{{ $x := .Vars.text }}"{{ $x }}}', "json"),
    ],
)
def test_quotes_that_are_not_the_value_alone(template, fmt):
    assert rules(template, fmt=fmt) == []


def test_single_quotes_count_where_they_quote():
    assert rules("a: '{{ .Vars.text }}'", fmt="yaml") == ["quoted-value"]
    assert rules("a = '{{ .Vars.text }}'", fmt="toml") == ["quoted-value"]


@pytest.mark.parametrize(
    ("template", "fmt", "is_valid"),
    [
        ('{"a": 1}', "json", True),
        ('{"a": 1,}', "json", False),
        ('{{/* nothing */}}{"a": }', "json", False),
        ('{"a": }{{ "" }}', "json", True),
        ("  ", "json", False),
        (" \n", "toml", True),
        ("a: [1", "yaml", False),
        ("a: 1", "yaml", True),
        ("a = ", "toml", False),
        ('{"a": ', "go-template", True),
    ],
)
def test_text_that_can_never_be_valid(template, fmt, is_valid):
    assert rules(template, fmt=fmt) == ([] if is_valid else ["invalid-output"])


def test_slots_that_nothing_reads():
    found = warnings("{{ .Bindings.m.ID }}", slots=[CLIENT, CHANNEL], defaults={})

    assert [(warning.code, warning.expression, warning.location) for warning in found] == [
        ("unused-slot", "c", NOWHERE)
    ]


@pytest.mark.parametrize(
    "source",
    ["{{ range .Bindings }}{{ .ID }}{{ end }}", "{{ toJSON .Bindings }}", "{{ (index .Bindings .Vars.a).ID }}"],
)
def test_no_slot_is_unused_where_any_may_be_read(source):
    assert "unused-slot" not in [warning.code for warning in warnings(source, slots=[CLIENT], defaults={"a": "m"})]


def test_defaults_that_nothing_reads():
    found = warnings("{{ .Vars.site }}", slots=[], defaults={"site": "x", "region": "nairobi", "a b": 1})

    assert [(warning.code, warning.expression, warning.location) for warning in found] == [
        ("unused-default", '.Vars["a b"]', NOWHERE),
        ("unused-default", ".Vars.region", NOWHERE),
    ]


@pytest.mark.parametrize(
    "source", ["{{ toJSON .Vars }}", "{{ range .Vars }}{{ . }}{{ end }}", "{{ index .Vars .Device.ID }}"]
)
def test_no_default_is_unused_where_any_may_be_read(source):
    assert warnings(source, slots=[], defaults={"a": 1}) == []


def test_nothing_is_called_unused_where_the_walk_left_something_out():
    source = (
        '{{define "a"}}{{template "a" .x}}{{template "a" .y}}{{end}}{{with index .Vars "n"}}{{template "a" .}}{{end}}'
    )

    assert warnings(source, slots=[CLIENT], defaults={"a": 1}) == []


# The specification's own templates.

SENSOR = (
    '{\n "device_id": "{{ .Device.ID }}",\n "external_id": "{{ .Device.ExternalID }}",\n "site": "{{ .Vars.site }}",\n'
    ' "client_id": "{{ (index .Bindings "mqtt_client").ID }}",\n'
    ' "telemetry_channel": "{{ (index .Bindings "telemetry").ID }}",\n "qos": {{ .Vars.qos }}\n}'
)


def told(found):
    return [(warning.code, warning.location.line, warning.location.column, warning.expression) for warning in found]


def test_the_raspberry_pi_profile():
    slots = [BindingSlot.from_json(slot) for slot in pi.PROFILE["binding_slots"]]

    found = warnings(pi.TEMPLATE, fmt="json", slots=slots, defaults=pi.PROFILE["defaults"])

    assert told(found) == [
        ("quoted-value", 4, 24, ".Device.ExternalID"),
        ("quoted-value", 5, 17, ".Vars.site"),
        ("required-variable", 5, 17, ".Vars.site"),
        ("quoted-value", 6, 19, ".Vars.sensor"),
        ("quoted-value", 10, 17, ".Vars.mqtt_host"),
        ("quoted-value", 12, 22, 'index (index .Bindings "mqtt_client").Snapshot "identity"'),
        ("quoted-value", 13, 26, 'index (index .Bindings "mqtt_client").Secret "secret"'),
        ("unused-slot", 0, 0, "commands"),
    ]


def test_the_mqtt_sensor_profile():
    slots = [
        BindingSlot("mqtt_client", "client", required=True, fields=("id", "name")),
        BindingSlot("telemetry", "channel", required=True, fields=("id", "name")),
    ]

    found = warnings(SENSOR, fmt="json", slots=slots, defaults={"qos": 1, "region": "nairobi"})

    assert told(found) == [
        ("quoted-value", 3, 21, ".Device.ExternalID"),
        ("quoted-value", 4, 14, ".Vars.site"),
        ("required-variable", 4, 14, ".Vars.site"),
        ("unused-default", 0, 0, ".Vars.region"),
    ]


def test_the_small_profiles():
    client = [BindingSlot("mqtt_client", "client", required=True)]
    template = '{ "device_id": "{{ .Device.ID }}", "client_id": "{{ (index .Bindings "mqtt_client").ID }}" }'

    assert told(warnings(template, fmt="json", slots=client, defaults={"qos": 1})) == [
        ("unused-default", 0, 0, ".Vars.qos")
    ]
    assert warnings('{ "device_id": "{{ .Device.ID }}" }', fmt="json", slots=[], defaults={}) == []
    assert warnings("device_id: {{ .Device.ID }}\n", fmt="yaml", slots=[], defaults={}) == []


# What a warning says.


def test_a_warning_says_what_where_and_what_to_do():
    (warning,) = warnings("site: x\n{{ .Vars.mqt }}", slots=[], defaults={"mqtt": 1})[:1]

    assert warning == Diagnostic(
        code="required-variable",
        severity="warning",
        message=(
            "`.Vars.mqt` must be set on every device: the defaults do not have it, and without it the render fails."
        ),
        hint="Set it in the profile's defaults or in every device's render_context; did you mean `mqtt`?",
        location=Location(2, 4, width=9),
        expression=".Vars.mqt",
    )


def test_a_tested_variable_is_told_how_to_ask():
    (warning,) = warnings("{{ if .Vars.site }}x{{ end }}", slots=[], defaults={})

    assert warning.hint.endswith('To ask whether it is set, write `if index .Vars "site"`.')


@pytest.mark.parametrize(
    "source",
    [
        '{{ if eq .Device.ID "x" }}{{ .Vars.a }}{{ end }}',
        "{{ range 2 }}{{ $.Vars.a }}{{ end }}",
        "{{ with .Device.ID }}x{{ else }}{{ .Vars.a }}{{ end }}",
        '{{ define "t" }}{{ .Vars.a }}{{ end }}{{ if .Device.ID }}{{ template "t" . }}{{ end }}',
        "{{ or .Device.ID .Vars.a }}",
    ],
)
def test_a_variable_of_one_part_need_not_be_set_on_every_device(source):
    (warning,) = warnings(source, slots=[], defaults={})

    assert warning.message.startswith("`.Vars.a` must be set on every device that this part is rendered for: ")


@pytest.mark.parametrize(
    "source",
    [
        "{{ if .Device.ID }}{{ .Vars.a }}{{ end }}{{ .Vars.a }}",
        "{{ if .Vars.a }}{{ end }}",
        '{{ define "t" }}{{ .Vars.a }}{{ end }}{{ template "t" . }}',
    ],
)
def test_a_variable_that_is_always_read_must_be_set_on_every_device(source):
    (warning,) = warnings(source, slots=[], defaults={})

    assert warning.message.startswith("`.Vars.a` must be set on every device: ")


def test_an_item_of_the_defaults_that_lacks_a_member_is_told_as_such():
    (warning,) = warnings(
        "{{ range .Vars.items }}{{ .extra }}{{ end }}", slots=[], defaults={"items": DEFAULTS["items"]}
    )

    assert warning.message.startswith("`.Vars.items[].extra` must be set in every item: ")


def test_each_missing_variable_is_told_once():
    found = warnings("{{ .Vars.a }}{{ .Vars.a }}{{ .Vars.b.c }}{{ .Vars.b.d }}", slots=[], defaults={})

    assert [warning.expression for warning in found] == [".Vars.a", ".Vars.b.c"]


def test_a_key_that_moved_is_told_where_it_is():
    (warning,) = (w for w in warnings('{{ index .Bindings.m.Snapshot "secret" }}') if w.code == "missing-snapshot-key")

    assert warning.hint == 'It is in the slot\'s Secret: `index (index .Bindings "m").Secret "secret"`.'


def test_the_mend_of_a_quoted_value_mends_it():
    for action in ('index .Vars "text"', ".Vars.text", 'printf "%s" .Vars.text | html'):
        (warning,) = (w for w in warnings(f'{{"a": "{{{{ {action} }}}}"}}', fmt="json") if w.code == "quoted-value")
        mend = warning.hint.removeprefix("Write ").removesuffix(" without the quotes around it.")

        assert rules(f'{{"a": {mend}}}', fmt="json") == []


@pytest.mark.parametrize(
    ("type_", "fields", "names"),
    [
        ("client", ["identty"], ["identty", "`identity`"]),
        ("channel", ["identity"], ["identity", "topic"]),
        ("channel", ["topic", "secret"], ["secret", "metadata"]),
        ("client", ["Secret"], ["Secret", "`secret`"]),
    ],
)
def test_a_field_that_no_resource_of_the_type_has_is_told_by_its_name(type_, fields, names):
    slot = BindingSlot("s", type_, required=True, fields=tuple(fields))

    (warning,) = [one for one in warnings("{{ .Device.ID }}", slots=[slot]) if one.code == "unknown-field"]

    assert all(name in warning.message + warning.hint for name in names)


def test_fields_that_resources_have_are_no_matter():
    slots = [BindingSlot("a", "client", fields=CLIENT_KEYS), BindingSlot("b", "channel", fields=CHANNEL_KEYS)]

    assert "unknown-field" not in [one.code for one in warnings("{{ .Device.ID }}", slots=slots)]


def test_a_long_expression_is_cut():
    (warning,) = warnings('{{ index .Vars "' + "x" * 10_000 + '" }}', slots=[], defaults={})

    assert len(warning.expression) <= 200
    assert len(warning.message) + len(warning.hint) < 25_000


# The page and the rules agree.

PAGE = Path(lint_module.__file__).parents[2] / "docs" / "lint.md"


def sections():
    """Return the page's text of each rule."""
    _, *parts = re.split(r"^### (.+)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip((name.strip("`") for name in parts[::2]), parts[1::2], strict=True))


def test_the_page_has_every_rule_in_order():
    assert list(sections()) == [rule.id for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_page_says_what_a_rule_is_for(rule):
    section = sections()[rule.id]

    assert rule.reason in section
    assert "Instead of" in section
    assert rule.reason.endswith(".")


@pytest.mark.parametrize("rule", [rule.id for rule in RULES if rule.id not in ABOUT_THE_PROFILE])
def test_the_pages_example_is_found_and_its_mend_is_not(rule):
    bad, good = re.findall(r"```[a-z-]+\n(.*?)```", sections()[rule], flags=re.DOTALL)
    shown = re.search("```([a-z-]+)", sections()[rule])
    assert shown is not None
    fmt = shown[1]

    assert rule in rules(bad, fmt=fmt)
    assert rule not in rules(good, fmt=fmt)


# Lint never fails.


def test_raw_and_empty_and_broken_templates_have_no_warnings():
    assert warnings("{{ .Vars.site }}", fmt="raw") == []
    assert warnings("", fmt="json") == []
    assert warnings(" \n", fmt="yaml", slots=[], defaults={}) == []
    assert warnings("{{ nope }}") == []
    assert warnings("x" * 1_000_000) == []


def test_the_number_of_warnings_is_bounded():
    source = "".join(f'{{{{ .Vars.x{i} }}}}{{{{ index .Vars "y{i}" }}}}{{{{ $z{i} := 1 }}}}' for i in range(180))

    found = warnings(source, slots=[], defaults={})

    assert len(found) == MAX_WARNINGS
    assert len({warning.code for warning in found}) == 3


def test_every_example_template_can_be_linted():
    for line in VECTORS.read_text("utf-8").splitlines():
        vector = json.loads(line)
        for fmt in ("json", "go-template"):
            check(vector["template"], fmt, vector["data"].get("Vars") or {})


def test_any_template_can_be_linted():
    chance = random.Random(20260511)
    for _ in range(400):
        check(random_template(chance), chance.choice(["json", "yaml", "toml", "go-template"]), DEFAULTS)


def check(source, fmt, defaults):
    found = warnings(source, fmt=fmt, defaults=defaults)

    assert found == warnings(source, fmt=fmt, defaults=defaults)
    lines = source.split("\n")
    for warning in found:
        assert warning.code in FOUND
        assert warning.message.endswith("."), warning
        assert warning.hint, warning
        place = warning.location
        assert place == NOWHERE or min(place.line, place.column, place.width) > 0
        assert place.line <= len(lines), source
        assert place.column <= len(lines[place.line - 1]) + 1, source


def test_a_deep_stack_is_no_reason_to_fail():
    def deeper(levels):
        return deeper(levels - 1) if levels else warnings("{{ if (((.Vars.text))) }}" * 30 + "x" + "{{ end }}" * 30)

    for levels in range(600, 960, 20):
        try:
            assert isinstance(deeper(levels), list)
        except RecursionError:
            # The stack ended before lint was called.
            break


def test_threads_do_not_disturb_each_other():
    expected = warnings(pi.TEMPLATE, fmt="json")
    results = []
    threads = [threading.Thread(target=lambda: results.append(warnings(pi.TEMPLATE, fmt="json"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [expected] * 8


@pytest.mark.parametrize(
    "source",
    [
        '{{printf "' + "%d" * 100_000 + '"}}',
        "{{range .Vars.a}}{{range .}}{{range .}}"
        + "".join(f"{{{{.x{i}}}}}" for i in range(1_500))
        + "{{end}}{{end}}{{end}}",
        "".join(f"{{{{.Vars.abcdefghijklmnopqrstuvw{i}}}}}" for i in range(1_500)),
        '{{print "' + "x" * 200_000 + '"}}',
        '"' * 100_000 + "{{.Vars.a}}" + '"' * 100_000,
        "- a: b\n" * 9_000,
    ],
)
def test_large_templates_are_linted_soon(source):
    defaults = {"a": [[[{f"x{i}": 1 for i in range(1_500)}] * 50] * 50] * 50} | {
        f"abcdefghijklmnopqrstuv{i}": 1 for i in range(3_000)
    }
    started = time.process_time()

    warnings(source, fmt="yaml", slots=[], defaults=defaults)

    assert time.process_time() - started < 2.0


def test_the_optional_key_is_left_out_where_the_channel_has_none():
    bare = ChannelResource(id="i", name="n", route="", domain_id="d", metadata={}, status="enabled")

    stored = resolve(BindingSlot("s", "channel"), bare).snapshot

    kind = RESOURCE_KINDS["channel"]
    assert set(kind.snapshot_keys) - stored.keys() == set(kind.optional_keys)


def test_guesses_of_all_rules_together_cost_no_more_than_a_few(monkeypatch):
    compared = []
    ratio = difflib.SequenceMatcher.ratio

    def counted(matcher):
        compared.append(len(matcher.a) * len(matcher.b))
        return ratio(matcher)

    monkeypatch.setattr(difflib.SequenceMatcher, "ratio", counted)
    names = [f"{number:064b}" for number in range(1, 2**24, 2**24 // 1_000)]
    slots = [BindingSlot(name=f"s{name[1:]}", type="client", required=False, fields=None) for name in names[:400]]
    template = "".join(f'{{{{ .Vars.x{name[1:]} }}}}{{{{ index .Bindings "x{name[1:]}" }}}}' for name in names[:300])

    warnings = lint(template, slots=slots, defaults={f"d{name[1:]}": 1 for name in names}, template_format="yaml")

    assert warnings
    assert sum(compared) <= MAX_WORK
