"""What several tests of the admin do to people."""

from __future__ import annotations

from bootstrap_project.admin.models import DomainGrant
from tests.admin.conftest import Person


def grant(person: Person, *domains: str) -> Person:
    """Let somebody touch these domains and no others."""
    DomainGrant.objects.filter(user=person.user).delete()
    DomainGrant.objects.bulk_create(DomainGrant(user=person.user, domain_id=domain) for domain in domains)
    return person
