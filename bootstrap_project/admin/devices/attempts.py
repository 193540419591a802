"""The admin's pages of attempts: what became of each device's call, to be read only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bootstrap_project.admin.base import ReadOnly
from bootstrap_project.admin.changelist import LargeTableAdmin, QuickChangeList
from bootstrap_project.admin.display import outcome_badge
from bootstrap_project.admin.filters import DateRangeFilter, DomainFilter
from bootstrap_project.ids import parse_id
from bootstrap_project.observability.metrics import BOOTSTRAP_OUTCOMES, BOOTSTRAP_VARIANTS
from bootstrap_project.outcomes import FAILED, outcome_label
from configs.models import Config
from configs.near_ids import NearId, find_near_ids
from devices.models import COLUMNS, TEXT_LENGTH, BootstrapAttempt

_OUTCOME: Final = ("moment", "result", "words", "status", "error_id")
_CALLER: Final = ("device", "external_id", "path", "domain_id", "variant", "source", "user_agent")
_SHOWN_OTHERWISE: Final = ("at", "outcome", "config_id", "duration")
# And every column that has no place of its own.
_ANSWER: Final = (
    *(column.name for column in COLUMNS if column.name not in {*_OUTCOME, *_CALLER, *_SHOWN_OTHERWISE}),
    "took",
)


class AttemptChangeList(QuickChangeList):
    """A page of attempts, with what the unknown ids on it are nearly."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, and look up its unknown ids at once."""
        super().get_results(request)
        unknown = [attempt for attempt in self.result_list if attempt.config_id is None]
        found = find_near_ids(attempt.external_id for attempt in unknown)
        for attempt in unknown:
            attempt.near_id = found.get(attempt.external_id)


def _near_id(attempt: Any) -> NearId | None:
    if not hasattr(attempt, "near_id"):
        attempt.near_id = find_near_ids([attempt.external_id]).get(attempt.external_id)
    near: NearId | None = attempt.near_id
    return near


class WordFilter(admin.SimpleListFilter):
    """One word of a fixed vocabulary; what else a caller puts into the address finds nothing."""

    words: frozenset[str] = frozenset()

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(word, word.replace("_", " ")) for word in sorted(self.words)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        if self.value() not in self.words:
            return queryset.none()
        return queryset.filter(**{str(self.parameter_name): self.value()})


class OutcomeFilter(WordFilter):
    """One outcome, or all that gave the device no configuration."""

    title = "outcome"
    parameter_name = "outcome"
    words = BOOTSTRAP_OUTCOMES

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("failed", "all failures"), *super().lookups(request, model_admin)]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Any]:
        if self.value() == "failed":
            failed: QuerySet[Any] = queryset.failed()
            return failed
        if self.value() in FAILED:
            # Failures are few among millions of calls, and have an index of their own.
            return super().queryset(request, queryset.failed())
        return super().queryset(request, queryset)


class VariantFilter(WordFilter):
    """One of the three endpoints that devices call."""

    title = "endpoint"
    parameter_name = "variant"
    words = BOOTSTRAP_VARIANTS


@admin.register(BootstrapAttempt)
class BootstrapAttemptAdmin(ReadOnly, LargeTableAdmin[BootstrapAttempt]):
    """Attempts, newest first; nobody adds, changes or deletes one here."""

    list_display = ("moment", "device", "result", "variant", "version", "error_id", "took", "source")
    list_display_links = ("moment",)
    list_filter = (OutcomeFilter, VariantFilter, ("at", DateRangeFilter), DomainFilter)
    ordering = ("-at", "-id")
    # By any other column, the whole table would be read for each page.
    sortable_by = ()
    search_fields = ("error_id",)
    search_help_text = "A whole error id, external id or config id."
    fieldsets = (
        (None, {"fields": _OUTCOME}),
        ("Who asked", {"fields": _CALLER}),
        ("What was answered", {"fields": _ANSWER}),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[QuickChangeList]:
        """Return the list that knows of ids that are nearly alike."""
        return AttemptChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[BootstrapAttempt]:
        """Return the rows that the user may see: calls that belong to no domain are for superusers."""
        rows = super().get_queryset(request)
        # The index by domain leaves those out, and is not used by a statement that does not say so.
        return rows if request.user.is_superuser else rows.exclude(domain_id="")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[BootstrapAttempt], search_term: str
    ) -> tuple[QuerySet[BootstrapAttempt], bool]:
        """Find by whole ids, each by its index; known external ids lead over their config."""
        term = search_term.strip()
        if not term:
            return queryset, False
        # The conditions beside the terms are those of the indexes, which would not be used without them.
        wanted = Q(error_id=term) & ~Q(error_id="") | Q(external_id=term[:TEXT_LENGTH], config_id__isnull=True)
        configs = list(Config.objects.with_external_id(term).values_list("pk", flat=True))
        if given := parse_id(term):
            configs.append(given)
        for config_id in configs:
            wanted |= Q(config_id=config_id, config_id__isnull=False)
        return queryset.filter(wanted), False

    @admin.display(description="when")
    def moment(self, attempt: BootstrapAttempt) -> str:
        return f"{timezone.localtime(attempt.at):%Y-%m-%d %H:%M:%S}"

    @admin.display(description="device")
    def device(self, attempt: BootstrapAttempt) -> SafeString | str:
        shown = attempt.external_id or "(by its key)"
        if attempt.config_id is None:
            near = _near_id(attempt)
            if near is None:
                return shown
            page = reverse("admin:configs_config_change", args=(near.config_id,))
            return format_html('{}<br><a href="{}">{}</a>', shown, page, str(near))
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:configs_config_change", args=(attempt.config_id,)), shown
        )

    @admin.display(description="outcome")
    def result(self, attempt: BootstrapAttempt) -> SafeString:
        return outcome_badge(attempt.outcome)

    @admin.display(description="in words")
    def words(self, attempt: BootstrapAttempt) -> str:
        return outcome_label(attempt.outcome, is_known=attempt.config_id is not None)

    @admin.display(description="profile version", empty_value="-")
    def version(self, attempt: BootstrapAttempt) -> str | None:
        return f"v{attempt.profile_version}" if attempt.profile_version is not None else None

    @admin.display(description="took")
    def took(self, attempt: BootstrapAttempt) -> str:
        """Return the duration in milliseconds."""
        return f"{attempt.duration * 1000:.1f} ms"
