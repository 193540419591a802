"""Django's admin with our site: the home page and what belongs to it."""

from bootstrap_project.adminsite.apps import ProductAdminConfig


class ConsoleConfig(ProductAdminConfig):
    """Stands in the settings in the place of `django.contrib.admin`."""

    default_site = "bootstrap_project.console.site.ConsoleSite"
