"""The WSGI entry point that production servers load."""

from __future__ import annotations

import os
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bootstrap_project.settings")

#: The largest body that is taken without a length: one byte more than the limit, so that Django sees it broken.
MAX_UNANNOUNCED_BYTES = 1_048_576 + 1

django_application = get_wsgi_application()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request; a body that comes in chunks is measured first, because Django takes it for an empty one.

    Cost: one look into `environ` for everyone else.
    """
    if "HTTP_TRANSFER_ENCODING" in environ and not environ.get("CONTENT_LENGTH"):
        body = environ["wsgi.input"].read(MAX_UNANNOUNCED_BYTES)
        environ["wsgi.input"] = BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
    return django_application(environ, start_response)
