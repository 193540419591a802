"""Refreshing the bindings of many devices from their list, against the sandbox."""

from __future__ import annotations

import re
from contextlib import ExitStack

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.urls import reverse

from bootstrap_project.admin.devices import bulk_refresh as admin_refresh
from bootstrap_project.magistrala.sandbox import seed
from bootstrap_project.runs import services
from bootstrap_project.runs.models import Run, RunState
from bootstrap_project.runs.worker import RunWorker
from configs.models import Config
from enrollments.models import BindingSnapshot
from enrollments.refresh.lock import exclusive_run
from tests.admin.devices.actions import chosen, confirmed
from tests.support.pages import page_text
from tests.support.people import Person, make_person
from tests.support.rows import DOMAIN, make_binding, make_config, make_profile

pytestmark = pytest.mark.sqlite

LIST = "/admin/configs/config/"
SLOTS = [
    {"name": "mqtt", "type": "client", "required": True, "fields": ["id", "name"]},
    {"name": "telemetry", "type": "channel", "required": True, "fields": ["id", "name"]},
]


@pytest.fixture
def operator() -> Person:
    return make_person("olga", "view_config", "change_bindingsnapshot")


@pytest.fixture
def fleet() -> list[Config]:
    """Two devices with stale copies, one with a resource that is not there, one with nothing bound."""
    profile = make_profile(binding_slots=SLOTS)
    configs = [make_config(external_id=f"d-{number}", profile=profile) for number in range(4)]
    for config in configs[:2]:
        make_binding(config=config, slot="mqtt", resource_id=seed.CLIENT_ID)
    make_binding(config=configs[2], slot="mqtt", resource_id="11111111-2222-4333-8444-555555555555")
    return configs


def test_a_page_says_how_many_resources_will_be_read(operator, credential, fleet):
    text = page_text(operator.post(LIST, chosen("refresh_bindings", *fleet)))

    assert "2 resources will be read again" in text
    assert "1 device with nothing bound will be passed over." in text


def test_results_are_told_by_reason_and_each_history_tells_its_own(operator, credential, fleet):
    text = page_text(operator.post(LIST, confirmed("refresh_bindings", *fleet)))

    assert "Of 4 devices: 2 changed; 1 without anything bound" in text
    assert "1 device failed (what is bound is gone) and stayed as before." in text
    assert "First: d-2:" in text
    assert BindingSnapshot.objects.get(config=fleet[0]).snapshot["name"]
    logged = {entry.object_id: entry.get_change_message() for entry in LogEntry.objects.all()}
    assert set(logged) == {str(config.pk) for config in fleet[:2]}
    assert "changed: mqtt." in logged[str(fleet[0].pk)]
    text = page_text(operator.post(LIST, confirmed("refresh_bindings", *fleet[:2])))
    assert "2 unchanged" in text


def test_without_a_credential_the_page_says_what_to_set(operator, settings, fleet):
    settings.SERVICE_TOKEN = settings.SERVICE_USERNAME = settings.SERVICE_PASSWORD = ""

    text = page_text(operator.post(LIST, chosen("refresh_bindings", *fleet)))

    assert "MG_BOOTSTRAP_TOKEN" in text
    assert 'name="post"' not in text
    assert "Nothing was done" in page_text(operator.post(LIST, confirmed("refresh_bindings", *fleet)))


def test_a_platform_that_does_not_answer_leaves_everything_as_it_was(operator, settings, fleet):
    settings.SERVICE_TOKEN = "pat"
    before = list(BindingSnapshot.objects.values_list("pk", "snapshot", "updated_at").order_by("pk"))

    text = page_text(operator.post(LIST, confirmed("refresh_bindings", *fleet)))

    assert re.search(r"3 devices failed \((unavailable|timeout)\) and stayed as before\.", text)
    assert list(BindingSnapshot.objects.values_list("pk", "snapshot", "updated_at").order_by("pk")) == before
    assert not LogEntry.objects.exists()


def test_at_the_deadline_a_run_ends_and_says_how_far_it_came(sandbox, operator, credential, settings, fleet):
    settings.PLATFORM_DEADLINE_SECONDS, settings.MG_READ_TIMEOUT_SECONDS = 2, 60
    make_binding(config=fleet[3], slot="telemetry", type="channel", resource_id=seed.TELEMETRY_CHANNEL_ID)
    slow_one = max(fleet, key=lambda config: config.pk)
    BindingSnapshot.objects.filter(config=slow_one).delete()
    make_binding(config=slow_one, slot="telemetry", type="channel", resource_id=seed.COMMANDS_CHANNEL_ID)
    sandbox.faults({"kind": "slow", "seconds": 60, "match": {"resource_id": seed.COMMANDS_CHANNEL_ID}})
    before = BindingSnapshot.objects.get(config=slow_one).snapshot

    text = page_text(operator.post(LIST, confirmed("refresh_bindings", *fleet)))

    assert "1 device not reached; refresh once more to go on." in text
    assert "changed" in text
    assert BindingSnapshot.objects.get(config=slow_one).snapshot == before


# In the background.


@pytest.fixture
def few_in_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_refresh, "MAX_IN_REQUEST", 3)
    monkeypatch.setattr(admin_refresh, "PART", 2)


@pytest.mark.django_db(transaction=True)
def test_many_devices_are_refreshed_in_the_background(operator, credential, few_in_a_request, fleet):
    services.beat("a worker")

    response = operator.client.post(LIST, confirmed("refresh_bindings", *fleet))

    run = Run.objects.get()
    assert response.headers["Location"] == reverse("admin:run", args=(run.pk,))
    text = page_text(operator.get(reverse("admin:run", args=(run.pk,))))
    assert "Refresh the bindings of 4 devices" in text
    assert "0 of 4" in text
    assert 'http-equiv="refresh"' in text

    RunWorker().serve(once=True)

    run.refresh_from_db()
    assert (run.state, run.done) == (RunState.DONE, 4)
    text = page_text(operator.get(reverse("admin:run", args=(run.pk,))))
    assert "2 devices: changed." in text
    assert "1 device failed (what is bound is gone) and stayed as before." in text
    assert "http-equiv" not in text
    assert BindingSnapshot.objects.get(config=fleet[0]).snapshot["name"]
    logged = {entry.object_id: entry.user for entry in LogEntry.objects.all()}
    assert logged == {str(config.pk): operator.user for config in fleet[:2]}
    assert "Refresh the bindings of 4 devices" in page_text(operator.get("/admin/"))


@pytest.mark.django_db(transaction=True)
def test_a_platform_that_goes_down_fails_the_run_with_what_was_done(
    operator,
    credential,
    few_in_a_request,
    fleet,
    sandbox,
):
    services.beat("a worker")
    for config in fleet:
        BindingSnapshot.objects.filter(config=config).delete()
        make_binding(config=config, slot="mqtt", resource_id=seed.CLIENT_ID)
    operator.post(LIST, confirmed("refresh_bindings", *fleet))
    sandbox.faults({"kind": "status", "status": 503, "match": {"service": "clients"}})

    RunWorker().serve(once=True)

    run = Run.objects.get()
    assert run.state in {RunState.FAILED, RunState.DONE}
    text = page_text(operator.get(reverse("admin:run", args=(run.pk,))))
    assert "clients service failed" in text or "failed (unavailable)" in text
    assert not BindingSnapshot.objects.exclude(snapshot={}).filter(snapshot__has_key="name").exists()


@pytest.mark.django_db(transaction=True)
def test_a_run_waits_for_the_end_of_another_one(operator, credential, few_in_a_request, fleet, monkeypatch):
    services.beat("a worker")
    operator.post(LIST, confirmed("refresh_bindings", *fleet))
    waited = []
    with ExitStack() as another:
        another.enter_context(exclusive_run(DOMAIN))

        def wait(seconds: float) -> None:
            waited.append(Run.objects.get().state)
            another.close()

        monkeypatch.setattr(admin_refresh, "sleep", wait)
        RunWorker().serve(once=True)

    run = Run.objects.get()
    assert (run.state, run.done) == (RunState.DONE, 4), run.reason
    if connection.vendor == "postgresql":
        assert waited == [RunState.RUNNING]


def test_without_a_worker_a_request_does_what_it_can_and_the_page_says_so(
    operator,
    credential,
    few_in_a_request,
    fleet,
    monkeypatch,
):
    assert "2 changed" in page_text(operator.post(LIST, confirmed("refresh_bindings", *fleet)))
    assert not Run.objects.exists()
    assert "No worker is running" in page_text(operator.get("/admin/"))

    monkeypatch.setattr(admin_refresh, "MAX_WITHOUT_WORKER", 3)
    for posted in (chosen, confirmed):
        text = page_text(operator.post(LIST, posted("refresh_bindings", *fleet)))
        assert "manage.py worker" in text
    assert not Run.objects.exists()
