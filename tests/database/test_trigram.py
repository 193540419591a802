"""Search by substring has an index."""

import pytest
from django.db import connection

from bootstrap_project.database.trigram import trigrams_available
from configs.models import Config


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
