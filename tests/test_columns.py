"""Columns that several applications share: floats that stay floats, constraints by name, search by substring."""

import json

import pytest
from django.db import IntegrityError, connection, transaction

from bootstrap_project.columns import ExactFloatEncoder, trigrams_available, violated_constraint
from configs.models import Config
from tests.factories import make_config, make_profile


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


@pytest.mark.django_db
@pytest.mark.sqlite
@pytest.mark.parametrize("number", [1, 1.0, 1e6, 1e16, 1e300, 2**63, 0.1, 1e-7, -0.0])
def test_numbers_come_back_from_the_database_with_their_kind(number):
    config = make_config(render_context={"n": number})

    stored = Config.objects.get(pk=config.pk).render_context["n"]

    assert type(stored) is type(number)
    assert stored == number


@pytest.mark.django_db(transaction=True)
@pytest.mark.sqlite
def test_a_violated_constraint_is_known_by_its_name():
    make_config(external_id="twice")

    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        make_config(external_id="twice")

    assert violated_constraint(caught.value, Config.NAME_UNIQUE, Config.EXTERNAL_ID_UNIQUE) == Config.EXTERNAL_ID_UNIQUE
    assert violated_constraint(caught.value, Config.NAME_UNIQUE) == ""


@pytest.mark.django_db
def test_search_by_substring_has_an_index_where_trigrams_are_available():
    if not trigrams_available():
        pytest.skip("this database has no trigrams")
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'configs_config'")
        names = {row[0] for row in cursor.fetchall()}
        # A planner that must not read the whole table shows whether the index fits what icontains asks for.
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = Config.objects.filter(name__icontains="pump").order_by().explain()

    assert {"configs_config_name_trigram", "configs_config_external_id_trigram"} <= names
    assert "configs_config_name_trigram" in plan


@pytest.mark.django_db
@pytest.mark.sqlite
def test_a_config_is_found_by_its_external_id_through_the_unique_index():
    config = make_config(external_id="müller/ß".replace("/", "-"))
    make_profile()

    found = Config.objects.all().with_external_id(config.external_id)

    assert list(found) == [config]
    assert not Config.objects.all().with_external_id("MÜLLER-ß").exists()
    if connection.vendor == "sqlite":
        assert "configs_config_external_id_unique" in found.order_by().explain()
