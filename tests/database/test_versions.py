"""A PostgreSQL that is too old for Django."""

from __future__ import annotations

import pytest
from django.db import NotSupportedError, connection

from bootstrap_project.database.trouble import find_trouble, reason_of


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite comes with Python")
@pytest.mark.django_db
def test_a_connection_to_a_server_that_is_too_old_is_none_to_go_on_with(monkeypatch):
    own = connection.copy()
    monkeypatch.setattr("django.db.backends.base.base.RAN_DB_VERSION_CHECK", set())
    monkeypatch.setattr(type(own.features), "minimum_database_version", (99,))

    for _ in range(2):
        with pytest.raises(NotSupportedError) as refused:
            own.ensure_connection()
        trouble = find_trouble(refused.value)
        assert own.connection is None
        assert trouble is not None
        assert trouble.name == "too old"
        assert "PostgreSQL 99 or later is required" in reason_of(refused.value)
