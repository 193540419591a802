"""The admin's one door to rows: superusers see all domains, other staff the domains that were granted to them."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet

from bootstrap_project.admin.models import DomainGrant
from profiles.models import Profile

_M = TypeVar("_M", bound=Model)
_MAX_DOMAINS: Final = 100
#: What somebody is told to whom no domain was granted, wherever it shows.
NO_DOMAIN: Final = "No domain is granted to you yet: ask an administrator of this service for one."


def granted_domains(user: Any) -> frozenset[str] | None:
    """Return the domains that `user` may see and touch, None for all of them.

    Cost: one query for staff that are no superusers, the first time in a request; kept on the user.
    """
    if not user.is_active:
        return frozenset()
    if user.is_superuser:
        return None
    known: frozenset[str] | None = getattr(user, "_granted_domains", None)
    if known is None:
        known = frozenset(DomainGrant.objects.filter(user_id=user.pk).values_list("domain_id", flat=True))
        user._granted_domains = known  # noqa: SLF001
    return known


def may_touch(user: Any, domain_id: str) -> bool:
    """Return whether `user` may see and touch rows of the domain."""
    granted = granted_domains(user)
    return granted is None or domain_id in granted


def limit_to_granted(queryset: QuerySet[_M], user: Any, *, field: str = "domain_id") -> QuerySet[_M]:
    """Return the rows of the domains that `user` may see; `field` leads from a row to its domain."""
    granted = granted_domains(user)
    return queryset if granted is None else queryset.filter(**{f"{field}__in": sorted(granted)})


def known_domains(user: Any) -> list[str]:
    """Return the domains to offer to `user`, the first hundred: those with profiles, or those that were granted.

    Cost: for superusers one query over profiles, which are few; domains of configs would have to be looked for among
    millions. None more than `granted_domains` for others.
    """
    granted = granted_domains(user)
    if granted is not None:
        return sorted(granted)[:_MAX_DOMAINS]
    domains = Profile.objects.order_by("domain_id").values_list("domain_id", flat=True).distinct()
    return list(domains[:_MAX_DOMAINS])


def only_domain(user: Any) -> dict[str, Any]:
    """Return the domain as a form's initial value, if there is but one to offer."""
    domains = known_domains(user)
    return {"domain_id": domains[0]} if len(domains) == 1 else {}
