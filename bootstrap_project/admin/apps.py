"""The application of every page that operators see, and Django's admin with our site in it."""

from importlib import import_module

from django.apps import AppConfig, apps
from django.contrib.admin.apps import AdminConfig

#: The modules that register pages: no application of ours has an `admin` module.
PAGES = (
    "bootstrap_project.admin.people.admin",
    "bootstrap_project.admin.profiles.admin",
    "bootstrap_project.admin.devices.admin",
    "bootstrap_project.admin.devices.bindings",
    "bootstrap_project.admin.devices.attempts",
)


class AdminSiteConfig(AppConfig):
    """Names the application. Its label stands in tables and permissions, and `admin` is that of Django's admin."""

    name = "bootstrap_project.admin"
    label = "adminsite"
    verbose_name = "Access"

    def ready(self) -> None:
        """Give Django's users and groups a name for people."""
        apps.get_app_config("auth").verbose_name = "People"


class ProductAdminConfig(AdminConfig):
    """Django's admin, under our site."""

    default_site = "bootstrap_project.admin.home.site.HomeSite"

    def ready(self) -> None:
        """Register the pages of Django's applications, then ours."""
        super().ready()
        for page in PAGES:
            import_module(page)
