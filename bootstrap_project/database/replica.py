"""The copy of the database that devices may read from."""

from __future__ import annotations

from typing import Final

#: Its name among Django's databases; not there where there is none.
REPLICA: Final = "replica"
