"""The application for the endpoints that devices call."""

from django.apps import AppConfig


class DevicesConfig(AppConfig):
    """Names the application."""

    name = "devices"
    verbose_name = "Device endpoints"
