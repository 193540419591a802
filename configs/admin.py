"""The admin's pages of devices."""

from __future__ import annotations

from django.contrib import admin

from configs.admin_list import ConfigList
from configs.admin_page import DevicePage
from configs.models import Config


@admin.register(Config)
class ConfigAdmin(ConfigList, DevicePage):
    """Devices: their list, and the page of each of them."""
