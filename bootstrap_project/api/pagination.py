"""Pages of lists: offset and limit in, an envelope with the total out (contract A.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter

from bootstrap_project.errors import BootstrapError, ErrorKind

DEFAULT_LIMIT: Final = 10
MAX_LIMIT: Final = 100
#: What a database takes as an offset: 63 bits.
MAX_OFFSET: Final = 2**63 - 1
#: From here on, reading the rows on the way costs more than looking up those of the page.
DEEP_OFFSET: Final = 1000
INVALID_QUERY: Final = "invalid query parameters"
#: What every list takes, in the API's description.
PAGE_PARAMETERS: Final = (
    OpenApiParameter("offset", int, description="How many to skip; 0 by default."),
    OpenApiParameter("limit", int, description=f"How many to return, 1 to {MAX_LIMIT}; {DEFAULT_LIMIT} by default."),
)
_DIGITS = re.compile(r"[0-9]{1,19}\Z")
_Row = TypeVar("_Row", bound=Model)


class InvalidQuery(BootstrapError):
    """A query parameter that cannot be understood."""

    kind = ErrorKind.INVALID


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for."""

    offset: int
    limit: int

    @classmethod
    def from_query(cls, query: QueryDict) -> Page:
        """Return the page that `offset` and `limit` ask for.

        Raises: InvalidQuery for what is no number, out of bounds, or given twice.
        """
        offset = _number(query, "offset", 0)
        limit = _number(query, "limit", DEFAULT_LIMIT)
        if offset > MAX_OFFSET:
            raise InvalidQuery(INVALID_QUERY, f"offset is at most {MAX_OFFSET}")
        if not 1 <= limit <= MAX_LIMIT:
            raise InvalidQuery("invalid limit size", f"limit is a number from 1 to {MAX_LIMIT}")
        return cls(offset=offset, limit=limit)

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


def single(query: QueryDict, name: str) -> str:
    """Return the only value of the parameter `name`, "" where it is absent.

    Raises: InvalidQuery when it is given twice, or holds a character that no stored text can have.
    """
    values = query.getlist(name)
    if len(values) > 1:
        raise InvalidQuery(INVALID_QUERY, f"{name} is given {len(values)} times")
    value = values[0] if values else ""
    if "\0" in value:
        raise InvalidQuery(INVALID_QUERY, f"{name} holds a NUL character")
    return value


def _number(query: QueryDict, name: str, default: int) -> int:
    text = single(query, name)
    if not text:
        return default
    if not _DIGITS.match(text):
        raise InvalidQuery(INVALID_QUERY, f"{name} must be a whole number that is not negative")
    return int(text)
