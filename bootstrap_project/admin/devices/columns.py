"""The columns that every list of devices in the admin shows."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from bootstrap_project.admin.display import badge, short_id
from configs.models import Config, Status


class ConfigColumns:
    """Who a device is, what it renders and whether it gets an answer."""

    @admin.display(description="name", ordering="name")
    def label(self, config: Config) -> str:
        """Return the name; a config needs none."""
        return config.name or "(no name)"

    @admin.display(description="domain", ordering="domain_id")
    def domain(self, config: Config) -> SafeString:
        """Return the domain, cut short."""
        return short_id(config.domain_id)

    @admin.display(description="profile", ordering="profile__name", empty_value="none")
    def profile_version(self, config: Config) -> str | None:
        """Return the profile's name and version."""
        return f"{config.profile.name} v{config.profile.version}" if config.profile else None

    @admin.display(description="status", ordering="status")
    def state(self, config: Config) -> SafeString:
        """Return the status in its colour."""
        return badge("good" if config.status == Status.ENABLED else "bad", config.status)
