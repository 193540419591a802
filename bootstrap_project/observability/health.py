"""`/health`: says whether this process can serve, which is to say whether its database answers and was migrated."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Final

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse

from bootstrap_project.database.outages import database
from bootstrap_project.database.trouble import find_trouble
from bootstrap_project.observability.request_id import current_request_id

# An empty database answers, too, but nothing can be served from it. Of the tables that devices read no row is wanted,
# and a table that is locked as a whole keeps this waiting as it does them.
_QUESTION: Final = """
SELECT 1
  FROM django_migrations
  LEFT JOIN (SELECT 1 FROM configs_config, profiles_profile, enrollments_bindingsnapshot LIMIT 0) AS devices ON TRUE
 LIMIT 1
"""
READ_METHODS = ("GET", "HEAD")
#: Stands in a request's environment, as words, when the database need not be asked; no header can set it.
DATABASE_TROUBLE: Final = "bootstrap.database_trouble"


def method_not_allowed() -> HttpResponse:
    """Return the answer of a page that can only be read to any other method."""
    return HttpResponse(
        json.dumps({"message": "method not allowed", "request_id": current_request_id()}) + "\n",
        content_type="application/json",
        status=405,
        headers={"Allow": ", ".join(READ_METHODS)},
    )


def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 `pass`, or 503 `fail` when the database does not answer, keeps devices waiting or was never migrated.

    Shape: application/health+json with the members of Magistrala's services; `output` says why devices would wait.
    Cost: one query.
    """
    if request.method not in READ_METHODS:
        return method_not_allowed()
    trouble = request.META.get(DATABASE_TROUBLE) or _trouble()
    usable = trouble is None
    body = {
        "status": "pass" if usable else "fail",
        "version": settings.BOOTSTRAP_VERSION,
        "commit": settings.BOOTSTRAP_BUILD_COMMIT,
        "description": "bootstrap service",
        "build_time": settings.BOOTSTRAP_BUILD_TIME,
        "instance_id": settings.BOOTSTRAP_INSTANCE_ID,
    }
    if trouble is not None:
        body["output"] = trouble
    return HttpResponse(
        json.dumps(body) + "\n",
        content_type="application/health+json",
        status=200 if usable else 503,
        headers={"Cache-Control": "no-store"},
    )


def _trouble() -> str | None:
    """Return why nothing can be served from the database; None where all is well."""
    error = _ask()
    if error is None:
        database.worked()
        return None
    with suppress(Error):
        connection.close()
    # Asked every few seconds: the first answer is worth a line, and the one that ends it.
    database.failed("health", f"{type(error).__name__}: {str(error).strip()}")
    trouble = find_trouble(error)
    return "the database was never migrated, or not to this version" if trouble is None else trouble.detail


def _ask() -> Error | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_QUESTION)
            cursor.fetchone()
    except Error as error:
        return error
    return None
