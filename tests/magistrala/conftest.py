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
def magistrala(sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[MagistralaClient]:
    monkeypatch.setattr(transport, "_BACKOFF_SECONDS", 0.01)
    client = sandbox.client(connect_timeout=1.0, read_timeout=0.6, retries=2)
    yield client
    client.close()
