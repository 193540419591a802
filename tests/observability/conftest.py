from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def only_the_request_middleware(settings):
    """Leave out the middleware of other packages, so that a failure here is this package's own."""
    settings.MIDDLEWARE = ["bootstrap_project.observability.middleware.RequestMiddleware"]
