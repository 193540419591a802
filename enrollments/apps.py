"""The application for what binds a config to resources."""

from django.apps import AppConfig


class EnrollmentsConfig(AppConfig):
    """Names the application."""

    name = "enrollments"
    verbose_name = "Enrollments"
