"""Two versions of a text, line by line, and what looking for the difference may cost."""

import pytest

from bootstrap_project.admin.profiles.diff import compare_lines


def test_a_changed_line_is_shown_with_the_lines_around_it():
    old = "".join(f"line {number}\n" for number in range(20_000))

    found = list(compare_lines(old, old.replace("line 9999\n", "another\n")))

    assert [(change.kind, change.text) for change in found if change.kind in {"removed", "added"}] == [
        ("removed", "line 9999"),
        ("added", "another"),
    ]
    assert len(found) < 12


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\n" * 2_000, "a\nb\n" * 1_000 + "c\n"),
        ("a\nc\n" * 1_000, "b\na\n" * 1_000),
        (
            "".join(f"{number % 3}\n" for number in range(2_000)),
            "".join(f"{number % 5}\n" for number in range(1, 1_990)),
        ),
    ],
)
def test_texts_of_lines_that_are_equal_everywhere_are_shown_as_two_blocks(old, new):
    found = list(compare_lines(old, new))

    kinds = [change.kind for change in found if change.kind in {"removed", "added"}]
    assert kinds == sorted(kinds, reverse=True)
    assert len(found) > 2_000
