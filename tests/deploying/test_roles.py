"""Two roles: one owns the tables and migrates, the other runs everything and can change no table."""

import psycopg
import pytest

from tests.deploying.database import SERVICE
from tests.deploying.story import credential, enrol, expect_served
from tests.support.server import ServerProcess

pytestmark = pytest.mark.slow


def test_the_second_role_runs_the_whole_story(deployed, platform):
    settings = credential(platform)
    with ServerProcess({"DATABASE_URL": deployed.url()} | settings) as server:
        config_id = enrol(server.url, platform)
        expect_served(server.url, config_id)
    # Written as the process stopped.
    assert "1 attempts" in deployed.manage("prune_attempts", "--older-than", "1s", "--dry-run")

    deployed.manage("migrate", "--check")
    assert "no issues" in deployed.manage("check", "--database", "default", settings=settings)
    password = {"DJANGO_SUPERUSER_PASSWORD": "a long enough password"}
    deployed.manage("createsuperuser", "--noinput", "--username", "ada", "--email", "a@example.com", settings=password)
    deployed.manage("prune_attempts", "--older-than", "1s")
    deployed.manage("prune_logins")
    deployed.manage("reseal_secrets", "--check")
    deployed.manage("renew_key_digests", "--check")
    assert "unchanged" in deployed.manage("refresh_bindings", "--all", settings=settings)
    deployed.manage("worker", "--once")


def test_the_second_role_can_change_no_table(deployed):
    with psycopg.connect(deployed.url(), autocommit=True) as connection:
        for statement in (
            "CREATE TABLE mine (id integer)",
            "CREATE TEMP TABLE mine (id integer)",
            "DROP TABLE configs_config",
            "TRUNCATE devices_bootstrapattempt",
            "ALTER TABLE configs_config ADD COLUMN mine integer",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        # What would wait for ever does not.
        limits = [connection.execute(f"SHOW {name}").fetchall()[0][0] for name in ("lock_timeout", "statement_timeout")]

    assert limits == ["5s", "5min"]


def test_it_has_its_rights_on_what_a_later_migration_makes(deployed):
    with psycopg.connect(deployed.url("bootstrap_owner"), autocommit=True) as connection:
        connection.execute("CREATE TABLE later (id bigserial, word text)")

    with psycopg.connect(deployed.url(), autocommit=True) as connection:
        connection.execute("INSERT INTO later (word) VALUES ('a')")
        assert connection.execute("SELECT * FROM later").fetchall() == [(1, "a")]


def test_the_search_has_its_index_and_ignores_case_beyond_z(deployed):
    with psycopg.connect(deployed.url(), autocommit=True) as connection:
        assert connection.execute("SELECT upper('\u00e4')").fetchone() == ("\u00c4",)
        found = connection.execute("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%gin_trgm_ops%'").fetchall()

    assert found[0][0] > 0
    assert SERVICE in deployed.program("psql", "-Atc", "SELECT rolname FROM pg_roles")
