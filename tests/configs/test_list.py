"""GET /{domain}/clients/configs: pages and filters (docs/contract.md#a2)."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from django.db import connection

from bootstrap_project.magistrala.sandbox.seed import OTHER_DOMAIN_ID
from configs.models import Status
from tests.support.api import UNKNOWN, told
from tests.support.rows import make_config, make_profile


@pytest.fixture
def listed(api):
    """List configs by query and return the page."""

    def listing(query="", **parameters):
        answer = api.get(f"/clients/configs?{query or urlencode(parameters)}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    return listing


def names(page):
    return sorted(config["name"] for config in page["configs"])


def test_an_empty_list_is_an_empty_array(listed):
    assert listed() == {"total": 0, "offset": 0, "limit": 10, "configs": []}


def test_an_item_is_the_config_as_viewed(api, listed):
    config = make_config(
        profile=make_profile(), name="n", content="c", client_cert="C", client_key="K", render_context={"a": 1}
    )

    page = listed()

    assert page["configs"] == [api.get(f"/clients/configs/{config.pk}").json()]
    assert page["configs"][0]["client_key"] == ""
    assert len(page["configs"][0]) == 15


def test_configs_come_in_the_order_of_their_ids_ten_to_a_page(listed):
    ids = sorted(str(make_config().pk) for _ in range(23))

    pages = [listed(offset=offset) for offset in (0, 10, 20)]

    assert [config["id"] for page in pages for config in page["configs"]] == ids
    assert [(page["total"], page["offset"], page["limit"], len(page["configs"])) for page in pages] == [
        (23, 0, 10, 10),
        (23, 10, 10, 10),
        (23, 20, 10, 3),
    ]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"limit": 1}, 1),
        ({"limit": 3}, 3),
        ({"limit": 100}, 3),
        ({"offset": 2, "limit": 1}, 1),
        ({"offset": 3}, 0),
        ({"offset": 1_000_000}, 0),
        ({"offset": 2**31, "limit": 100}, 0),
        ({"offset": 2**63 - 1, "limit": 100}, 0),
        ({"offset": "0002"}, 1),
        ({"offset": "", "limit": ""}, 3),
    ],
)
def test_the_total_counts_all_matches_whatever_the_page(listed, parameters, found):
    for _ in range(3):
        make_config()

    page = listed(**parameters)

    assert page["total"] == 3
    assert len(page["configs"]) == found
    assert page["offset"] == int(parameters.get("offset") or 0)
    assert page["limit"] == int(parameters.get("limit") or 10)


@pytest.mark.parametrize("limit", ["0", "101", "1000", "9223372036854775807", "00", "9" * 30, "9" * 5000])
def test_a_limit_out_of_bounds_is_refused(api, limit):
    assert "invalid limit size" in told(api.get(f"/clients/configs?limit={limit}"), 400)


@pytest.mark.parametrize("name", ["offset", "limit"])
@pytest.mark.parametrize(
    "value",
    ["-1", "x", "1.5", "1e2", "+1", " 1", "1 ", "0x1", "1_0", "\u0661", "\uff11", "\x00", "1\n"],
    ids=ascii,
)
def test_what_is_no_natural_number_is_refused(api, name, value):
    answer = api.get(f"/clients/configs?{name}={quote(value)}")

    assert "invalid query parameters" in told(answer, 400)
    assert len(answer.content) < 400


@pytest.mark.parametrize("offset", ["9223372036854775808", "9" * 30, "9" * 5000])
def test_an_offset_out_of_bounds_is_refused(api, offset):
    answer = api.get(f"/clients/configs?offset={offset}")

    assert "invalid query parameters" in told(answer, 400)
    assert len(answer.content) < 400


@pytest.mark.parametrize("name", ["offset", "limit", "status", "name", "external_id", "id"])
def test_a_parameter_given_twice_is_refused(api, name):
    assert "invalid query parameters" in told(api.get(f"/clients/configs?{name}=1&{name}=1"), 400)


@pytest.mark.parametrize("name", ["name", "external_id", "id", "status"])
def test_a_nul_character_is_refused(api, name):
    assert "invalid query parameters" in told(api.get(f"/clients/configs?{name}=a%00"), 400)


def test_more_parameters_than_anyone_needs_are_refused(api):
    told(api.get("/clients/configs?" + "&".join(f"p{number}=1" for number in range(1200))), 400)


# Status.


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, ["on"]),
        ("", ["on"]),
        ("enabled", ["on"]),
        ("ENABLED", ["on"]),
        ("0", ["on"]),
        ("disabled", ["off"]),
        ("Disabled", ["off"]),
        ("1", ["off"]),
        ("all", ["off", "on"]),
        ("ALL", ["off", "on"]),
    ],
)
def test_a_list_is_limited_to_enabled_configs_unless_asked_otherwise(listed, status, expected):
    make_config(name="on")
    make_config(name="off", status=Status.DISABLED)

    page = listed() if status is None else listed(status=status)

    assert names(page) == expected
    assert page["total"] == len(expected)


@pytest.mark.parametrize("status", ["2", "-1", "true", "enabled,disabled", "deleted", "\u0660", "none", "00"])
def test_an_unknown_status_is_refused(api, status):
    assert "invalid query parameters" in told(api.get(f"/clients/configs?status={quote(status)}"), 400)


# The other filters.


def test_a_name_is_found_by_any_part_in_any_case(listed):
    for name in ("Pump north", "pump south", "valve"):
        make_config(name=name)

    assert names(listed(name="PUMP")) == ["Pump north", "pump south"]
    assert names(listed(name="p n")) == ["Pump north"]
    assert names(listed(name="")) == ["Pump north", "pump south", "valve"]
    assert names(listed(name="tank")) == []


@pytest.mark.parametrize(
    ("wildcard", "other"), [("%", "x"), ("_", "x"), ("\\", "x"), ("%%", "ab"), ("[a]", "a"), ("*", "b")]
)
def test_wildcards_stand_for_themselves(listed, wildcard, other):
    make_config(name=f"a{wildcard}b")
    make_config(name=f"a{other}b")

    assert names(listed(name=f"a{wildcard}b")) == [f"a{wildcard}b"]
    assert names(listed(name=wildcard)) == [f"a{wildcard}b"]


def test_a_name_in_other_scripts_is_found(listed):
    make_config(name="Sensor Ünit \U0001f600")

    assert names(listed(name="\U0001f600")) == ["Sensor Ünit \U0001f600"]
    assert names(listed(name="Ünit")) == ["Sensor Ünit \U0001f600"]
    if connection.vendor == "postgresql":
        # SQLite folds the letters of ASCII alone.
        assert names(listed(name="ünit")) == ["Sensor Ünit \U0001f600"]


@pytest.mark.parametrize("length", [1024, 1025, 60_000])
def test_a_name_of_any_length_can_be_asked_for(listed, length):
    make_config(name="%" * 1024)

    assert listed(name="%" * length)["total"] == (1 if length == 1024 else 0)


def test_an_external_id_is_found_whole_and_to_the_letter(listed):
    make_config(external_id="01:6:0", name="found")
    make_config(external_id="01:6:0:a", name="longer")

    assert names(listed(external_id="01:6:0")) == ["found"]
    assert names(listed(external_id="01:6")) == []
    assert names(listed(external_id="01:6:%")) == []
    assert names(listed(external_id="x" * 5000)) == []


def test_an_id_is_found_whole(listed):
    config = make_config(name="found")
    make_config(name="other")

    assert names(listed(id=str(config.pk))) == ["found"]
    assert names(listed(id=str(config.pk).upper())) == ["found"]
    assert names(listed(id=UNKNOWN)) == names(listed(id="x")) == names(listed(id=config.pk.hex)) == []


def test_filters_work_together(listed):
    config = make_config(external_id="e1", name="pump", status=Status.DISABLED)
    make_config(external_id="e2", name="pump 2")

    assert listed(external_id="e1")["total"] == 0
    assert names(listed(external_id="e1", status="disabled", name="UM", id=str(config.pk))) == ["pump"]
    assert listed(external_id="e2", name="valve")["total"] == 0


def test_another_domains_configs_are_never_listed(listed):
    foreign = make_config(domain_id=OTHER_DOMAIN_ID, external_id="foreign", name="foreign")

    assert listed(status="all")["total"] == 0
    assert listed(external_id="foreign")["total"] == 0
    assert listed(id=str(foreign.pk))["total"] == 0
    assert listed(name="foreign")["total"] == 0


@pytest.mark.parametrize(
    ("parameters", "queries"), [({}, 1), ({"limit": 5}, 2), ({"offset": 50}, 2), ({"name": "x"}, 1)]
)
def test_a_list_takes_two_statements_at_most_however_long_it_is(
    api, listed, django_assert_num_queries, parameters, queries
):
    profile = make_profile()
    for _ in range(8):
        make_config(profile=profile)

    with django_assert_num_queries(queries):
        listed(**parameters)
