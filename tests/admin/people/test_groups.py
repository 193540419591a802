"""The groups that a migration makes: on a fresh database, again, and back, leaving alone what people made of them."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.support.roles import ROLES, Editor, make_groups, migration

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]


@pytest.fixture
def groups() -> None:
    make_groups()


def forwards() -> None:
    migration.make_groups(apps, Editor)


def backwards() -> None:
    migration.remove_groups(apps, Editor)


def permissions_of(name: str) -> set[str]:
    pairs = Permission.objects.filter(group__name=name).values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in pairs}


def test_each_group_has_what_the_roles_say(groups):
    assert {name: permissions_of(name) for name in migration.GROUPS} == ROLES


def test_members_have_the_permissions(groups):
    user = User.objects.create_user("kim")
    user.groups.add(Group.objects.get(name="key keeper"))

    assert user.has_perm("enrollments.reveal_secrets")
    assert not user.has_perm("configs.change_config")


def test_permissions_are_those_that_django_makes_and_no_others(groups):
    """Were the rows not those that Django would make, it would make its own beside them."""
    before = set(Permission.objects.values_list("content_type", "codename", "name"))
    Permission.objects.all().delete()
    Group.objects.all().delete()
    forwards()
    made = set(Permission.objects.values_list("content_type", "codename", "name"))

    call_command("migrate", verbosity=0)

    assert made <= before
    assert set(Permission.objects.values_list("content_type", "codename", "name")) == before
    assert {name: permissions_of(name) for name in migration.GROUPS} == ROLES


def test_a_changed_group_stays_as_somebody_made_it(groups):
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.clear()
    forwards()
    assert permissions_of("viewer") == set()

    backwards()

    assert list(Group.objects.filter(name__in=migration.GROUPS)) == [viewer]


def test_a_group_with_members_stays(groups):
    User.objects.create_user("olga").groups.add(Group.objects.get(name="operator"))

    backwards()

    assert [group.name for group in Group.objects.filter(name__in=migration.GROUPS)] == ["operator"]


def test_the_migration_depends_on_all_that_it_needs():
    """Alone on an empty database, what it asks for is there: Django orders by what is written down."""
    executor = MigrationExecutor(connection)
    plan = executor.loader.graph.forwards_plan(("adminsite", "0002_groups"))
    state = executor.loader.project_state(("adminsite", "0002_groups"))

    for permissions in migration.GROUPS.values():
        for permission in permissions:
            app_label, codename = permission.split(".")
            model = migration._OWN.get(codename, (codename.partition("_")[2],))[0]
            assert (app_label, model) in state.models, plan
