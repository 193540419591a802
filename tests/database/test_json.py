"""JSON columns: floats stay floats."""

import json

import pytest

from bootstrap_project.database.json import ExactFloatEncoder
from configs.models import Config
from tests.support.rows import make_config


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e16, "10000000000000000.0"),
        (-1e22, "-10000000000000000000000.0"),
        (1.5, "1.5"),
        (1e-7, "1e-07"),
        (10**16, "10000000000000000"),
        ("1e+16", '"1e+16"'),
        ('a"1e+16', '"a\\"1e+16"'),
        ({"1e+16": [1e16, {"x": "e+"}]}, '{"1e+16": [10000000000000000.0, {"x": "e+"}]}'),
    ],
)
def test_large_floats_are_written_without_an_exponent_and_nothing_else_changes(value, text):
    written = json.dumps(value, cls=ExactFloatEncoder)

    assert written == text
    assert json.loads(written) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.0, "0.0"), ([-0.0, "-0.0", -0.05, -1e-07], '[0.0, "-0.0", -0.05, -1e-07]'), ({"-0.0": -0.0}, '{"-0.0": 0.0}')],
)
def test_negative_zero_is_written_on_no_database(value, text):
    assert json.dumps(value, cls=ExactFloatEncoder) == text


@pytest.mark.django_db
@pytest.mark.sqlite
@pytest.mark.parametrize("number", [1, 1.0, 1e6, 1e16, 1e300, 2**63, 0.1, 1e-7, -0.0])
def test_numbers_come_back_from_the_database_with_their_kind(number):
    config = make_config(render_context={"n": number})

    stored = Config.objects.get(pk=config.pk).render_context["n"]

    assert type(stored) is type(number)
    assert stored == number
