"""Ages on the command line."""

import argparse
from datetime import timedelta

import pytest

from bootstrap_project.ages import LONGEST, read_age


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("0h", timedelta(0)),
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("24H", timedelta(days=1)),
        ("7d", timedelta(days=7)),
        (" 8w ", timedelta(weeks=8)),
        ("999999d", LONGEST),
        ("999999999w", LONGEST),
    ],
)
def test_an_age_is_a_number_and_a_unit(text, age):
    assert read_age(text) == age


@pytest.mark.parametrize(
    "text", ["", "7", "d", "-1d", "1.5d", "1y", "1dd", "1 d", "\N{ARABIC-INDIC DIGIT SEVEN}d", "1" * 10 + "s"]
)
def test_anything_else_is_refused_with_the_units(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is no age; write 90s, 30m, 24h, 7d or 8w"):
        read_age(text)
