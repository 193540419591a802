"""Filters that several lists share."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar, Final

from django.contrib.admin import ChoicesFieldListFilter, FieldListFilter, ListFilter, SimpleListFilter
from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from bootstrap_project.admin.access import known_domains, may_touch

_AGES: Final = {
    "1h": ("the last hour", timedelta(hours=1)),
    "24h": ("the last 24 hours", timedelta(hours=24)),
    "7d": ("the last 7 days", timedelta(days=7)),
    "30d": ("the last 30 days", timedelta(days=30)),
}
_MAX_SHOWN: Final = 64


def kept_parameters(request: HttpRequest, own: Sequence[str | None]) -> list[tuple[str, str]]:
    """Return what a filter's form has to send along: all but its own parameters and the number of the page."""
    left_out = {*own, PAGE_VAR, ERROR_FLAG}
    return [(name, value) for name, values in request.GET.lists() for value in values if name not in left_out]


def misunderstood(spec: ListFilter) -> list[str]:
    """Return what `spec` cannot make of the address, a sentence each: a value that is no choice, or several of them."""
    if isinstance(spec, DateRangeFilter):
        return spec.misunderstood()
    if isinstance(spec, SimpleListFilter):
        name = str(spec.parameter_name)
        choices = {"", *(str(value) for value, _words in spec.lookup_choices)}
        return _given_twice(spec.request, name, str(spec.title)) or _no_choices([spec.value() or ""], choices, spec)
    if isinstance(spec, ChoicesFieldListFilter):
        choices = {str(value) for value, _words in spec.field.flatchoices}
        return _no_choices(spec.request.GET.getlist(spec.lookup_kwarg), choices, spec)
    return []


def _no_choices(values: Iterable[str], choices: Container[str], spec: ListFilter) -> list[str]:
    return [f"There is no such {spec.title} here: {_shown(value)}." for value in values if value not in choices]


def _given_twice(request: HttpRequest, name: str, title: str) -> list[str]:
    values = dict.fromkeys(value for value in request.GET.getlist(name) if value)
    if len(values) < 2:
        return []
    return [f"The address has more than one {title}: {', '.join(map(_shown, values))}."]


def _shown(value: str) -> str:
    return (value if len(value) <= _MAX_SHOWN else f"{value[: _MAX_SHOWN - 1]}…") or "an empty one"


class DropdownFilter(SimpleListFilter):
    """A filter whose choices become a menu where they are too many to stand below each other."""

    template = "admin/choice_filter.html"
    max_listed: ClassVar[int] = 8

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.kept = kept_parameters(request, self.expected_parameters())

    def has_output(self) -> bool:
        """Be there also where nothing can be offered and the address names something: Django would leave it out."""
        return bool(self.value()) or super().has_output()

    @property
    def is_menu(self) -> bool:
        return len(self.lookup_choices) > self.max_listed


class DomainFilter(DropdownFilter):
    """One domain's rows."""

    title = "domain"
    parameter_name = "domain"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return the domains that the user may see, and the chosen one if it is among them and has rows in the list."""
        chosen = self.value()
        domains = {*known_domains(request.user)}
        if chosen and chosen not in domains and may_touch(request.user, chosen) and "\0" not in chosen:
            rows: Any = model_admin.get_queryset(request)
            domains |= {chosen} if rows.in_domain(chosen).exists() else set()
        return [(domain, domain) for domain in sorted(domains)]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.in_domain(self.value()) if self.value() else queryset


class DateRangeFilter(FieldListFilter):
    """When something happened: within a time that ends now, before that, or between two days."""

    template = "admin/moment_filter.html"
    heading: ClassVar[str] = "time"
    #: Whether to offer what happened before the last so many days, and what never happened.
    is_last_of_several: ClassVar[bool] = False

    def __init__(
        self, field: Any, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any, field_path: str
    ) -> None:
        self.name = field_path
        self.age_parameter = f"{field_path}_age"
        self.from_parameter, self.to_parameter = f"{field_path}_from", f"{field_path}_to"
        self.own_parameters: tuple[str, ...] = (self.age_parameter, self.from_parameter, self.to_parameter)
        super().__init__(field, request, params, model, model_admin, field_path)
        self.title = self.heading
        self.age = self._given(self.age_parameter)
        self.first = _day(self._given(self.from_parameter))
        self.last = _day(self._given(self.to_parameter))
        self.kept = kept_parameters(request, self.own_parameters)

    def _given(self, name: str) -> str:
        values: Any = self.used_parameters.get(name) or [""]
        return str(values[-1])

    def misunderstood(self) -> list[str]:
        """Return what the address asks for that is no time, or more than one, a sentence each."""
        problems = [words for name in self.own_parameters for words in _given_twice(self.request, name, self.heading)]
        if self.age and self.age != "never" and self.age.removeprefix("over-") not in _AGES:
            problems.append(f"There is no such {self.heading} here: {_shown(self.age)}.")
        for name, day in ((self.from_parameter, self.first), (self.to_parameter, self.last)):
            if day is None and (given := self._given(name)):
                problems.append(f"There is no such day here: {_shown(given)}; write it like 2026-01-31.")
        return problems

    def expected_parameters(self) -> list[str | None]:
        return [*self.own_parameters]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.age == "never":
            queryset = queryset.filter(**{f"{self.name}__isnull": True})
        elif self.age.removeprefix("over-") in _AGES:
            edge = timezone.now() - _AGES[self.age.removeprefix("over-")][1]
            queryset = queryset.filter(**{f"{self.name}__{'lt' if self.age.startswith('over-') else 'gte'}": edge})
        if self.first:
            queryset = queryset.filter(**{f"{self.name}__gte": _start_of(self.first)})
        if self.last:
            queryset = queryset.filter(**{f"{self.name}__lt": _start_of(self.last + timedelta(days=1))})
        return queryset

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        offered = {"": "Any time", **{age: f"In {words}" for age, (words, _length) in _AGES.items()}}
        if self.is_last_of_several:
            offered |= {"over-24h": "Over 24 hours ago", "over-7d": "Over 7 days ago", "never": "Never"}
        for age, words in offered.items():
            yield {
                "selected": self.age == age and not (self.first or self.last),
                "query_string": changelist.get_query_string(
                    {self.age_parameter: age} if age else {}, self.own_parameters
                ),
                "display": words,
            }


class LastDateRangeFilter(DateRangeFilter):
    """When something happened last, or that it never did."""

    heading = "last call"
    is_last_of_several = True


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # The day after has to be a day as well.
    return day if 1900 <= day.year <= 9000 else None


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
