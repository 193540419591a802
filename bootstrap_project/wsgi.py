"""The WSGI entry point that production servers load."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bootstrap_project.settings")

_django = get_wsgi_application()

# Not before Django is set up.
from django.conf import settings  # noqa: E402

from bootstrap_project.reception import Reception  # noqa: E402
from devices.wsgi import DeviceApplication  # noqa: E402

application = Reception(
    DeviceApplication(_django),
    devices=settings.DEVICE_PLACES,
    others=settings.OTHER_PLACES,
    lock_timeout_seconds=settings.DB_LOCK_TIMEOUT_SECONDS,
)
