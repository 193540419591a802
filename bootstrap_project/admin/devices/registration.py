"""The admin's pages of devices."""

from __future__ import annotations

from django.contrib import admin

from bootstrap_project.admin.devices.admin import DevicePage
from bootstrap_project.admin.devices.list import ConfigList
from configs.models import Config


@admin.register(Config)
class ConfigAdmin(ConfigList, DevicePage):
    """Devices: their list, and the page of each of them."""
