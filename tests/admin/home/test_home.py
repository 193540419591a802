"""The home page: what it counts, draws and names, and for whom."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bootstrap_project.admin.home.activity import recent_activity
from configs.models import Config
from tests.support.attempts import make_attempt, remember
from tests.support.pages import page_text
from tests.support.people import Person, make_person, make_user
from tests.support.rows import DOMAIN, make_binding, make_config, make_profile

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]

HOME = "/admin/"
SLOTS = [{"name": "mqtt", "type": "client", "required": True}]


@pytest.fixture
def admin() -> Person:
    return make_person("ada", is_superuser=True)


@pytest.fixture
def fleet() -> list[Config]:
    """One device of each readiness, a disabled one, and one of another domain."""
    profile = make_profile(binding_slots=SLOTS)
    now = timezone.now() + timedelta(seconds=1)
    configs = [make_config(external_id="no-profile")]
    for name, outcome in (("unbound", ""), ("failing", "render_failed"), ("not-seen", ""), ("ready", "ok")):
        values: dict[str, Any] = {"last_bootstrap_at": now, "last_bootstrap_outcome": outcome} if outcome else {}
        config = make_config(external_id=name, profile=profile, **values)
        if name != "unbound":
            make_binding(config=config, slot="mqtt")
        configs.append(config)
    configs.append(make_config(external_id="off", status="disabled"))
    configs.append(make_config(external_id="elsewhere", domain_id="other"))
    return configs


def figures(response) -> dict[str, tuple[int, str]]:
    """Numbers and links by their words."""
    found = re.findall(r'<a href="([^"]*)"[^>]*><b>([\d,]+)</b> ([^<]+)</a>', page_text(response))
    return {words: (int(number.replace(",", "")), url) for url, number, words in found}


def test_devices_are_counted_by_status_and_readiness(admin, fleet):
    found = {words: number for words, (number, _url) in figures(admin.get(HOME)).items()}

    assert found == {
        "in all": 7,
        "enabled": 6,
        "disabled": 1,
        "ready": 1,
        "not ready": 5,
        "no profile": 2,
        "slot unbound": 1,
        "render fails": 1,
        "not yet seen": 1,
    }


def test_counts_of_many_devices_say_when_they_were_made(admin, fleet, monkeypatch):
    assert "Counted at" not in page_text(admin.get(HOME))
    monkeypatch.setattr("bootstrap_project.admin.home.counts._MANY", 7)

    assert "Counted at" in page_text(admin.get(HOME))


def test_each_number_leads_to_as_many_devices(admin, fleet):
    for words, (number, url) in figures(admin.get(HOME)).items():
        response = admin.client.get(url)
        assert len(response.context["cl"].result_list) == number, words


def test_staff_see_numbers_failures_and_calls_of_their_domains_alone(fleet):
    watcher = make_person("wanda", "view_config", "view_bootstrapattempt", domains=("other",))
    now = timezone.now()
    remember(
        make_attempt(fleet[0].pk, external_id="hidden-1", domain_id=DOMAIN, outcome="render_failed", when=now),
        make_attempt(fleet[6].pk, external_id="elsewhere", domain_id="other", outcome="disabled", when=now),
        make_attempt(None, external_id="stranger", outcome="refused", when=now),
    )

    response = watcher.get(HOME)

    text = page_text(response)
    assert figures(response)["in all"][0] == 1
    assert "elsewhere" in text
    assert "hidden-1" not in text
    assert "stranger" not in text
    assert [chart.refused for chart in response.context["charts"]] == ["1", "1"]


def test_remembered_numbers_are_those_of_the_same_domains(fleet, monkeypatch):
    monkeypatch.setattr("bootstrap_project.admin.home.cache.CHEAP", 0.0)
    remember(
        make_attempt(fleet[0].pk, outcome="disabled", when=timezone.now()),
        make_attempt(fleet[-1].pk, outcome="disabled", when=timezone.now()),
    )
    shown = {}

    # Whoever asks first has everything remembered, for themselves and for those who may see the same.
    for name, domains in (("ada", None), ("olga", [DOMAIN]), ("otto", ["other"]), ("vera", [DOMAIN]), ("nemo", [])):
        permissions = () if domains is None else ("view_config", "view_bootstrapattempt")
        user = make_user(name, *permissions, domains=domains or (), is_superuser=domains is None)
        context = Person(user).get(HOME).context
        refused = sum(bar.refused for bar in recent_activity(user).days)
        shown[name] = (context["counts"].total.number, refused)

    assert shown == {"ada": (7, 2), "olga": (6, 1), "otto": (1, 1), "vera": (6, 1), "nemo": (0, 0)}


def test_a_failure_names_no_device_of_a_domain_that_its_reader_may_not_see(fleet):
    Config.objects.filter(pk=fleet[-1].pk).update(name="Secret pump")
    remember(make_attempt(fleet[-1].pk, domain_id=DOMAIN, outcome="disabled", when=timezone.now()))
    person = make_person("olga", "view_config", "view_bootstrapattempt", domains=(DOMAIN,))

    (failure,) = person.get(HOME).context["failures"]

    assert (failure.config_id, failure.name) == (None, "")


def test_who_has_no_domain_is_told_so():
    text = page_text(make_person("nora", "view_config", domains=()).get(HOME))

    assert "No domain is granted to you yet" in text
    assert "There is no device yet" not in text
    assert "There is no device yet" in page_text(make_person("nils", "view_config").get(HOME))


@pytest.mark.parametrize(
    ("permissions", "devices", "calls"),
    [((), False, False), (("view_config",), True, False), (("view_bootstrapattempt",), False, True)],
)
def test_each_part_takes_its_permission(fleet, permissions, devices, calls):
    text = page_text(make_person("sam", *permissions).get(HOME))

    assert ("home-figures" in text) is devices
    assert ("Latest failures" in text) is calls
    assert ("home-chart" in text) is calls
    assert ("home-search" in text) is bool(permissions)


def test_calls_are_drawn_and_told_by_hour_and_day(admin, fleet):
    now = timezone.now()
    remember(
        *(make_attempt(when=now, external_id="a") for _ in range(3)),
        make_attempt(when=now, external_id="a", outcome="refused"),
        make_attempt(when=now - timedelta(days=2), external_id="a"),
        make_attempt(when=now - timedelta(days=30), external_id="a"),
    )

    response = admin.get(HOME)

    day, week = response.context["charts"]
    assert (day.served, day.refused) == ("3", "1")
    assert (week.served, week.refused) == ("4", "1")
    assert [(bar.served, bar.refused) for bar in day.bars][-1] == (3, 1)
    assert len(day.bars) == 24
    assert [bar.served + bar.refused for bar in week.bars] == [0, 0, 0, 0, 1, 0, 4]
    text = page_text(response)
    assert '<svg class="home-chart" role="img"' in text
    assert "3 calls got a configuration and 1 did not." in text
    assert '<th scope="row">' in text


def test_the_latest_failures_name_device_reason_and_error(admin, fleet):
    failing = fleet[2]
    Config.objects.filter(pk=failing.pk).update(name="North pump")
    now = timezone.now()
    remember(
        make_attempt(failing.pk, external_id="failing", outcome="render_failed", error_id="e-77", when=now),
        make_attempt(None, external_id="<stranger>", outcome="refused", when=now),
        make_attempt(failing.pk, external_id="failing", outcome="refused", when=now - timedelta(hours=1)),
        make_attempt(failing.pk, external_id="failing", outcome="disabled", when=now - timedelta(days=8)),
    )

    response = admin.get(HOME)

    text = response.content.decode()
    assert [failure.outcome for failure in response.context["failures"]] == ["refused", "render_failed", "refused"]
    assert f'<a href="/admin/configs/config/{failing.pk}/change/">North pump</a>' in text
    assert "Its configuration could not be made." in text
    assert "The external id is unknown, or the key is wrong." in text
    assert "Wrong key." in text
    assert "<code>e-77</code>" in text
    assert "&lt;stranger&gt;" in text


def test_a_device_that_is_gone_is_named_without_a_link(admin):
    remember(make_attempt(make_config().pk, external_id="gone", outcome="disabled", when=timezone.now()))
    Config.objects.all().delete()

    assert [failure.config_id for failure in admin.get(HOME).context["failures"]] == [None]


def test_an_empty_service_says_how_to_begin(admin):
    text = page_text(admin.get(HOME))

    assert "There is no device yet" in text
    assert "/admin/profiles/profile/add/" in text
    assert "No device called." in text
    assert "No call failed" in text


def test_the_page_costs_the_same_queries_for_many_devices(admin):
    def queries(number: int) -> int:
        profile = make_profile(binding_slots=SLOTS)
        configs = [make_config(external_key="k", profile=profile) for _ in range(number)]
        now = timezone.now()
        remember(*(make_attempt(one.pk, external_id=one.external_id, outcome="disabled", when=now) for one in configs))
        with CaptureQueriesContext(connection) as captured:
            admin.client.get(HOME)
        return len(captured)

    # Session, user, the counts with the savepoint around them, runs, worker, calls, failures, names, and what the user
    # did last.
    assert queries(1) == queries(40) <= 13


def test_django_s_list_of_models_is_below_with_devices_first(admin):
    text = page_text(admin.get(HOME))

    assert text.index('id="home"') < text.index('class="app-configs') < text.index('class="app-auth')
    assert "Recent actions" in text
