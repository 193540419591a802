"""Three instances and a worker on one PostgreSQL, behind nginx: what is shared, and what is each one's own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.instances.cluster import FLEET, LIST, Browser, Cluster, start_refresh
from tests.support.database import Database, provide_database
from tests.support.instances import Devices, WorkerProcess, ask, environment_of, instances, kill, manage, statuses
from tests.support.nginx import Nginx
from tests.support.sandbox import SandboxProcess
from tests.support.server import ROOT
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def cluster(shared: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("nginx")
    with instances(3, shared) as three, Nginx(folder, [one.port for one in three]) as nginx:
        yield Cluster(three, nginx, shared)


def test_a_session_and_the_count_of_failed_logins_are_shared(cluster: Cluster, database: Database):
    browser = Browser()

    logged_in = browser.log_in(cluster.nginx.url)
    everywhere = [browser.get(one.url, LIST).status_code for one in cluster.instances]
    browser.post(cluster.instances[0].url, "/admin/logout/", {})
    afterwards = [browser.get(one.url, LIST).status_code for one in cluster.instances]

    assert logged_in.status_code == 302
    assert everywhere == [200, 200, 200]
    assert afterwards == [302, 302, 302]

    stranger = Browser()
    guesses = [stranger.log_in(cluster.instances[number % 3].url, "wrong").status_code for number in range(5)]
    refused = [stranger.log_in(one.url).status_code for one in cluster.instances]

    assert guesses[0] == 200
    assert refused == [429, 429, 429]
    database.rows("DELETE FROM axes_accessattempt")


def test_the_worker_carries_what_any_instance_starts_and_another_one_goes_on_after_a_kill(
    cluster: Cluster, database: Database, sandbox_process: SandboxProcess
):
    browser = Browser()
    browser.log_in(cluster.nginx.url)
    database.rows("DELETE FROM runs_run")
    sandbox_process.latency(60)
    with WorkerProcess(cluster.settings) as first:
        page = start_refresh(browser, cluster.instances[0])
        eventually(lambda: database.rows("SELECT state, done > 0 FROM runs_run") == [("running", True)])
        first.end(signal.SIGKILL)
    sandbox_process.latency(0)
    # Half a minute later.
    database.rows("UPDATE runs_run SET beat_at = beat_at - interval '1 minute'")
    database.rows("UPDATE runs_worker SET seen_at = seen_at - interval '1 minute'")
    with WorkerProcess(cluster.settings) as second:
        eventually(lambda: database.rows("SELECT state FROM runs_run") == [("done",)])
        assert second.end() == 0

    assert database.rows("SELECT starts, done FROM runs_run") == [(2, FLEET.configs)]
    for one in cluster.instances:
        assert "600 devices" in browser.get(one.url, page).text


def test_two_workers_share_the_queue_and_do_nothing_twice(cluster: Cluster, database: Database):
    database.rows("DELETE FROM runs_run")
    browser = Browser()
    browser.log_in(cluster.nginx.url)
    with WorkerProcess(cluster.settings), WorkerProcess(cluster.settings):
        for one in cluster.instances:
            start_refresh(browser, one)
        eventually(lambda: database.rows("SELECT count(*) FROM runs_run WHERE ended_at IS NOT NULL") == [(3,)], 300)

    assert database.rows("SELECT state, starts, done FROM runs_run") == [("done", 1, FLEET.configs)] * 3
    database.rows("DELETE FROM runs_run")


@pytest.mark.parametrize("job", ["prune_attempts", "prune_logins", "clearsessions"])
def test_a_job_of_every_day_may_run_in_three_places_at_once(cluster: Cluster, job: str):
    with ThreadPoolExecutor(3) as executor:
        # Each fails with an AssertionError where the command does.
        assert len(list(executor.map(lambda _: manage(cluster.settings, job), range(3)))) == 3


def test_one_that_is_killed_under_load_takes_no_request_with_it_but_those_it_was_at(cluster: Cluster):
    victim, *others = cluster.instances
    with Devices(cluster.nginx.port, FLEET, range(FLEET.configs)) as devices:
        devices.wait()
        kill(victim)
        devices.wait(200)
        victim.start()
        devices.wait(200)

    # Those, too, are asked for again of another one, as long as nothing of their answer has come.
    assert devices.failures == []
    assert statuses(victim.port, FLEET, range(20)) == {"200": 20}
    assert [one.log().count("Traceback") for one in others] == [0, 0]


@pytest.fixture
def pair(shared: dict[str, str], tmp_path: Path) -> Iterator[Cluster]:
    """Two instances that bear few wrong keys."""
    few = shared | {"MG_BOOTSTRAP_LIMIT_SOURCE": "5:0.001"}
    with instances(2, few) as two, Nginx(tmp_path, [one.port for one in two]) as nginx:
        yield Cluster(two, nginx, few)


def test_limits_count_in_each_process_so_that_their_sum_holds(shared: dict[str, str]):
    wrong = {"Authorization": "Client wrong", "X-Forwarded-For": "203.0.113.5"}

    with instances(2, {**shared, "MG_BOOTSTRAP_LIMIT_SOURCE": "5:0.001"}) as two:
        answers = [
            [ask(one.port, f"/clients/bootstrap/{FLEET.external_id(1)}", wrong) for _ in range(7)] for one in two
        ]

    assert answers == [["403"] * 5 + ["429"] * 2] * 2


def test_one_of_three_that_start_at_once_migrates(tmp_path: Path):
    with provide_database(tmp_path, migrated=False) as empty:
        started = [
            subprocess.Popen(
                [sys.executable, "manage.py", "migrate", "--noinput"],
                cwd=ROOT,
                env=environment_of({"DATABASE_URL": empty.url}),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        said = [one.communicate() for one in started]

        assert [one.returncode for one in started] == [0, 0, 0], said
        applied = [output.count("Applying ") for output, _errors in said]
        assert sorted(applied) == [0, 0, empty.rows("SELECT count(*) FROM django_migrations")[0][0]]
