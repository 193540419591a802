"""System checks: what `manage.py check` can tell before anyone is hurt by it; importing this registers them."""

from bootstrap_project.checks import configuration, platform, stored_keys  # noqa: F401
