"""What the serving processes write waits for nobody, in order, and says what it left out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bootstrap_project.observability.standard_error import QueuedOutput
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
#: More than a pipe takes.
MUCH = "x" * 200_000


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def read(descriptor, size):
    found = b""
    while len(found) < size:
        found += os.read(descriptor, size - len(found))
    return found


def test_lines_of_many_threads_arrive_whole_and_in_each_ones_order(pipe):
    output = QueuedOutput(pipe[1])
    written = [[f"{thread} {number}\n" for number in range(200)] for thread in range(4)]
    threads = [threading.Thread(target=lambda lines=lines: [output.write(line) for line in lines]) for lines in written]
    for thread in threads:
        thread.start()

    found = read(pipe[0], sum(len(line) for lines in written for line in lines)).decode().splitlines(keepends=True)

    for number, lines in enumerate(written):
        assert [line for line in found if line.startswith(f"{number} ")] == lines


def test_writer_does_not_wait_for_a_reader_that_stalls_and_drops_what_is_too_much(pipe):
    output = QueuedOutput(pipe[1], capacity=300_000)
    counted: list[int] = []
    output.count = counted.append

    output.write(MUCH)
    for _ in range(3):
        output.write(MUCH)
    # Its own end does not wait for the reader either.
    output.finish(seconds=0.01)
    eventually(lambda: sum(counted) == 3)

    assert read(pipe[0], len(MUCH)) == MUCH.encode()


def test_what_was_dropped_is_told_when_it_flows_again(pipe, caplog):
    output = QueuedOutput(pipe[1], capacity=300_000)
    output.write(MUCH)
    output.write(MUCH)

    read(pipe[0], len(MUCH))
    # Others may still be telling of theirs.
    eventually(lambda: 1 in [record.lines for record in caplog.records if "were dropped" in record.message])

    output.write("on\n")
    assert read(pipe[0], 3) == b"on\n"


def test_end_waits_for_what_is_still_to_be_written(pipe):
    output = QueuedOutput(pipe[1])

    output.write("last words\n")
    output.finish()

    os.set_blocking(pipe[0], False)
    assert os.read(pipe[0], 100) == b"last words\n"


def test_reader_that_is_gone_is_nobodys_trouble():
    reading, writing = os.pipe()
    os.close(reading)
    output = QueuedOutput(writing)

    output.write("into the void\n")
    output.finish()

    assert output.write("and again\n") == 10
    output.finish()
    os.close(writing)


def test_descriptor_that_does_not_block_is_waited_for_by_the_thread_alone(pipe):
    os.set_blocking(pipe[1], False)
    output = QueuedOutput(pipe[1])

    output.write(MUCH)

    assert read(pipe[0], len(MUCH)) == MUCH.encode()


def test_what_cannot_be_encoded_is_written_all_the_same(pipe):
    output = QueuedOutput(pipe[1])

    output.write("\udcff\n")

    assert read(pipe[0], 7) == b"\\udcff\n"


def test_child_writes_what_is_its_own_while_its_parents_thread_is_stuck():
    """As a worker that is forked while nobody reads what the parent has written."""
    code = """
import os, sys
from bootstrap_project.observability.standard_error import QueuedOutput
reading, writing = os.pipe()
output = QueuedOutput(writing)
output.write("x" * 200_000)
while not os.read(reading, 1):
    pass
child = os.fork()
if not child:
    output._descriptor = 1
    output.write("the child's\\n")
    output.finish(20)
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout == "the child's\n0\n", done.stderr
