"""What the API says of a template that does not parse: Go's words, the place, and what to write."""

import pytest

from bootstrap_project.gotemplate import FUNCTIONS
from bootstrap_project.rendering.context import BindingContext, build_context
from bootstrap_project.rendering.errors import RenderError, TemplateInvalid
from bootstrap_project.rendering.renderer import MAX_ERROR_LENGTH, render, validate_template

BRACES = '`{{ "{{" }}`'
# What people type, where the mistake is, and what the hint has to name.
MISTAKES = [
    ("{{ if .Vars.a == 1 }}x{{ end }}", (1, 15), "`eq`"),
    ("{{ if .Vars.a != 1 }}x{{ end }}", (1, 15), "`ne`"),
    ("{{ if .Vars.a <= 1 }}x{{ end }}", (1, 15), "`le`"),
    ("{{ if .Vars.a >= 1 }}x{{ end }}", (1, 15), "`ge`"),
    ("{{ if .Vars.a < 1 }}x{{ end }}", (1, 15), "`lt`"),
    ("{{ if .Vars.a > 1 }}x{{ end }}", (1, 15), "`gt`"),
    ("{{ if .Vars.a==1 }}x{{ end }}", (1, 12), "`eq`"),
    ("{{ if .Vars.a && .Vars.b }}x{{ end }}", (1, 15), "`and`"),
    ("{{ if .Vars.a || .Vars.b }}x{{ end }}", (1, 16), "`or`"),
    ("{{ if !.Vars.a }}x{{ end }}", (1, 7), "`not`"),
    ("{{ if .Vars.a = 1 }}x{{ end }}", (1, 15), "`eq`"),
    ("{{ if .Vars.a }}x{{ elseif .Vars.b }}y{{ end }}", (1, 21), "`{{ else if … }}`"),
    ("{{ if .Vars.a }}x{{ elif .Vars.b }}y{{ end }}", (1, 21), "`{{ else if … }}`"),
    ("{{ if .Vars.a }}x{{ elsif .Vars.b }}y{{ end }}", (1, 21), "`{{ else if … }}`"),
    ("{{ .Vars.list[0] }}", (1, 9), "`index .Vars.list 0`"),
    ('{{ .Vars["s"] }}', (1, 4), '`index .Vars "s"`'),
    ("{{ .Vars.my-key }}", (1, 9), '`index .Vars "my-key"`'),
    ("{{ .Vars.1st }}", (1, 9), '`index .Vars "1st"`'),
    ("{{ /* note */ }}", (1, 4), "`{{/* note */}}`"),
    ("{{{ .Vars.m }}}", (1, 3), "space between"),
    ("{{-.Vars.s}}", (1, 3), "space stands behind the hyphen"),
    ("{{ .Vars.s-}}", (1, 9), "space stands before the hyphen"),
    ("{{ printf 'x y' }}", (1, 11), 'stand in `"`'),
    ("{{ .Vars.a ? 1 : 2 }}", (1, 12), "{{ if .Vars.a }}"),
    ("{{ .Vars.a + 1 }}", (1, 12), "no arithmetic"),
    ("{{ .Vars.a * 2 }}", (1, 12), "no arithmetic"),
    ('{"a": {{ .Vars.s | toJson }}}', (1, 20), "There is no function `toJson`; did you mean `toJSON`?"),
    ("{{ to_json .Vars.s }}", (1, 4), "did you mean `toJSON`?"),
    ("{{ defualt 1 .Vars.s }}", (1, 4), "did you mean `default`?"),
    ("{{ value_json.temperature }}", (1, 4), BRACES),
    ("{{ .Vars.s | b64enc }}", (1, 14), "there are and, call, default, eq"),
    ("{{ Vars.site }}", (1, 4), "begins with a dot: `.Vars`"),
    ("{{ for .Vars.list }}x{{ end }}", (1, 4), "`{{ range .Vars.list }}"),
    ("{{ range $x in .Vars.list }}x{{ end }}", (1, 10), "`{{ $x := … }}`"),
    ("{{ if .Vars.a }}x{{ endif }}", (1, 21), "`{{ end }}`"),
    ("{{ if .Vars.a }}x{{ end if }}", (1, 25), "stand alone"),
    ("x\n{{ range .Vars.list }}\n{{ . }}\n", (2, 4), "The `range` of line 2 has no `{{ end }}`."),
    ("{{ if .Vars.a }}\n{{ with .Vars.b }}x{{ end }}\n", (1, 4), "The `if` of line 1 has no"),
    ("a\n{{ with .Vars.b }}\n{{ if . }}x{{ else }}y", (3, 4), "The `if` of line 3 has no"),
    ('\n\n{{ define "x" }}y', (3, 4), "The `define` of line 3 has no"),
    ('{{ block "x" . }}y{{ if . }}z{{ end }}', (1, 4), "The `block` of line 1 has no"),
    ("x{{ end }}", (1, 2), "No block is open"),
    ("{{ else }}", (1, 1), "No block is open"),
    ("{{ if }}x{{ end }}", (1, 7), "what the `if` is about"),
    ("{{ }}", (1, 4), BRACES),
    ("{{ .Vars.s", (1, 11), "no `}}`"),
    ('{{ printf "x }}', (1, 11), 'no closing `"`'),
    ("{{ printf \u201cx\u201d }}", (1, 11), "straight quotes"),
    ("{{ toJSON {{ .Vars.s }} }}", (1, 11), "do not stand inside"),
    ("{{ $x }}", (1, 4), "`{{ $x := … }}`"),
    ("{{ template x . }}", (1, 13), "in quotes"),
    ('{{ .Vars.s | "x" }}', (1, 14), "stands a function"),
    ("{{ eq(.Vars.a, 1) }}", (1, 6), "with spaces between"),
]


@pytest.mark.parametrize(("template", "place", "hint"), MISTAKES)
def test_a_template_that_does_not_parse_says_where_and_what_to_write(template, place, hint):
    with pytest.raises(TemplateInvalid) as caught:
        validate_template(template_format="go-template", content_template=template)

    error = caught.value
    (found,) = error.diagnostics
    assert (found.location.line, found.location.column) == place
    assert hint in found.hint
    assert found.hint.endswith((".", "?"))
    # Go's words come first, as they always did.
    assert error.detail.startswith("template: bootstrap:")
    assert error.detail.endswith(f"; line {place[0]}, column {place[1]}: {found.hint}")
    assert len(error.detail) < 600


def test_the_marked_width_is_that_of_the_word():
    with pytest.raises(TemplateInvalid) as caught:
        validate_template(template_format="json", content_template="{{ .Vars.s | toJson }}")

    assert caught.value.location.width == len("toJson")


def test_a_long_name_does_not_make_a_long_message():
    with pytest.raises(TemplateInvalid) as caught:
        validate_template(template_format="json", content_template="{{ " + "x" * 50_000 + " }}")

    assert len(caught.value.detail) <= MAX_ERROR_LENGTH
    assert len(caught.value.diagnostics[0].hint) < 500


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_in_other_letters_is_recognized(name):
    with pytest.raises(TemplateInvalid) as caught:
        validate_template(template_format="json", content_template="{{ " + name.swapcase() + " 1 }}")

    assert f"did you mean `{name}`?" in caught.value.diagnostics[0].hint


# Failures of a render.


def failure(template):
    context = build_context(
        config_id="c",
        external_id="e-1234",
        domain_id="d",
        defaults={"text": "abc", "n": 2, "list": [1], "map": {"a": 1}, "port": 1883},
        render_context={},
        bindings={"m": BindingContext("client", "i", {"id": "i", "name": "n"}, {"secret": "s"})},
    )
    with pytest.raises(RenderError) as caught:
        render(template_format="go-template", content_template=template, context=context)
    return caught.value


@pytest.mark.parametrize(
    ("template", "hint"),
    [
        ("{{ range .Vars.list }}{{ .Vars.n }}{{ end }}", "Dot is something else here: write `$.Vars.n`."),
        ("{{ with .Vars.map }}{{ .Device.ID }}{{ end }}", "Write `$.Device.ID`;"),
        ("{{ with .Vars.text }}{{ .Device.ID }}{{ end }}", "write `$.Device.ID`."),
        ("{{ with .Bindings.m }}{{ .Vars.n }}{{ end }}", "write `$.Vars.n`."),
        ('{{ define "x" }}{{ .Vars.n }}{{ end }}{{ template "x" }}', 'with a dot: `{{ template "name" . }}`.'),
        ("{{ .Vars.text.x }}", "Only maps have members"),
        ("{{ slice .Device.ExternalID 0 .Vars.n }}", "`slice .Device.ExternalID 0 (.Vars.n)`"),
        ('{{ if eq .Vars.port "1883" }}x{{ end }}', "`eq .Vars.port 1883`"),
        ("{{ printf 'x' }}", "'x' is a number"),
        ("{{ .Bindings.m.Snapshot.secret }}", 'in the slot\'s Secret: `index (index .Bindings "m").Secret "secret"`.'),
        ("{{ .Bindings.m.Snapshot.topic }}", "It has domain_id, id, identity, name."),
        ("{{ .Bindings.m.Secret.name }}", 'in the slot\'s Snapshot: `index (index .Bindings "m").Snapshot "name"`.'),
        ("{{ .Bindings.m.Snapshot.identity }}", "List the field in the slot"),
    ],
)  # fmt: skip
def test_a_failed_render_says_what_to_write(template, hint):
    error = failure(template)

    assert hint in error.diagnostics[0].hint
    assert hint in error.detail


def test_an_item_that_lacks_a_member_of_the_root_is_said_to_be_an_item():
    context = build_context(
        config_id="c", external_id="e", domain_id="d", defaults={"nets": [{"a": 1}]}, render_context={}, bindings={}
    )
    with pytest.raises(RenderError) as caught:
        render(
            template_format="go-template",
            content_template="{{ range .Vars.nets }}{{ .Vars.country }}{{ end }}",
            context=context,
        )

    (found,) = caught.value.diagnostics
    assert found.message == "Dot is an item of `.Vars.nets` here, which has no `Vars`."
    assert found.hint.startswith("Write `$.Vars.country`;")


def test_the_advice_on_slice_is_right():
    advised = failure("{{ slice .Device.ExternalID 0 .Vars.n }}").diagnostics[0].hint.split("`")[1]
    context = build_context(
        config_id="c", external_id="e-1234", domain_id="d", defaults={"n": 2}, render_context={}, bindings={}
    )

    template = f"{{{{ {advised} }}}}"

    assert render(template_format="go-template", content_template=template, context=context) == "e-"


def test_a_missing_value_has_one_place():
    error = failure("{{ .Vars.room }}")

    assert error.detail.startswith("template: bootstrap:1: executing ")
    assert error.detail.count("line 1, column 4: ") == 1
    assert 'executing "bootstrap" at <.Vars.room>: map has no entry for key "room"' in error.detail
