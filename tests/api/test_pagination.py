"""Pages far into a list: the same rows, order and total as anywhere, without reading the rows on the way."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bootstrap_project.api import pagination
from bootstrap_project.api.pagination import Page
from configs.models import Config, Status
from profiles.models import Profile
from tests.support.api import UNKNOWN, told
from tests.support.rows import DOMAIN, make_config, make_profile

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture(autouse=True)
def deep_soon(monkeypatch):
    monkeypatch.setattr(pagination, "DEEP_OFFSET", 3)


def envelope(rows, offset, limit=2):
    return Page(offset, limit).envelope(rows, member="rows", represent=lambda row: row.pk)


def test_deep_pages_together_are_the_list():
    ids = sorted(make_config().pk for _ in range(9))
    rows = Config.objects.in_domain(DOMAIN).order_by("id")

    pages = [envelope(rows, offset) for offset in range(0, 10, 2)]

    assert [pk for page in pages for pk in page["rows"]] == ids
    assert {page["total"] for page in pages} == {9}


def test_a_deep_page_keeps_a_descending_order():
    ids = [make_profile().pk for _ in range(8)]
    rows = Profile.objects.in_domain(DOMAIN).order_by("-created_at", "-id")

    assert [pk for offset in (0, 2, 4, 6) for pk in envelope(rows, offset)["rows"]] == ids[::-1]


def test_a_deep_page_keeps_the_filters():
    for number in range(16):
        make_config(name=f"pump {number}", status=Status.DISABLED if number % 2 else Status.ENABLED)
    rows = Config.objects.in_domain(DOMAIN).filter(status=Status.ENABLED).filter(name__icontains="PUMP").order_by("id")

    page = envelope(rows, 4, limit=10)

    assert page["rows"] == [row.pk for row in rows][4:]
    assert page["total"] == 8


def test_what_was_joined_comes_along():
    profile = make_profile()
    for _ in range(5):
        make_config(profile=profile)
    rows = Config.objects.select_related("profile").order_by("id")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert [row.profile for row in Page(3, 2).of(rows)] == [profile, profile]

    assert len(queries) == 1


@pytest.mark.parametrize("offset", [8, 9, 2**63 - 1])
def test_behind_the_end_there_is_nothing_and_the_total_is_right(offset):
    for _ in range(8):
        make_config()

    assert envelope(Config.objects.order_by("id"), offset) == {"total": 8, "offset": offset, "limit": 2, "rows": []}


def test_a_list_of_nothing_has_deep_pages_too():
    assert envelope(Config.objects.none(), 1000)["total"] == 0


@pytest.mark.parametrize(("offset", "queries"), [(4, 2), (7, 1), (50, 2)])
def test_a_deep_page_takes_two_statements_at_most(django_assert_num_queries, offset, queries):
    for _ in range(8):
        make_config()

    with django_assert_num_queries(queries):
        envelope(Config.objects.order_by("id"), offset)


def test_the_rows_on_the_way_are_not_read():
    for _ in range(12):
        make_config()

    with CaptureQueriesContext(connection) as queries:
        envelope(Config.objects.in_domain(DOMAIN).order_by("id"), 6)

    skipping = queries[0]["sql"].partition(" IN (")[2]
    assert "OFFSET 6" in skipping
    # Nothing but the key, which the index has.
    assert "content" not in skipping
    assert "render_context" not in skipping


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limit=18446744073709551616", "invalid limit size | limit is a number from 1 to 100"),
        ("limit=0", "invalid limit size | limit is a number from 1 to 100"),
        (f"limit={'9' * 5000}", "invalid limit size | limit is a number from 1 to 100"),
        (f"offset=1{'0' * 23}", "invalid query parameters | offset is a number from 0 to 9223372036854775807"),
        ("offset=-1", "invalid query parameters | offset must be a whole number that is not negative"),
        ("&".join(f"a{number}=" for number in range(1400)), "a request has at most 1000 parameters"),
    ],
    ids=lambda value: value[:30],
)
def test_refusals_of_numbers_say_what_is_wrong_with_them(api, query, words):
    assert words in told(api.get(f"/clients/configs?{query}"), 400)


def test_zeros_in_front_of_a_number_are_no_matter(api):
    assert api.get(f"/clients/configs?limit={'0' * 30}7").json()["limit"] == 7


def test_a_state_that_is_none_is_refused_in_its_own_words(api):
    assert "state: must be 0 (disabled) or 1 (enabled)" in told(
        api.put(f"/clients/state/{UNKNOWN}", {"state": True}), 400
    )
