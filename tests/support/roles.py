"""What each role may do, written down once more: the product's groups are held to this."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection

migration: Any = import_module("bootstrap_project.admin.migrations.0002_groups")

VIEWER = {
    "configs.view_config",
    "profiles.view_profile",
    "enrollments.view_enrollment",
    "enrollments.view_bindingsnapshot",
    "enrollments.preview_enrollment",
    "devices.view_bootstrapattempt",
}
ROLES: dict[str, set[str]] = {
    "viewer": VIEWER,
    "operator": VIEWER
    | {
        "configs.add_config",
        "configs.change_config",
        "configs.delete_config",
        "configs.switch_config",
        "enrollments.change_bindingsnapshot",
    },
    "template author": VIEWER | {"profiles.add_profile", "profiles.change_profile", "profiles.delete_profile"},
    "key keeper": VIEWER | {"configs.rotate_external_key", "enrollments.reveal_secrets"},
}


class Editor:
    """What a migration is given of the database."""

    connection = connection


def make_groups() -> None:
    """The groups as the migration makes them, whatever other tests left: those with a server empty all tables."""
    Group.objects.filter(name__in=migration.GROUPS).delete()
    migration.make_groups(apps, Editor)
