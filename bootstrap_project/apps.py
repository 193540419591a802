"""The project itself as a Django application: its system checks."""

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import pre_migrate


class BootstrapConfig(AppConfig):
    """Registers what spans all applications."""

    name = "bootstrap_project"
    label = "bootstrap"
    verbose_name = "Bootstrap"

    def ready(self) -> None:
        """Register the system checks, and hand the template budgets to the renderer."""
        from bootstrap_project import checks  # noqa: PLC0415 - importing registers them.
        from bootstrap_project.rendering.cache import templates  # noqa: PLC0415 - not before settings are there.

        pre_migrate.connect(checks.configuration.refuse_short_secret_key)
        templates.set_limits(**settings.TEMPLATE_LIMITS)
