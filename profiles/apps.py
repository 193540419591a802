"""The application for templates, their slots and their preview."""

from django.apps import AppConfig


class ProfilesConfig(AppConfig):
    """Names the application."""

    name = "profiles"
    verbose_name = "Profiles"
