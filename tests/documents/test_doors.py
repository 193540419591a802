"""Uploads and rendered texts are read by one reader a language: what is taken, refused and said is the same."""

from __future__ import annotations

import pytest

from bootstrap_project.documents.defects import Defect
from bootstrap_project.documents.errors import InvalidDocument
from bootstrap_project.documents.kinds import KINDS

BROKEN = [
    # YAML: the words, and where.
    ("yaml", "a:\n\tb: 1\n", "a tab cannot indent", (2, 1)),
    ("yaml", "a: x\n\tb: 1\n", "a tab cannot indent", (2, 1)),
    ("yaml", "a: *b\n", "a * begins an alias, and nothing before it defines that", (1, 4)),
    ("yaml", "a: ***\n", "a * that begins no alias", (1, 5)),
    ("yaml", "a: b: c\n", "a second ': ' on one line", (1, 5)),
    ("yaml", "a: @b\n", "a value cannot begin with @", (1, 4)),
    ("yaml", "a: [1, 2\n", "a list in brackets goes on without a comma, or has no ]", (2, 1)),
    ("yaml", "a: {b: 1\n", "an object in braces goes on without a comma, or has no }", (2, 1)),
    ("yaml", "a: 'b\nc: d\n", "a text in quotes has no end", (1, 4)),
    ("yaml", "a:\n  b: 1\n c: 2\n", "a line is indented otherwise than its neighbours", (3, 2)),
    ("yaml", "a: 'it's'\n", "something is left behind a value", (1, 8)),
    ("yaml", "a: 1\nb: 2\na: 3\n", "a key is there twice", (3, 1)),
    ("yaml", "a: {b: 1, 'b': 2}\n", "a key is there twice", (1, 11)),
    ("yaml", 'a: "\\q"\n', "unknown escape", (1, 5)),
    ("yaml", "a: 1\nb: \x01\n", "a control character", (2, 4)),
    ("yaml", "%YAML 3.0\n--- a\n", "another version of YAML", (1, 1)),
    # TOML.
    ("toml", "[a]\nx = 1\nx = 2\n", "a key or table is there twice", (3, 1)),
    ("toml", 'x = 1\nx = """\n2\n"""\n', "a key or table is there twice", (2, 1)),
    ("toml", "[a]\n[b]\n[a]\n", "a table is there twice", (3, 1)),
    ("toml", "a = {b = 1, b = 2}\n", "a key is there twice", (1, 18)),
    ("toml", "a = {b = 1}\na.c = 2\n", "adds to one that is complete already", (2, 1)),
    ("toml", "name = some text\n", "a text stands without quotes", (1, 8)),
    ("toml", "on = yes\n", "a word that is no value", (1, 6)),
    ("toml", "a = \n", "a value is missing", (1, 5)),
    ("toml", "v = {\n n = 1,\n}\n", "an inline table stands on one line in TOML 1.0", (1, 6)),
    ("toml", "v = {a = 1,}\n", "which TOML 1.0 does not know", (1, 12)),
    ("toml", "t = 12:30\n", "a time without seconds, which TOML 1.0 does not know", (1, 7)),
    ("toml", 'a = "\\e"\n', "unknown escape", (1, 8)),
    ("toml", "n = 012\n", "a number begins with 0", (1, 6)),
    ("toml", "n = .5\n", "a number is not written as TOML wants it", (1, 5)),
    ("toml", "n = 1__0\n", "a number is not written as TOML wants it", (1, 6)),
    ("toml", "t = 2026-02-30T00:00:00Z\n", "there is no such date or time", (1, 5)),
    ("toml", "t = 2026-13-01\n", "there is no such date or time", (1, 9)),
    ("toml", "a: 12\n", "a = is missing behind a key", (1, 2)),
    ("toml", "a = 'b\nc = 1\n", "a text has no end", (1, 5)),
    ("toml", 'a = "b\nc = 1\n', "a text has no end", (1, 5)),
    ("toml", 'a = 1\nb = """c\n', "a text has no end", (2, 5)),
    ("toml", "a = 1 b = 2\n", "something is left behind the value", (1, 7)),
    ("toml", "a = [1 2]\n", "a list goes on without a comma", (1, 8)),
    ("toml", "[a\n", "the name of a table is not closed", (1, 3)),
    ("toml", '{"a": 1}\n', "a line that is no `name = value`", (1, 1)),
]
ONE, TWO = {"qos": 1}, {"qos": 2}
TAKEN = [
    (
        "yaml",
        "a: &p {qos: 1}\nb: *p\nc: &p {qos: 2}\nd: *p\n",
        {"a": {"qos": 1}, "b": {"qos": 1}, "c": {"qos": 2}, "d": {"qos": 2}},
    ),
    ("yaml", "a: &x [1]\nb: &x [2]\nc: *x\n", {"a": [1], "b": [2], "c": [2]}),
    ("yaml", "a: &x 1\nb: &x 2\nc: *x\n", {"a": 1, "b": 2, "c": 2}),
    ("yaml", "a: &x {b: 1}\nc: &x {d: 1}\ne: {<<: *x}\n", {"a": {"b": 1}, "c": {"d": 1}, "e": {"d": 1}}),
    ("yaml", "a: b\t\nc: d\n", {"a": "b", "c": "d"}),
    ("yaml", "a:\tb\nc:\t\td\n", {"a": "b", "c": "d"}),
    ("yaml", "a: b\t# note\nc: 'd'\t # note\n", {"a": "b", "c": "d"}),
    ("yaml", '{\n\t"a": "b",\n\t"c": [\n\t\t1\n\t]\n}\n', {"a": "b", "c": [1]}),
    ("yaml", "a: |\n  b\tc\n  \td\n", {"a": "b\tc\n\td\n"}),
    ("toml", "x = 1\n[[a]]\nb = 1\n[[a]]\nb = 2\n", {"x": 1, "a": [{"b": 1}, {"b": 2}]}),
    ("toml", "a.b = 1\na.c = 2\n", {"a": {"b": 1, "c": 2}}),
]


@pytest.mark.parametrize(("kind", "text", "words", "place"), BROKEN, ids=lambda value: repr(value)[:24])
def test_both_doors_tell_one_defect_in_the_same_words_and_with_its_place(kind, text, words, place):
    with pytest.raises(InvalidDocument) as uploaded:
        KINDS[kind].read(text.encode())
    with pytest.raises(Defect) as rendered:
        KINDS[kind].check(text)

    assert words in uploaded.value.detail
    assert words in rendered.value.problem
    for error in (uploaded.value, rendered.value):
        assert (error.location.line, error.location.column) == place
    assert uploaded.value.detail.startswith(f"not valid {kind.upper()}: ")
    assert uploaded.value.detail.count("line {}, column {}".format(*place)) == 1


@pytest.mark.parametrize(("kind", "text", "document"), TAKEN, ids=lambda value: repr(value)[:24])
def test_both_doors_take_what_the_language_allows(kind, text, document):
    KINDS[kind].check(text)

    assert KINDS[kind].read(text.encode()) == document


@pytest.mark.parametrize("kind", KINDS)
def test_a_byte_order_mark_is_skipped(kind):
    text = KINDS[kind].write({"a": 1})

    assert KINDS[kind].read(text.encode("utf-8-sig")) == {"a": 1}


@pytest.mark.parametrize(("kind", "text"), [("json", "[-0.0]"), ("yaml", "[-0.0]"), ("toml", "a = -0.0")])
def test_there_is_no_negative_zero(kind, text):
    (value,) = KINDS[kind].read(text.encode()) if kind != "toml" else KINDS[kind].read(text.encode()).values()

    assert str(value) == "0.0"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("kind", KINDS)
def test_other_encodings_are_named(kind, encoding):
    with pytest.raises(InvalidDocument, match=encoding[:6].upper()):
        KINDS[kind].read(KINDS[kind].write({"a": 1}).encode(encoding))


def test_text_that_is_not_utf_8_is_told_with_its_byte():
    for body, byte in ((b'{"a": "\xe9"}', 7), (b'\xef\xbb\xbf{"a": "\xe9"}', 10)):
        with pytest.raises(InvalidDocument, match=f"byte {byte} is not UTF-8"):
            KINDS["json"].read(body)


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ("name: a\n---\n", "a file holds one document, and another begins here", (2, 1)),
        ("name: a\n---\nname: b\n", "a file holds one document, and another begins here", (2, 1)),
        ("name: a\ncontent_template: {{ .Vars.x }}\n", "a text that begins with {{ needs quotes", (2, 19)),
        ("name: a\ncontent_template: {{ .Vars.x }}/y\n", "a text that begins with {{ needs quotes", (2, 19)),
        ('content_template: {{ index .Vars "x" }}\n', "a text that begins with {{ needs quotes", (1, 19)),
        ("a:\n- {{ .Vars.x }}\n", "a text that begins with {{ needs quotes", (2, 3)),
        ("? [a]\n: b\n", "the name of a member must be a text", (1, 3)),
        ("name: !secret x\n", "a tag that no profile needs", (1, 7)),
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "a key is there twice: 'c'", (4, 3)),
    ],
)
def test_what_only_a_file_cannot_have_is_told_in_whole_sentences(text, words, place):
    with pytest.raises(InvalidDocument) as caught:
        KINDS["yaml"].read(text.encode())

    assert words in caught.value.detail
    assert (caught.value.location.line, caught.value.location.column) == place


@pytest.mark.parametrize(
    "text",
    [
        "curve = [" + "0.5, " * 19_998 + "0.5]",
        "curve = [" + "-1.25e-3, " * 19_998 + "1]",
        "at = [" + "2026-05-05T10:00:00.25Z, " * 19_998 + "1]",
        "[[p]]\n" * 20_000,
    ],
    ids=["points", "exponents", "dates", "tables"],
)
def test_each_value_of_toml_counts_once(text):
    KINDS["toml"].check(text)


@pytest.mark.parametrize(
    "text",
    [
        "curve = [" + "0.5, " * 20_000 + "0.5]",
        "[[p]]\n" * 20_001,
        "".join(f"[{'1.' * 60}b{number}]\n" for number in range(400)),
        "".join(f"[{'1.1 . ' * 30}b{number}]\n" for number in range(1_400)),
        "a = [" + "[1.5]," * 10_001 + "]",
    ],
    ids=["points", "tables", "digits in keys", "pairs in keys", "lists"],
)
def test_more_values_of_toml_than_20000_stay_refused(text):
    with pytest.raises(Defect, match="more than 20000"):
        KINDS["toml"].check(text)


def test_what_is_said_of_a_rendered_text_quotes_nothing_of_it():
    for kind, text in (
        ("json", '{"s3cret": 1, s3cret}'),
        ("json", '{"a": s3cret\u00a0}'),
        ("yaml", "s3cret: 1\ns3cret: 2\n"),
        ("yaml", "a: *s3cret\n"),
        ("toml", "[s3cret]\n[s3cret]\n"),
        ("toml", "a = {s3cret = 1, s3cret = 2}\n"),
    ):
        with pytest.raises(Defect) as caught:
            KINDS[kind].check(text)
        assert "s3cret" not in caught.value.sentence
        assert "U+" not in caught.value.sentence


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("toml", 'a = ["' + "x" * 900_000 + '", 1] junk'),
        ("toml", "a = [" + "1," * 19_000 + "1] junk"),
        ("toml", "a = '" + "[" * 900_000),
        ("json", '["' + "x" * 900_000 + '", junk]'),
        ("json", "[" + "[1]," * 200_000 + "junk]"),
        ("yaml", "a: '" + ": {{ " * 150_000 + "' junk"),
        ("yaml", "a: " + "[" * 100_000),
    ],
)
def test_words_for_a_large_text_take_no_longer_than_reading_it(kind, text):
    """Each of these would take minutes with a search that begins anew at every character."""
    with pytest.raises(Defect) as caught:
        KINDS[kind].check(text)

    assert len(caught.value.sentence) < 300


@pytest.mark.parametrize(
    ("kind", "text"), [("json", "[" * 9_000), ("yaml", "a: " + "[" * 9_000), ("toml", "a = " + "[" * 9_000)]
)
def test_a_text_that_is_nested_too_deep_is_told_with_the_limit(kind, text):
    with pytest.raises(Defect, match="nested deeper than 200 levels"):
        KINDS[kind].check(text)


@pytest.mark.parametrize(("kind", "before"), [("json", ""), ("yaml", "a: "), ("toml", "a = ")])
def test_200_levels_are_taken(kind, before):
    KINDS[kind].check(f"{before}{'[' * 200}{']' * 200}")
