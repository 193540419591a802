"""Places in texts and what is shown of them."""

import pytest

from bootstrap_project.diagnostics import NOWHERE, Diagnostic, Location, excerpt

TEXT = "one\n\ttwo = three\r\nfour"


def test_an_excerpt_marks_the_place_below_its_line():
    text, caret = excerpt(TEXT, Location(2, 8, 5))

    assert text == "\ttwo = three"
    assert caret == "\t      ^^^^^"


@pytest.mark.parametrize("location", [NOWHERE, Location(4, 1)])
def test_without_such_a_line_there_is_no_excerpt(location):
    assert excerpt(TEXT, location) == ("", "")


def test_a_mark_ends_with_its_line_and_is_seen_behind_it():
    assert excerpt(TEXT, Location(3, 3, 50)).caret == "  ^^"
    assert excerpt(TEXT, Location(3, 5, 2)).caret == "    ^"
    assert excerpt(TEXT, Location(3, 50)).caret == "    ^"


def test_a_line_that_fits_is_shown_whole():
    line = "x" * 119 + "y"

    assert excerpt(line, Location(1, 120)) == (line, " " * 119 + "^")


def test_a_long_line_is_cut_around_the_place():
    line = "x" * 1000 + "here" + "y" * 1000

    text, caret = excerpt(line, Location(1, 1001, 4))

    assert len(text) == 122
    assert text[0] == text[-1] == "…"
    assert text[caret.index("^") :].startswith("here")
    assert caret.count("^") == 4


def test_of_a_long_line_the_beginning_is_shown_as_long_as_it_holds_the_place():
    text, caret = excerpt("here" + "x" * 1000, Location(1, 1, 4), length=40)

    assert text == "here" + "x" * 36 + "…"
    assert caret == "^^^^"


def test_equal_diagnostics_are_one():
    made = [Diagnostic("unused-slot", "warning", "It is not read.", location=Location(1, 2)) for _ in range(2)]

    assert len(set(made)) == 1
