"""What log and attempts say of a failed rendering: the same, whatever the secret is (docs/contract.md#k4, #k12)."""

import itertools
import json
import logging

import pytest
import yaml

from bootstrap_project.documents import yaml_events
from bootstrap_project.documents.yaml import check as check_yaml
from bootstrap_project.rendering.context import BindingContext, build_context
from bootstrap_project.rendering.errors import RenderError
from bootstrap_project.rendering.renderer import render
from bootstrap_project.rendering.turns import Turns
from devices.attempts import recorder
from devices.models import BootstrapAttempt
from enrollments.previews.device import preview_device
from tests.devices.conftest import make_pi
from tests.support.rows import make_binding

S = ".Bindings.mqtt.Secret.secret"
#: Ways to make another text of a secret.
MADE = [
    S,
    f'(printf "%x" {S})',
    f'(printf "%X" {S})',
    f'(printf "% x" {S})',
    f'(printf "%q" {S})',
    f'(printf "%.3s" {S})',
    f'(printf "%#v" {S})',
    f'(printf "%40s" {S})',
    f"(slice {S} 0 1)",
    f'(print (slice {S} 0 1) "-" (slice {S} 1))',
    f"(print (index {S} 0))",
    f'(printf "%b" (index {S} 0))',
    f'(printf "%c" (index {S} 0))',
    f'(printf "%U" (index {S} 0))',
    f"(urlquery {S})",
    f"(html {S})",
    f"(js {S})",
    f"(toJSON {S})",
    f"(print (len {S}))",
    f'(print (eq {S} "ab"))',
    "(print .Bindings.mqtt)",
    "(toJSON .Bindings.mqtt.Secret)",
]
#: Ways to have it quoted in an error; `index` and `slice` count in bytes.
FAILING = [
    '{{{{ required {0} "" }}}}',
    "{{{{ required {0} .Vars.nil }}}}",
    '{{{{ "" | required {0} }}}}',
    "{{{{ $k := {0} }}}}{{{{ required $k .Vars.nil }}}}",
    "{{{{ call {0} }}}}",
    "{{{{ $k := {0} }}}}{{{{ $k | call }}}}",
    "{{{{ {0} | call }}}}",
    "{{{{ printf {0} .Vars.nil }}}}",
    '{{{{ printf (print "%" {0}) .Vars.nil }}}}',
    '{{{{ printf (print "%" {0}) }}}}',
    '{{{{ printf (print "%!" {0}) 1 }}}}',
    '{{{{ printf "%d" {0} }}}}',
    '{{{{ printf "%s" 1 {0} }}}}',
    "{{{{ index .Vars {0} }}}}",
    "{{{{ index .Vars.list {0} }}}}",
    "{{{{ index .Vars.rows 0 {0} {0} }}}}",
    "{{{{ .Vars.missing }}}}{{{{ {0} }}}}",
    "{{{{ index .Vars {0} | required {0} }}}}",
    "{{{{ eq {0} 1 }}}}",
    "{{{{ lt .Vars {0} }}}}",
    "{{{{ eq .Vars.rows .Vars {0} }}}}",
    "{{{{ range {0} }}}}{{{{ end }}}}",
    "{{{{ range $i, $v := {0} }}}}{{{{ end }}}}",
    "{{{{ with {0} }}}}{{{{ .field }}}}{{{{ end }}}}",
    '{{{{ define "t" }}}}{{{{ required . "" }}}}{{{{ end }}}}{{{{ template "t" {0} }}}}',
]
#: A byte of a secret is a number.
BYTES = [
    "{{ index .Vars.list (index " + S + " 0) }}",
    "{{ slice .Vars.list (index " + S + " 0) }}",
    "{{ slice .Vars.site (index " + S + " 0) }}",
    "{{ slice .Vars.list 1 (index " + S + " 0) }}",
    "{{ index " + S + " (index " + S + " 0) }}",
    "{{ range $i, $v := index " + S + " 0 }}{{ end }}",
    '{{ printf "%s" (index ' + S + " 0) }}",
    '{{ printf "%*d" (index ' + S + ' 0) "x" }}',
    "{{ len (index " + S + " 0) }}",
    "{{ (index " + S + " 0).field }}",
    "{{ template " + '"gone" (index ' + S + " 0) }}",
]
TEMPLATES = [form.format(made) for form, made in itertools.product(FAILING, MADE)] + BYTES
#: Of three lengths, the shortest ones included, which no search would find.
SECRETS = [("x", "q"), ("abc", "zQ!"), ("hunter2-the-secret-one", "s3cr3t+other&the<1>'22")]


@pytest.fixture
def own_recorder(settings):
    """The process's recorder, fresh and thrown away."""
    recorder._recorder = None
    settings.ATTEMPT_FLUSH_SECONDS = 0
    yield settings
    recorder.stop()


def said(template, secret, *, template_format="go-template", explain=False):
    binding = BindingContext(Type="client", ID="c", Snapshot={"id": "c"}, Secret={"secret": secret})
    context = build_context(
        config_id="config",
        external_id="external",
        domain_id="domain",
        defaults={"site": "hall", "nil": None, "list": [1, 2], "rows": [{"row": 1}], "sites": 1, "abd": 2},
        render_context={},
        bindings={"mqtt": binding},
    )
    try:
        render(template_format=template_format, content_template=template, context=context, explain=explain)
    except RenderError as error:
        cause = error.__cause__
        return f"{type(error).__name__} {error} {getattr(cause, 'hint', '')} {getattr(cause, 'reason', '')}"
    return "rendered"


@pytest.mark.parametrize("explain", [False, True])
@pytest.mark.parametrize("pair", SECRETS)
def test_an_error_is_the_same_whatever_the_secret_is(pair, explain):
    # Whether a value is missing at all may depend on a format, and is told to who may see secrets.
    templates = [one for one in TEMPLATES if not (explain and one.startswith("{{ printf") and ".Vars.nil" in one)]
    different = {
        template: answers
        for template in templates
        if len(answers := {said(template, secret, explain=explain) for secret in pair}) > 1
    }

    assert not different


def test_the_templates_fail_as_they_are_meant_to():
    failed = [template for template in TEMPLATES if said(template, "hunter2-the-secret") != "rendered"]

    assert len(failed) > 0.75 * len(TEMPLATES)


def test_the_words_of_the_template_are_told():
    assert 'required value "site" is not set' in said('{{ required "site" "" }}', "secret")
    assert "%d does not fit" in said('{{ printf "%d" "x" }}', "secret")
    assert f"<required {S} " in said("{{ required " + S + ' "" }}', "secret").replace("&#34;", '"')


BROKEN = {
    "json": ["{0}", '"{0}', '{{"{0}" 1}}', "[1, {0}]", '"\\{0}"', "{{{0}}}"],
    "toml": ["{0}", "a = {0}", "[{0}", 'a = "\\{0}"', "{0} = 1\n{0} = 2", "[[{0}]]\n[{0}]", "a.{0} = \n"],
    "yaml": [
        *["*{0}", "a: [{0}", "%{0}", "!{0}!x y", '"\\{0}"', "@{0}", "'{0}", "|{0}", "%YAML {0}", "a: {0}: c"],
        *["{0}: 1\n{0}: 2", "? [{0}\n- x", "&{0} &{0} x", "a: `{0}", "!<{0}", "%TAG !{0}! a\n%TAG !{0}! b\n--- x"],
    ],
}


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
@pytest.mark.parametrize("pair", [("qx", "zy"), ("qxj", "zyk"), ("qxjfoo", "zykwoo")])
def test_a_text_that_breaks_its_format_is_not_quoted(monkeypatch, loader, pair):
    # Loaded before its loader is another.
    check_yaml("a: 1")
    monkeypatch.setattr(yaml_events, "FAST_LOADER", getattr(yaml, loader))

    for template_format, forms in BROKEN.items():
        for form in forms:
            template = form.format("{{ " + S + " }}").replace("{{{{", "{{ `{` }}{{")
            answers = {said(template, secret, template_format=template_format) for secret in pair}
            assert len(answers) == 1, answers


@pytest.mark.django_db(transaction=True)
def test_neither_log_nor_attempt_nor_preview_depends_on_the_secret(own_recorder, ask, caplog):
    template = "{{ required (printf `%x` .Bindings.mqtt.Secret.secret) `` }}"
    config = make_pi(template_format="go-template", content_template=template)
    logged, shown = set(), set()

    for secret in ("abc", "hunter2-the-secret"):
        config.bindings.filter(slot="mqtt").delete()
        make_binding(config=config, slot="mqtt", resource_id="c", snapshot={"id": "c"}, secret={"secret": secret})
        caplog.clear()
        with caplog.at_level(logging.DEBUG):
            assert ask().status_code == 422
        (record,) = [record for record in caplog.records if hasattr(record, "reason")]
        logged.add(record.reason)
        assert secret.encode().hex() not in json.dumps([str(vars(record)) for record in caplog.records])
        preview = preview_device(config.pk, may_reveal=True)
        shown.add(str((preview.failure, preview.todo, preview.problems, preview.remark)))

    assert recorder._make().flush()
    assert len(logged) == len(shown) == 1
    assert "required value is not set" in logged.pop()
    stored = str(list(BootstrapAttempt.objects.values_list()))
    assert b"hunter2".hex() not in stored


def test_a_device_whose_domain_owes_and_finds_no_turn_is_told_to_come_back(ask, pi, caplog, monkeypatch):
    monkeypatch.setattr(Turns, "owes", lambda _self, domain_id: domain_id == pi.domain_id)
    monkeypatch.setattr("bootstrap_project.rendering.turns.MAX_WAITING", 0)
    monkeypatch.setattr("bootstrap_project.rendering.turns.ACTIVE_SECONDS", float("inf"))

    with caplog.at_level(logging.INFO):
        response = ask()

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    (record,) = [record for record in caplog.records if hasattr(record, "reason")]
    assert "no turn" in record.reason


def test_a_device_whose_domain_owes_gets_its_configuration_at_its_turn(ask, pi, monkeypatch):
    monkeypatch.setattr(Turns, "owes", lambda _self, _domain_id: True)
    monkeypatch.setattr("bootstrap_project.rendering.turns.ACTIVE_SECONDS", float("inf"))

    assert ask().status_code == 200
