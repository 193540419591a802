"""People of the admin, and a page that proves it shows no secret."""

from __future__ import annotations

from collections.abc import Iterable
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from bootstrap_project.admin.models import DomainGrant
from configs.models import Config
from enrollments.models import BindingSnapshot
from tests.factories import DOMAIN, EXTERNAL_KEY, make_binding, make_config, make_profile

CLIENT_KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----\n"
BINDING_SECRET = "s3cr3t-of-the-client"
SLOTS = [
    {"name": "mqtt", "type": "client", "required": True, "fields": ["id", "secret"]},
    {"name": "data", "type": "channel", "required": True},
    {"name": "extra", "type": "channel", "required": False},
]


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


def stored_secrets() -> list[str]:
    """Everything that no page may ever hold."""
    columns = ("external_key_hash", "external_key_digest", "external_key_pepper", "client_key_sealed")
    texts = {text for row in Config.objects.values_list(*columns) for text in row}
    texts |= set(BindingSnapshot.objects.values_list("secret_sealed", flat=True))
    return [text for text in texts if text] + [EXTERNAL_KEY, BINDING_SECRET, CLIENT_KEY.splitlines()[1]]


def page_text(response) -> str:
    """The page as it is read: entities resolved."""
    return unescape(response.content.decode())


def make_user(name: str, *permissions: str, domains: Iterable[str] = (DOMAIN,), **values) -> User:
    """Somebody of the staff with these permissions, in these domains."""
    user = User.objects.create_user(name, password="correct horse battery", is_staff=True, **values)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    DomainGrant.objects.bulk_create(DomainGrant(user=user, domain_id=domain_id) for domain_id in domains)
    return user


@pytest.fixture(autouse=True)
def _database(db) -> None:
    """Every page needs a session."""


@pytest.fixture
def admin() -> Person:
    return Person(make_user("ada", is_superuser=True))


@pytest.fixture
def viewer() -> Person:
    return Person(
        make_user(
            "vera", "view_config", "view_profile", "view_enrollment", "view_bindingsnapshot", "preview_enrollment"
        ),
    )


@pytest.fixture
def device() -> Config:
    """A device with a profile, two of three slots bound, and secrets everywhere."""
    profile = make_profile(
        name="thermometer", binding_slots=SLOTS, content_template="{{ .Vars.site }}", defaults={"site": "north"}
    )
    config = make_config(name="pi 4", external_id="pi-0004", profile=profile, client_key=CLIENT_KEY)
    make_binding(config=config, slot="mqtt", resource_id="client-77", secret={"secret": BINDING_SECRET})
    make_binding(config=config, slot="extra", type="channel", resource_id="channel-88")
    return config
