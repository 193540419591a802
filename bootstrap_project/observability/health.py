"""`/health`: whether this process can serve, for which its database must answer and be migrated to this release.

`/health/live`: whether the process works at all, whatever becomes of its database.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from typing import Final

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse

from bootstrap_project.database.outages import database
from bootstrap_project.database.pending_migrations import count_pending, describe_pending
from bootstrap_project.database.replica import replica
from bootstrap_project.database.trouble import NOT_MIGRATED, POOLER, POOLER_MET, find_trouble, note_trouble, reason_of
from bootstrap_project.observability.request_id import current_request_id
from bootstrap_project.observability.shared_flags import LACKS_MIGRATIONS, STOPPING

logger = logging.getLogger(__name__)

# No row of the three tables is read. They are named so that a lock on a whole table, which keeps devices waiting, keeps
# this question waiting, too.
_QUESTION: Final = """
SELECT app, name
  FROM django_migrations
  LEFT JOIN (SELECT 1 FROM configs_config, profiles_profile, enrollments_bindingsnapshot LIMIT 0) AS devices ON TRUE
"""
READ_METHODS = ("GET", "HEAD")
#: Stands in a request's environment, as words, when the database need not be asked; no header can set it.
DATABASE_TROUBLE: Final = "bootstrap.database_trouble"

_STOPPING: Final = "this instance is stopping"
#: SQLite's code for statements that do not fit the tables.
_SQLITE_ERROR: Final = 1


def method_not_allowed() -> HttpResponse:
    """Return the answer of a page that can only be read to any other method."""
    return HttpResponse(
        json.dumps({"message": "method not allowed", "request_id": current_request_id()}) + "\n",
        content_type="application/json",
        status=405,
        headers={"Allow": ", ".join(READ_METHODS)},
    )


def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 `pass`, or 503 `fail` where nothing should be sent here.

    That is while the database does not answer, keeps devices waiting or lacks migrations, and once the server was told
    to stop.

    Shape: application/health+json with the members of Magistrala's services; `output` says what is the matter.
    Cost: one query.
    """
    if request.method not in READ_METHODS:
        return method_not_allowed()
    return _answer(_STOPPING if STOPPING else request.META.get(DATABASE_TROUBLE) or find_database_trouble())


def live(request: HttpRequest) -> HttpResponse:
    """Answer 200 `pass`: whoever gets this answer has nothing to gain from a restart. Cost: no query."""
    return _answer(None) if request.method in READ_METHODS else method_not_allowed()


def _answer(trouble: str | None) -> HttpResponse:
    body: dict[str, str | list[str]] = {
        "status": "pass" if trouble is None else "fail",
        "version": settings.BOOTSTRAP_VERSION,
        "commit": settings.BOOTSTRAP_BUILD_COMMIT,
        "description": "bootstrap service",
        "build_time": settings.BOOTSTRAP_BUILD_TIME,
        "instance_id": settings.BOOTSTRAP_INSTANCE_ID,
    }
    if trouble is not None:
        body["output"] = trouble
    copy = replica()
    if copy is not None and copy.failing:
        body["notes"] = ["the replica cannot be used; devices are answered from the primary"]
    return HttpResponse(
        json.dumps(body) + "\n",
        content_type="application/health+json",
        status=200 if trouble is None else 503,
        headers={"Cache-Control": "no-store"},
    )


def find_database_trouble() -> str | None:
    """Return why nothing, or not everything, can be served from the database; None where all is well.

    Asked every few seconds: the first answer of its kind is logged, and the one that ends it.
    """
    if POOLER_MET:
        # The question may get through, and every other request fail.
        return POOLER.name
    try:
        with connection.cursor() as cursor:
            cursor.execute(_QUESTION)
            applied = cursor.fetchall()
    except Error as error:
        return _explain(error)
    database.worked()
    return _missing(count_pending(applied))


def _explain(error: Error) -> str:
    trouble = find_trouble(error)
    if trouble is POOLER:
        note_trouble(error)
        return POOLER.name
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    try:
        if trouble in {None, NOT_MIGRATED} or code == _SQLITE_ERROR:
            # A table is not there: so the database answers, and was not migrated to where this release has it.
            pending = _missing(count_pending(MigrationRecorder(connection).applied_migrations()))
            if pending is not None:
                return pending
    except Error:
        pass
    with suppress(Error):
        connection.close()
    database.failed("health", reason_of(error))
    if trouble in {None, NOT_MIGRATED}:
        return "the tables of this release cannot be read in the database"
    return trouble.detail


def _missing(number: int) -> str | None:
    if LACKS_MIGRATIONS.note(number > 0):
        if number:
            logger.error(describe_pending(number))
        else:
            logger.warning("the database has all migrations now")
    return describe_pending(number) if number else None
