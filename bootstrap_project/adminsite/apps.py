"""The application for what all pages of the admin share, and Django's admin with our site in it."""

from django.apps import AppConfig, apps
from django.contrib.admin.apps import AdminConfig
from django.utils.module_loading import autodiscover_modules


class AdminSiteConfig(AppConfig):
    """Names the application."""

    name = "bootstrap_project.adminsite"
    label = "adminsite"
    verbose_name = "Access"

    def ready(self) -> None:
        """Give Django's users and groups a name for people, and import the panels of all applications."""
        apps.get_app_config("auth").verbose_name = "People"
        autodiscover_modules("admin_panels")


class ProductAdminConfig(AdminConfig):
    """Django's admin, under our site."""

    default_site = "bootstrap_project.adminsite.site.ProductAdminSite"
