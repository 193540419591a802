"""The lines that the log has about requests."""

from __future__ import annotations

from typing import Any

import pytest


def request_lines(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """Return their records, each with what the line says as attributes."""
    return [record for record in caplog.records if record.name == "bootstrap.request"]
