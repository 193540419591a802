"""Why the platform refuses a resource: it says 403 to what is not there and to what may not be read alike."""

from __future__ import annotations

from typing import NamedTuple

from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.errors import DeadlinePassed, Forbidden, MagistralaError, ResourceNotFound
from bootstrap_project.observability.request_id import current_request_id
from enrollments.binding.resources import PLATFORM_KINDS


class ResourceRef(NamedTuple):
    """Which resource, seen from which domain; a tuple, since a fleet's refresh looks up very many of them."""

    domain_id: str
    type: str
    id: str


def no_such_resource(ref: ResourceRef, status: int | None) -> ResourceNotFound:
    """Return the error for a resource that the domain does not have, whatever became of it or whosever it is."""
    return ResourceNotFound(
        f"the Magistrala {ref.type}s service knows no {ref.type} {_short(ref.id)} in this domain: it is gone, or never"
        " was there; check the id, or bind another one",
        service=f"{ref.type}s",
        status=status,
    )


def why_refused(error: Forbidden, ref: ResourceRef, *, magistrala: MagistralaClient, token: str) -> MagistralaError:
    """Return what the platform's 403 means: that the resource is gone, that it may not be read, or `error` itself.

    The domain's list has what exists. It is believed to be whole only for who may read all of it by his role: others
    are shown what was shared with them one by one, or nothing.

    Raises: DeadlinePassed.
    Cost: two calls, or one for a resource that is there.
    Source: recordings of v0.30.0; lists ask for no scope, so a personal access token is told apart as well.
    """
    request_id = current_request_id()
    try:
        if magistrala.lists(ref.type, ref.domain_id, ref.id, token, request_id=request_id):
            return error.again(
                f"the Magistrala {ref.type}s service has {ref.type} {_short(ref.id)}, but not for this token: its"
                f" user's role has to allow viewing it, and a personal access token needs the scope view of {ref.type}s"
            )
        membership = magistrala.membership(ref.domain_id, token, request_id=request_id)
    except DeadlinePassed:
        raise
    except MagistralaError:
        # Nobody can tell; what the platform has said is all there is.
        return error
    if membership is not None and (
        membership.by_platform_admin or PLATFORM_KINDS[ref.type].read_action in (membership.actions or ())
    ):
        return no_such_resource(ref, error.status)
    return error


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"
