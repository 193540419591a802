"""The application for what binds a config to resources."""

from importlib import import_module

from django.apps import AppConfig


class EnrollmentsConfig(AppConfig):
    """Names the application, and answers for devices where profiles ask."""

    name = "enrollments"
    verbose_name = "Enrollments"

    def ready(self) -> None:
        """Register once all models are there."""
        # At the top of this module there are no models yet.
        import_module("enrollments.previews.trials").register()
