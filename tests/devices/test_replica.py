"""Devices are answered from a replica, and refused by the primary alone; one that fails costs nobody an answer.

The replica is a database beside the test's own that nothing is copied to unless the test does so: it lags for as long
as the test likes.
"""

from __future__ import annotations

import json
import logging
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from bootstrap_project.database import replica as replica_module
from bootstrap_project.database.replica import REPLICA, Replica
from bootstrap_project.security.keyring import DigestRing, Key
from configs.models import Config, Status
from configs.services import set_external_key
from devices import queries
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.devices.conftest import count_of, without_request_id
from tests.support.database import Database, provide_database
from tests.support.rows import EXTERNAL_KEY, make_config
from tests.support.server import ServerProcess, database_url
from tests.support.waiting import eventually

# Not in a transaction of the test's own: no replica could have what that holds.
pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has replicas"),
    pytest.mark.django_db(transaction=True, databases=["default", REPLICA]),
]
TABLES: tuple[type[Model], ...] = (Profile, Config, BindingSnapshot)


@pytest.fixture(scope="module", autouse=True)
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with provide_database(tmp_path_factory.mktemp("replica")) as database:
        name = psycopg.conninfo.conninfo_to_dict(database.url)["dbname"]
        connections.settings[REPLICA] = connections.settings["default"] | {"NAME": name}
        yield database
        connections[REPLICA].close()
        del connections[REPLICA], connections.settings[REPLICA]


class Lagging(Replica):
    """A replica of which the test says when it is up to date."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database

    def catch_up(self) -> None:
        self.database.clear()
        for model in TABLES:
            model._base_manager.using(REPLICA).bulk_create(model._base_manager.all())
        connections[REPLICA].close()

    @contextmanager
    def statements(self) -> Iterator[list[dict[str, str]]]:
        """What is asked of the replica in the block."""
        with self._lock:
            if not self._free:
                self._free.append(connections.create_connection(REPLICA))
            own = self._free[-1]
        own.inc_thread_sharing()
        with CaptureQueriesContext(own) as captured:
            asked: list[dict[str, str]] = []
            yield asked
        asked += captured.captured_queries


@pytest.fixture
def lagging(copy: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lagging]:
    monkeypatch.setattr(replica_module, "TRY_AGAIN_SECONDS", 0.05)
    one = Lagging(copy)
    monkeypatch.setattr(queries, "replica", lambda: one)
    yield one
    one.failing = False
    for own in one._free:
        own.close()


def test_a_device_is_answered_from_the_replica_alone(ask, pi, lagging, django_assert_num_queries):
    expected = ask()
    lagging.catch_up()

    with lagging.statements() as asked, django_assert_num_queries(0):
        answer = ask()

    assert (answer.status_code, answer.content, answer["ETag"]) == (200, expected.content, expected["ETag"])
    assert len(asked) == 1


def test_what_is_old_on_the_replica_is_served_for_as_long_as_it_lags(ask, pi, lagging):
    lagging.catch_up()
    Config.objects.update(status=Status.DISABLED)

    assert ask().status_code == 200
    lagging.catch_up()
    assert ask().status_code == 403


NEWER = ["enrolled", "key rotated", "enabled", "bound", "template mended", "without a digest"]


@pytest.mark.parametrize("newer", NEWER)
def test_nobody_is_refused_by_a_replica_that_lags(ask, pi, lagging, newer):
    if newer == "key rotated":
        set_external_key(pi, "the-key-before-this-one")
        pi.save()
    elif newer == "enabled":
        Config.objects.update(status=Status.DISABLED)
    elif newer == "bound":
        kept = list(BindingSnapshot.objects.all())
        BindingSnapshot.objects.all().delete()
    elif newer == "template mended":
        template = Profile.objects.get().content_template
        Profile.objects.update(content_template="{{ fail `not yet` }}")
    elif newer == "without a digest":
        Config.objects.update(external_key_digest="", external_key_pepper="")
    if newer != "enrolled":
        lagging.catch_up()
    if newer == "key rotated":
        set_external_key(pi, EXTERNAL_KEY)
        pi.save()
    elif newer == "enabled":
        Config.objects.update(status=Status.ENABLED)
    elif newer == "bound":
        BindingSnapshot.objects.bulk_create(kept)
    elif newer == "template mended":
        Profile.objects.update(content_template=template)

    assert ask().status_code == 200


def decisions() -> float:
    ways = (("none", "unknown"), ("digest", "refused"))
    return sum(count_of("bootstrap_key_verifications_total", method=method, outcome=how) for method, how in ways)


def test_refusals_are_the_primarys_and_look_alike(ask, pi, lagging, django_assert_num_queries):
    lagging.catch_up()
    before = decisions()

    with lagging.statements() as of_unknown, django_assert_num_queries(1):
        unknown = ask("nobody")
    with lagging.statements() as of_wrong, django_assert_num_queries(1):
        wrong = ask(key="a-wrong-key")

    assert without_request_id(unknown) == without_request_id(wrong)
    assert (unknown.status_code, len(of_unknown), len(of_wrong)) == (403, 1, 1)
    assert decisions() - before == 2


def test_digests_under_a_new_pepper_are_written_once_to_the_primary(ask, pi, lagging, settings):
    lagging.catch_up()
    new = Key("new", b"n" * 32)
    settings.PEPPER_RING = DigestRing((new, *settings.PEPPER_RING.keys))

    assert ask().status_code == 200
    assert Config.objects.get().external_key_pepper == "new"
    assert ask().status_code == 200


def test_a_device_is_found_by_its_key_on_the_replica(ask, pi, lagging, django_assert_num_queries):
    lagging.catch_up()

    with django_assert_num_queries(0):
        assert ask("").status_code == 200


def test_two_devices_with_one_key_are_the_primarys_to_refuse(ask, pi, lagging):
    lagging.catch_up()
    make_config(external_id="another")
    lagging.catch_up()

    assert ask("").status_code == 400


@pytest.mark.parametrize("how", ["unreachable", "a schema that is not there yet"])
def test_one_that_fails_is_left_alone_told_once_and_taken_up_again(ask, pi, lagging, caplog, how):
    lagging.catch_up()
    caplog.set_level(logging.WARNING, "bootstrap_project.database.outages")
    if how == "unreachable":
        port, connections.settings[REPLICA]["PORT"] = connections.settings[REPLICA]["PORT"], "9"
    else:
        lagging.database.rows("ALTER TABLE configs_config RENAME TO away")

    assert [ask().status_code for _ in range(3)] == [200, 200, 200]
    (line,) = [record for record in caplog.records if "replica" in record.getMessage()]
    assert "devices are answered from the primary" in line.getMessage()
    if how == "unreachable":
        assert lagging.failing
        connections.settings[REPLICA]["PORT"] = port
    else:
        lagging.database.rows("ALTER TABLE away RENAME TO configs_config")
    eventually(lambda: not lagging.failing)
    with lagging.statements() as asked:
        assert ask().status_code == 200
    assert len(asked) == 1
    assert json.dumps([record.getMessage() for record in caplog.records]).count("cannot be used") == 1


def get(server: ServerProcess, path: str) -> dict[str, Any]:
    request = urllib.request.Request(f"{server.url}{path}", headers={"Authorization": f"Client {EXTERNAL_KEY}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        body: dict[str, Any] = json.load(answer)
        return body


@pytest.mark.slow
def test_one_that_is_silent_costs_the_first_callers_a_moment_and_health_a_note(pi):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = {"DATABASE_REPLICA_URL": f"postgres://u:s3cret@127.0.0.1:{silent.getsockname()[1]}/db"}
        primary = database_url(connections["default"].settings_dict)
        with ServerProcess({"DATABASE_URL": primary, "MG_BOOTSTRAP_WORKERS": "1"} | settings) as server:
            answers = [get(server, "/clients/bootstrap/pi-1")["id"] for _ in range(3)]
            notes = get(server, "/health")["notes"]
            log = server.log()

    assert answers == [str(pi.id)] * 3
    assert notes == ["the replica cannot be used; devices are answered from the primary"]
    assert log.count("devices are answered from the primary meanwhile) cannot be used") == 1
    assert "s3cret" not in log
