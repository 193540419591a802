"""Query parameters of lists: one serializer reads them and describes them (docs/contract.md#a2)."""

from __future__ import annotations

import re
from typing import Any, Final

from django.http import QueryDict
from rest_framework import serializers

from bootstrap_project.api.messages import INVALID_LIMIT, INVALID_QUERY
from bootstrap_project.api.pagination import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, Page
from bootstrap_project.errors import BootstrapError, ErrorKind

_DIGITS: Final = re.compile(r"[0-9]+\Z")


class InvalidQuery(BootstrapError):
    """A query parameter that cannot be understood."""

    kind = ErrorKind.INVALID


class TextParameter(serializers.CharField):
    """A text; "" where it is absent."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_blank=True, **kwargs)

    def parse(self, name: str, text: str) -> Any:
        """Return the value that `text` spells; raises InvalidQuery."""
        return text


class NumberParameter(serializers.IntegerField):
    """A whole number within bounds."""

    def __init__(self, *, absent: int, least: int, most: int, message: str = INVALID_QUERY, **kwargs: Any) -> None:
        super().__init__(required=False, min_value=least, max_value=most, **kwargs)
        self.absent, self.least, self.most, self.message = absent, least, most, message

    def parse(self, name: str, text: str) -> int:
        """Return the number that `text` spells, `absent` for none; raises InvalidQuery."""
        if not text:
            return self.absent
        if not _DIGITS.match(text):
            raise InvalidQuery(INVALID_QUERY, f"{name} must be a whole number that is not negative")
        # Zeros in front are no matter, and Python refuses to read thousands of digits.
        digits = text.lstrip("0") or "0"
        if len(digits) > len(str(self.most)) or not self.least <= int(digits) <= self.most:
            raise InvalidQuery(self.message, f"{name} is a number from {self.least} to {self.most}")
        return int(digits)


class PageQuery(serializers.Serializer[Any]):
    """What every list takes; parameters that it does not declare are ignored."""

    offset = NumberParameter(absent=0, least=0, most=MAX_OFFSET, help_text="How many to skip; 0 by default.")
    limit = NumberParameter(
        absent=DEFAULT_LIMIT,
        least=1,
        most=MAX_LIMIT,
        message=INVALID_LIMIT,
        help_text=f"How many to return, 1 to {MAX_LIMIT}; {DEFAULT_LIMIT} by default.",
    )

    @classmethod
    def read(cls, query: QueryDict) -> tuple[Page, dict[str, Any]]:
        """Return the page that is asked for, and the values of all other parameters.

        Raises: InvalidQuery for the first that cannot be understood, is given twice, or holds a NUL character.
        """
        # The fields as they are declared: a serializer of its own for each request would copy them.
        fields: dict[str, Any] = dict(cls._declared_fields)
        offset, limit = (fields.pop(name).parse(name, _single(query, name)) for name in ("offset", "limit"))
        values = {name: field.parse(name, _single(query, name)) for name, field in fields.items()}
        return Page(offset=offset, limit=limit), values


def _single(query: QueryDict, name: str) -> str:
    """Return the only value of the parameter `name`, "" where it is absent."""
    values = query.getlist(name)
    if len(values) > 1:
        raise InvalidQuery(INVALID_QUERY, f"{name} is given {len(values)} times")
    value = values[0] if values else ""
    if "\0" in value:
        raise InvalidQuery(INVALID_QUERY, f"{name} holds a NUL character")
    return value
