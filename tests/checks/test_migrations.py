"""What `check --deploy` says of a database that lacks migrations."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from bootstrap_project.checks.migrations import check_migrations

pytestmark = pytest.mark.django_db


def test_database_of_this_release_is_well():
    assert check_migrations(None) == []


def test_missing_migrations_are_a_warning_that_says_what_to_do():
    MigrationRecorder(connection).migration_qs.filter(app="configs", name="0007_profile_served").delete()

    [message] = check_migrations(None)

    assert message.id == "bootstrap.W010"
    assert message.msg == "the database lacks 1 migration; run `manage.py migrate`."


def test_migrations_of_a_newer_release_are_well():
    MigrationRecorder(connection).record_applied("configs", "9999_of_tomorrow")

    assert check_migrations(None) == []


def test_database_that_waits_for_its_first_migration_is_told_and_no_warning():
    MigrationRecorder(connection).migration_qs.all().delete()

    [message] = check_migrations(None)

    assert message.id == "bootstrap.I001"
    assert "run `manage.py migrate`" in message.msg
