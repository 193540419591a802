"""Ids that differ in case, blanks or separators alone are told to operators, and to no device."""

from __future__ import annotations

import logging

import pytest

from configs.models import Config
from configs.near_ids import find_near_ids
from tests.support.api import told
from tests.support.attempts import make_attempt, make_recorder
from tests.support.rows import EXTERNAL_KEY, make_config

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

CASE = "upper and lower case"


@pytest.mark.parametrize(
    ("stored", "asked", "differs_in"),
    [
        ("AA:BB:CC:00:00:01", "aa:bb:cc:00:00:01", CASE),
        ("aa:bb:cc:00:00:01", "AA:BB:CC:00:00:01", CASE),
        ("Sensor-Hall-1", "sensor-hall-1", CASE),
        ("sensor-hall-1", "Sensor-Hall-1", CASE),
        ("pi-1", "pi-1 ", "blanks"),
        ("pi-1", " pi-1", "blanks"),
        ("AA:BB:CC:00:00:01", "aabbcc000001", "case, blanks or separators"),
        ("aabbcc000001", "AA-BB-CC-00-00-01", "case, blanks or separators"),
        ("aabb.cc00.0001", "AA:BB:CC:00:00:01", "case, blanks or separators"),
        ("pi_1", "pi-1", "case, blanks or separators"),
    ],
)
def test_a_near_id_is_found_and_what_it_differs_in(stored, asked, differs_in):
    config = make_config(external_id=stored)
    make_config(external_id="another-1")

    near = find_near_ids([asked, "another-1", "nobody", "", "a\0b", "x" * 2000])[asked]

    assert (near.config_id, near.external_id, near.differs_in) == (config.pk, stored, differs_in)
    assert str(near) == f"a device's id differs in {differs_in} only"


@pytest.mark.parametrize("asked", ["pi-1", "pi-2", "pi-11", "pi", "nobody", "p%-1", "p_-1x"])
def test_other_ids_are_not_near(asked):
    make_config(external_id="pi-1")

    assert find_near_ids([asked]) == {}


def test_the_configs_that_may_be_told_can_be_limited():
    make_config(external_id="PI-1", domain_id="another")

    assert find_near_ids(["pi-1"], Config.objects.in_domain("dom-1")) == {}


def test_the_log_tells_of_an_unknown_caller_that_is_nearly_a_device(caplog):
    config = make_config(external_id="AA:BB:CC:00:00:01")
    recorder = make_recorder(refusals_per_second=1000)
    unknown = {"outcome": "refused", "external_id": "aa:bb:cc:00:00:01", "error_id": "e-12345678"}
    recorder.add(make_attempt(None, **unknown))
    recorder.add(make_attempt(None, outcome="refused", external_id="nobody"))
    recorder.add(make_attempt(config.pk, outcome="refused", external_id="AA:BB:CC:00:00:01"))

    with caplog.at_level(logging.WARNING, logger="devices.attempts.recorder"):
        assert recorder.flush()

    (record,) = caplog.records
    assert record.getMessage() == "unknown external id: a device's id differs in upper and lower case only"
    assert (record.config_id, record.external_id, record.request_id) == (config.pk, "aa:bb:cc:00:00:01", "e-12345678")


@pytest.mark.django_db(transaction=True)
def test_a_call_that_the_database_refuses_does_not_silence_the_warnings_of_those_written_with_it(caplog):
    make_config(external_id="AA:BB:CC:00:00:01")
    recorder = make_recorder(refusals_per_second=1000)
    recorder.add(make_attempt(None, outcome="refused", external_id="aa:bb:cc:00:00:01"))
    recorder.add(make_attempt(None, outcome="refused", external_id="refused", duration=float("nan")))
    recorder.add(make_attempt(None, outcome="refused", external_id="aa-bb-cc-00-00-01"))

    with caplog.at_level(logging.WARNING, logger="devices.attempts.recorder"):
        assert recorder.flush()

    told = [record.external_id for record in caplog.records if record.getMessage().startswith("unknown external id")]
    assert told == ["aa:bb:cc:00:00:01", "aa-bb-cc-00-00-01"]


def test_the_device_is_answered_as_any_unknown_one(client, django_assert_num_queries):
    make_config(external_id="AA:BB:CC:00:00:01", external_key=EXTERNAL_KEY, content="x")
    headers = {"Authorization": f"Client {EXTERNAL_KEY}", "X-Request-ID": "the-same-request"}

    answers = []
    for external_id in ("aa:bb:cc:00:00:01", "nobody"):
        with django_assert_num_queries(1):
            answers.append(client.get(f"/clients/bootstrap/{external_id}", headers=headers))

    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].content == answers[1].content
    assert answers[0].headers == answers[1].headers


@pytest.mark.parametrize("external_id", [".", ".."])
def test_an_id_that_clients_take_out_of_a_path_is_refused(api, external_id):
    assert "external_id must not be . or .." in told(api.create_config(external_id=external_id), 400)
    assert not Config.objects.exists()


@pytest.mark.parametrize(
    ("external_id", "warning"),
    [
        ("a?b", "? must be sent percent-encoded, which not every device does"),
        ("a#b%c", "# and % must be sent percent-encoded, which not every device does"),
        ("%41", "% must be sent percent-encoded, which not every device does"),
    ],
)
def test_an_id_that_some_clients_do_not_reach_is_warned_of(api, external_id, warning):
    answer = api.create_config(external_id=external_id)

    assert answer.status_code == 201
    assert answer.headers["Warning"] == f'299 - "external_id: {warning}"'


@pytest.mark.parametrize("external_id", ["...", "a.b", "a b", "ümläut", "pi-1", "+", "&", "a;b"])
def test_an_id_that_every_client_reaches_is_not_warned_of(api, external_id):
    make_config(external_id="something else")

    answer = api.create_config(external_id=external_id)

    assert (answer.status_code, answer.headers.get("Warning")) == (201, None)


def test_a_program_that_enrols_a_near_id_is_warned_within_its_domain(api):
    there = make_config(external_id="PI-1")
    make_config(external_id="PI-2", domain_id="another")

    near, foreign = (api.create_config(external_id=external_id) for external_id in ("pi-1", "pi-2"))

    assert near.status_code == foreign.status_code == 201
    said = f"a device's id differs in upper and lower case only: config {there.pk}"
    assert near.headers["Warning"] == f'299 - "external_id: {said}"'
    assert "Warning" not in foreign.headers
