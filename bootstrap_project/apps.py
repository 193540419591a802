"""The project itself as a Django application: its system checks."""

from django.apps import AppConfig


class BootstrapConfig(AppConfig):
    """Registers what spans all applications."""

    name = "bootstrap_project"
    label = "bootstrap"
    verbose_name = "Bootstrap"

    def ready(self) -> None:
        """Register the system checks."""
        from bootstrap_project import checks  # noqa: F401, PLC0415 - importing registers them.
