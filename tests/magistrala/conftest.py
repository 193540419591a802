"""Fixtures: the sandbox, clean for each test, and adapters for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bootstrap_project.magistrala import transport
from bootstrap_project.magistrala.client import MagistralaClient
from tests.support.sandbox import SandboxProcess


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
