"""The application for what all pages of the admin share."""

from django.apps import AppConfig


class AdminSiteConfig(AppConfig):
    """Names the application."""

    name = "bootstrap_project.adminsite"
    label = "adminsite"
    verbose_name = "Access"
