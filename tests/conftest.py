"""Fixtures that all tests share: the sandbox as the platform, an operator and his calls, no way out of this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from bootstrap_project.admin.middleware import StaticFilesMiddleware
from bootstrap_project.api.operators import forget_decisions
from bootstrap_project.magistrala.factory import reset_client
from tests.support.api import Api
from tests.support.sandbox import SandboxProcess

_OWN_ADDRESSES = ("127.", "::1", "localhost")
#: How long the product waits for the sandbox: for as long as a busy machine needs, and not where a test lets it wait.
PATIENT_SECONDS, IMPATIENT_SECONDS = 20.0, 0.5


class OutsideSocket(Exception):
    """A test tried to leave this machine."""


def _check_address(family: int, address: Any) -> None:
    if family == socket.AF_UNIX:
        return
    host = address[0] if isinstance(address, tuple) else address
    if not str(host).startswith(_OWN_ADDRESSES):
        raise OutsideSocket(f"a test wants to connect to {address!r}; only 127.0.0.1 and Unix sockets are allowed")


@pytest.fixture(scope="session", autouse=True)
def no_way_out() -> Iterator[None]:
    """Refuse connections to other machines, also those that a library hides behind retries."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _check_address(self.family, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _check_address(self.family, address)
        return connect_ex(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_listed_once() -> Iterator[None]:
    """List some 900 static files once: each client of a test makes the middleware anew, and with it the list."""
    listed: dict[str, Any] = {}
    add_all = StaticFilesMiddleware.add_files_from_finders

    def add_listed(self: StaticFilesMiddleware) -> None:
        if not listed:
            add_all(self)
            listed.update(self.files)
        self.files.update(listed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StaticFilesMiddleware, "add_files_from_finders", add_listed)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Provide the test's database, and end what sessions are left of tests' threads before it is dropped."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            connection.close()


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess, settings: Any) -> Iterator[SandboxProcess]:
    """The platform: fresh, working, and where the settings say it is."""
    sandbox_process.reset()
    for name, value in sandbox_process.settings().items():
        setattr(settings, name, value)
    settings.MG_READ_TIMEOUT_SECONDS = PATIENT_SECONDS
    settings.MG_RETRIES = 0
    reset_client()
    forget_decisions()

    def wait_no_longer_than_needed(slow: bool) -> None:
        # A test that says how long it waits is taken at its word.
        if settings.MG_READ_TIMEOUT_SECONDS in {PATIENT_SECONDS, IMPATIENT_SECONDS}:
            settings.MG_READ_TIMEOUT_SECONDS = IMPATIENT_SECONDS if slow else PATIENT_SECONDS
            reset_client()

    sandbox_process.on_slowness = wait_no_longer_than_needed
    yield sandbox_process
    sandbox_process.on_slowness = lambda _slow: None
    reset_client()
    forget_decisions()


@pytest.fixture
def operator_token(sandbox: SandboxProcess) -> str:
    return sandbox.token()


@pytest.fixture
def api(operator_token: str, db: None) -> Api:
    """The seeded operator's calls in his domain."""
    return Api(operator_token)
