"""The WSGI entry point that production servers load."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bootstrap_project.settings")

application = get_wsgi_application()
