from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.urls import path

from bootstrap_project.observability import metrics
from bootstrap_project.observability import metrics_view as exposing
from bootstrap_project.observability.metrics_view import exposition, metrics_view
from bootstrap_project.observability.multiprocess import prepare_directory

pytestmark = pytest.mark.urls(__name__)

urlpatterns = [path("metrics", metrics_view)]

WORKER = """
import os, signal, sys
from bootstrap_project.observability import metrics
for _ in range(int(sys.argv[1])):
    metrics.observe_operation("bootstrap", "ok", 0.002)
    metrics.observe_http_request("/clients/bootstrap/<str:external_id>", "GET", 200, 0.002)
    metrics.count_device_bootstrap("plain", "ok")
    metrics.count_template_cache(hit=True)
if sys.argv[2] == "die":
    os.kill(os.getpid(), signal.SIGKILL)
"""
SCRAPE = """
import sys
from bootstrap_project.observability.metrics_view import exposition
sys.stdout.buffer.write(exposition())
"""


@pytest.fixture
def shared(tmp_path):
    """Return a function that runs code in a process that shares its metrics with the others."""
    directory = tmp_path / "metrics"
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(directory)}

    def run(code, *arguments, returns=0):
        result = subprocess.run(
            [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == returns, result.stderr
        return result

    run.directory = directory  # type: ignore[attr-defined]
    return run


def samples(text: str) -> dict[str, float]:
    """Return the value of each line; the client library's own parser would rename the counter without a suffix."""
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {series: float(value) for series, _, value in lines}


def test_page_is_prometheus_text_that_needs_no_login(client):
    metrics.observe_operation("list", "ok", 0.001)

    response = client.get("/metrics")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    assert samples(response.content.decode())['bootstrap_api_request_count{method="list"}'] >= 1


def test_head_is_allowed_and_has_no_body(client):
    response = client.head("/metrics")

    assert response.status_code == 200
    assert response.content == b""


def test_other_methods_are_refused_in_json(client):
    response = client.post("/metrics")

    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"
    assert json.loads(response.content) == {
        "message": "method not allowed",
        "request_id": response.headers["X-Request-ID"],
    }


def test_upstreams_counter_has_its_own_name_and_type_and_others_keep_their_suffix():
    metrics.observe_operation("view", "ok", 0.001)
    metrics.count_template_cache(hit=True)

    text = exposition().decode()

    assert "# TYPE bootstrap_api_request_count counter\n" in text
    assert "# HELP bootstrap_api_request_count Number of requests" in text
    assert 'bootstrap_api_request_count{method="view"} ' in text
    assert "bootstrap_api_request_count_total" not in text
    assert "# TYPE bootstrap_api_request_latency_microseconds summary\n" in text
    assert "# TYPE bootstrap_template_cache_hits_total counter\n" in text
    assert "_created" not in text


def test_one_process_shows_its_memory():
    assert "process_resident_memory_bytes " in exposition().decode()


def test_workers_that_share_a_directory_are_summed_the_dead_included(shared):
    shared(WORKER, "3", "live")
    shared(WORKER, "4", "die", returns=-signal.SIGKILL)

    text = shared(SCRAPE).stdout

    seen = samples(text)
    assert seen['bootstrap_api_request_count{method="bootstrap"}'] == 7
    assert seen['bootstrap_api_request_latency_microseconds_count{method="bootstrap"}'] == 7
    assert seen['bootstrap_api_request_latency_microseconds_sum{method="bootstrap"}'] == pytest.approx(14_000)
    assert seen['bootstrap_device_bootstraps_total{outcome="ok",variant="plain"}'] == 7
    assert seen["bootstrap_template_cache_hits_total"] == 7
    histogram, labels = "bootstrap_operation_duration_seconds", 'operation="bootstrap",outcome="ok"'
    assert seen[f'{histogram}_bucket{{le="0.0025",{labels}}}'] == 7
    assert seen[f"{histogram}_count{{{labels}}}"] == 7


def test_shared_series_have_the_same_names_types_and_help_as_those_of_one_process(shared):
    shared(WORKER, "1", "live")
    metrics.observe_operation("bootstrap", "ok", 0.001)

    def head(text: str, name: str) -> list[str]:
        return [line for line in text.splitlines() if line.startswith("# ") and line.split()[2] == name]

    together, alone = shared(SCRAPE).stdout, exposition().decode()
    names = [
        "bootstrap_api_request_count",
        "bootstrap_api_request_latency_microseconds",
        "bootstrap_template_cache_hits_total",
    ]
    for name in names:
        assert len(head(together, name)) == 2
        assert sorted(head(together, name)) == sorted(head(alone, name))
    assert "bootstrap_api_request_count_total" not in together


def test_broken_file_of_one_worker_costs_its_own_numbers_only(shared):
    shared(WORKER, "3", "live")
    (shared.directory / "counter_99999.db").write_bytes(b"")
    (shared.directory / "histogram_99999.db").write_bytes(b"\xff\x7f\x00\x00" + b"\x00" * 4 + b"\xff\xff\x00\x00" * 20)

    result = shared(SCRAPE)

    assert samples(result.stdout)['bootstrap_api_request_count{method="bootstrap"}'] == 3
    assert "file cannot be read" in result.stderr


def test_directory_is_made_and_emptied_of_an_earlier_servers_counts(shared):
    shared(WORKER, "3", "live")
    keep = shared.directory / "readme.txt"
    keep.write_text("not ours")

    prepare_directory(shared.directory)
    prepare_directory(shared.directory.parent / "new" / "one")

    assert list(shared.directory.iterdir()) == [keep]
    assert (shared.directory.parent / "new" / "one").is_dir()


def test_directory_that_went_away_shows_no_series_instead_of_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "gone"))

    assert set(samples(exposition().decode())) == {"bootstrap_metrics_processes_alone"}


def test_one_exposition_is_made_at_a_time_and_given_again_for_a_while(monkeypatch):
    made, at_once, begun, go = [], [], threading.Event(), threading.Event()
    now = [100.0]

    def make() -> bytes:
        at_once.append(True)
        assert len(at_once) == 1
        begun.set()
        go.wait(60)
        at_once.clear()
        made.append(True)
        return str(len(made)).encode()

    monkeypatch.setattr(exposing, "exposition", make)
    monkeypatch.setattr(exposing, "monotonic", lambda: now[0])
    kept = exposing._Kept()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(kept.read, 1) for _ in range(8)]
        begun.wait(60)
        go.set()

    assert {one.result() for one in asked} == {b"1"}
    now[0] += 0.9
    assert kept.read(1) == b"1"
    now[0] += 0.2
    assert kept.read(1) == b"2"
