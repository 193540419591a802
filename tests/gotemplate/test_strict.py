"""The renderer's mode: missing data is an error, and numbers are numbers."""

import pytest

from bootstrap_project.gotemplate import RenderContext, Template, TemplateExecError

DATA = RenderContext.from_json(
    {
        "Device": {"ID": "d1"},
        "Vars": {
            "site": "hall",
            "nil": None,
            "n": 5,
            "f": 5.0,
            "list": [1, None],
            "text": "100%!d(string=x)",
            "rows": [{"a": {"b c": None}}],
        },
        "Bindings": {
            "mqtt": {"Type": "client", "ID": "c1", "Snapshot": {"topic": ""}, "Secret": {"secret": "s3cr3t"}},
            "nil": {"Snapshot": {"topic": None}},
        },
    }
)


def strict(source):
    return Template(source).execute(DATA)


def failure(source):
    with pytest.raises(TemplateExecError) as caught:
        strict(source)
    return caught.value


@pytest.mark.parametrize(
    ("source", "context"),
    [
        ("a\n {{ .Vars.nil }}", ".Vars.nil"),
        ("a\n {{ index .Vars `gone` }}", "index .Vars `gone`"),
        ("a\n {{ index (index .Bindings `mqtt`).Snapshot `gone` }}", "index (index .Bindings `mqtt`).Snapshot `gone`"),
        ("a\n {{ $x := .Vars.nil }}{{ $x }}", "$x"),
        ("a\n {{ with .Vars }}{{ .nil }}{{ end }}", ".nil"),
    ],
)
def test_printing_nil_is_an_error_that_names_expression_and_place(source, context):
    error = failure(source)

    assert error.expression == context
    assert error.location.line == 2


@pytest.mark.parametrize("source", ["{{ print .Vars.nil }}", "{{ printf `%v` .Vars.nil }}", "{{ html .Vars.nil }}"])
def test_printing_functions_refuse_nil_as_well(source):
    assert "nil" in failure(source).reason


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("{{ .Vars.list }}", "[1]"),
        ("{{ print 1 .Vars.list }}", "[1]"),
        ("{{ println .Vars.rows }}", '[0].a["b c"]'),
        ("{{ html .Vars.rows }}", '[0].a["b c"]'),
        ("{{ printf `%v` .Vars.rows }}", '[0].a["b c"]'),
        ("{{ printf `%d` .Vars.list }}", "[1]"),
        ("{{ .Vars.rows | printf `%s` }}", '[0].a["b c"]'),
        ("{{ .Bindings.nil.Snapshot }}", ".topic"),
        ("{{ .Bindings.nil }}", ".Snapshot.topic"),
    ],
)
def test_nil_inside_a_printed_value_is_an_error_that_names_its_place(source, place):
    error = failure(source)

    assert f"holds nil at {place}" in error.reason
    assert [missing.null_at for missing in error.missing] == [place]


def test_nil_inside_a_value_can_be_written_as_json_or_looked_at():
    assert strict("{{ toJSON .Vars.list }} {{ printf `%T` .Vars.list }} {{ len .Vars.list }}") == (
        "[1,null] []interface {} 2"
    )


@pytest.mark.parametrize(
    "source",
    [
        '{{ printf "%d" .Vars.site }}',
        '{{ printf "%d" }}',
        '{{ printf "%s" 1 }}',
        '{{ printf "%z" 1 }}',
        '{{ printf "%s" .Vars.nil }}',
        '{{ printf "x" 1 }}',
        '{{ printf "%[5]d" 1 }}',
        '{{ printf "%*d" .Vars.site 1 }}',
        '{{ printf "%" }}',
        '{{ printf "%d" .Vars.list }}x{{ printf "%d" .Vars }}',
    ],
)
def test_an_error_marker_of_printf_is_an_error(source):
    error = failure(source)

    assert "printf" in error.reason
    assert "hall" not in str(error)


def test_a_verb_that_does_not_fit_is_not_taken_for_a_missing_value():
    assert failure('{{ printf "%d" .Vars.site }}').missing == ()


def test_text_in_the_data_that_merely_looks_like_a_marker_is_printed():
    assert strict('{{ .Vars.text }} {{ printf "%s|%d" .Vars.text 3 }}') == "100%!d(string=x) 100%!d(string=x)|3"


@pytest.mark.parametrize(
    ("verb", "expected"),
    [("%.1f", "5.0"), ("%e", "5.000000e+00"), ("%g", "5"), ("%F", "5.000000"), ("%G", "5"), ("%E", "5.000000E+00")],
)
def test_float_verbs_take_integers_only_in_strict_mode(verb, expected):
    source = f'{{{{ printf "{verb}" .Vars.n }}}}'

    assert strict(source) == expected
    assert Template(source, mode="exact").execute(DATA).startswith("%!")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ eq .Vars.n .Vars.f }}", "true"),
        ("{{ eq .Vars.n 5.0 }}", "true"),
        ("{{ eq 5 .Vars.f }}", "true"),
        ("{{ ne .Vars.n 5.5 }}", "true"),
        ("{{ lt .Vars.n 5.5 }}", "true"),
        ("{{ ge .Vars.f 5 }}", "true"),
        ("{{ gt 6 .Vars.f }}", "true"),
        ("{{ le .Vars.n 4.9 }}", "false"),
    ],
)
def test_integers_compare_with_floats_by_value_only_in_strict_mode(source, expected):
    assert strict(source) == expected
    with pytest.raises(TemplateExecError, match="incompatible types"):
        Template(source, mode="exact").execute(DATA)


def test_other_comparisons_stay_as_strict_as_go():
    assert "incompatible types" in failure("{{ eq .Vars.n `5` }}").reason
    assert "incompatible types" in failure("{{ lt .Vars.n true }}").reason


def test_default_and_required_work_on_what_index_does_not_find():
    assert strict('{{ index .Vars "gone" | default "d" }}') == "d"
    assert 'required value "k" is not set' in failure('{{ index .Vars "gone" | required "k" }}').reason


def test_an_empty_string_prints_as_nothing():
    assert strict("[{{ .Bindings.mqtt.Snapshot.topic }}]") == "[]"


@pytest.mark.parametrize(
    "source",
    [
        "{{ range .Bindings.mqtt.Secret.secret }}{{ end }}",
        "{{ eq .Bindings.mqtt .Bindings.mqtt }}",
        "{{ eq .Vars .Vars.list }}",
        "{{ .Bindings.mqtt.Secret.secret.x }}",
        "{{ index .Bindings.mqtt.Secret.secret `a` }}",
        '{{ printf "%d" .Bindings.mqtt.Secret.secret }}',
        "{{ len .Vars.n | slice .Bindings.mqtt.Secret.secret }}",
    ],
)
def test_a_message_never_shows_a_secret(source):
    error = failure(source)

    assert "s3cr3t" not in str(error) + error.reason
