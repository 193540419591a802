"""`/health`: says whether this process can serve, which is to say whether its database answers and was migrated."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Final

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse

from bootstrap_project.observability.outages import database
from bootstrap_project.observability.request_id import current_request_id

READ_METHODS = ("GET", "HEAD")
#: Stands in a request's environment when something else has just shown that the database answers; no header can set it.
DATABASE_ANSWERS: Final = "bootstrap.database_answers"
#: Stands there, as words, when it is known that devices wait for the database in vain.
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
    Cost: one query, none where it is known whether the database answers.
    """
    if request.method not in READ_METHODS:
        return method_not_allowed()
    trouble = request.META.get(DATABASE_TROUBLE)
    usable = trouble is None and (DATABASE_ANSWERS in request.META or _database_answers())
    body = {
        "status": "pass" if usable else "fail",
        "version": settings.BOOTSTRAP_VERSION,
        "commit": settings.BOOTSTRAP_BUILD_COMMIT,
        "description": "bootstrap service",
        "build_time": settings.BOOTSTRAP_BUILD_TIME,
        "instance_id": settings.BOOTSTRAP_INSTANCE_ID,
    }
    if trouble is not None:
        body["output"] = str(trouble)
    return HttpResponse(
        json.dumps(body) + "\n",
        content_type="application/health+json",
        status=200 if usable else 503,
        headers={"Cache-Control": "no-store"},
    )


def _database_answers() -> bool:
    # A connection kept from an earlier request may have died with a database that is back by now: that one is worth a
    # second try. A fresh connection that fails is the truth already.
    if connection.connection is not None:
        if _ask() is None:
            database.worked()
            return True
        with suppress(Error):
            connection.close()
    error = _ask()
    if error is not None:
        with suppress(Error):
            connection.close()
        # Asked every few seconds: the first answer is worth a line, and the one that ends it.
        database.failed("health", f"{type(error).__name__}: {str(error).strip()}")
        return False
    database.worked()
    return True


def _ask() -> Error | None:
    try:
        with connection.cursor() as cursor:
            # An empty database answers, too, but nothing can be served from it.
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
            cursor.fetchone()
    except Error as error:
        return error
    return None
