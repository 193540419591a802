"""Durations on the command line."""

import argparse
from datetime import timedelta

import pytest

from bootstrap_project.durations import MAX_DURATION, parse_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("0h", timedelta(0)),
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("24H", timedelta(days=1)),
        ("7d", timedelta(days=7)),
        (" 8w ", timedelta(weeks=8)),
        ("999999d", MAX_DURATION),
        ("999999999w", MAX_DURATION),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", "7", "d", "-1d", "1.5d", "1y", "1dd", "1 d", "\N{ARABIC-INDIC DIGIT SEVEN}d", "1" * 10 + "s"]
)
def test_anything_else_is_refused_with_the_units(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is no age; write 90s, 30m, 24h, 7d or 8w"):
        parse_duration(text)
