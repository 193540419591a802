"""The recorder in real processes: forked, stopped, several of them on one database."""

from __future__ import annotations

import pytest

from tests.support.attempts import OtherProcess

pytestmark = [pytest.mark.slow, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

ATTEMPT = """
import os, time
from devices.attempts.attempt import Attempt
from devices.attempts import recorder

def record(attempt):
    recorder.record(attempt.outcome, lambda: attempt, is_known=False)

def attempt(name):
    return Attempt(external_id=name, variant="plain", outcome="ok", status=200)
"""


@pytest.fixture
def process(tmp_path):
    return OtherProcess(tmp_path)


def test_what_waits_is_written_when_the_process_ends(process):
    process.run(ATTEMPT + "record(attempt('one')); record(attempt('two'))", MG_BOOTSTRAP_ATTEMPT_FLUSH_SECONDS="60")

    assert process.rows() == ["one", "two"]


def test_what_waits_is_written_within_about_a_second(process):
    code = """
from django.db import connection
from devices.models import BootstrapAttempt
record(attempt('one'))
until = time.monotonic() + 10
while not BootstrapAttempt.objects.exists() and time.monotonic() < until:
    time.sleep(0.05)
print(BootstrapAttempt.objects.count())
os._exit(0)
"""

    code = code.replace("os._exit(0)", "import sys; sys.stdout.flush(); os._exit(0)")
    assert process.run(ATTEMPT + code).split() == ["1"]


def test_a_worker_of_multiprocessing_writes_when_it_ends(process):
    """Granian's workers are such: they end without what atexit knows."""
    code = """
import multiprocessing
def work():
    record(attempt('worker'))
worker = multiprocessing.get_context('fork').Process(target=work)
worker.start()
worker.join()
assert worker.exitcode == 0
"""

    process.run(ATTEMPT + code, MG_BOOTSTRAP_ATTEMPT_FLUSH_SECONDS="60")

    assert process.rows() == ["worker"]


def test_a_fork_takes_neither_the_attempts_nor_the_thread_along(process):
    code = """
record(attempt('parent'))
assert recorder._recorder._thread.is_alive()
# The parent is in the middle of whatever it may be: in the child nobody would ever let go of these.
recorder._recorder._flushing.acquire(); recorder._recorder._starting.acquire(); recorder._making.acquire()
pid = os.fork()
if pid == 0:
    assert recorder._recorder is None
    record(attempt('child'))
    assert recorder._recorder._thread.is_alive()
    recorder.stop()
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
recorder._recorder._flushing.release(); recorder._recorder._starting.release(); recorder._making.release()
"""

    process.run(ATTEMPT + code, MG_BOOTSTRAP_ATTEMPT_FLUSH_SECONDS="60")

    assert process.rows() == ["child", "parent"]


def test_importing_and_setting_up_starts_no_thread(process):
    code = "import threading, bootstrap_project.wsgi; print(threading.active_count(), recorder._recorder)"

    assert process.run(ATTEMPT + code).split() == ["1", "None"]


def test_a_process_stops_in_time_when_the_database_is_gone(process):
    code = "record(attempt('lost'))\nt = time.monotonic(); recorder.stop(); print(time.monotonic() - t)"
    gone = {"DATABASE_URL": "postgres://nobody@127.0.0.1:9/nothing", "MG_BOOTSTRAP_LOG_LEVEL": "error"}

    taken = float(process.run(ATTEMPT + code, **gone))

    assert taken < 8
