"""The list of devices in the admin: what it shows, how it is limited, and what it costs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from bootstrap_project.admin import changelist
from configs.models import Config
from profiles.models import Profile
from tests.support.pages import page_text
from tests.support.rows import DOMAIN, make_binding, make_config, make_profile

pytestmark = pytest.mark.sqlite

LIST = "/admin/configs/config/"
SLOTS = [{"name": "mqtt", "type": "client", "required": True}]


def shown(response) -> list[str]:
    assert response.status_code == 200, response.status_code
    return [config.external_id for config in response.context["cl"].result_list]


def call(
    external_id: str,
    outcome: str,
    *,
    version: int | None = None,
    profile: Profile | None = None,
    ago: timedelta = timedelta(),
) -> None:
    Config.objects.filter(external_id=external_id).update(
        last_bootstrap_at=timezone.now() - ago,
        last_bootstrap_outcome=outcome,
        last_bootstrap_profile_id=profile.pk if profile else None,
        last_bootstrap_profile_version=version,
    )


@pytest.fixture
def fleet() -> Profile:
    """One device of each readiness, named after it."""
    profile = make_profile(name="thermometer", binding_slots=SLOTS, version=3)
    make_config(external_id="no-profile")
    for name in ("unbound", "failing", "not-seen", "ready"):
        config = make_config(external_id=name, profile=profile)
        if name != "unbound":
            make_binding(config=config, slot="mqtt")
    call("failing", "render_failed", version=2)
    call("ready", "ok", version=3)
    return profile


def test_a_row_tells_profile_readiness_and_the_last_call(admin, fleet):
    # The filters beside the list have the same words.
    rows = page_text(admin.get(LIST)).split('id="result_list"')[1].split("</table>")[0]

    for part in ("thermometer v3", "unbound: mqtt", "no profile", "render fails", "not yet seen", "v2, outdated"):
        assert part in rows, part


@pytest.mark.parametrize("version", [2, 9])
def test_the_version_of_another_profile_is_not_the_current_ones(admin, fleet, version):
    call("ready", "ok", version=version, profile=make_profile(version=version))
    assert "another profile" in page_text(admin.get(LIST, readiness="ready"))
    assert shown(admin.get(LIST, version="current")) == []
    assert set(shown(admin.get(LIST, version="outdated"))) == {"failing", "ready"}

    call("ready", "ok", version=3, profile=fleet)
    assert shown(admin.get(LIST, version="current")) == ["ready"]


@pytest.mark.parametrize("state", ["no-profile", "unbound", "failing", "not-seen", "ready"])
def test_the_list_is_limited_to_one_readiness(admin, fleet, state):
    assert shown(admin.get(LIST, readiness=state)) == [state]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"readiness": "not-ready"}, {"no-profile", "unbound", "failing", "not-seen"}),
        ({"readiness": ""}, {"no-profile", "unbound", "failing", "not-seen", "ready"}),
        ({"result": "served"}, {"ready"}),
        ({"result": "failed"}, {"failing"}),
        ({"result": "render-failed"}, {"failing"}),
        ({"result": "never"}, {"no-profile", "unbound", "not-seen"}),
        ({"version": "outdated"}, {"failing"}),
        ({"version": "current"}, {"ready"}),
        ({"readiness": "ready", "result": "failed"}, set()),
    ],
    # A set has another order in each process, and a test has to have one name in all of them.
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
def test_filters_limit_the_list(admin, fleet, query, found):
    assert set(shown(admin.get(LIST, **query))) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"last_bootstrap_at_age": "1h"}, ["now"]),
        ({"last_bootstrap_at_age": "7d"}, ["3 days", "now"]),
        ({"last_bootstrap_at_age": "over-24h"}, ["20 days", "3 days"]),
        ({"last_bootstrap_at_age": "over-7d"}, ["20 days"]),
        ({"last_bootstrap_at_age": "never"}, ["never"]),
        ({"last_bootstrap_at_age": "", "last_bootstrap_at_from": ""}, ["20 days", "3 days", "never", "now"]),
        ({"last_bootstrap_at_from": "-10"}, ["3 days", "now"]),
        ({"last_bootstrap_at_to": "-2"}, ["20 days", "3 days"]),
        ({"last_bootstrap_at_from": "-10", "last_bootstrap_at_to": "-2"}, ["3 days"]),
    ],
    ids=str,
)
def test_the_last_call_is_looked_for_in_a_range(admin, query, found):
    for name, days in (("now", 0), ("3 days", 3), ("20 days", 20), ("never", None)):
        make_config(external_id=name)
        if days is not None:
            call(name, "ok", ago=timedelta(days=days))
    today = timezone.localdate()
    query = {
        key: str(today + timedelta(days=int(value))) if value.startswith("-") else value for key, value in query.items()
    }

    assert sorted(shown(admin.get(LIST, **query))) == found


def test_a_range_keeps_the_other_filters_and_shows_itself(admin, fleet):
    text = page_text(admin.get(LIST, readiness="ready", last_bootstrap_at_from="2026-01-02", p="1"))

    assert '<input type="hidden" name="readiness" value="ready">' in text
    assert 'value="2026-01-02"' in text
    assert '<input type="hidden" name="p"' not in text


@pytest.mark.parametrize("query", ["q", "domain", "profile", "readiness", "result", "version", "last_bootstrap_at_age"])
@pytest.mark.parametrize("value", ["%", "_", "x" * 60_000, "'", "0" * 36, "é"])
def test_odd_words_in_the_address_are_no_error(admin, fleet, query, value):
    assert admin.client.get(LIST, {query: value}).status_code == 200


@pytest.mark.parametrize(
    ("term", "found"), [("50%", ["50%-off"]), ("a_b", ["a_b"]), ("%_", []), ("\\", ["back\\slash"])]
)
def test_wildcards_are_taken_to_the_letter(admin, term, found):
    for external_id in ("50%-off", "50-off", "a_b", "axb", "back\\slash"):
        make_config(external_id=external_id)

    assert shown(admin.get(LIST, q=term)) == found


def test_the_newest_come_first_and_some_columns_can_be_sorted_by(admin):
    for external_id in ("b", "c", "a"):
        make_config(external_id=external_id, name=f"n-{external_id}")

    assert shown(admin.get(LIST)) == ["a", "c", "b"]
    assert shown(admin.get(LIST, o="2")) == ["a", "b", "c"]
    assert shown(admin.get(LIST, o="-1")) == ["c", "b", "a"]


def test_a_long_list_is_counted_to_a_limit_and_has_pages_behind_it(admin, monkeypatch):
    monkeypatch.setattr(changelist, "MAX_COUNTED", 60)
    for number in range(170):
        make_config(external_id=f"d-{number:03}", external_key="k")

    first = admin.get(LIST)
    deep = admin.get(LIST, p="3")
    last = admin.get(LIST, p="4")

    assert first.context["cl"].counted == "more than 60 devices"
    assert "more than 60 devices" in page_text(first)
    assert shown(deep) == [f"d-{number:03}" for number in range(69, 19, -1)]
    assert 'rel="next"' in page_text(deep)
    assert shown(last) == [f"d-{number:03}" for number in range(19, -1, -1)]
    assert last.context["cl"].counted == "170 devices"
    assert 'rel="next"' not in page_text(last)
    assert 'rel="prev"' in page_text(last)


@pytest.mark.parametrize("page", ["0", "-1", "99", "99999999999999999999", "x"])
def test_a_page_that_there_is_not_shows_the_first(admin, page):
    make_config(external_id="only")

    response = admin.client.get(LIST, {"p": page}, follow=True)

    assert [config.external_id for config in response.context["cl"].result_list] == ["only"]


@pytest.mark.parametrize(
    "query", [{}, {"readiness": "unbound"}, {"q": "d-"}, {"readiness": "not-ready", "domain": DOMAIN}], ids=str
)
def test_the_list_costs_the_same_queries_however_long_it_is(admin, django_assert_num_queries, query):
    profile = make_profile(binding_slots=SLOTS)

    def enrol(first: int, last: int) -> None:
        for number in range(first, last):
            config = make_config(external_id=f"d-{number}", external_key="k", profile=profile)
            make_binding(config=config, slot="other")

    enrol(0, 51)
    # A list by readiness is read without PostgreSQL compiling its statements.
    number = 10 if "readiness" in query and connection.vendor == "postgresql" else 7
    with django_assert_num_queries(number):
        assert len(shown(admin.client.get(LIST, query))) == 50

    enrol(51, 130)

    with django_assert_num_queries(number) as asked:
        assert len(shown(admin.client.get(LIST, query))) == 50
    statements = " ".join(entry["sql"] for entry in asked.captured_queries)
    for unread in ("content_template", "external_key_hash", "render_context", "secret_sealed"):
        assert unread not in statements
