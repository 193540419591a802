"""Django's admin with our site: the home page and what belongs to it."""

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """Stands in the settings in the place of `django.contrib.admin`."""

    default_site = "bootstrap_project.console.site.ConsoleSite"
