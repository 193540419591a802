"""Pages of lists: offset and limit in, an envelope with the total out (docs/contract.md#a2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet

DEFAULT_LIMIT: Final = 10
MAX_LIMIT: Final = 100
#: What a database takes as an offset: 63 bits.
MAX_OFFSET: Final = 2**63 - 1
#: From here on, reading the rows on the way costs more than looking up those of the page.
DEEP_OFFSET: Final = 1000
_Row = TypeVar("_Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for."""

    offset: int
    limit: int

    def envelope(
        self, rows: QuerySet[_Row], *, member: str, represent: Callable[[_Row], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return the page of `rows` under the name `member`, with the exact total.

        Cost: two queries; one where the page shows that it is the last. What is skipped is read from the index that the
        list is ordered by, and its rows are not.
        """
        found = list(self.of(rows))
        # A page that is not full ends the list, so its total needs no counting.
        if found and len(found) < self.limit:
            total = self.offset + len(found)
        elif not found and self.offset == 0:
            total = 0
        else:
            total = rows.order_by().count()
        return {
            "total": total,
            "offset": self.offset,
            "limit": self.limit,
            member: [represent(row) for row in found],
        }

    def of(self, rows: QuerySet[_Row]) -> QuerySet[_Row]:
        """Return the page's part of `rows`, which have an order.

        Cost: one query once it is read.
        """
        part = slice(self.offset, self.offset + self.limit)
        if self.offset < DEEP_OFFSET:
            return rows[part]
        # A deferred join, in one statement: the page's ids first, then the rows of those. The keys of the whole list
        # come from an index, while a plain OFFSET reads every row on the way.
        keys = rows.values("pk")[part]
        return rows.filter(pk__in=keys)
