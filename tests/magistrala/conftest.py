"""Fixtures: one sandbox for the whole run, clean for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bootstrap_project.magistrala import transport
from bootstrap_project.magistrala.client import MagistralaClient
from tests.magistrala.sandbox_process import SandboxProcess


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> SandboxProcess:
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def patience() -> float:
    """How many seconds an answer may take: many, as the machine may be busy; a test of slowness says fewer."""
    return 20.0


@pytest.fixture
def magistrala(sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch, patience: float) -> Iterator[MagistralaClient]:
    monkeypatch.setattr(transport, "_BACKOFF_SECONDS", 0.01)
    client = sandbox.client(connect_timeout=patience, read_timeout=patience, retries=2)
    yield client
    client.close()
