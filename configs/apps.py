"""The application for device configs."""

from django.apps import AppConfig


class ConfigsConfig(AppConfig):
    """Names the application."""

    name = "configs"
    verbose_name = "Devices"
