"""GET /{domain}/clients/bootstrap/profiles: pages and search (docs/contract.md#a4)."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest

from bootstrap_project.magistrala.sandbox.seed import OTHER_DOMAIN_ID
from tests.support.api import told
from tests.support.rows import make_config, make_profile

PROFILES = "/clients/bootstrap/profiles"


@pytest.fixture
def listed(api):
    def listing(**parameters):
        answer = api.get(f"{PROFILES}?{urlencode(parameters)}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    return listing


def names(page):
    return [profile["name"] for profile in page["profiles"]]


def test_an_empty_list_is_an_empty_array(listed):
    assert listed() == {"total": 0, "offset": 0, "limit": 10, "profiles": []}


def test_an_item_is_the_profile_as_viewed(api, listed):
    profile = make_profile(
        description="d", defaults={"a": 1}, binding_slots=[{"name": "a", "type": "client", "required": True}]
    )

    assert listed()["profiles"] == [api.get(f"{PROFILES}/{profile.pk}").json()]


def test_the_newest_profile_comes_first(listed):
    for number in range(12):
        make_profile(name=f"p{number:02}")

    assert names(listed()) == [f"p{number:02}" for number in range(11, 1, -1)]
    assert names(listed(offset=10)) == ["p01", "p00"]
    assert names(listed(offset=5, limit=2)) == ["p06", "p05"]
    assert listed(offset=500)["total"] == listed(offset=2**63 - 1)["total"] == listed(limit=3)["total"] == 12


@pytest.mark.parametrize("limit", ["0", "101", "99999999999", "9" * 30])
def test_a_limit_out_of_bounds_is_refused(api, limit):
    assert "invalid limit size" in told(api.get(f"{PROFILES}?limit={limit}"), 400)


@pytest.mark.parametrize("name", ["offset", "limit"])
@pytest.mark.parametrize("value", ["-1", "x", "1.5", "\u0661"])
def test_what_is_no_natural_number_is_refused(api, name, value):
    assert "invalid query parameters" in told(api.get(f"{PROFILES}?{name}={quote(value)}"), 400)


@pytest.mark.parametrize("name", ["offset", "limit", "name"])
def test_a_parameter_given_twice_is_refused(api, name):
    assert "invalid query parameters" in told(api.get(f"{PROFILES}?{name}=1&{name}=2"), 400)


def test_a_nul_character_is_refused(api):
    assert "invalid query parameters" in told(api.get(f"{PROFILES}?name=%00"), 400)


def test_a_name_is_found_by_any_part_in_any_case_and_wildcards_stand_for_themselves(listed):
    for name in ("Pump_1", "pumpx1", "50%"):
        make_profile(name=name)

    assert sorted(names(listed(name="PUMP"))) == ["Pump_1", "pumpx1"]
    assert names(listed(name="p_1")) == ["Pump_1"]
    assert names(listed(name="%")) == ["50%"]
    assert listed(name="x" * 60_000)["total"] == 0


def test_another_domains_profiles_are_never_listed(listed):
    make_profile(domain_id=OTHER_DOMAIN_ID, name="foreign")

    assert listed()["total"] == listed(name="foreign")["total"] == 0


@pytest.mark.parametrize(("parameters", "queries"), [({}, 1), ({"limit": 3}, 2), ({"name": "x"}, 1)])
def test_a_list_takes_two_statements_at_most_however_long_it_is(listed, django_assert_num_queries, parameters, queries):
    for _ in range(6):
        make_config(profile=make_profile())

    with django_assert_num_queries(queries):
        listed(**parameters)
