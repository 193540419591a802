"""Fixtures: an operator who signs in at the sandbox, and the Raspberry Pi's config."""

from __future__ import annotations

import pytest

from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.factory import get_client
from configs.models import Config
from profiles.models import Profile
from tests.support.enrollments import Operator, make_config, make_profile
from tests.support.sandbox import SandboxProcess


@pytest.fixture
def magistrala(sandbox: SandboxProcess) -> MagistralaClient:
    return get_client()


@pytest.fixture
def token(sandbox: SandboxProcess) -> str:
    return sandbox.token()


@pytest.fixture
def operator(token: str) -> Operator:
    return Operator(token)


@pytest.fixture
def profile(db: None) -> Profile:
    return make_profile()


@pytest.fixture
def config(profile: Profile) -> Config:
    return make_config(profile=profile)
