"""What tests of several instances share: a database with a fleet of devices and a person, and what stands around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.instances.cluster import FLEET, prepare, settings_of
from tests.support.database import Database, provide_database
from tests.support.nginx import NGINX
from tests.support.sandbox import SandboxProcess


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of it takes long, and needs what not every machine has."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.skipif(NGINX is None, reason="nginx is not installed"))
            item.add_marker(pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is one machine's"))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with provide_database(tmp_path_factory.mktemp("instances")) as made:
        yield made


@pytest.fixture(scope="module")
def shared(database: Database, sandbox_process: SandboxProcess) -> dict[str, str]:
    """The settings of all instances, on a database with a fleet and `ada`, who may do everything."""
    settings = settings_of(database.url, sandbox_process)
    prepare(settings, FLEET)
    return settings
