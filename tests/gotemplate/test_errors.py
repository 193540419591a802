"""What an error tells: Go's message, the place, a caret, what to do, and everything else that is missing."""

import pytest

from bootstrap_project.diagnostics import Location
from bootstrap_project.gotemplate import MissingValue, RenderContext, Template, TemplateExecError, TemplateSyntaxError

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
    assert (error.location.line, error.location.column) == (1, 5)


def test_a_place_is_as_wide_as_the_expression():
    error = exec_error("a: 1\n\tsite: {{ .Vars.sitee }}!\nb: 2")

    assert error.location == Location(2, 11, len(".Vars.sitee"))
    assert (error.name, error.expression) == ("bootstrap", ".Vars.sitee")


def test_a_syntax_error_has_a_line_and_a_column():
    error = syntax_error("one\ntwo {{ if }}x{{ end }}")

    assert str(error) == "template: bootstrap:2: missing value for if"
    assert error.location == Location(2, 11)


def test_an_error_in_a_defined_template_names_that_template():
    error = exec_error('{{ define "part" }}{{ .gone }}{{ end }}{{ template "part" .Vars }}')

    assert error.name == "part"
    assert 'executing "part" at <.gone>' in str(error)


def test_a_missing_value_has_its_place_its_path_and_the_closest_name():
    error = exec_error("{{ .Vars.sitee }}")

    assert error.missing == (
        MissingValue(Location(1, 4, 11), ("Vars", "sitee"), ".Vars.sitee", "sitee", "key", "site"),
    )


def test_a_misspelt_slot_has_the_path_of_a_slot():
    error = exec_error("{{ .Bindings.telemetri.ID }}")

    assert (error.missing[0].path, error.missing[0].suggestion) == (("Bindings", "telemetri"), "telemetry")


@pytest.mark.parametrize(
    ("source", "path", "expression", "width"),
    [
        ("{{ range .Vars.rows }}{{ .a }}{{ end }}", ("Vars", "rows", "[]", "a"), ".Vars.rows[].a", 2),
        ("{{ with .Vars.mqtt }}{{ .prt }}{{ end }}", ("Vars", "mqtt", "prt"), ".Vars.mqtt.prt", 4),
        ("{{ $x := .Vars.mqtt }}{{ $x.prt }}", ("Vars", "mqtt", "prt"), ".Vars.mqtt.prt", 6),
        ("{{ $.Vars.two }}", ("Vars", "two"), "$.Vars.two", 10),
        ('{{ (index .Vars "mqtt").prt.x }}', ("Vars", "mqtt", "prt"), ".Vars.mqtt.prt", 6),
        ('{{ index .Vars.mqtt "prt" }}', ("Vars", "mqtt", "prt"), 'index .Vars.mqtt "prt"', 22),
        ('{{ $x := index .Vars "no" }}{{ $x }}', ("Vars", "no"), 'index .Vars "no"', 2),
        ("{{ $k := .Vars.site }}{{ (index .Vars.map $k).x }}", ("Vars", "map", "[]", "x"), ".Vars.map[].x", 2),
        ('{{ required "n" .Vars.none }}', ("Vars", "none"), 'required "n"', 12),
        (
            '{{ define "t" }}{{ .gone }}{{ end }}{{ template "t" .Vars.mqtt }}',
            ("Vars", "mqtt", "gone"),
            ".Vars.mqtt.gone",
            5,
        ),
    ],
)
def test_a_missing_value_is_named_by_its_place_in_the_data_and_marked_in_the_template(source, path, expression, width):
    data = RenderContext.from_json(
        {"Vars": {"site": "hall", "mqtt": {"host": "h"}, "rows": [{"a": 1}, {}], "map": {"hall": {}}, "none": None}}
    )

    with pytest.raises(TemplateExecError) as caught:
        Template(source).execute(data)

    (found,) = caught.value.missing
    assert (found.path, found.expression, found.location.width) == (path, expression, width)


def test_keys_that_the_template_computes_are_named_only_where_nothing_is_secret():
    data = RenderContext.from_json({"Vars": {"pin": "1234", "doors": {"1234": {}}}})
    template = Template("{{ (index .Vars.doors .Vars.pin).name }}{{ .Vars.pin | index .Vars.doors }}")

    shown = {}
    for quotes in (False, True):
        with pytest.raises(TemplateExecError) as caught:
            template.execute(data, quotes=quotes)
        shown[quotes] = str(caught.value.missing)

    assert "1234" not in shown[False]
    assert '.Vars.doors["1234"].name' in shown[True]


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


def test_all_missing_values_are_reported_at_once():
    error = exec_error(
        "{{ .Vars.one }}\n{{ if .Vars.off }}{{ .Vars.never }}{{ end }}{{ .Vars.mqtt.prt }}\n"
        "{{ range .Vars.rows }}{{ .a }}{{ end }}{{ index .Vars `idx` }}{{ $.Vars.two | printf `%s` }}"
        "{{ index .Vars `req` | required `req` }}{{ with .Bindings.nope }}{{ .ID }}{{ end }}"
        "{{ .Bindings.telemetry.Snapshot.gone }}"
    )

    assert [(m.expression, m.location.line) for m in error.missing] == [
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
    assert error.missing[0].path == ("Bindings", "telemetry", "Snapshot", "topic")
