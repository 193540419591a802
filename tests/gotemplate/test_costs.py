"""What one step and what follows a failure may cost: counted in work done and in looks at the clock."""

import contextlib
import difflib
import random

import pytest

from bootstrap_project.gotemplate import (
    Limits,
    RenderContext,
    Template,
    TemplateExecError,
    TemplateLimitError,
    TemplateSyntaxError,
    builtins,
)
from bootstrap_project.gotemplate.go import strconv, values
from bootstrap_project.gotemplate.suggestions import MAX_CANDIDATES, MAX_NAME_LENGTH, MAX_WORK, Suggestions

WORDS = random.Random(7)


def names(count, length):
    """Names of two letters, which are all alike and take longest to compare."""
    return ["".join(WORDS.choices("ab", k=length)) for _ in range(count)]


@pytest.fixture
def compared(monkeypatch):
    """The pairs of names that are compared letter by letter."""
    pairs = []
    ratio = difflib.SequenceMatcher.ratio

    def counted(matcher):
        pairs.append((matcher.a, matcher.b))
        return ratio(matcher)

    monkeypatch.setattr(difflib.SequenceMatcher, "ratio", counted)
    return pairs


def failure(source, variables, limits=None, **how):
    data = RenderContext.from_json({"Vars": variables})
    with pytest.raises(TemplateExecError) as caught:
        Template(source, mode="strict", limits=limits).execute(data, **how)
    return caught.value


# Suggestions.


def test_a_suggestion_is_what_the_standard_library_would_say():
    for _ in range(300):
        known = [word for size in range(1, 9) for word in names(2, size)]
        name = names(1, WORDS.randint(1, 8))[0]

        close = difflib.get_close_matches(name, known, 1)
        assert Suggestions().closest(name, known) == (close[0] if close else None)


def test_long_names_are_neither_guessed_nor_offered(compared):
    assert Suggestions().closest("a" * (MAX_NAME_LENGTH + 1), ["a" * MAX_NAME_LENGTH]) is None
    assert Suggestions().closest("a" * MAX_NAME_LENGTH, ["a" * (MAX_NAME_LENGTH + 1)]) is None
    assert compared == []


def test_only_the_first_candidates_are_compared(compared):
    assert Suggestions().closest("site", ["zone"] * MAX_CANDIDATES + ["sites"]) is None
    assert Suggestions().closest("site", ["zone"] * (MAX_CANDIDATES - 1) + ["sites"]) == "sites"


def test_all_guesses_share_one_budget(compared):
    guess = Suggestions()

    found = [guess.closest(name, names(MAX_CANDIDATES, MAX_NAME_LENGTH)) for name in names(1000, MAX_NAME_LENGTH)]

    assert sum(len(one) * len(other) for one, other in compared) <= MAX_WORK
    assert found[-1] is None


def test_names_that_are_not_alike_use_the_budget_up_as_well():
    guess, looks = Suggestions(), 0

    while guess.work > 0:
        guess.closest("a" * 60, ["b" * 60] * MAX_CANDIDATES)
        looks += MAX_CANDIDATES

    assert looks < 10_000


def test_the_clock_is_asked_between_two_pairs(compared):
    answers = iter([True, True, False])

    Suggestions(lambda: next(answers)).closest("a" * 20, ["a" * 19 + "b"] * 50)

    assert len(compared) == 2


MISSPELT = [
    ("{{{{ .Vars.x{0} }}}}", ""),
    ('{{{{ index .Vars "x{0}" }}}}', ""),
    ('{{{{ index .Vars "x{0}" | required "x{0}" }}}}', ""),
    ("{{{{ .Vars.m.x{0} }}}}", "m"),
    ('{{{{ print (index .Vars.m "x{0}") }}}}', "m"),
]


@pytest.mark.parametrize("length", [40, MAX_NAME_LENGTH - 1, 190])
@pytest.mark.parametrize(("form", "below"), MISSPELT)
def test_a_mebibyte_of_names_that_are_all_alike_costs_no_more_than_a_few(compared, form, below, length):
    known = dict.fromkeys(names(1024 * 1024 // length, length), 1)
    source = "".join(form.format(name) for name in names(90, length - 1))

    error = failure(source, {below: known} if below else known)

    assert error.missing
    assert sum(len(one) * len(other) for one, other in compared) <= MAX_WORK


def test_nothing_is_looked_for_where_nobody_reads_it(compared, monkeypatch):
    monkeypatch.setattr("bootstrap_project.gotemplate.template.find_missing", pytest.fail)

    error = failure("{{ .Vars.sitee }}", {"site": 1}, explain=False)

    assert (error.missing, compared) == ((), [])
    assert 'map has no entry for key "sitee"' in str(error)


# The same budget.


def test_what_is_missing_is_looked_for_in_the_time_that_is_left():
    error = failure("{{ .Vars.sitee }}", {"site": 1}, Limits(max_seconds=0.0))

    assert [missing.suggestion for missing in error.missing] == [None]


def test_a_failure_that_repeats_in_a_loop_is_not_put_into_words_each_time(monkeypatch):
    quoted = []

    def counted(text):
        quoted.append(len(text))
        return strconv.quote(text)

    monkeypatch.setattr(builtins, "quote", counted)
    name = "n" * 500_000

    failure('{{ range 900 }}{{ required $.Vars.name "" }}{{ end }}', {"name": name})

    assert sum(quoted) <= 2 * Limits().max_strings


def test_a_lookup_that_fails_copies_no_map():
    class Keys(dict):  # type: ignore[type-arg]
        def __iter__(self):
            pytest.fail("the names were read")

    data = RenderContext(Vars={"m": Keys(dict.fromkeys("abcdefghij", "x"))})

    with pytest.raises(TemplateExecError) as caught:
        Template("{{ $x := index .Vars.m `gone` }}{{ .Vars.sitee }}").execute(data)

    assert [missing.expression for missing in caught.value.missing] == [".Vars.sitee"]


# Single steps: each of these looks at the clock while it works.

LONG = "".join(map(chr, range(0x4E00, 0x9FFF)))


@pytest.mark.parametrize(
    ("source", "variables"),
    [
        ("{{ printf .Vars.x }}", {"x": "%%" * 50_000}),
        ("{{ printf .Vars.x }}", {"x": "%[" * 50_000}),
        ("{{ js .Vars.x }}", {"x": LONG}),
        ("{{ html .Vars.x }}", {"x": "<" * 50_000}),
        ('{{ printf "%q" .Vars.x }}', {"x": LONG}),
        ('{{ printf "%+q" .Vars.x }}', {"x": LONG}),
        ('{{ printf "%5q" .Vars.x }}', {"x": LONG}),
        ('{{ printf "%#v" .Vars.x }}', {"x": LONG}),
        ("{{ toJSON .Vars.x }}", {"x": [0] * 5_000}),
        ("{{ toJSON .Vars.x }}", {"x": {str(number): 0 for number in range(5_000)}}),
        ("{{ .Vars.x }}", {"x": [0] * 5_000}),
        ("{{ .Vars.x }}", {"x": {str(number): 0 for number in range(5_000)}}),
        ("{{ range .Vars.x }}{{ . }}{{ end }}", {"x": [0] * 50_000}),
        ("{{ range 50000 }}{{ end }}", {}),
    ],
)
def test_a_step_that_takes_long_looks_at_the_clock(source, variables):
    data = RenderContext.from_json({"Vars": variables})

    with pytest.raises(TemplateLimitError, match="took longer than 0 seconds"):
        Template(source, mode="strict", limits=Limits(max_seconds=0.0)).execute(data)


def test_a_nil_deep_inside_is_looked_for_once_at_each_depth(monkeypatch):
    calls = []
    place = values.nil_place

    def counted(value):
        calls.append(value)
        return place(value)

    monkeypatch.setattr(values, "nil_place", counted)
    nested: object = None
    for _ in range(16):
        nested = [nested]

    assert values.nil_place(nested) == "[0]" * 16
    assert len(calls) <= 16


@pytest.mark.parametrize("depth", [40, 64])
@pytest.mark.parametrize("inner", [None, 1])
def test_deep_values_are_printed_or_refused_at_once(depth, inner):
    nested = inner
    for number in range(depth):
        nested = [nested] if number % 2 else {"k": nested}
    data = RenderContext.from_json({"Vars": {"x": nested}})

    if inner is None:
        with pytest.raises(TemplateExecError, match="holds nil"):
            Template("{{ .Vars.x }}", mode="strict").execute(data)
    else:
        assert "1" in Template("{{ .Vars.x }}", mode="strict").execute(data)


@pytest.mark.parametrize("prefix", ["0x", "0b", "0o", "0", "1", "0x1.", "0x.", "1.", ".", "1e", "0x1p", "0x_", "1_"])
@pytest.mark.parametrize("tail", ["", ".", "p", "e", "i", "_", "+1i", "-1i", "z"])
def test_a_number_as_long_as_a_template_is_read_in_one_pass(prefix, tail):
    # Two runs of digits side by side once took minutes for one of these.
    source = "{{ " + prefix + "1" * 200_000 + tail + " }}"

    with contextlib.suppress(TemplateSyntaxError):
        assert Template(source).source == source


# Words of an error.


@pytest.mark.parametrize(
    "source",
    [
        "{{ .Vars." + "n" * 3_000 + " }}",
        '{{ index .Vars "' + "n" * 3_000 + '" }}',
        '{{ required "' + "n" * 3_000 + '" "" }}',
        "{{ range 12 }}" + "text " * 20_000 + "{{ $.Vars.gone }}{{ end }}",
        '{{ define "' + "n" * 3_000 + '" }}{{ .gone }}{{ end }}{{ template "' + "n" * 3_000 + '" .Vars }}',
        "{{ if true }}" + "{{ .Vars.a }}" * 900 + "{{ end }}",
        "{{ .Vars.nil }}",
    ],
)
@pytest.mark.parametrize("explain", [False, True])
def test_an_error_in_strict_mode_quotes_no_more_than_one_can_read(source, explain):
    error = failure(source, {"nil": {"k" * 3_000: [None]}}, explain=explain)

    assert len(str(error)) < 600
    assert all(len(missing.null_at) < 500 for missing in error.missing)
