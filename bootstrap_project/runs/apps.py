"""The application for background work."""

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """Names the application."""

    name = "bootstrap_project.runs"
    label = "runs"
    verbose_name = "Background work"
