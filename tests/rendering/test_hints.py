"""What is wrong in a template or in its output, as data: message, hint, place, width and path."""

import pytest

from bootstrap_project.diagnostics import Location
from bootstrap_project.rendering.context import BindingContext, build_context
from bootstrap_project.rendering.errors import OutputInvalid, RenderError, TemplateFailed, TemplateInvalid
from bootstrap_project.rendering.formats import check_output
from bootstrap_project.rendering.renderer import render, validate_template

VARIABLES = {"site": "north", "list": [{"name": "a"}, {}], "nulls": [1, None]}


def failure(template: str, template_format: str = "go-template") -> RenderError:
    mqtt = BindingContext(Type="client", ID="1", Snapshot={"id": "1"}, Secret={})
    context = build_context(
        config_id="1", external_id="e", domain_id="d", defaults=VARIABLES, render_context={}, bindings={"mqtt": mqtt}
    )
    with pytest.raises(RenderError) as caught:
        render(template_format=template_format, content_template=template, context=context)
    return caught.value


@pytest.mark.parametrize(
    ("template", "location", "path"),
    [
        ("{{ .Vars.sitee }}", Location(1, 4, 11), ("Vars", "sitee")),
        ("a\n\té{{ $.Vars.sitee }}", Location(2, 6, 12), ("Vars", "sitee")),
        ("{{ .Bindings.data.ID }}", Location(1, 4, 14), ("Bindings", "data")),
        ("{{ .Bindings.mqtt.Snapshot.topic }}", Location(1, 4, 29), ("Bindings", "mqtt", "Snapshot", "topic")),
    ],
)
def test_a_missing_value_has_its_place_and_its_path(template, location, path):
    error = failure(template)

    (found,) = error.diagnostics
    assert isinstance(error, TemplateFailed)
    assert (found.code, found.severity, found.location) == ("missing", "error", location)
    assert found.path[: len(path)] == path


def test_a_missing_value_is_marked_as_wide_as_the_template_spells_it():
    """Inside a loop the path that is missing is longer than what stands there."""
    (found,) = failure("{{ range .Vars.list }}{{ .name }}{{ end }}").diagnostics

    assert found.expression == ".Vars.list[1].name"
    assert found.location == Location(1, 26, len(".name"))


@pytest.mark.parametrize(
    ("template", "message", "hint"),
    [
        ("{{ .Vars.nothing }}", "`.Vars.nothing` is not set.", "Set it in"),
        ("{{ .Vars.sitee }}", "`.Vars.sitee` is not set; did you mean `site`?", "Set it in"),
        ("{{ .Bindings.mqqt.ID }}", "`.Bindings.mqqt` is not bound; did you mean `mqtt`?", "Bind a resource"),
        (
            "{{ .Bindings.mqtt.Snapshot.x }}",
            "`.Bindings.mqtt.Snapshot.x` is not in the stored copy of the resource.",
            "It has domain_id, id, identity, name.",
        ),
        ('{{ required "place" "" }}', "`place` is required and empty.", "Set it in"),
        ("{{ print .Vars.nulls }}", "`.Vars.nulls` holds null at [1].", "Write it with toJSON"),
        ("{{ index .Vars `sitee` }}", "'index .Vars `sitee`' is not set; did you mean `site`?", "Set it in"),
    ],
)
def test_what_is_wrong_is_told_apart_from_what_to_do(template, message, hint):
    error = failure(template)

    (found,) = error.diagnostics
    assert found.message == message
    assert found.hint.startswith(hint)
    assert f"{message} {found.hint}" in error.detail


@pytest.mark.parametrize(
    ("template", "line", "column"),
    [("a\n{{ .Vars.site", 2, None), ("{{ nosuch 1 }}", 1, 4), ("\n\n{{ end }}", 3, None)],
)
def test_a_template_that_does_not_parse_says_where(template, line, column):
    with pytest.raises(TemplateInvalid) as caught:
        validate_template(template_format="go-template", content_template=template)

    (found,) = caught.value.diagnostics
    assert found.code == "syntax"
    assert found.location == caught.value.location
    assert found.location.line == line
    assert found.location.width >= 1
    assert column is None or found.location.column == column


@pytest.mark.parametrize(
    ("template_format", "text", "location", "detail"),
    [
        ("json", '{"a": x}', Location(1, 7), "at line 1, column 7 of the output; write values as {{ toJSON … }}"),
        ("json", "[NaN]", Location(1, 2), "NaN is no number of JSON at line 1, column 2 of the output"),
        ("yaml", "a: b: c", Location(1, 5), "at line 1, column 5 of the output"),
        ("toml", "a = 1\nb = x", Location(2, 5), "at line 2, column 5 of the output; write values as {{ toJSON … }}"),
        ("toml", 'a = """', Location(1, 5), "a text has no end"),
    ],
)
def test_an_output_that_breaks_its_format_says_where_in_the_output(template_format, text, location, detail):
    with pytest.raises(OutputInvalid) as caught:
        check_output(template_format, text)

    (found,) = caught.value.diagnostics
    assert found.location == location
    assert detail in caught.value.detail
    assert "column" not in found.message
