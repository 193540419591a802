"""What tests of the running server share."""

import pytest

from tests.support.schema import make_migrated


@pytest.fixture
def database(tmp_path):
    """The URL of a database that has of a migrated one what the health check asks for."""
    make_migrated(tmp_path / "serve.sqlite3")
    return f"sqlite:///{tmp_path}/serve.sqlite3"
