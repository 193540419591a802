"""People who may see and touch only some domains."""

from __future__ import annotations

from bootstrap_project.admin.models import DomainGrant
from tests.admin.conftest import Person, make_user
from tests.factories import DOMAIN


def make_person(name: str, *permissions: str, domains: tuple[str, ...] = (DOMAIN,)) -> Person:
    """Return somebody with these permissions in these domains."""
    user = make_user(name, *permissions)
    DomainGrant.objects.filter(user=user).delete()
    DomainGrant.objects.bulk_create(DomainGrant(user=user, domain_id=domain_id) for domain_id in domains)
    return Person(user)
