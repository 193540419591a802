"""The service behind the command: changes by others on the way, bounded memory, and what people see of progress."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.pooled import PooledConnections
from bootstrap_project.magistrala.resources import ChannelResource, ClientResource
from bootstrap_project.magistrala.sandbox import seed
from configs.models import Config
from enrollments.binding.fetch import Fetched, ResourceRef, fetch
from enrollments.models import BindingSnapshot
from enrollments.refresh.cache import AnswerCache, Failure
from enrollments.refresh.diff import FetchedResource
from enrollments.refresh.errors import LockLost
from enrollments.refresh.lock import NAMESPACE
from enrollments.refresh.progress import Progress, duration
from enrollments.refresh.report import ConfigOutcome, ConfigReport
from enrollments.refresh.run import FleetRefresh
from enrollments.refresh.select import Selection
from profiles.models import Profile
from tests.support.refresh import SmallFleet, make_fleet
from tests.support.sandbox import SandboxProcess


@pytest.fixture
def fleet(sandbox: SandboxProcess, db: None) -> SmallFleet:
    return make_fleet(sandbox, 6)


@pytest.fixture
def run(magistrala: MagistralaClient, token: str) -> Callable[..., tuple[FleetRefresh, list[ConfigReport]]]:
    """Run over everything, a config at a time; `meddle` is called after the first, when those behind it are read."""

    def run(meddle: Callable[[], object] = lambda: None, **options: Any) -> tuple[FleetRefresh, list[ConfigReport]]:
        reports: list[ConfigReport] = []

        def listen(report: ConfigReport) -> None:
            reports.append(report)
            if len(reports) == 1:
                meddle()

        one = FleetRefresh(
            Selection(everything=True),
            lambda ref: fetch(ref, magistrala=magistrala, token=token),
            listener=listen,
            **({"page": 1} | options),
        )
        one.run()
        return one, reports

    return run


def test_a_profile_that_changes_on_the_way_is_taken_as_it_is_when_writing(fleet, run):
    slots = [{"name": "telemetry", "type": "channel", "fields": ["topic"]}]

    _, reports = run(lambda: Profile.objects.update(binding_slots=slots, version=2))

    assert {report.outcome for report in reports} == {ConfigOutcome.CHANGED}
    for config in fleet.by_id()[1:]:
        rows = fleet.stored(config)
        assert rows["telemetry"].snapshot.keys() == {"topic"}
        assert rows["mqtt_client"].snapshot == {}
        assert rows["mqtt_client"].secret_sealed == ""


def test_a_profile_that_is_taken_away_on_the_way_leaves_nothing_to_do(fleet, run):
    _, reports = run(lambda: Config.objects.update(profile=None))

    assert [report.outcome for report in reports[1:]] == [ConfigOutcome.UNBOUND] * 5
    assert not any(any(fleet.fresh(config)) for config in fleet.by_id()[1:])


def test_a_config_that_is_removed_on_the_way_is_no_failure(fleet, run):
    gone = fleet.by_id()[2]

    one, reports = run(lambda: Config.objects.filter(pk=gone.pk).delete())

    assert [report.outcome for report in reports] == [
        *([ConfigOutcome.CHANGED] * 2),
        ConfigOutcome.GONE,
        *([ConfigOutcome.CHANGED] * 3),
    ]
    assert one.summary.complete


def test_what_others_write_on_the_way_is_newer_and_the_rest_is_still_renewed(fleet, run):
    config = fleet.by_id()[2]

    def bind() -> None:
        BindingSnapshot.objects.filter(config=config, slot="telemetry").update(
            snapshot={"id": "other"}, resource_id="other", updated_at=timezone.now()
        )

    _, reports = run(bind)

    assert reports[2].outcome is ConfigOutcome.CHANGED
    assert [slot.outcome.value for slot in reports[2].slots] == ["changed", "newer"]
    rows = fleet.stored(config)
    assert rows["telemetry"].snapshot == {"id": "other"}
    assert rows["mqtt_client"].snapshot


@pytest.mark.parametrize("page", [1, 2, 5, 6, 7, 500])
def test_pages_of_all_sizes_cover_the_fleet_once(fleet, run, page):
    one, reports = run(page=page)

    assert [report.config.id for report in reports] == [config.pk for config in fleet.by_id()]
    assert one.summary.done == one.summary.total == 6


def test_a_stopped_run_keeps_what_is_done(fleet):
    def stop(_report: ConfigReport) -> None:
        one.stop()

    one = FleetRefresh(
        Selection(everything=True), lambda ref: Fetched(resource(ref), timezone.now()), page=2, listener=stop
    )

    summary = one.run()

    assert summary.interrupted
    assert summary.done == 2
    assert summary.done_up_to == fleet.by_id()[1].pk


def test_a_run_that_lost_its_lock_ends(fleet, run):
    if connection.vendor != "postgresql":
        pytest.skip("the kernel keeps the locks of SQLite's runs")

    def cut_off() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
                "WHERE datname = current_database() AND locktype = 'advisory' AND classid = %s",
                [NAMESPACE],
            )

    with pytest.raises(LockLost):
        run(cut_off)

    assert all(fleet.fresh(fleet.by_id()[0]))
    assert run()[0].summary.complete


def resource(ref: ResourceRef, name: str = "a name") -> ClientResource | ChannelResource:
    if ref.type == "client":
        return ClientResource(ref.id, name, seed.DOMAIN_ID, tags=("a", "b"))
    return ChannelResource(ref.id, name, seed.DOMAIN_ID, metadata={"n": 1.0, "big": 1e16, "deep": [{"a": None}]})


def test_each_resource_is_asked_for_once(sandbox, fleet, run):
    sandbox.forget_calls()

    one, _ = run()

    assert sandbox.report()["total"] == one.summary.resources == 8
    assert all(all(fleet.fresh(config)) for config in fleet.configs)


def test_what_fell_out_of_the_cache_is_asked_for_again(sandbox, fleet, run):
    sandbox.forget_calls()

    one, reports = run(cache=AnswerCache(1))

    assert sandbox.report()["total"] == one.summary.resources > 8
    assert {report.outcome for report in reports} == {ConfigOutcome.CHANGED}
    assert all(all(fleet.fresh(config)) for config in fleet.configs)


def test_the_answers_that_were_used_last_are_kept():
    cache = AnswerCache(2)
    first, second, third = (ResourceRef("domain", "client", name) for name in ("first", "second", "third"))
    failure = Failure("not_found", "there is none", outage=True)
    known = FetchedResource(Fetched(resource(first), timezone.now()))
    cache.put(first, known)
    cache.put(second, failure)

    assert cache.get(first) is known
    cache.put(third, failure)

    assert [cache.get(ref) for ref in (first, second, third)] == [known, None, failure]
    assert cache.count == 3


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_that_goes_away(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    progress = Progress(stream)

    progress.update(2_000, 10_000, 3)
    progress.clear()
    monkeypatch.setattr(progress._bar, "mininterval", 0)
    progress.update(2_500, 10_000, 3)
    progress.close()

    shown = [text.strip() for text in stream.getvalue().split("\r")]
    bars = [text for text in shown if "2,500 of" in text]
    assert bars
    assert bars[-1].startswith("[######------------------] 2,500 of 10,000 configs (25%), ")
    assert bars[-1].endswith(" left, 3 failed")
    assert shown[-1] == ""


def test_elsewhere_there_is_a_line_every_few_seconds():
    now = [0.0]
    stream = io.StringIO()
    progress = Progress(stream, clock=lambda: now[0])

    for second in range(1, 13):
        now[0] = float(second)
        progress.update(second * 10, 1000, 0)
    progress.clear()

    assert stream.getvalue().splitlines() == [
        "50 of 1,000 configs (5%), 10/s, 1:35 left",
        "100 of 1,000 configs (10%), 10/s, 1:30 left",
    ]


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3723, "1:02:03")])
def test_durations_are_easy_to_read(seconds, text):
    assert duration(seconds) == text


def test_lean_connections_are_kept_and_renewed(sandbox, token):
    client = sandbox.client(session=PooledConnections(16), read_timeout=0.5)
    sandbox.forget_calls()
    for _ in range(5):
        assert client.view_client(seed.DOMAIN_ID, seed.CLIENT_ID, token).id == seed.CLIENT_ID
    assert sandbox.report()["connections"] <= 1

    sandbox.faults({"kind": "down", "times": 1})
    assert client.view_client(seed.DOMAIN_ID, seed.CLIENT_ID, token).id == seed.CLIENT_ID
    client.close()
