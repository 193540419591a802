"""What each role may do, written down once more: the product's groups are held to this."""

from __future__ import annotations

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
