"""The application for what all pages of the admin share."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class AdminSiteConfig(AppConfig):
    """Names the application, and finds the panels that others put onto pages."""

    name = "bootstrap_project.adminsite"
    label = "adminsite"
    verbose_name = "Access"

    def ready(self) -> None:
        """Import the panels of all applications, as Django's admin imports their pages."""
        autodiscover_modules("admin_panels")
