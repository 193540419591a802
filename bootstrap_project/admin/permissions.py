"""What the operators' pages ask for, one name for each permission; the code names are data and stand in groups."""

from typing import Final

VIEW_DEVICES: Final = "configs.view_config"
CHANGE_DEVICES: Final = "configs.change_config"
DELETE_DEVICES: Final = "configs.delete_config"
SWITCH_DEVICES: Final = "configs.switch_config"
ROTATE_KEYS: Final = "configs.rotate_external_key"
VIEW_PROFILES: Final = "profiles.view_profile"
VIEW_ENROLLMENTS: Final = "enrollments.view_enrollment"
VIEW_BINDINGS: Final = "enrollments.view_bindingsnapshot"
BIND: Final = "enrollments.change_bindingsnapshot"
PREVIEW: Final = "enrollments.preview_enrollment"
REVEAL_SECRETS: Final = "enrollments.reveal_secrets"
VIEW_ATTEMPTS: Final = "devices.view_bootstrapattempt"
