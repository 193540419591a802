"""Refreshing the bindings of many devices at once, from the admin's list of devices."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from bootstrap_project.adminsite.bulk import BulkAction, Plan, Told, log_changes
from bootstrap_project.adminsite.display import counted, sentence
from bootstrap_project.deadline import deadline, seconds_left
from bootstrap_project.errors import BootstrapError
from bootstrap_project.magistrala.credential import is_configured, service_token
from configs.admin_actions import IDENTITY, domains_fact, names
from configs.models import Config
from enrollments.forms import credential_advice
from enrollments.models import BindingSnapshot
from enrollments.refresh.fetch import service_fetch
from enrollments.refresh.report import ConfigOutcome, ConfigReport, Summary
from enrollments.refresh.run import FleetRefresh
from enrollments.refresh.select import Selection

#: More devices than a person waits for; the command line has no such limit.
MOST: Final = 1000
_WORKERS: Final = 8
_COUNTED: Final = {
    ConfigOutcome.CHANGED: "changed",
    ConfigOutcome.UNCHANGED: "unchanged: Magistrala says what was known",
    ConfigOutcome.UNBOUND: "without anything bound that its profile declares",
    ConfigOutcome.GONE: "removed meanwhile",
}
_REASONS: Final = {"gone": "what is bound is gone"}


class Refresh(BulkAction):
    """Reads the bound resources of devices again, each resource once."""

    name, label, title, button = "refresh_bindings", "Refresh bindings…", "Refresh bindings", "Refresh"
    permission = "enrollments.change_bindingsnapshot"
    most = MOST
    instead = "limit the list by a filter, or run `manage.py refresh_bindings`, which takes any number"

    def plan(self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None) -> Plan:
        """Tell how many devices have something to refresh, and from how many resources."""
        if not is_configured():
            return Plan(blocked=credential_advice())
        bound = BindingSnapshot.objects.filter(config__in=rows.order_by().values("pk"))
        changing = rows.filter(Exists(BindingSnapshot.objects.filter(config=OuterRef("pk"))))
        number, all_chosen = changing.order_by().count(), rows.order_by().count()
        resources = bound.order_by().values("type", "resource_id").distinct().count()
        read = f"{counted(resources, 'resource')} will be read again from Magistrala, with the service's credential."
        got = f"What changed is stored, and {counted(number, 'device')} will get it with their next call."
        facts = [read, got, "A device of which something cannot be read stays as it is."]
        if number < all_chosen:
            facts.append(f"{counted(all_chosen - number, 'device')} with nothing bound will be passed over.")
        return Plan(number, [*facts, *domains_fact(rows)], names(changing))

    def run(self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None) -> list[Told]:
        """Refresh them; each device is written whole or not at all."""
        chosen = list(rows.order_by("pk").values_list("pk", "domain_id"))
        domains = {domain_id for _pk, domain_id in chosen}
        selection = Selection(
            # One domain's run leaves runs on other domains alone.
            domain_id=domains.pop() if len(domains) == 1 else "",
            config_ids=tuple(pk for pk, _domain_id in chosen),
        )
        reports: list[ConfigReport] = []
        workers = min(_WORKERS, int(settings.MG_POOL_SIZE))
        try:
            # At the deadline a run ends with what is in hand, and says how far it came.
            with deadline(settings.PLATFORM_DEADLINE_SECONDS), service_fetch(workers) as fetch:
                # Before anything is locked or counted: without a credential there is nothing to do.
                service_token()
                run = FleetRefresh(selection, fetch, workers=workers, listener=reports.append)
                clock = threading.Timer(seconds_left(), run.stop)
                clock.daemon = True
                clock.start()
                try:
                    summary = run.run()
                finally:
                    clock.cancel()
        except ImproperlyConfigured as error:
            raise BootstrapError("Magistrala's address cannot be used", str(error)) from error
        _record(request, reports)
        return [*_told(summary), *_failures(reports)]


def _record(request: HttpRequest, reports: Iterable[ConfigReport]) -> None:
    """Write what changed into the histories of the devices."""
    by_message: defaultdict[str, list[Any]] = defaultdict(list)
    for report in reports:
        if report.outcome is ConfigOutcome.CHANGED:
            slots = ", ".join(slot.slot for slot in report.slots if slot.outcome.value == "changed")
            by_message[f"Refreshed the bindings through the list; changed: {slots}."].append(report.config.id)
    for message, ids in by_message.items():
        log_changes(request, Config.objects.filter(pk__in=ids).only(*IDENTITY), message)


def _told(summary: Summary) -> list[Told]:
    counts = [f"{number} {words}" for outcome, words in _COUNTED.items() if (number := summary.outcomes[outcome])]
    told = []
    if counts:
        told.append(Told(f"Of {counted(summary.done, 'device')}: {'; '.join(counts)}."))
    if summary.gave_up:
        told.append(Told(f"Magistrala could not be asked to the end: {sentence(summary.gave_up)}", messages.ERROR))
    if left := summary.total - summary.done:
        told.append(Told(f"{counted(left, 'device')} not reached; refresh once more to go on.", messages.WARNING))
    return told


def _failures(reports: Iterable[ConfigReport]) -> list[Told]:
    """Return a sentence for each reason, with the first device that it happened to."""
    failed: defaultdict[str, list[ConfigReport]] = defaultdict(list)
    for report in reports:
        if report.outcome is ConfigOutcome.FAILED:
            failed[report.reason].append(report)
    told = []
    for reason, those in failed.items():
        first = those[0]
        why = _REASONS.get(reason, reason.replace("_", " "))
        words = f"{counted(len(those), 'device')} failed ({why}) and stayed as before."
        told.append(Told(words, messages.ERROR, [f"First: {first.config.external_id}: {sentence(first.message)}"]))
    return told
