"""The sandbox against a real platform: every recorded call is made again, and must be answered as it was."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.magistrala.recorded import BY_NAME, CALLS, DECODED
from tests.magistrala.replay import Ids, Replay, differences
from tests.support.sandbox import SandboxProcess

_OURSELVES = "the service whose place this product takes; the sandbox stands for the others"
#: What the sandbox does not answer as the platform did, and why not.
NOT_SERVED = {
    "health.bootstrap": _OURSELVES,
    "bootstrap.configs.list.domain-disabled.owner": _OURSELVES,
    "bootstrap.profile.create.domain-disabled.owner": _OURSELVES,
    "bootstrap.configs.list.domain-disabled.member": _OURSELVES,
    "bootstrap.profile.create.domain-disabled.member": _OURSELVES,
    "bootstrap.configs.list.domain-disabled.outsider": _OURSELVES,
    "bootstrap.profile.create.domain-disabled.outsider": _OURSELVES,
    "bootstrap.configs.list.domain-disabled.superadmin": _OURSELVES,
    "bootstrap.profile.create.domain-disabled.superadmin": _OURSELVES,
    "bootstrap.configs.list.domain-frozen.owner": _OURSELVES,
    "bootstrap.profile.create.domain-frozen.owner": _OURSELVES,
    "bootstrap.configs.list.domain-frozen.member": _OURSELVES,
    "bootstrap.profile.create.domain-frozen.member": _OURSELVES,
    "bootstrap.configs.list.domain-frozen.outsider": _OURSELVES,
    "bootstrap.profile.create.domain-frozen.outsider": _OURSELVES,
    "bootstrap.configs.list.domain-frozen.superadmin": _OURSELVES,
    "bootstrap.profile.create.domain-frozen.superadmin": _OURSELVES,
    "error.401.bootstrap.forged": _OURSELVES,
    "error.401.bootstrap.no-token": _OURSELVES,
    "error.401.bootstrap.garbage": _OURSELVES,
    "pat.without-scope.bootstrap.configs.list": _OURSELVES,
    "pat.without-scope.bootstrap.profile.create": _OURSELVES,
    "pat.with-scope.bootstrap.configs.list": _OURSELVES,
    "pat.with-scope.bootstrap.profile.create": _OURSELVES,
}


@pytest.fixture(scope="module")
def replay():
    with SandboxProcess(seed="empty") as sandbox:
        played = Replay(sandbox)
        for call in CALLS:
            played.play(call)
        yield played


def test_every_recorded_call_is_answered_as_by_the_platform(replay):
    unexpected = {name: lines for name, lines in replay.found.items() if name not in NOT_SERVED}

    assert unexpected == {}


def test_nothing_is_excused_that_is_answered_as_recorded(replay):
    assert set(NOT_SERVED) - set(replay.found) == set()


def test_the_recording_is_whole(replay):
    """A new recording is looked at by somebody, and its names are its own."""
    assert len(CALLS) == 317
    assert [name for name, count in Counter(call.name for call in CALLS).items() if count > 1] == [
        "apikey.create.type-3.second"
    ]
    assert set(DECODED) == {"token.decoded", "apikey.decoded"}
    assert NOT_SERVED.keys() <= BY_NAME.keys()


ID, OTHER = "54bf20fb-f0a7-4ef1-99c4-206f388f0eb2", "237cf3cc-2346-452a-beb5-82c9f64cf5eb"
TIME, NEVER = "2026-11-28T10:42:54.773285Z", "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("recorded", "ours"),
    [
        ({"total": 0}, {"total": 0, "domains": []}),
        ({"total": 0, "offset": 0}, {"total": 0}),
        ({"total": 0}, {"total": "0"}),
        ({"total": 1}, {"total": True}),
        ({"name": "a"}, {"name": "b"}),
        ({"id": ID}, {"id": "a"}),
        ({"id": "a"}, {"id": ID}),
        ({"id": ID, "domain_id": ID}, {"id": ID, "domain_id": OTHER}),
        ({"id": ID, "domain_id": OTHER}, {"id": ID, "domain_id": ID}),
        ({"updated_at": NEVER}, {"updated_at": TIME}),
        ({"updated_at": TIME}, {"updated_at": NEVER}),
        ({"actions": ["read"]}, {"actions": ["read", "update"]}),
        ({"actions": ["read", "update"]}, {"actions": ["read", "delete"]}),
        ([{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}]),
        ("", {}),
        ("404 page not found", "not found"),
    ],
)
def test_a_difference_is_seen(recorded, ours):
    assert list(differences(recorded, ours, Ids()))


def test_ids_times_and_the_order_of_actions_are_no_difference():
    recorded = {"id": ID, "metadata": {"of": ID}, "created_at": TIME, "actions": ["read", "update"]}
    ours = {"actions": ["update", "read"], "created_at": "2027-01-01T00:00:00Z", "id": OTHER, "metadata": {"of": OTHER}}

    assert list(differences(recorded, ours, Ids())) == []
