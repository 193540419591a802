"""Background work on the admin's pages: one run with its progress, and what the home page says of runs."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone

from bootstrap_project.admin.access import granted_domains
from bootstrap_project.runs.models import FINAL_STATES, Run
from bootstrap_project.runs.services import has_worker

#: How many runs the home page lists, and how old an ended one may be.
MAX_LISTED: Final = 5
LISTED_HOURS: Final = 24
#: How often the page of a run that is not final loads itself again, in seconds.
RELOAD_SECONDS: Final = 2


def visible_runs(user: Any) -> QuerySet[Run]:
    """Return the runs that a user may see and cancel: their own, and those of granted domains with their permission.

    Cost: none; the query runs when it is read.
    """
    if user.is_superuser:
        return Run.objects.all()
    allowed = Q(actor=str(user.pk))
    domains = granted_domains(user)
    permissions = user.get_all_permissions()
    if domains is None:
        allowed |= Q(permission__in=permissions)
    elif domains:
        allowed |= Q(domain_id__in=domains, permission__in=permissions)
    return Run.objects.filter(allowed)


def get_run(user: Any, run_id: uuid.UUID) -> Run:
    """Return a run that the user may see. Raises: Http404."""
    run = visible_runs(user).filter(pk=run_id).first()
    if run is None:
        raise Http404
    return run


def runs_for_home(user: Any) -> dict[str, Any]:
    """Return the latest runs, and whether nobody works on them, for who starts any. Cost: two queries."""
    recent = timezone.now() - timedelta(hours=LISTED_HOURS)
    listed = visible_runs(user).filter(~Q(state__in=FINAL_STATES) | Q(ended_at__gte=recent)).defer("parameters")
    return {"runs": list(listed[:MAX_LISTED]), "has_no_worker": not has_worker()}
