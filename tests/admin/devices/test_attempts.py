"""The admin's pages of attempts, and what a device's pages say about its calls."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bootstrap_project.admin import changelist
from devices.models import BootstrapAttempt
from tests.support.attempts import make_attempt, make_recorder, seconds
from tests.support.pages import page_text
from tests.support.people import Person, make_person
from tests.support.rows import make_config

LIST = reverse("admin:devices_bootstrapattempt_changelist")
DEVICES = reverse("admin:configs_config_changelist")


def remember(*attempts):
    recorder = make_recorder(refusals_per_second=1000)
    for attempt in attempts:
        recorder.add(attempt)
    assert recorder.flush()


def listed(response):
    return [attempt.external_id for attempt in response.context["cl"].result_list]


@pytest.fixture
def watcher() -> Person:
    """Somebody who sees all domains, and the calls that belong to none."""
    return make_person("wanda", is_superuser=True)


def test_the_newest_come_first(watcher):
    remember(*(make_attempt(when=seconds(number), external_id=f"d-{number}") for number in (2, 3, 1)))

    assert listed(watcher.get(LIST)) == ["d-3", "d-2", "d-1"]


def test_a_row_says_what_happened_and_leads_to_its_device(watcher, device):
    remember(
        make_attempt(
            device.pk,
            external_id="pi-0004",
            outcome="render_failed",
            status=422,
            error_id="e-12345678",
            duration=0.0125,
        )
    )

    text = page_text(watcher.get(LIST))

    for shown in (">pi-0004</a>", 'badge-bad">render failed<', ">e-12345678<", ">12.5 ms<"):
        assert shown in text, shown
    assert reverse("admin:configs_config_change", args=(device.pk,)) in text


@pytest.mark.parametrize("term", ["e-12345678", " e-12345678 ", "{config}", "pi-0004"])
def test_search_finds_by_whole_ids(watcher, device, term):
    remember(
        make_attempt(device.pk, external_id="cut", outcome="render_failed", status=422, error_id="e-12345678"),
        make_attempt(make_config().pk, external_id="other"),
        make_attempt(None, external_id="pi-00045", outcome="refused", error_id="e-123456789"),
    )

    assert listed(watcher.get(LIST, q=term.format(config=device.pk))) == ["cut"]


def test_search_finds_ids_that_no_device_has(watcher):
    remember(make_attempt(None, external_id="nobody", outcome="refused"), make_attempt(external_id="nobody 2"))

    assert listed(watcher.get(LIST, q="nobody")) == ["nobody"]


@pytest.mark.parametrize("term", ["%", "x" * 5000, "'", "0" * 36])
def test_odd_terms_find_nothing(watcher, term):
    remember(make_attempt())

    assert listed(watcher.get(LIST, q=term)) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"outcome": "failed"}, ["d", "r"]),
        ({"outcome": "refused"}, ["r"]),
        ({"outcome": "nonsense"}, []),
        ({"variant": "secure"}, ["s"]),
        ({"domain": "dom-1"}, ["s"]),
    ],
    ids=str,
)
def test_filters(watcher, query, found):
    remember(
        make_attempt(external_id="o"),
        make_attempt(external_id="s", variant="secure", domain_id="dom-1"),
        make_attempt(external_id="r", outcome="refused", error_id="e-1"),
        make_attempt(external_id="d", outcome="disabled"),
    )

    assert sorted(listed(watcher.get(LIST, **query))) == found


def test_filters_of_time(watcher):
    now = timezone.now()
    remember(
        make_attempt(external_id="old"),
        make_attempt(external_id="yesterday", when=now - timedelta(hours=23)),
        make_attempt(external_id="new", when=now),
    )

    assert listed(watcher.get(LIST, at_age="1h")) == ["new"]
    assert listed(watcher.get(LIST, at_age="24h")) == ["new", "yesterday"]
    assert listed(watcher.get(LIST, at_from="2026-05-01", at_to="2026-05-01")) == ["old"]
    assert listed(watcher.get(LIST, at_from="2026-05-02", at_to="2026-05-01")) == []


@pytest.mark.parametrize("query", [{}, {"outcome": "ok"}], ids=str)
def test_a_long_list_is_not_counted_and_goes_on_behind_what_was(watcher, monkeypatch, query):
    monkeypatch.setattr(changelist, "MAX_COUNTED", 60)
    remember(*(make_attempt(when=seconds(number), external_id=f"d-{number}") for number in range(170)))

    first, deep = watcher.get(LIST, **query), watcher.get(LIST, p="4", **query)

    assert "more than 60 bootstrap attempts" in page_text(first)
    assert listed(deep) == [f"d-{number}" for number in range(19, -1, -1)]
    assert "170 bootstrap attempts" in page_text(deep)


def test_one_kind_of_failure_is_looked_for_among_failures(watcher):
    remember(make_attempt(external_id="r", outcome="render_failed"), make_attempt(external_id="d", outcome="disabled"))

    with CaptureQueriesContext(connection) as captured:
        assert listed(watcher.get(LIST, outcome="render_failed")) == ["r"]
    statements = [query["sql"] for query in captured if '"outcome" = ' in query["sql"]]
    assert statements
    assert all('"status" >= 400' in statement for statement in statements)


def test_the_list_takes_the_same_queries_however_long_it_is(watcher, device, django_assert_num_queries):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            watcher.get(LIST)
        # The reading of all secrets by the person who checks the page is not the page's.
        return len(captured)

    remember(make_attempt(device.pk))
    few = queries()
    remember(*(make_attempt(device.pk, when=seconds(number)) for number in range(200)))

    # That there is more than one page takes a count, up to its limit.
    assert queries() == few + 1
    assert few <= 10


def test_nothing_can_be_added_changed_or_deleted(admin, device):
    remember(make_attempt(device.pk))
    row = BootstrapAttempt.objects.get()
    page = reverse("admin:devices_bootstrapattempt_change", args=(row.pk,))

    assert admin.get(page).status_code == 200
    assert admin.post(page, {"outcome": "ok"}).status_code == 403
    assert admin.get(reverse("admin:devices_bootstrapattempt_add")).status_code == 403
    assert admin.get(reverse("admin:devices_bootstrapattempt_delete", args=(row.pk,))).status_code == 403
    assert 'name="action"' not in page_text(admin.get(LIST))
    assert BootstrapAttempt.objects.get().outcome == "ok"


def test_one_attempt_shows_all_that_is_known(watcher, device):
    remember(make_attempt(device.pk, user_agent="agent/1", etag="the tag", source="192.0.2.1", profile_version=3))

    text = page_text(
        watcher.get(reverse("admin:devices_bootstrapattempt_change", args=(BootstrapAttempt.objects.get().pk,)))
    )

    for shown in ("agent/1", "the tag", "192.0.2.1"):
        assert shown in text


def test_a_person_without_the_permission_sees_none(viewer, device):
    assert viewer.get(LIST).status_code == 403
    assert LIST not in page_text(viewer.get(reverse("admin:configs_config_change", args=(device.pk,))))


def test_a_stranger_s_text_is_shown_as_text(watcher):
    remember(make_attempt(None, outcome="refused", external_id="<script>alert(1)</script>", user_agent="<b>"))

    assert b"<script>alert(1)" not in watcher.get(LIST).content


def test_a_device_s_page_tells_of_its_last_bootstrap(watcher, device):
    page = reverse("admin:configs_config_change", args=(device.pk,))
    assert "Never called" in page_text(watcher.get(page))
    remember(
        make_attempt(device.pk, profile_version=7, etag="the tag"),
        make_attempt(device.pk, when=seconds(60), outcome="disabled", error_id="e-12345678"),
    )

    text = page_text(watcher.get(page))

    for shown in ("2026-05-01 12:00", "2026-05-01 12:01", "v7", "the tag", "The device is disabled.", "e-12345678"):
        assert shown in text
    assert f"{LIST}?q={device.pk}" in text


def test_the_list_of_devices_tells_who_called_when(watcher, device):
    make_config(external_id="silent")
    remember(make_attempt(device.pk, profile_version=7))

    text = page_text(watcher.get(DEVICES))

    assert '2026-05-01 12:00</span> <span class="badge badge-good">ok</span> v7' in text
    assert '<td class="field-last_bootstrap">never</td>' in text


def test_the_list_of_devices_takes_no_more_queries_for_it(watcher):
    from django.db import connection  # noqa: PLC0415 - beside its only use.
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    def queries():
        with CaptureQueriesContext(connection) as captured:
            watcher.client.get(DEVICES)
        return len(captured)

    remember(make_attempt(make_config().pk))
    few = queries()
    remember(*(make_attempt(make_config().pk) for _ in range(20)))

    assert queries() == few


def test_an_unknown_caller_leads_to_the_device_that_it_nearly_is(watcher, device, django_assert_max_num_queries):
    asked = device.external_id.upper()
    remember(*(make_attempt(None, outcome="refused", external_id=one) for one in (asked, "nobody", "")))
    page = f'<a href="{reverse("admin:configs_config_change", args=(device.pk,))}">'

    text = watcher.get(LIST).content.decode()
    attempt = BootstrapAttempt.objects.get(external_id=asked)
    own = watcher.get(reverse("admin:devices_bootstrapattempt_change", args=(attempt.pk,))).content.decode()

    for shown in (text, own):
        assert shown.count(f"{page}a device&#x27;s id differs in upper and lower case only</a>") == 1
    with django_assert_max_num_queries(15):
        remember(*(make_attempt(None, outcome="refused", external_id=f"x-{number}") for number in range(60)))
        watcher.get(LIST)
