"""The WSGI entry point that production servers load."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bootstrap_project.settings")

_django = get_wsgi_application()

# Not before Django is set up.
from django.conf import settings  # noqa: E402

from bootstrap_project.database.pool import share_connections  # noqa: E402
from bootstrap_project.door import (  # noqa: E402
    HEALTH_LOCK_SECONDS,
    HEALTH_STATEMENT_SECONDS,
    Door,
    HealthFirst,
    WholeBodies,
)
from devices.bulkhead import CROWD, Bulkhead  # noqa: E402
from devices.wsgi import DeviceApplication  # noqa: E402

if settings.DB_POOL_SIZE:
    share_connections(settings.DB_POOL_SIZE, lock_timeout_seconds=settings.DB_LOCK_TIMEOUT_SECONDS)

device_bulkhead = Bulkhead(settings.DEVICES_AT_ONCE, crowd=CROWD)
health_bulkhead = Bulkhead(1, statement_seconds=HEALTH_STATEMENT_SECONDS, lock_seconds=HEALTH_LOCK_SECONDS)
application = Door(DeviceApplication(WholeBodies(HealthFirst(_django, health_bulkhead)), device_bulkhead))
