"""Lint is believed: sound templates have no warnings, and each mistake is found at its place."""

import json
import re
from pathlib import Path

import pytest
import yaml

from bootstrap_project.rendering.context import BindingContext, build_context
from bootstrap_project.rendering.errors import RenderError
from bootstrap_project.rendering.lint.lint import lint
from bootstrap_project.rendering.renderer import render
from bootstrap_project.slots import BindingSlot, validate_slots

HERE = Path(__file__).parent
SLOTS = (
    BindingSlot("m", "client", required=True),
    BindingSlot("o", "client"),
    BindingSlot("c", "channel", required=True),
)
DEFAULTS = {
    "text": "abc",
    "port": 8883,
    "ratio": 0.5,
    "on": True,
    "list": ["x", "y"],
    "ports": [1, 2],
    "items": [{"name": "a"}, {"name": "b", "extra": 1}],
    "map": {"host": "h"},
}
ABOUT_THE_PROFILE = {"unused-slot", "unused-default"}
# What is right to be said of texts that stand bare, or between quotes of the template.
ABOUT_TEXTS = {"unquoted-text", "quoted-value"}

SOUND = yaml.safe_load((HERE / "sound.yaml").read_text("utf-8"))
MISTAKES = yaml.safe_load((HERE / "mistakes.yaml").read_text("utf-8"))
PROFILES = sorted((HERE / "profiles").iterdir())


def found(case, *, slots=SLOTS, defaults=DEFAULTS):
    warnings = lint(case["template"], slots=slots, defaults=defaults, template_format=case["format"])
    return [warning for warning in warnings if warning.code not in ABOUT_THE_PROFILE]


def bindings(slots, secret="s3cret"):
    snapshots = {
        "client": {"id": "i", "name": "n", "identity": "y", "domain_id": "d"},
        "channel": {"id": "i", "name": "n", "topic": "t", "domain_id": "d"},
    }
    secrets = {"client": {"secret": secret}, "channel": {}}
    return {s.name: BindingContext(s.type, f"id-{s.name}", snapshots[s.type], secrets[s.type]) for s in slots}


def search(pattern, text):
    match = re.search(pattern, text)
    assert match is not None
    return match


def rendered(template, template_format, *, slots=SLOTS, defaults=DEFAULTS, secret="s3cret", external_id="e-1234"):
    context = build_context(
        config_id="config", external_id=external_id, domain_id="domain", defaults=defaults, render_context={},
        bindings=bindings(slots, secret),
    )  # fmt: skip
    return render(template_format=template_format, content_template=template, context=context)


def test_the_corpora_are_large_enough():
    assert len(SOUND) >= 60
    assert len(MISTAKES) >= 40


@pytest.mark.parametrize("case", SOUND, ids=lambda case: case["template"][:60])
def test_nothing_is_said_of_a_template_that_renders_on_every_device(case):
    required = tuple(slot for slot in SLOTS if slot.required)
    for slots in (SLOTS, required):
        rendered(case["template"], case["format"], slots=slots)

    assert found(case) == []


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case["template"][:60])
def test_a_mistake_is_found_at_its_place(case):
    line, column = case["at"]
    if "column_of" in case:
        column = (
            case["template"].split("\n")[line - 1].index(case["column_of"]) + 1 + 3 * case["column_of"].startswith("{{")
        )

    warnings = found(case)

    assert [(one.code, one.location.line, one.location.column) for one in warnings] == [(case["rule"], line, column)]
    assert len(warnings[0].message) + len(warnings[0].hint) < 400


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_of_an_operators_profile_bare_texts_alone_are_told(path):
    profile = yaml.safe_load(path.read_text("utf-8"))
    slots = validate_slots(profile.get("binding_slots", []))
    case = {"template": profile["content_template"], "format": profile["template_format"]}

    warnings = lint(case["template"], slots=slots, defaults=profile["defaults"], template_format=case["format"])

    assert rendered(case["template"], case["format"], slots=slots, defaults=profile["defaults"])
    warnings = [one for one in warnings if one.code not in ABOUT_THE_PROFILE]
    assert {one.code for one in warnings} <= ABOUT_TEXTS
    expected = json.loads((HERE / "profiles.json").read_text("utf-8"))[path.name]
    assert [[one.code, one.location.line, one.expression] for one in warnings] == expected


ODD = [
    "#hash", "x #y", "!hx@5", "null", "~", "{a}", " x ", "1234567890", "0755", "yes", "2024-01-01", '"q"', "|", "=",
    "<<", "p: x", "a: b", "a:", "- a", "?", "*x", "&$a", "[x", "'", "%x", "@x", "`x", ",W(/@6", "a\nb", "\tx", "it's",
    'a"b', "C:\\new", "é😀", "x:y", "1e3", "0x1F", "true", ".inf", "",
]  # fmt: skip


@pytest.mark.parametrize("secret", ODD)
@pytest.mark.parametrize(
    ("template", "template_format"),
    [
        ("a: {{ .Bindings.m.Secret.secret }}\n", "yaml"),
        ("a: [{{ .Bindings.m.Secret.secret }}]\n", "yaml"),
        ("a: {b: {{ .Bindings.m.Secret.secret }}, c: 1}\n", "yaml"),
        ("- {{ .Bindings.m.Secret.secret }}\n", "yaml"),
        ("a: {{ .Bindings.m.Secret.secret }}:{{ .Vars.port }}\n", "yaml"),
        ("a: x {{ .Bindings.m.Secret.secret }}\n", "yaml"),
        ("a: '{{ .Bindings.m.Secret.secret }}'\n", "yaml"),
        ('{"a": {{ .Bindings.m.Secret.secret }}}', "json"),
        ('{"a": "{{ .Bindings.m.Secret.secret }}"}', "json"),
    ],
)
def test_the_advice_is_right_for_every_secret(template, template_format, secret):
    (warning,) = found({"template": template, "format": template_format})
    advice = search(r"\{\{.*?\}\}", warning.hint)[0]
    whole = re.compile(r"""'\{\{.*?\}\}'|"\{\{.*?\}\}"|(?:x )?\{\{.*?\}\}(?::\{\{.*?\}\})?""")
    mended = whole.sub(lambda _: advice, template, count=1)

    assert found({"template": mended, "format": template_format}) == []
    text = rendered(mended, template_format, secret=secret)
    document = yaml.safe_load(text) if template_format == "yaml" else json.loads(text)
    expected = f"{secret}:8883" if ":{{" in template else f"x {secret}" if "x {{" in template else secret
    assert expected in leaves(document)


def leaves(value):
    if isinstance(value, dict | list):
        return [leaf for one in (value.values() if isinstance(value, dict) else value) for leaf in leaves(one)]
    return [value]


def test_most_odd_secrets_would_arrive_wrong_without_quotes():
    """The warning is true: of these secrets most are something else to a reader, or stop the render."""
    wrong = 0
    for secret in ODD:
        try:
            wrong += (
                yaml.safe_load(rendered("a: {{ .Bindings.m.Secret.secret }}\n", "yaml", secret=secret))["a"] != secret
            )
        except (RenderError, yaml.YAMLError):
            wrong += 1

    assert wrong > len(ODD) // 2


@pytest.mark.parametrize(
    ("template", "template_format", "value"),
    [
        ("l: {{ .Vars.list }}\n", "yaml", ["x", "y"]),
        ('{"l": {{ .Vars.map }}}', "json", {"host": "h"}),
        ('{"l": "{{ toJSON .Vars.map }}"}', "json", '{"host":"h"}'),
        ('l: "{{ toJSON .Vars.map }}"\n', "yaml", '{"host":"h"}'),
        ('{"l": "{{ toJSON .Vars.text }}"}', "json", "abc"),
    ],
)
def test_the_advice_on_lists_maps_and_their_json_is_right(template, template_format, value):
    (warning,) = found({"template": template, "format": template_format})

    advice = re.search(r"\{\{.*?\}\}", warning.hint)
    mended = re.sub(r'"?(\{\{.*?\}\})"?', lambda match: advice[0] if advice else match[1], template, count=1)
    if template.startswith('{"l": "'):
        mended = re.sub(r'"\{\{.*\}\}"', lambda match: advice[0] if advice else match[0][1:-1], template)

    text = rendered(mended, template_format)
    assert found({"template": mended, "format": template_format}) == []
    assert (yaml.safe_load(text) if template_format == "yaml" else json.loads(text))["l"] == value


def test_json_as_a_text_in_yaml_is_never_told_to_lose_its_quotes():
    for quote in "'\"":
        for warning in found({"template": f"value: {quote}{{{{ toJSON .Vars.map }}}}{quote}\n", "format": "yaml"}):
            assert "Remove" not in warning.hint


@pytest.mark.parametrize(
    ("template", "hint"),
    [
        ("{{ range .Vars.list }}{{ .Vars.text }}{{ end }}", "Write `$.Vars.text`."),
        ("{{ with .Vars.map }}{{ .Device.ID }}{{ end }}", "Write `$.Device.ID`."),
        (
            "{{ with .Bindings.m }}{{ .Vars.text }}{{ .ID }}{{ end }}",
            "Write `$.Vars.text`: dot is something else here.",
        ),
        (
            '{{ define "x" }}{{ .Vars.text }}{{ end }}{{ template "x" }}',
            'Call the template with a dot: `{{ template "x" . }}`.',
        ),
        (
            '{{ define "x" }}{{ .Vars.text }}{{ end }}{{ range 2 }}{{ template "x" }}{{ end }}',
            'Call the template with a dot: `{{ template "x" $ }}`.',
        ),
        ('{{ if eq .Vars.port "1883" }}x{{ end }}', "Write `eq .Vars.port 1883`."),
        ("{{ if eq .Vars.text 5 }}x{{ end }}", 'Write `eq .Vars.text "5"`.'),
        ('{{ if eq "true" .Vars.on }}x{{ end }}', "Write `eq true .Vars.on`."),
        ('{{ index .Vars.list "0" }}', "Write `index .Vars.list 0`."),
    ],
)
def test_what_a_warning_says_to_write_renders_and_is_not_told(template, hint):
    (warning,) = found({"template": template, "format": "go-template"})
    assert warning.hint == hint
    advice = search(r"`(?:\{\{ )?(.*?)(?: \}\})?`", hint)[1]
    wrong = search(r'template "x"(?= \}\})', template)[0] if advice.startswith("template") else warning.expression

    mended = template.replace(wrong, advice)

    assert found({"template": mended, "format": "go-template"}) == []
    rendered(mended, "go-template")
