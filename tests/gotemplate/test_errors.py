"""What an error tells: Go's message, the place, a caret, what to do, and everything else that is missing."""

import pytest

from bootstrap_project.gotemplate import RenderContext, Template, TemplateExecError, TemplateSyntaxError

DATA = RenderContext.from_json(
    {
        "Vars": {"site": "hall", "mqtt": {"host": "h"}, "rows": [{"a": 1}, {"b": 2}], "off": False},
        "Bindings": {"telemetry": {"ID": "t", "Snapshot": {"name": "n"}}},
    }
)


def exec_error(source, mode="strict"):
    with pytest.raises(TemplateExecError) as caught:
        Template(source, mode=mode).execute(DATA)
    return caught.value


def syntax_error(source):
    with pytest.raises(TemplateSyntaxError) as caught:
        Template(source)
    return caught.value


def test_an_execution_error_has_gos_words_and_gos_place():
    error = exec_error("{{ .Vars.x }}", "exact")

    assert str(error) == 'template: bootstrap:1:8: executing "bootstrap" at <.Vars.x>: map has no entry for key "x"'


def test_gos_column_counts_bytes_and_ours_counts_characters():
    error = exec_error("é☕{{.Vars.x}}", "exact")

    assert "bootstrap:1:12:" in str(error)
    assert (error.line, error.column) == (1, 5)


def test_a_place_is_as_wide_as_the_expression():
    error = exec_error("a: 1\n\tsite: {{ .Vars.sitee }}!\nb: 2")

    assert (error.column, error.place.width) == (11, len(".Vars.sitee"))
    assert error.source_line == "\tsite: {{ .Vars.sitee }}!"
    assert (error.name, error.line, error.context) == ("bootstrap", 2, ".Vars.sitee")


def test_a_syntax_error_has_a_line_and_a_column():
    error = syntax_error("one\ntwo {{ if }}x{{ end }}")

    assert str(error) == "template: bootstrap:2: missing value for if"
    assert (error.line, error.source_line) == (2, "two {{ if }}x{{ end }}")
    assert error.column == 11


def test_an_error_in_a_defined_template_names_that_template():
    error = exec_error('{{ define "part" }}{{ .gone }}{{ end }}{{ template "part" .Vars }}')

    assert error.name == "part"
    assert 'executing "part" at <.gone>' in str(error)


def test_a_misspelt_variable_gets_a_suggestion_and_something_to_do():
    error = exec_error("{{ .Vars.sitee }}")

    assert error.hint == (
        "`.Vars.sitee` is not set; did you mean `site`? "
        "Set it in the profile's defaults or the device's render context."
    )
    assert error.missing[0].suggestion == "site"


def test_a_misspelt_slot_is_said_to_be_a_slot():
    error = exec_error("{{ .Bindings.telemetri.ID }}")

    assert "not bound; did you mean `telemetry`?" in error.hint


@pytest.mark.parametrize(
    ("source", "suggestion"),
    [
        ("{{ index .Vars `sitee` }}", "site"),
        ("{{ index .Vars.mqtt `hosst` | printf `%s` }}", "host"),
        ("{{ index .Vars `mqtt` `hosst` | print }}", "host"),
        ("{{ index .Vars `sitee` | required `place` }}", "site"),
        ("{{ (index (index .Bindings `telemetry`).Snapshot `nama`) }}", "name"),
    ],
)
def test_a_misspelt_key_of_index_gets_a_suggestion(source, suggestion):
    error = exec_error(source)

    assert error.missing[0].suggestion == suggestion
    assert f"did you mean `{suggestion}`?" in error.hint


def test_all_missing_values_are_reported_at_once():
    error = exec_error(
        "{{ .Vars.one }}\n{{ if .Vars.off }}{{ .Vars.never }}{{ end }}{{ .Vars.mqtt.prt }}\n"
        "{{ range .Vars.rows }}{{ .a }}{{ end }}{{ index .Vars `idx` }}{{ $.Vars.two | printf `%s` }}"
        "{{ index .Vars `req` | required `req` }}{{ with .Bindings.nope }}{{ .ID }}{{ end }}"
        "{{ .Bindings.telemetry.Snapshot.gone }}"
    )

    assert [(m.expression, m.line) for m in error.missing] == [
        (".Vars.one", 1),
        (".Vars.mqtt.prt", 2),
        (".Vars.rows[].a", 3),
        ("index .Vars `idx`", 3),
        ("$.Vars.two", 3),
        ('required "req"', 3),
        (".Bindings.nope", 3),
        (".Bindings.telemetry.Snapshot.gone", 3),
    ]


def test_one_place_is_reported_once_however_often_it_is_met():
    error = exec_error("{{ range 50 }}{{ $.Vars.one }}{{ end }}")

    assert len(error.missing) == 1


def test_an_error_that_is_not_about_missing_data_lists_none():
    assert exec_error("{{ index .Vars.rows 9 }}").missing == ()


def test_what_index_does_not_find_is_named_by_its_key():
    error = exec_error("{{ index (index .Bindings `telemetry`).Snapshot `topic` }}")

    assert error.missing[0].name == "topic"
    assert error.hint.endswith("List the field in the slot and refresh the binding.")
