"""People of the admin, a device full of secrets, and the service's account on the platform."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bootstrap_project.magistrala.credential import reset_credential
from bootstrap_project.magistrala.sandbox import seed
from configs.models import Config
from tests.support.people import Person, make_person
from tests.support.rows import (
    BINDING_SECRET,
    CLIENT_KEY,
    SLOTS,
    make_binding,
    make_config,
    make_profile,
)
from tests.support.sandbox import SandboxProcess


@pytest.fixture(autouse=True)
def _database(db) -> None:
    """Every page needs a session."""


@pytest.fixture
def admin() -> Person:
    return make_person("ada", is_superuser=True)


@pytest.fixture
def viewer() -> Person:
    return make_person(
        "vera", "view_config", "view_profile", "view_enrollment", "view_bindingsnapshot", "preview_enrollment"
    )


@pytest.fixture
def service_account() -> tuple[str, str]:
    """Who the service is on the platform: the seeded operator."""
    return seed.OPERATOR, seed.OPERATOR_PASSWORD


@pytest.fixture
def credential(sandbox: SandboxProcess, settings: Any, service_account: tuple[str, str]) -> Iterator[None]:
    """The service signs in to the platform."""
    settings.SERVICE_TOKEN = ""
    settings.SERVICE_USERNAME, settings.SERVICE_PASSWORD = service_account
    reset_credential()
    yield
    reset_credential()


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
