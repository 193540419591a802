"""People who sign in to the admin, each with a browser."""

from __future__ import annotations

from collections.abc import Iterable
from html import unescape
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

from bootstrap_project.admin.models import DomainGrant
from tests.support.rows import (
    DOMAIN,
    stored_secrets,
)

PASSWORD = "correct horse battery"


class Person:
    """Somebody with a browser; every page that they get is searched for secrets."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client(raise_request_exception=True)
        self.client.force_login(user)

    def get(self, url: str, **query: str):
        return self._checked(self.client.get(url, query))

    def post(self, url: str, data: dict[str, Any] | None = None, *, follow: bool = True):
        return self._checked(self.client.post(url, data or {}, follow=follow))

    @staticmethod
    def _checked(response: Any) -> Any:
        if response.headers.get("Content-Type", "").startswith(("text/html", "application/json")):
            text = unescape(response.content.decode())
            for secret in stored_secrets():
                assert secret not in text, f"a secret is shown by {response.request['PATH_INFO']}"
        return response


def make_user(name: str, *permissions: str, domains: Iterable[str] = (DOMAIN,), **values) -> User:
    """Somebody of the staff with these permissions, in these domains."""
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True, **values)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    DomainGrant.objects.bulk_create(DomainGrant(user=user, domain_id=domain_id) for domain_id in domains)
    return user


def make_person(name: str, *permissions: str, domains: Iterable[str] = (DOMAIN,), **values) -> Person:
    """The same, with a browser in which they are signed in."""
    return Person(make_user(name, *permissions, domains=domains, **values))
