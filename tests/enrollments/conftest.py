"""Fixtures: the sandbox as the platform, an operator who signs in there, and the Raspberry Pi's config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bootstrap_project.api.operators import forget_decisions
from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.factory import get_client, reset_client
from configs.models import Config
from profiles.models import Profile
from tests.enrollments.support import Operator, make_config, make_profile
from tests.magistrala.sandbox_process import SandboxProcess


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess, settings: Any) -> Iterator[SandboxProcess]:
    sandbox_process.reset()
    for name, value in sandbox_process.settings().items():
        setattr(settings, name, value)
    reset_client()
    forget_decisions()
    yield sandbox_process
    reset_client()


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


@pytest.fixture
def impatient(sandbox: SandboxProcess, settings: Any) -> None:
    """Time-outs that a test can wait for."""
    settings.MG_CONNECT_TIMEOUT_SECONDS = settings.MG_READ_TIMEOUT_SECONDS = 0.3
    reset_client()
