"""Constraints by name, and the index that one of them makes."""

import pytest
from django.db import IntegrityError, connection, transaction

from bootstrap_project.database.constraints import violated_constraint
from configs.models import Config
from tests.support.rows import make_config, make_profile


@pytest.mark.django_db(transaction=True)
@pytest.mark.sqlite
def test_a_violated_constraint_is_known_by_its_name():
    make_config(external_id="twice")

    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        make_config(external_id="twice")

    assert violated_constraint(caught.value, Config.NAME_UNIQUE, Config.EXTERNAL_ID_UNIQUE) == Config.EXTERNAL_ID_UNIQUE
    assert violated_constraint(caught.value, Config.NAME_UNIQUE) == ""


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
