"""The production server: what stops it is one sentence, and it starts, respawns and stops in order."""

import contextlib
import http.client
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from django.core.exceptions import ImproperlyConfigured

from bootstrap_project.server.options import ServeError, read_options, resolve_address
from tests.server.workers import workers_of, write_certificate
from tests.support.ports import free_port
from tests.support.schema import add_migrations, make_migrated
from tests.support.server import DEFAULTS, START_SECONDS, ServerProcess
from tests.support.starts import Environment
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]


def run_serve(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "bootstrap_project.serve", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **DEFAULTS, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def sentence_of(done):
    """Return what a failed start printed; it must have failed, and not with a traceback."""
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def fetch(url, path="/health"):
    # As long as a worker may take to start.
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=START_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def count_one(server, folder):
    """Make one more call, and return how many workers have counted any, from the files that they share."""
    fetch(server.url)
    counting = {path.stem.rpartition("_")[2] for path in folder.glob("bootstrap-metrics-*/*.db")}
    return len(counting & {str(number) for number in workers_of(server)})


def test_taken_port_is_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        sentence = sentence_of(run_serve(MG_BOOTSTRAP_HTTP_PORT=str(port)))

    assert f"Cannot listen on 127.0.0.1, port {port}" in sentence
    assert "MG_BOOTSTRAP_HTTP_PORT" in sentence


def test_refused_settings_are_a_sentence():
    sentence = sentence_of(run_serve(MG_BOOTSTRAP_SECRET_KEY="", MG_BOOTSTRAP_HTTP_PORT=str(free_port())))

    assert sentence.startswith("bootstrap: MG_BOOTSTRAP_SECRET_KEY is not set.")


def test_unknown_log_level_is_a_sentence():
    sentence = sentence_of(run_serve(MG_BOOTSTRAP_LOG_LEVEL="loud", MG_BOOTSTRAP_HTTP_PORT=str(free_port())))

    assert "'loud'" in sentence


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"MG_BOOTSTRAP_WORKERS": "0"}, "MG_BOOTSTRAP_WORKERS must lie between 1 and 256; it is 0."),
        ({"MG_BOOTSTRAP_WORKERS": "many"}, "MG_BOOTSTRAP_WORKERS must be a number; it is 'many'."),
        ({"MG_BOOTSTRAP_HTTP_PORT": "70000"}, "MG_BOOTSTRAP_HTTP_PORT must lie between 1 and 65535"),
        ({"MG_BOOTSTRAP_HTTP_SERVER_CERT": __file__}, "go together"),
        ({"MG_BOOTSTRAP_HTTP_SERVER_CERT": "/nowhere.pem"}, "points to a file that cannot be read: /nowhere.pem"),
    ],
)
def test_bad_options_are_refused(environment, sentence):
    with pytest.raises(ImproperlyConfigured, match=re.escape(sentence)):
        read_options(Environment(**environment))


def test_options_default_to_upstreams_address():
    options = read_options(Environment())

    assert (options.host, options.port, options.url) == ("localhost", 9013, "http://localhost:9013")


@pytest.mark.parametrize("host", ["::", "[::]"])
def test_an_ipv6_address_has_its_brackets_in_the_url(host):
    options = read_options(Environment(MG_BOOTSTRAP_HTTP_HOST=host))

    assert (options.host, options.url) == ("::", "http://[::]:9013")


def test_names_are_resolved_to_ipv4_first():
    assert resolve_address("localhost", 9013) == "127.0.0.1"


def test_unknown_host_is_refused():
    with pytest.raises(ServeError, match="no address of this machine"):
        resolve_address("no such host", 9013)


def test_files_that_are_no_certificate_are_a_sentence(tmp_path):
    (tmp_path / "not.pem").write_text("nothing")
    path = str(tmp_path / "not.pem")

    sentence = sentence_of(run_serve(MG_BOOTSTRAP_HTTP_SERVER_CERT=path, MG_BOOTSTRAP_HTTP_SERVER_KEY=path))

    assert "are no pair of PEM files" in sentence


def test_probe_fails_where_nobody_answers():
    done = run_serve("--health", MG_BOOTSTRAP_HTTP_PORT=str(free_port()))

    assert done.returncode == 1
    assert "No answer from 127.0.0.1" in done.stderr


@pytest.mark.slow
def test_workers_share_metrics_and_ctrl_c_ends_them_in_order(database, tmp_path):
    environment = {"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "2", "TMPDIR": str(tmp_path)}
    with ServerProcess(environment) as server:
        probe = run_serve("--health", MG_BOOTSTRAP_HTTP_PORT=str(server.port))
        for _ in range(20):
            fetch(server.url)
        # The first one answers before the second is there, now and then.
        eventually(lambda: count_one(server, tmp_path) == 2)
        _, text = fetch(server.url, "/metrics")

        os.killpg(server.pid, signal.SIGINT)  # What a terminal does: every process gets it.
        code = server.halt(None)
        log = server.log()

    assert probe.returncode == 0, probe.stderr
    counts = re.findall(
        r"^bootstrap_http_request_duration_seconds_count\{.*health.*\} (\S+)$", text, flags=re.MULTILINE
    )
    assert sum(float(count) for count in counts) >= 20
    assert code == 0
    assert "Unexpected exit" not in log
    assert "Traceback" not in log
    assert list(tmp_path.glob("bootstrap-metrics-*")) == []


def test_line_at_the_start_tells_the_database_without_its_password():
    """Nobody listens there: the server starts and says so, without a wait."""
    port = free_port()
    url = f"postgres://boot:s3cret@127.0.0.1:{port}/devices"
    with ServerProcess({"DATABASE_URL": url, "MG_BOOTSTRAP_WORKERS": "2"}, health_status=503) as server:
        eventually(lambda: "the database cannot be used" in server.log())
        log = server.log()
        code = server.halt()

    assert f'"database": "the PostgreSQL database devices at 127.0.0.1:{port}"' in log
    assert "s3cret" not in log
    assert code == 0


def test_missing_migrations_are_one_line_and_no_obstacle(tmp_path):
    make_migrated(tmp_path / "old.sqlite3", without=frozenset({("configs", "0007_profile_served")}))
    url = f"sqlite:///{tmp_path}/old.sqlite3"
    with ServerProcess({"DATABASE_URL": url, "MG_BOOTSTRAP_WORKERS": "2"}, health_status=503) as server:
        answers = {fetch(server.url) for _ in range(20)}
        lines = [line for line in server.log().splitlines() if "lacks 1 migration" in line]

        with contextlib.closing(sqlite3.connect(tmp_path / "old.sqlite3")) as other:
            add_migrations(other, {("configs", "0007_profile_served")})
        eventually(lambda: {fetch(server.url)[0] for _ in range(10)} == {200})

    assert [status for status, _ in answers] == [503]
    assert "the database lacks 1 migration; run `manage.py migrate`" in answers.pop()[1]
    assert len(lines) == 1


def has_ipv6():
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_ipv4_callers_of_an_ipv6_socket_are_known_by_their_address(database):
    environment = {"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "1", "MG_BOOTSTRAP_HTTP_HOST": "::"}
    with ServerProcess(environment) as server:
        fetch(server.url, "/nowhere")
        probe = run_serve("--health", MG_BOOTSTRAP_HTTP_HOST="::", MG_BOOTSTRAP_HTTP_PORT=str(server.port))
        eventually(lambda: "unmatched" in server.log())
        log = server.log()

    assert f'"url": "http://[::]:{server.port}"' in log
    assert '"source": "127.0.0.1"' in log
    assert "::ffff:" not in log
    assert probe.returncode == 0, probe.stderr


@pytest.mark.slow
def test_killed_worker_is_replaced(database, tmp_path):
    environment = {"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "2", "TMPDIR": str(tmp_path)}
    with ServerProcess(environment) as server:
        # The first one answers before the second listens, now and then, and nobody does once it is killed.
        eventually(lambda: count_one(server, tmp_path) == 2)
        before = workers_of(server)
        os.kill(before[0], signal.SIGKILL)
        eventually(lambda: len(set(workers_of(server)) - set(before)) == 1)

        statuses = {fetch(server.url)[0] for _ in range(10)}

    assert statuses == {200}


@pytest.mark.slow
def test_workers_go_with_their_parent(database):
    with ServerProcess({"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "2"}) as server:
        eventually(lambda: len(workers_of(server)) == 2)
        os.kill(server.pid, signal.SIGKILL)

        eventually(lambda: workers_of(server) == [])


@pytest.mark.slow
def test_worker_of_a_parent_killed_while_it_starts_goes_too(tmp_path):
    """The parent is gone before the worker has asked to hear of that, and its handler would swallow the signal."""
    marks = tmp_path / "marks"
    orphan = f"""
import multiprocessing, os, pathlib, signal, time
from bootstrap_project.server.worker import end_with_parent

def work():
    parent, marks = multiprocessing.parent_process().pid, pathlib.Path({str(marks)!r})
    while os.getppid() == parent:
        time.sleep(0.01)
    marks.write_text(f"{{os.getpid()}}\\n")
    end_with_parent()
    time.sleep(60)

signal.signal(signal.SIGTERM, lambda *_: None)
multiprocessing.get_context("fork").Process(target=work).start()
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", orphan], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL

    eventually(lambda: marks.exists() and marks.read_text().endswith("\n"))
    orphaned = Path("/proc", marks.read_text().strip())
    eventually(lambda: not orphaned.exists())


def test_tls_is_served_when_a_pair_is_given(database, tmp_path):
    certificate, key = write_certificate(tmp_path)
    environment = {
        "DATABASE_URL": database,
        "MG_BOOTSTRAP_WORKERS": "1",
        "MG_BOOTSTRAP_HTTP_SERVER_CERT": certificate,
        "MG_BOOTSTRAP_HTTP_SERVER_KEY": key,
    }

    with ServerProcess(environment) as server:
        probe = run_serve("--health", **environment, MG_BOOTSTRAP_HTTP_PORT=str(server.port))

    assert server.url.startswith("https://")
    assert probe.returncode == 0, probe.stderr


@pytest.mark.slow
def test_silent_connections_shut_nobody_out(database):
    with (
        ServerProcess({"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "1"}) as server,
        contextlib.ExitStack() as stack,
    ):
        # More than there are threads for requests.
        for _ in range(500):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))

        # Silent peers are dropped after more than a minute, so a server that they filled up would answer after it.
        answer = requests.get(f"{server.url}/health", timeout=30)

    assert answer.status_code == 200


def test_oversized_head_is_refused(database):
    with (
        ServerProcess({"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "1"}) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection,
    ):
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 300_000 + b"\r\n\r\n")
        answer = connection.recv(100)

    assert b" 431 " in answer
