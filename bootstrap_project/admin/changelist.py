"""Lists of a hundred thousand rows and more: nothing is counted to its end, and a page's rows are looked up by key."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cached_property
from typing import Any, Final, TypeVar

from django.contrib.admin.views.main import PAGE_VAR
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst

from bootstrap_project.admin.base import CountedChangeList, ProductAdmin
from bootstrap_project.admin.database import without_jit
from bootstrap_project.admin.display import counted_rows

_M = TypeVar("_M", bound=Model)
#: How many rows are counted at the most.
MAX_COUNTED: Final = 10_000
#: No page begins behind this row: the way there costs more with each row, and filters lead there as well.
MAX_OFFSET: Final = 200_000


class FixedCountPaginator(Paginator[Any]):
    """Links to the pages of a list of which so much is known already."""

    def __init__(self, per_page: int, *, known: int) -> None:
        """`known` is how many rows there are, or how many have been seen of them."""
        super().__init__((), per_page)
        self._known = known

    @cached_property
    def count(self) -> int:
        return self._known


class LargeTableAdmin(ProductAdmin[_M]):
    """An admin with such a list."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[QuickChangeList]:
        return QuickChangeList

    def max_counted(self, request: HttpRequest) -> int:
        """Return how many rows may be counted; fewer where it takes long to find out which belong to the list."""
        return MAX_COUNTED


class QuickChangeList(CountedChangeList):
    """A list that reads the keys of one page in the list's order, and then the rows of those.

    `is_more` tells that there are more than `result_count` rows; those have pages too, one after the other.
    Cost: three queries, two where the page shows the end of the list. Keys come from the index that the list is ordered
    by, also on the way to a page far behind; columns are read, or calculated, for the page's rows alone.
    """

    is_more = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = capfirst(str(self.opts.verbose_name_plural))

    def get_results(self, request: HttpRequest) -> None:
        per_page = self.list_per_page
        self.page_num = max(1, min(self.page_num, MAX_OFFSET // per_page))
        most = self._max_counted(request)
        with without_jit() if most < MAX_COUNTED else nullcontext():
            keys = self._keys(per_page)
            if not keys and self.page_num > 1:
                # A page behind the end: of a list that became shorter, or a number typed by hand.
                self.page_num = 1
                keys = self._keys(per_page)
            seen = (self.page_num - 1) * per_page + len(keys)
            if len(keys) > per_page:
                seen = max(seen, self.queryset.order_by()[: most + 1].count())
                self.is_more = seen > most
        self.result_count = seen
        self.result_list = self._rows(keys[:per_page])
        self.full_result_count = None
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = False
        self.multi_page = seen > per_page
        self.paginator = FixedCountPaginator(per_page, known=seen)

    @property
    def counted(self) -> str:
        """Return "1 device", "3,200 devices" or "more than 10,000 devices"."""
        number = self.result_count - 1 if self.is_more else self.result_count
        return f"{'more than ' if self.is_more else ''}{counted_rows(number, self.opts)}"

    @property
    def previous_page(self) -> str:
        """Return the address of the page before, "" on the first."""
        return self.get_query_string({PAGE_VAR: self.page_num - 1}) if self.page_num > 1 else ""

    @property
    def next_page(self) -> str:
        """Return the address of the next page, "" on the last."""
        here = self.page_num * self.list_per_page
        is_last = here >= self.result_count or here >= MAX_OFFSET
        return "" if is_last else self.get_query_string({PAGE_VAR: self.page_num + 1})

    def _max_counted(self, request: HttpRequest) -> int:
        return self.model_admin.max_counted(request) if isinstance(self.model_admin, LargeTableAdmin) else MAX_COUNTED

    def _keys(self, per_page: int) -> list[Any]:
        # One more than the page has, to learn whether there is another.
        offset = (self.page_num - 1) * per_page
        return list(self.queryset.values_list("pk", flat=True)[offset : offset + per_page + 1])

    def _rows(self, keys: list[Any]) -> list[Any]:
        rows: QuerySet[Any] = self.root_queryset.filter(pk__in=keys).order_by()
        if isinstance(self.model_admin, LargeTableAdmin):
            rows = self.model_admin.for_list(rows)
        found = {row.pk: row for row in rows}
        return [found[key] for key in keys if key in found]
