"""The schema: complete migrations that go both ways, and constraints that hold without our code."""

from __future__ import annotations

import subprocess
import sys
import uuid

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from configs.models import Config
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.support.rows import make_binding, make_config, make_profile

OURS = ("adminsite", "configs", "devices", "enrollments", "profiles", "runs")


def test_no_migration_is_missing(db):
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.parametrize("app", OURS)
def test_migrations_are_named_for_what_they_do(app):
    names = [name for label, name in MigrationExecutor(None).loader.disk_migrations if label == app]

    assert names
    assert not [name for name in names if "_auto_" in name]


@pytest.mark.django_db(transaction=True)
@pytest.mark.sqlite
def test_migrations_go_back_to_nothing_and_forward_again():
    leaves = [leaf for leaf in MigrationExecutor(connection).loader.graph.leaf_nodes() if leaf[0] in OURS]
    before = tables()
    try:
        executor = MigrationExecutor(connection)
        executor.migrate([(app, None) for app in OURS])
        assert not [table for table in tables() if table.startswith(OURS)]
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(leaves)

    assert tables() == before
    config = make_config(profile=make_profile())
    make_binding(config=config, slot="s")
    assert Config.objects.get() == config


def tables():
    with connection.cursor() as cursor:
        return {
            table.name: sorted(connection.introspection.get_constraints(cursor, table.name))
            if table.name.startswith(OURS)
            else []
            for table in connection.introspection.get_table_list(cursor)
        }


def insert(model, **changed):
    """Insert a copy of the only row of `model` with other values, by plain SQL."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        values = dict(zip(names, cursor.fetchone(), strict=True))
        if connection.vendor == "postgresql":
            kept = [name for name in names if name not in changed]
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(kept + list(changed))}) "
                f"SELECT {', '.join(kept)}{''.join(', %s' for _ in changed)} FROM {table} LIMIT 1",
                list(changed.values()),
            )
        else:
            values |= changed
            places = ", ".join(["%s"] * len(values))
            cursor.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", list(values.values()))


def new_id():
    made = uuid.uuid4()
    return str(made) if connection.vendor == "postgresql" else made.hex


@pytest.fixture
def rows(db):
    profile = make_profile(name="name")
    config = make_config(profile=profile, external_id="e", name="name")
    make_binding(config=config, slot="s")


FRESH = {
    Config: {"external_id": "other", "name": "other"},
    Profile: {"name": "other"},
    BindingSnapshot: {"slot": "other"},
}
VIOLATIONS = [
    (Config, {"external_id": "e"}, "configs_config_external_id_unique"),
    (Config, {"name": "name"}, "configs_config_name_unique"),
    (Config, {"external_id": ""}, "configs_config_external_id_not_empty"),
    (Config, {"external_key_hash": ""}, "configs_config_key_hash_not_empty"),
    (Config, {"status": "paused"}, "configs_config_status_known"),
    (Profile, {"name": "name"}, "profiles_profile_name_unique"),
    (Profile, {"name": ""}, "profiles_profile_name_not_empty"),
    (Profile, {"template_format": "xml"}, "profiles_profile_format_known"),
    (Profile, {"version": 0}, "profiles_profile_version_positive"),
    (BindingSnapshot, {"slot": "s"}, "enrollments_bind"),
    (BindingSnapshot, {"type": "cert"}, "enrollments_binding_type_known"),
    (BindingSnapshot, {"slot": ""}, "enrollments_binding_slot_not_empty"),
    (BindingSnapshot, {"resource_id": ""}, "enrollments_binding_resource_not_empty"),
]


@pytest.mark.sqlite
@pytest.mark.parametrize(("model", "values", "constraint"), VIOLATIONS, ids=[name for _, _, name in VIOLATIONS])
def test_the_database_itself_refuses_a_bad_row(rows, model, values, constraint):
    insert(model, id=new_id(), **FRESH[model])

    again = {name: f"{value} again" for name, value in FRESH[model].items()} | values
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        insert(model, id=new_id(), **again)


@pytest.mark.sqlite
def test_names_may_be_empty_more_than_once_and_repeat_in_other_domains(rows):
    insert(Config, id=new_id(), external_id="2", name="")
    insert(Config, id=new_id(), external_id="3", name="")
    insert(Config, id=new_id(), external_id="4", domain_id="other")
    insert(Profile, id=new_id(), domain_id="other")


@pytest.mark.django_db(transaction=True)
@pytest.mark.sqlite
def test_a_row_that_points_nowhere_is_refused():
    config = make_config()

    with pytest.raises(IntegrityError):
        Config.objects.filter(pk=config.pk).update(profile_id=uuid.uuid4())
    with pytest.raises(IntegrityError):
        BindingSnapshot.objects.create(
            config_id=uuid.uuid4(), slot="s", type="client", resource_id="r", updated_at=timezone.now()
        )


def test_the_indexes_that_lists_and_devices_need_exist(db):
    with connection.cursor() as cursor:
        found = {
            name
            for model in (Config, Profile, BindingSnapshot)
            for name in connection.introspection.get_constraints(cursor, model._meta.db_table)
        }

    assert {
        "configs_config_listing",
        "configs_config_status_listing",
        "configs_config_totals",
        "configs_config_key_digest",
        "profiles_profile_listing",
        "enrollments_binding_resource",
    } <= found


def test_every_model_of_ours_is_in_a_migration(db):
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))

    ours = {model._meta.db_table for app in OURS for model in apps.get_app_config(app).get_models()}
    assert ours <= existing
    assert {"configs_config", "profiles_profile", "enrollments_bindingsnapshot"} <= ours


def test_the_check_for_deployment_finds_nothing(tmp_path):
    """`check --deploy` in a process of its own, over settings as an operator would have them."""
    import os  # noqa: PLC0415 - one test's need.

    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MG_", "DJANGO_"))}
    environment = inherited | {
        "MG_BOOTSTRAP_SECRET_KEY": "Zk3v9Qw7Lr1Xb5Tn8Yc2Hs6Dj4Fg0Pm-Zk3v9Qw7Lr1Xb5Tn8Yc2Hs6",
        "MG_BOOTSTRAP_ENCRYPT_KEY": "4f1c9a7be2d05836",
        "MG_BOOTSTRAP_HTTPS_ONLY": "true",
        "DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite3",
        **{
            f"MG_{name}_URL": f"https://{name.lower()}.example.com"
            for name in ("CLIENTS", "CHANNELS", "DOMAINS", "USERS", "AUTH")
        },
    }

    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
