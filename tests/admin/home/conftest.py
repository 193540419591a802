"""Home pages that know nothing of the test before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bootstrap_project.admin.home.cache import memo
from bootstrap_project.admin.home.platform import probe


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # On a slow machine, counts of a few rows may take long enough to be remembered.
    monkeypatch.setattr("bootstrap_project.admin.home.cache.CHEAP", 3600.0)
    memo.clear()
    probe.forget()
    yield
    memo.clear()
    probe.forget()
