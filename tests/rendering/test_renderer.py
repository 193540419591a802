"""From template and data to the device's text: formats, strict mode, numbers (docs/contract.md#d, #k4 and #k14)."""

from __future__ import annotations

import json
import tomllib

import pytest
import yaml

from bootstrap_project.rendering.context import BindingContext, build_context
from bootstrap_project.rendering.errors import OutputInvalid, RenderError, TemplateFailed, TemplateInvalid
from bootstrap_project.rendering.formats import check_output
from bootstrap_project.rendering.renderer import render, validate_template

SECRET = "hunter2-the-secret"


def context(variables=None, *, defaults=None, bindings=None):
    return build_context(
        config_id="config-id",
        external_id="external-id",
        domain_id="domain-id",
        defaults=defaults or {},
        render_context=variables or {},
        bindings=bindings or {},
    )


def bound(**snapshot):
    return BindingContext(Type="client", ID="resource-id", Snapshot=snapshot, Secret={"secret": SECRET, "n": 77531})


def rendered(template, variables=None, template_format="go-template", **more):
    return render(template_format=template_format, content_template=template, context=context(variables, **more))


def failure(template, variables=None, template_format="go-template", **more):
    with pytest.raises(RenderError) as failed:
        rendered(template, variables, template_format, **more)
    return failed.value


# Formats: the bytes never change, the grammar is strict.

VALID = {
    "json": [
        '{"a":1}',
        ' {\n\t"b" : [1.50, 1e3, "\\u00e9 \\/ é"],\r\n "a": null , "a": 2}\n\n',
        '"text"',
        "0",
        "null",
        "[]",
        '{"big": 123456789012345678901234567890}',
    ],
    "yaml": [
        "a: 1\n",
        "# c\nb:   [ 1,2 ]\n\n\na: 'x'   \n",
        "text",
        "",
        "---\na: 1\n---\nb: 2\n",
        "&a {b: *a}",
        "x: !!binary aGk=",
        "{a: 1, b: {a: 1}}",
        "a: &x {b: 1}\nc: *x\n",
    ],
    "toml": ["a = 1\n", '# c\r\n[t]\r\nb   =  "x"\r\n', "", "d = 2026-05-05", "x = [1, 'a', {b = 1.50}]"],
    "go-template": ["", "{", "\x01 anything \U0001f600", "  \r\n "],
}


@pytest.mark.parametrize(("template_format", "text"), [(kind, text) for kind, texts in VALID.items() for text in texts])
def test_a_valid_output_comes_out_to_the_byte(template_format, text):
    assert rendered(text, template_format=template_format) == text


INVALID = {
    "json": [
        "",
        " ",
        "{",
        "{'a': 1}",
        '{"a": 1,}',
        "[1 2]",
        "01",
        "+1",
        ".5",
        "1.",
        "NaN",
        "[Infinity]",
        "-Infinity",
        "True",
        '"a\nb"',
        '"\\x"',
        "{} {}",
        "// c\n{}",
        "\ufeff{}",
        "a: 1",
        "[" * 100_000,
    ],
    "yaml": [
        "a: [",
        "a: b: c",
        "\t- a",
        "a: 'x",
        "*nowhere",
        "- a\nb: c",
        "{a",
        "%YAML 9.9.9\n---\n@",
        "a: \x01",
        "- {a: {b: 1, 'b': 2}}",
    ],
    "toml": [
        "a",
        "a = ",
        "a = 1\na = 2",
        "[t]\n[t]",
        "a = 'x",
        "{}",
        '"a": 1',
        "a = 01",
        "a = [{b = -9223372036854775809}]",
        "a = 2026-13-45",
        "a = " + "[" * 10_000,
    ],
}


@pytest.mark.parametrize(
    ("template_format", "text"),
    [
        ("yaml", "a: [" + "x," * 20_000 + "]"),
        ("yaml", "".join(f"k{number}: v\n" for number in range(10_001))),
        ("toml", "".join(f"[{'a.' * 60}b{number}]\n" for number in range(400))),
        ("toml", "".join(f"k{number}=1\n" for number in range(20_001))),
    ],
    ids=["items", "keys", "tables", "settings"],
)
def test_so_many_values_that_others_would_wait_for_them_are_refused(template_format, text):
    with pytest.raises(OutputInvalid, match=r"too large for (YAML|TOML): it has more than 20000"):
        check_output(template_format, text)


def test_a_loop_up_to_a_number_beyond_all_memory_ends_with_its_budget():
    with pytest.raises(TemplateFailed):
        rendered("{{ range .Vars.x }}a{{ end }}", {"x": 10**30})


@pytest.mark.parametrize(
    ("template_format", "text"),
    [
        ("yaml", "a: |\n" + "  one, two: [three]\n" * 20_000),
        ("yaml", 'a: "' + "one, " * 50_000 + '"'),
        ("yaml", "".join(f"k{number}: v\n" for number in range(9_900))),
        ("toml", "a = '''\n" + "one = [2.0, 3]\n" * 20_000 + "'''"),
        ("toml", "".join(f"k{number}=1\n" for number in range(20_000))),
        ("json", "[" + "1," * 100_000 + "1]"),
    ],
    ids=["yaml block", "yaml text", "yaml keys", "toml text", "toml keys", "json"],
)
def test_signs_within_texts_and_thousands_of_values_are_no_matter(template_format, text):
    check_output(template_format, text)


@pytest.mark.parametrize(
    ("template_format", "text"),
    [(kind, text) for kind, texts in INVALID.items() for text in texts],
    ids=lambda value: value[:20],
)
def test_an_output_that_is_not_of_its_format_is_refused(template_format, text):
    error = failure(text, template_format=template_format)

    assert isinstance(error, OutputInvalid)
    assert f"not valid {template_format.upper()}" in error.message
    assert rendered(text) == text


def test_a_raw_profile_is_given_out_as_it_is():
    for text in ("{{ .Vars.missing }}", "{{ if", "", "{{ `"):
        assert rendered(text, template_format="raw") == text


def test_all_formats_agree_on_one_document():
    variables = {"text": 'quotes " and \\ and <é> \u2028', "number": 3}

    for template_format, template, load in (
        ("json", '{"text": {{ toJSON .Vars.text }}, "number": {{ .Vars.number }}}', json.loads),
        ("yaml", "text: {{ toJSON .Vars.text }}\nnumber: {{ .Vars.number }}\n", yaml.safe_load),
        ("toml", "text = {{ toJSON .Vars.text }}\nnumber = {{ .Vars.number }}\n", tomllib.loads),
    ):
        assert load(rendered(template, variables, template_format)) == variables


def test_a_quote_in_a_value_breaks_json_and_the_error_says_how_to_write_it():
    error = failure('{"a": "{{ .Vars.a }}"}', {"a": f'"{SECRET}'}, "json")

    assert "toJSON" in error.detail
    assert "line 1, column" in error.detail
    assert SECRET not in str(error)


# The data.


def test_the_context_has_the_device_its_variables_and_its_bindings():
    template = "{{ .Device.ID }} {{ .Device.ExternalID }} {{ .Device.DomainID }} {{ .Vars.a }} {{ .Bindings.m.ID }}"

    assert rendered(template, {"a": 1}, bindings={"m": bound()}) == "config-id external-id domain-id 1 resource-id"


def test_the_devices_variables_win_over_the_profiles_key_by_key_and_not_deeper():
    defaults = {"a": "profile", "b": "profile", "deep": {"x": 1, "y": 2}}
    variables = {"b": "device", "deep": {"x": 3}}

    assert rendered("{{ .Vars.a }} {{ .Vars.b }}", variables, defaults=defaults) == "profile device"
    assert rendered("{{ toJSON .Vars.deep }}", variables, defaults=defaults) == '{"x":3}'


def test_rendering_changes_nothing_of_its_data():
    variables, defaults = {"a": [3, 1, 2], "b": {"c": 2**70}}, {"d": {"e": [1]}}
    before = json.dumps([variables, defaults])

    rendered("{{ range .Vars.a }}{{ . }}{{ end }}{{ toJSON .Vars }}", variables, defaults=defaults)

    assert json.dumps([variables, defaults]) == before


# Strict mode: missing data never reaches a device.


@pytest.mark.parametrize(
    "template",
    [
        "{{ .Vars.missing }}",
        "{{ .Bindings.missing }}",
        "{{ .Bindings.m.Snapshot.missing }}",
        "{{ .Bindings.m.Secret.missing }}",
        "{{ if .Vars.missing }}{{ end }}",
        "{{ with .Vars.missing }}{{ end }}",
        "{{ range .Vars.missing }}{{ end }}",
        '{{ .Vars.missing | default "d" }}',
        '{{ index .Vars "missing" }}',
        '{{ index .Bindings.m.Snapshot "missing" }}',
        '{{ index .Bindings.m.Secret "missing" }}',
        "{{ .Vars.null }}",
        '{{ index .Vars "missing" | required "the name" }}',
        '{{ index .Vars "missing" "deeper" }}',
        "{{ .Vars.text.deeper }}",
        "{{ .Device.Missing }}",
        "{{ .Bindings.m.Name }}",
        "{{ .Missing }}",
        "{{ .Device.id }}",
        '{{ template "missing" }}',
        '{{ printf "%d" .Vars.text }}',
        '{{ printf "%s" }}',
        '{{ printf "%s" .Vars.text .Vars.text }}',
        '{{ printf "%z" .Vars.text }}',
        "{{ print .Vars.null }}",
    ],
)
def test_what_is_not_there_fails_with_its_place(template):
    error = failure(f"line one\n  {template}", {"null": None, "text": "t", "list": [1, None]}, bindings={"m": bound()})

    assert isinstance(error, TemplateFailed)
    assert ":2:" in error.detail


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('{{ index .Vars "missing" | default "d" }}', "d"),
        ('{{ index .Vars "null" | default "d" }}', "d"),
        ('{{ "" | default "d" }}', "d"),
        ('{{ 0 | default "d" }}{{ false | default "d" }}', "0false"),
        ('{{ index .Vars "a" | required "a" }}', "1"),
        ('{{ (index .Bindings "missing").ID }}', ""),
        ('{{ if (index .Bindings "missing").ID }}bound{{ else }}free{{ end }}', "free"),
        ('{{ if index .Vars "missing" }}yes{{ else }}no{{ end }}', "no"),
        ("{{ toJSON .Vars.null }}", "null"),
        ("{{ .Vars.empty }}", ""),
    ],
)
def test_what_may_be_missing_can_be_written_so(template, text):
    assert rendered(template, {"a": 1, "null": None, "empty": ""}) == text


# Numbers.


@pytest.mark.parametrize(
    ("value", "printed", "as_json"),
    [
        (1, "1", "1"),
        (-3, "-3", "-3"),
        (8883, "8883", "8883"),
        (100000, "100000", "100000"),
        (1000000, "1000000", "1000000"),
        (1715940000, "1715940000", "1715940000"),
        (9007199254740993, "9007199254740993", "9007199254740993"),
        (2**63 - 1, "9223372036854775807", "9223372036854775807"),
        (-(2**63), "-9223372036854775808", "-9223372036854775808"),
        (2**63, "9223372036854775808", "9223372036854775808"),
        (2**64 - 1, "18446744073709551615", "18446744073709551615"),
        (-(10**24), "-1000000000000000000000000", "-1000000000000000000000000"),
        (1.5, "1.5", "1.5"),
        (0.1, "0.1", "0.1"),
        (1.0, "1", "1"),
        (1e6, "1e+06", "1000000"),
        (1e21, "1e+21", "1e+21"),
        (0.00001, "1e-05", "0.00001"),
        (True, "true", "true"),
        (False, "false", "false"),
        ([1, "a"], "[1 a]", '[1,"a"]'),
        ({"b": 1, "a": "z"}, "map[a:z b:1]", '{"a":"z","b":1}'),
    ],
    ids=repr,
)
def test_a_value_prints_as_go_prints_it(value, printed, as_json):
    assert rendered("{{ .Vars.x }}", {"x": value}) == printed
    assert rendered("{{ toJSON .Vars.x }}", {"x": value}) == as_json


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ eq .Vars.i 1 }}", "true"),
        ("{{ eq .Vars.i 1.0 }}", "true"),
        ("{{ eq .Vars.f 1 }}", "true"),
        ("{{ lt .Vars.i 1.5 }}{{ gt .Vars.h 2 }}{{ ge .Vars.i .Vars.f }}", "truetruetrue"),
        ('{{ printf "%d" .Vars.i }}', "1"),
        ('{{ printf "%.1f" .Vars.i }}', "1.0"),
        ('{{ printf "%.2f" .Vars.h }}', "2.50"),
        ("{{ index .Vars.list .Vars.i }}", "b"),
        ("{{ eq .Vars.big 9007199254740992.0 }}", "false"),
    ],
)
def test_whole_numbers_and_floats_work_together(template, text):
    variables = {"i": 1, "f": 1.0, "h": 2.5, "list": ["a", "b"], "big": 9007199254740993}

    assert rendered(template, variables) == text


def test_a_number_too_large_for_a_float_fails_or_prints_but_never_breaks():
    variables = {"x": 10**400}

    for template in ("{{ .Vars.x }}", "{{ toJSON .Vars.x }}", "{{ eq .Vars.x 1 }}"):
        try:
            rendered(template, variables)
        except RenderError:
            continue


def test_html_characters_are_escaped_in_json_and_nowhere_else():
    assert rendered("{{ .Vars.x }} {{ toJSON .Vars.x }}", {"x": "<&>"}) == '<&> "\\u003c\\u0026\\u003e"'


# Errors never tell values.

LEAKY = [
    '{{ printf "%d" .Bindings.m.Secret.secret }}',
    '{{ printf "%s" .Bindings.m.Secret.n }}',
    '{{ printf "%z" .Bindings.m.Secret.secret }}',
    '{{ printf "%[5]s" .Bindings.m.Secret.secret }}',
    '{{ printf "x" .Bindings.m.Secret.secret }}',
    "{{ printf .Bindings.m.Secret.secret 1 }}",
    "{{ eq .Bindings.m.Secret.secret 1 }}",
    "{{ lt .Bindings.m.Secret 1 }}",
    "{{ eq .Bindings.m.Secret .Bindings.m.Secret }}",
    "{{ index .Vars .Bindings.m.Secret.n }}",
    "{{ index .Vars .Bindings.m.Secret.secret .Bindings.m.Secret.secret }}",
    "{{ index .Vars.list .Bindings.m.Secret.n }}",
    "{{ index .Bindings.m.Secret.secret .Bindings.m.Secret.n }}",
    "{{ slice .Bindings.m.Secret.secret .Bindings.m.Secret.n }}",
    "{{ slice .Vars.list .Bindings.m.Secret.n }}",
    "{{ len .Bindings.m.Secret.n }}",
    "{{ call .Bindings.m.Secret.secret }}",
    "{{ .Bindings.m.Secret.secret.deeper }}",
    "{{ range .Bindings.m.Secret.secret }}{{ end }}",
    "{{ required .Bindings.m.Secret.secret .Vars.null }}",
    '{{ required .Bindings.m.Secret.secret "" }}',
    "{{ .Bindings.m.Secret.secret }}{{ .Vars.missing }}",
    "{{ with .Bindings.m.Secret }}{{ .missing }}{{ end }}",
    "{{ range $k, $v := .Bindings.m.Secret }}{{ index $.Vars.list $v }}{{ end }}",
    '{{ define "t" }}{{ .missing.deeper }}{{ end }}{{ template "t" .Bindings.m.Secret }}',
    "{{ not .Bindings.m.Secret.secret .Bindings.m.Secret.secret }}",
    "{{ urlquery .Bindings.m.Secret .Vars.missing }}",
    "{{ html .Vars.null }}",
]


@pytest.mark.parametrize("template", LEAKY)
def test_an_error_of_a_template_never_quotes_a_value(template):
    said = attempt(template, {"null": None, "list": [1]}, bindings={"m": bound(name="n")})

    assert SECRET not in said
    assert "77531" not in said


def attempt(template, variables=None, template_format="go-template", **more):
    """Render, and return what the error says if there is one."""
    try:
        rendered(template, variables, template_format, **more)
    except RenderError as error:
        return f"{error} {error.message} {error.detail}"
    return ""


def test_a_secret_is_in_no_error_however_it_would_be_quoted():
    secret = 'quo"ted\\ sécret'
    binding = BindingContext(Type="client", ID="r", Snapshot={}, Secret={"secret": {"deep": [secret]}})
    template = "{{ required (index .Bindings.m.Secret.secret.deep 0) .Vars.null }}"

    said = attempt(template, {"null": None}, bindings={"m": binding})

    assert "required value is not set" in said
    assert "ted" not in said.replace("executed", "").replace("printed", "")


@pytest.mark.parametrize(
    ("template_format", "template"),
    [
        ("json", "{{ .Bindings.m.Secret.secret }}"),
        ("json", '{"a": "{{ .Bindings.m.Secret.secret }}'),
        ("json", '{"{{ .Bindings.m.Secret.secret }}" 1}'),
        ("yaml", "a: [{{ .Bindings.m.Secret.secret }}"),
        ("yaml", "a: *{{ .Bindings.m.Secret.secret }}"),
        ("yaml", "&{{ .Bindings.m.Secret.secret }} &{{ .Bindings.m.Secret.secret }} a"),
        ("yaml", "a: !{{ .Bindings.m.Secret.secret }}!x y"),
        ("yaml", "%{{ .Bindings.m.Secret.secret }}"),
        ("yaml", "%YAML {{ .Bindings.m.Secret.secret }}"),
        ("toml", "{{ .Bindings.m.Secret.secret }}"),
        ("toml", "a = {{ .Bindings.m.Secret.secret }}"),
        ("toml", "[{{ .Bindings.m.Secret.secret }}]\n[{{ .Bindings.m.Secret.secret }}]"),
        ("toml", "{{ .Bindings.m.Secret.secret }} = 1\n{{ .Bindings.m.Secret.secret }} = 2"),
        ("toml", 'a = "\\{{ .Bindings.m.Secret.secret }}"'),
    ],
)
def test_an_error_of_the_output_never_quotes_it(template_format, template):
    assert SECRET not in attempt(template, template_format=template_format, bindings={"m": bound()})


def test_the_context_keeps_secrets_out_of_its_repr():
    assert SECRET not in repr(context(bindings={"m": bound()}))


# Bounds.


@pytest.mark.parametrize(
    "template",
    [
        '{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}',
        '{{ define "a" }}xx{{ template "a" . }}{{ template "a" . }}{{ end }}{{ template "a" . }}',
        (
            "{{ range $a := .Vars.l }}{{ range $b := $.Vars.l }}{{ range $c := $.Vars.l }}"
            "{{ $a }}{{ end }}{{ end }}{{ end }}"
        ),
        "{{ range 9223372036854775807 }}{{ end }}",
        '{{ printf "%999999999d" 1 }}',
        '{{ range .Vars.l }}{{ range $.Vars.l }}{{ printf "%9999d" 1 }}{{ end }}{{ end }}',
    ],
)
def test_a_template_that_would_go_on_for_ever_is_stopped(template):
    assert isinstance(failure(template, {"l": list(range(1000))}), TemplateFailed)


# At save time.


def test_a_template_is_checked_by_its_syntax_alone():
    validate_template(template_format="json", content_template="{{ .Vars.unknown }} not json")
    validate_template(template_format="raw", content_template="{{ if")
    validate_template(template_format="json", content_template="")
    for template_format in ("go-template", "json", "yaml", "toml"):
        with pytest.raises(TemplateInvalid) as refused:
            validate_template(template_format=template_format, content_template="ok\n{{ if }}")
        assert "2" in refused.value.detail


@pytest.mark.parametrize(
    "template",
    [
        "{{ NAME }}",
        "{{ $NAME }}",
        "{{ if NAME }}",
        "{{ 'NAME' }}",
        '{{ "NAME".a }}',
        '{{ template "x" NAME }}',
        '{{ define "NAME" }}x{{ end }}{{ define "NAME" }}x{{ end }}',
    ],
)
def test_a_template_that_does_not_parse_is_quoted_in_parts(template):
    with pytest.raises(TemplateInvalid) as refused:
        validate_template(template_format="json", content_template=template.replace("NAME", "n" * 30_000))

    (found,) = refused.value.diagnostics
    # Go's words with a part of the name, and what to write instead.
    assert len(refused.value.detail) < 700
    assert len(found.message) + len(found.hint) < 600


@pytest.mark.parametrize(
    "template", ["{{ env }}", '{{ include "x" }}', "{{ now }}", '{{ exec "ls" }}', "{{ .Files }}{{ readFile }}"]
)
def test_only_the_known_functions_exist(template):
    with pytest.raises(TemplateInvalid):
        validate_template(template_format="go-template", content_template=template)


@pytest.mark.parametrize(
    "template",
    [
        "{{ .Vars.x.__class__ }}",
        "{{ .__class__ }}",
        "{{ .Device.__init__ }}",
        "{{ .Vars.x.upper }}",
        "{{ .Vars.items }}",
    ],
)
def test_a_template_reaches_no_python_attribute(template):
    with pytest.raises(RenderError):
        rendered(template, {"x": "text"})


def test_everything_that_is_missing_is_told_at_once():
    said = failure("{{ .Vars.sitee }}\n{{ .Vars.other }}\n{{ .Bindings.nope.ID }}").detail

    assert "line 1, column 4: `.Vars.sitee` is not set" in said
    assert "line 2, column 4: `.Vars.other` is not set" in said
    assert "line 3, column 4: `.Bindings.nope` is not bound" in said


def test_a_message_names_a_bounded_number_of_missing_values():
    said = failure("".join(f"{{{{ .Vars.v{number} }}}}" for number in range(50))).detail

    assert "`.Vars.v19` is not set" in said
    assert "`.Vars.v20`" not in said
    assert said.endswith("and 30 more")


# What would take a reader long, whatever its size.


@pytest.mark.parametrize(
    ("template_format", "text"),
    [
        ("yaml", "".join(f"%TAG !a{number}! tag:a\n" for number in range(101)) + "--- a"),
        ("yaml", "".join(f"%TAG !a{number}! tag:a\n" for number in range(50_000)) + "--- a"),
        ("toml", "\n" * 100_001),
        ("toml", 'a = "' + "\\n" * 100_001 + '"'),
        ("toml", "a = [" + "#\n" * 100_001 + "]"),
    ],
)
def test_a_text_that_takes_long_to_read_is_refused_before_it_is_read(template_format, text):
    with pytest.raises(OutputInvalid, match="too large"):
        check_output(template_format, text)


def test_directives_and_lines_within_bounds_are_read():
    check_output("yaml", "%YAML 1.1\n%TAG !a! tag:a\n--- !a!b c")
    check_output("toml", "\n" * 99_000 + "a = 1")
