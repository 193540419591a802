"""The four groups that operators start from; what somebody made of them since is left alone."""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_EVERYONE = (
    "configs.view_config",
    "profiles.view_profile",
    "enrollments.view_enrollment",
    "enrollments.view_bindingsnapshot",
    "enrollments.preview_enrollment",
    "devices.view_bootstrapattempt",
)
GROUPS: dict[str, tuple[str, ...]] = {
    "viewer": _EVERYONE,
    "operator": (
        *_EVERYONE,
        "configs.add_config",
        "configs.change_config",
        "configs.delete_config",
        "configs.switch_config",
        "enrollments.change_bindingsnapshot",
    ),
    "template author": (*_EVERYONE, "profiles.add_profile", "profiles.change_profile", "profiles.delete_profile"),
    "key keeper": (*_EVERYONE, "configs.rotate_external_key", "enrollments.reveal_secrets"),
}
# Those that no model has by itself; which one declares them, and what Django will call them.
_OWN = {
    "rotate_external_key": ("config", "Can give a device a new external key"),
    "switch_config": ("config", "Can enable and disable devices"),
    "preview_enrollment": ("enrollment", "Can see what a device would get, with its secrets masked"),
    "reveal_secrets": ("enrollment", "Can see a device's secrets in its preview"),
}


def make_groups(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the groups that do not exist; one of the same name is somebody's own."""
    alias = schema_editor.connection.alias
    groups = apps.get_model("auth", "Group").objects.using(alias)
    for name, permissions in GROUPS.items():
        group, is_new = groups.get_or_create(name=name)
        if is_new:
            group.permissions.set(_permission(apps, alias, permission) for permission in permissions)


def remove_groups(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Remove the groups that are as they were made and have no members."""
    alias = schema_editor.connection.alias
    for name, permissions in GROUPS.items():
        for group in apps.get_model("auth", "Group").objects.using(alias).filter(name=name, user__isnull=True):
            pairs = group.permissions.values_list("content_type__app_label", "codename")
            if {f"{app}.{codename}" for app, codename in pairs} == set(permissions):
                group.delete()


def _permission(apps: Any, alias: str, permission: str) -> Any:
    """Return the row of `permission`, made now where Django would make it after all migrations have run.

    Django then finds the row by content type and code name, and leaves it as it is.
    """
    app_label, codename = permission.split(".")
    model_name, name = _OWN.get(codename, (codename.partition("_")[2], ""))
    verb = codename.partition("_")[0]
    verbose_name = apps.get_model(app_label, model_name)._meta.verbose_name  # noqa: SLF001
    content_type, _ = (
        apps.get_model("contenttypes", "ContentType")
        .objects.using(alias)
        .get_or_create(app_label=app_label, model=model_name)
    )
    row, _ = (
        apps.get_model("auth", "Permission")
        .objects.using(alias)
        .get_or_create(
            content_type=content_type, codename=codename, defaults={"name": name or f"Can {verb} {verbose_name}"}
        )
    )
    return row


class Migration(migrations.Migration):
    dependencies = [
        ("adminsite", "0001_domain_grants"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("configs", "0004_permissions"),
        ("devices", "0001_initial"),
        ("enrollments", "0003_permissions"),
        ("profiles", "0001_initial"),
    ]

    operations = [migrations.RunPython(make_groups, remove_groups)]
