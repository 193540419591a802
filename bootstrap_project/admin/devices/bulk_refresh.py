"""Refreshing the bindings of many devices at once, from the admin's list of devices."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from time import sleep
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from bootstrap_project.admin import permissions
from bootstrap_project.admin.bulk import ActionResult, BulkAction, Plan, log_changes
from bootstrap_project.admin.devices.actions import IDENTITY, domains_fact, names
from bootstrap_project.admin.devices.bind_form import credential_advice
from bootstrap_project.admin.display import pluralized, sentence
from bootstrap_project.deadline import deadline, seconds_left
from bootstrap_project.errors import BootstrapError
from bootstrap_project.magistrala.credential import is_configured, service_token
from bootstrap_project.runs.progress import Progress
from bootstrap_project.runs.services import has_worker, start
from bootstrap_project.runs.tasks import background
from configs.models import Config
from enrollments.models import BindingSnapshot
from enrollments.refresh.errors import AnotherRun
from enrollments.refresh.fetch import service_fetch
from enrollments.refresh.report import ConfigOutcome, ConfigReport, Summary
from enrollments.refresh.run import FleetRefresh
from enrollments.refresh.select import Selection

#: How many devices a request refreshes at the most, and how many where no worker runs.
MAX_IN_REQUEST: Final = 200
MAX_WITHOUT_WORKER: Final = 1000
_WORKERS: Final = 8
_COUNTED: Final = {
    ConfigOutcome.CHANGED: "changed",
    ConfigOutcome.UNCHANGED: "unchanged: Magistrala says what was known",
    ConfigOutcome.UNBOUND: "without anything bound that its profile declares",
    ConfigOutcome.GONE: "removed meanwhile",
}
_REASONS: Final = {"gone": "what is bound is gone"}
#: Devices of one step of a run in the background: what a killed worker's successor may do twice.
PART: Final = 500
#: How often a run in the background asks whether another one has ended.
_TURN_SECONDS: Final = 1.0
_NO_WORKER: Final = (
    f"More than {MAX_WITHOUT_WORKER:,} devices are refreshed in the background, and no worker is running: start one"
    " with `manage.py worker`, limit the list by a filter, or run `manage.py refresh_bindings`"
)


class Refresh(BulkAction):
    """Reads the bound resources of devices again, each resource once."""

    name, label, title, button = "refresh_bindings", "Refresh bindings…", "Refresh bindings", "Refresh"
    permission = permissions.BIND
    instead = "limit the list by a filter, or run `manage.py refresh_bindings`, which takes any number"

    def plan(self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None) -> Plan:
        if not is_configured():
            return Plan(blocked=credential_advice())
        if rows.order_by()[: MAX_WITHOUT_WORKER + 1].count() > MAX_WITHOUT_WORKER and not has_worker():
            return Plan(blocked=_NO_WORKER)
        bound = BindingSnapshot.objects.filter(config__in=rows.order_by().values("pk"))
        changing = rows.filter(Exists(BindingSnapshot.objects.filter(config=OuterRef("pk"))))
        number, all_chosen = changing.order_by().count(), rows.order_by().count()
        resources = bound.order_by().values("type", "resource_id").distinct().count()
        read = f"{pluralized(resources, 'resource')} will be read again from Magistrala, with the service's credential."
        got = f"What changed is stored, and {pluralized(number, 'device')} will get it with their next call."
        facts = [read, got, "A device of which something cannot be read stays as it is."]
        if number < all_chosen:
            facts.append(f"{pluralized(all_chosen - number, 'device')} with nothing bound will be passed over.")
        return Plan(number, [*facts, *domains_fact(rows)], names(changing))

    def run(
        self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None
    ) -> list[ActionResult] | HttpResponseBase:
        """Refresh them, many in the background; each device is written whole or not at all."""
        chosen = list(rows.order_by("pk").values_list("pk", "domain_id"))
        domains = {domain_id for _pk, domain_id in chosen}
        # One domain's run leaves runs on other domains alone.
        domain_id = domains.pop() if len(domains) == 1 else ""
        if len(chosen) > MAX_IN_REQUEST and has_worker():
            run = start(
                refresh_devices,
                title=f"Refresh the bindings of {pluralized(len(chosen), 'device')}",
                actor=str(request.user.pk),
                parameters={"config_ids": [str(pk) for pk, _domain_id in chosen]},
                total=len(chosen),
                domain_id=domain_id,
                permission=self.permission,
            )
            return HttpResponseRedirect(reverse("admin:run", args=(run.pk,)))
        if len(chosen) > MAX_WITHOUT_WORKER:
            raise BootstrapError("no worker is running", _NO_WORKER)
        reports: list[ConfigReport] = []
        # At the deadline a run ends with what is in hand, and says how far it came.
        with deadline(settings.PLATFORM_DEADLINE_SECONDS):
            selection = Selection(domain_id=domain_id, config_ids=tuple(pk for pk, _domain_id in chosen))
            summary = _refresh(selection, reports.append, seconds=seconds_left())
        _record(request.user.pk, reports)
        return [*_told(summary), *_failures(reports)]


def _refresh(
    selection: Selection, listener: Callable[[ConfigReport], None], *, seconds: float | None = None
) -> Summary:
    """Refresh with the service's credential; after some seconds with what is in hand.

    Raises: BootstrapError, with nothing done.
    """
    workers = min(_WORKERS, int(settings.MG_POOL_SIZE))
    try:
        with service_fetch(workers) as fetch:
            # Before anything is locked or counted: without a credential there is nothing to do.
            service_token()
            run = FleetRefresh(selection, fetch, workers=workers, listener=listener)
            with contextlib.ExitStack() as cleanup:
                if seconds is not None:
                    clock = threading.Timer(seconds, run.stop)
                    clock.daemon = True
                    clock.start()
                    cleanup.callback(clock.cancel)
                return run.run()
    except ImproperlyConfigured as error:
        raise BootstrapError("Magistrala's address cannot be used", str(error)) from error


@background
def refresh_devices(progress: Progress) -> dict[str, Any]:
    """Refresh the chosen devices in parts; what came of them is counted by outcome and by reason.

    Result: `lines`, sentences for people.
    """
    chosen = [uuid.UUID(one) for one in progress.parameters["config_ids"]]
    counts = Counter(progress.result)
    for first in range(progress.position or 0, len(chosen), PART):
        part = Config.objects.filter(pk__in=chosen[first : first + PART])
        ids = tuple(part.order_by("pk").values_list("pk", flat=True))
        reports: list[ConfigReport] = []
        if ids:
            summary = _refresh_in_turn(
                progress, Selection(domain_id=progress.domain_id, config_ids=ids), reports.append
            )
            if summary.gave_up:
                raise BootstrapError("Magistrala could not be asked to the end", summary.gave_up)
        _record(progress.actor, reports)
        counts.update(_key(report) for report in reports)
        counts[ConfigOutcome.GONE.value] += len(chosen[first : first + PART]) - len(ids)
        done = min(first + PART, len(chosen))
        progress.report(done, position=done, result=dict(counts))
    return {"lines": [*_lines(counts)]}


def _refresh_in_turn(progress: Progress, selection: Selection, listener: Callable[[ConfigReport], None]) -> Summary:
    """Refresh as soon as no other run, of another worker's or of a command, is at the same devices."""
    while True:
        try:
            return _refresh(selection, listener)
        except AnotherRun:
            # Nothing was done. Whoever cancels the run or stops the worker need not wait for the other one.
            progress.report(progress.done)
            sleep(_TURN_SECONDS)


def _key(report: ConfigReport) -> str:
    return f"failed: {report.reason}" if report.outcome is ConfigOutcome.FAILED else report.outcome.value


def _lines(counts: Counter[str]) -> Iterator[str]:
    for outcome, words in _COUNTED.items():
        if number := counts[outcome.value]:
            yield f"{pluralized(number, 'device')}: {words}."
    for key, number in sorted(counts.items()):
        if number and key.startswith("failed: "):
            reason = key.removeprefix("failed: ")
            yield f"{pluralized(number, 'device')} failed ({_why(reason)}) and stayed as before."


def _record(user_id: Any, reports: Iterable[ConfigReport]) -> None:
    """Write what changed into the histories of the devices."""
    by_message: defaultdict[str, list[Any]] = defaultdict(list)
    for report in reports:
        if report.outcome is ConfigOutcome.CHANGED:
            slots = ", ".join(slot.slot for slot in report.slots if slot.outcome.value == "changed")
            by_message[f"Refreshed the bindings through the list; changed: {slots}."].append(report.config.id)
    for message, ids in by_message.items():
        log_changes(user_id, Config.objects.filter(pk__in=ids).only(*IDENTITY), message)


def _told(summary: Summary) -> list[ActionResult]:
    counts = [f"{number} {words}" for outcome, words in _COUNTED.items() if (number := summary.outcomes[outcome])]
    told = []
    if counts:
        told.append(ActionResult(f"Of {pluralized(summary.done, 'device')}: {'; '.join(counts)}."))
    if summary.gave_up:
        told.append(
            ActionResult(f"Magistrala could not be asked to the end: {sentence(summary.gave_up)}", messages.ERROR)
        )
    if left := summary.total - summary.done:
        told.append(
            ActionResult(f"{pluralized(left, 'device')} not reached; refresh once more to go on.", messages.WARNING)
        )
    return told


def _failures(reports: Iterable[ConfigReport]) -> list[ActionResult]:
    """Return a sentence for each reason, with the first device that it happened to."""
    failed: defaultdict[str, list[ConfigReport]] = defaultdict(list)
    for report in reports:
        if report.outcome is ConfigOutcome.FAILED:
            failed[report.reason].append(report)
    told = []
    for reason, those in failed.items():
        first = those[0]
        words = f"{pluralized(len(those), 'device')} failed ({_why(reason)}) and stayed as before."
        told.append(
            ActionResult(words, messages.ERROR, [f"First: {first.config.external_id}: {sentence(first.message)}"])
        )
    return told


def _why(reason: str) -> str:
    return _REASONS.get(reason, reason.replace("_", " "))
