"""Home pages that know nothing of the test before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bootstrap_project.console.memo import memo
from bootstrap_project.console.platform import probe


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    memo.clear()
    probe.forget()
    yield
    memo.clear()
    probe.forget()
