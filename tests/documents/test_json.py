"""What is said of texts that are no JSON, where somebody sent them."""

import pytest

from bootstrap_project.documents.errors import InvalidDocument
from bootstrap_project.documents.json import parse_json


def refusal(text):
    with pytest.raises(InvalidDocument) as caught:
        parse_json(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ('{"a": "b', "unterminated string starting", (1, 7)),
        ('{"a": "\x01"}', "invalid control character", (1, 8)),
        ('{"a": "b\n"}', "invalid control character (a line break)", (1, 9)),
        ('{"a": }', "a value is missing", (1, 7)),
        ("", "the text is empty", (1, 1)),
        ('{"a": 1,\n}', "a comma stands before }", (2, 1)),
        ("[1, 2, ]", "a comma stands before ]", (1, 8)),
        ("[1 2]", "a comma is missing", (1, 4)),
        ('{"a": 1 "b": 2}', "a comma is missing", (1, 9)),
        ("[1,, 2]", "a comma too many", (1, 4)),
        ('{"a": 1 // note\n}', "JSON has no comments", (1, 9)),
        ('{"a": 1,\n# note\n"b": 2}', "JSON has no comments", (2, 1)),
        ("/* note */ {}", "JSON has no comments", (1, 1)),
        ('{"a": {"b": 1}', "a closing } is missing", (1, 15)),
        ('{"a": [1, 2', "a closing ] is missing", (1, 12)),
        ('{"a": [1}', "a closing } stands where another one is wanted", (1, 9)),
        ('{"a": 1}}', "a closing } too many", (1, 9)),
        ("{} {}", "something is left behind the value", (1, 4)),
        ('{"a" 1}', "a colon is missing", (1, 6)),
        ("{a: 1}", "a name stands without quotes", (1, 2)),
        ("{'a': 1}", "a text in single quotes", (1, 2)),
        ('{"a": abc}', "a text stands without quotes", (1, 7)),
        ('{"a": {{ .Vars.x }}}', "a text that begins with {{ needs quotes", (1, 7)),
        ('{"a": "b"c"}', "a text holds a quotation mark", (1, 10)),
        ('{"a": True}', "a word of another language", (1, 7)),
        ('{"a": 01}', "a number begins with 0", (1, 7)),
        ('{"a": .5}', "a number is not written as JSON wants it", (1, 7)),
        ('{"a": "\\q"}', "unknown escape", (1, 8)),
        ('["NaN", {"a": 1,\n "b": NaN}]', "NaN is no number of JSON", (2, 7)),
        ("[1, -Infinity]", "-Infinity is no number of JSON", (1, 5)),
        ("[1, " + "9" * 5000 + "]", "a whole number has more than 308 digits", (1, 5)),
        ('["1e999", 1e999]', "a number is too large", (1, 11)),
        ("[\n" * 65 + "]" * 65, "it is nested deeper than 64 levels", (65, 1)),
        ("[" * 100_000, "it is nested deeper than 64 levels", (1, 65)),
        ('["\\\\u0000", "\\ud83d\\ude00", {"a": "\\u0000"}]', "a NUL character", (1, 35)),
        ('["a",\n"\\ud800"]', "half of a surrogate pair", (2, 1)),
        ("[1, 1" + "0" * 308 + "1]", "a whole number has more than 308 digits", (1, 5)),
        ('{"a":\u00a01}', "a non-breaking space (U+00A0)", (1, 6)),
        ('{"a": 1\u200b}', "an invisible character (U+200B)", (1, 8)),
        ("{\u201ca\u201d: 1}", "a curly quotation mark (U+201C)", (1, 2)),
        ('{"a": \u201eb\u201c}', "a curly quotation mark (U+201E)", (1, 7)),
        ("\ufeff\ufeff{}", "unexpected byte order mark", (1, 1)),
        # A member twice.
        ('{"a": 1, "a": 2}', "the member 'a' is there twice", (1, 10)),
        ('{"x": [{"b": 1}, {"a": 1,\n"\\u0061": 1}]}', "the member 'a' is there twice", (2, 1)),
        ('{"a": {"b": 1}, "c": 1, "a": 2}', "the member 'a' is there twice", (1, 25)),
    ],
)
def test_a_defect_is_told_by_its_kind_and_with_its_place(text, words, place):
    error = refusal(text)

    assert words in error.detail
    assert (error.location.line, error.location.column) == place
    assert error.detail.count("line {}, column {}".format(*place)) == 1
    assert len(error.detail) < 300


def test_names_that_are_equal_stand_in_different_objects():
    document = {"a": {"b": 1}, "c": [{"b": 1}, {"b": [{"a": 1}]}], "A": '{"a": 1, "a": 2}', "b": 1}

    assert (
        parse_json('{"a": {"b": 1}, "c": [{"b": 1}, {"b": [{"a": 1}]}], "A": "{\\"a\\": 1, \\"a\\": 2}", "b": 1}')
        == document
    )


def test_a_long_name_is_shown_in_parts():
    name = "n" * 5000

    assert len(refusal(f'{{"{name}": 1, "{name}": 2}}').detail) < 200
