"""What the API says about a device's calls: on the config, and as a list."""

from __future__ import annotations

import uuid

import pytest

from bootstrap_project.magistrala.sandbox.seed import OTHER_DOMAIN_ID
from tests.support.api import UNKNOWN, Api, told
from tests.support.attempts import NEVER_CALLED, make_attempt, make_recorder, seconds
from tests.support.rows import make_config

pytestmark = pytest.mark.sqlite


@pytest.fixture
def config(db):
    return make_config()


def remember(*attempts):
    recorder = make_recorder()
    for attempt in attempts:
        recorder.add(attempt)
    assert recorder.flush()


def test_a_config_that_never_called_says_so(api, config):
    body = api.get(f"/clients/configs/{config.pk}").json()

    assert {name: member for name, member in body.items() if "_bootstrap_" in name} == NEVER_CALLED


def test_a_config_says_what_its_device_fetched_last(api, config):
    remember(
        make_attempt(config.pk, when=seconds(0), profile_version=3, etag="tag"),
        make_attempt(config.pk, when=seconds(0.5), outcome="disabled", error_id="e-12345678"),
    )

    for body in (
        api.get(f"/clients/configs/{config.pk}").json(),
        api.get("/clients/configs").json()["configs"][0],
        api.patch(f"/clients/configs/{config.pk}", {"name": "new"}).json(),
        api.post(f"/clients/configs/{config.pk}/enable").json(),
    ):
        assert {name: member for name, member in body.items() if "_bootstrap_" in name} == {
            "first_bootstrap_at": "2026-05-01T12:00:00Z",
            "last_bootstrap_at": "2026-05-01T12:00:00.500000Z",
            "last_bootstrap_outcome": "disabled",
            "last_bootstrap_profile_version": 3,
        }


def test_what_happened_cannot_be_written(api, config):
    api.patch(f"/clients/configs/{config.pk}", {"name": "n", "last_bootstrap_outcome": "ok", "first_bootstrap_at": "x"})

    config.refresh_from_db()
    assert (config.last_bootstrap_outcome, config.first_bootstrap_at) == ("", None)


def test_the_attempts_are_listed_newest_first(api, config):
    profile_id = uuid.uuid4()
    remember(
        make_attempt(config.pk, when=seconds(1), outcome="refused", error_id="e-12345678", source="192.0.2.1"),
        make_attempt(
            config.pk,
            when=seconds(2),
            variant="secure",
            path="/clients/bootstrap//secure/pi",
            profile_id=profile_id,
            profile_version=3,
            etag="tag",
            duration=0.25,
            source="192.0.2.2",
            user_agent="agent/1",
        ),
    )

    answer = api.get(f"/clients/configs/{config.pk}/attempts")

    assert answer.status_code == 200
    assert answer.json() == {
        "total": 2,
        "offset": 0,
        "limit": 10,
        "attempts": [
            {
                "at": "2026-05-01T12:00:02Z",
                "variant": "secure",
                "path": "/clients/bootstrap//secure/pi",
                "outcome": "ok",
                "status": 200,
                "error_id": "",
                "profile_id": str(profile_id),
                "profile_version": 3,
                "etag": "tag",
                "duration_seconds": 0.25,
                "source": "192.0.2.2",
                "user_agent": "agent/1",
            },
            {
                "at": "2026-05-01T12:00:01Z",
                "variant": "plain",
                "path": "",
                "outcome": "refused",
                "status": 403,
                "error_id": "e-12345678",
                "profile_id": "",
                "profile_version": None,
                "etag": "",
                "duration_seconds": 0.0,
                "source": "192.0.2.1",
                "user_agent": "",
            },
        ],
    }


def test_the_list_has_pages(api, config):
    remember(*(make_attempt(config.pk, when=seconds(number), etag=str(number)) for number in range(5)))

    body = api.get(f"/clients/configs/{config.pk}/attempts?offset=1&limit=2").json()

    assert (body["total"], body["offset"], body["limit"]) == (5, 1, 2)
    assert [attempt["etag"] for attempt in body["attempts"]] == ["3", "2"]
    told(api.get(f"/clients/configs/{config.pk}/attempts?limit=0"), 400)


def test_nobody_sees_the_attempts_of_another_device_or_domain(api, sandbox, config):
    foreign = make_config(domain_id=OTHER_DOMAIN_ID)
    remember(
        make_attempt(foreign.pk, etag="foreign"),
        make_attempt(make_config().pk, etag="neighbour"),
        make_attempt(None, outcome="refused", etag="nobody's"),
    )

    assert api.get(f"/clients/configs/{config.pk}/attempts").json()["attempts"] == []
    told(api.get(f"/clients/configs/{foreign.pk}/attempts"), 404)
    told(api.get(f"/clients/configs/{UNKNOWN}/attempts"), 404)
    told(Api(sandbox.token("outsider")).get(f"/clients/configs/{config.pk}/attempts"), 403)


def test_a_page_takes_the_same_few_queries_whatever_its_length(api, config, django_assert_num_queries):
    remember(*(make_attempt(config.pk, when=seconds(number)) for number in range(50)))

    for limit in (5, 50):
        with django_assert_num_queries(3):
            api.get(f"/clients/configs/{config.pk}/attempts?limit={limit}")
