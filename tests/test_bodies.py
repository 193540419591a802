"""Bodies that arrive whole, break off, or never come."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest

from bootstrap_project import bodies
from bootstrap_project.bodies import MOST_BYTES, Bodies, BrokenOff, TooMany
from tests.services.waiting import eventually


class Stalled:
    """A stream that gives some bytes, and then nothing until its connection ends."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.ended = threading.Event()

    def read(self, _size: int = -1) -> bytes:
        if self.pieces:
            return self.pieces.pop(0)
        self.ended.wait(10)
        return b""


def environ(stream: Any, **values: str) -> dict[str, Any]:
    return {"REQUEST_METHOD": "POST", "wsgi.input": stream, **values}


def test_a_whole_body_is_at_hand_afterwards():
    request = environ(io.BytesIO(b"0123456789"), CONTENT_LENGTH="10")

    assert Bodies().read(request)
    assert request["wsgi.input"].read() == b"0123456789"


@pytest.mark.parametrize("method", ["post", "Put", "pATCH"])
def test_methods_that_django_takes_for_one_with_a_body_are_read(method):
    request = environ(Stalled(b"ab"), CONTENT_LENGTH="10") | {"REQUEST_METHOD": method}

    assert not Bodies(seconds=0.05).read(request)
    assert isinstance(request["wsgi.input"], BrokenOff)


def test_a_body_in_chunks_is_read_to_its_end():
    request = environ(io.BytesIO(b"x" * 200_000), HTTP_TRANSFER_ENCODING="Chunked")

    assert Bodies().read(request)
    assert len(request["wsgi.input"].read()) == 200_000


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_nobody_waits_for_bodies_that_nobody_reads(method):
    stream = Stalled()
    request = environ(stream, CONTENT_LENGTH="10") | {"REQUEST_METHOD": method}

    assert Bodies().read(request)
    assert request["wsgi.input"] is stream


@pytest.mark.parametrize("length", ["", "0", "-5", "ten"])
def test_no_length_is_no_body(length):
    assert Bodies().read(environ(Stalled(), CONTENT_LENGTH=length))


def test_a_body_that_broke_off_is_told_to_whoever_reads_it():
    request = environ(io.BytesIO(b"012"), CONTENT_LENGTH="10")

    assert not Bodies().read(request)
    with pytest.raises(OSError, match="broke off"):
        request["wsgi.input"].read()
    with pytest.raises(OSError, match="broke off"):
        request["wsgi.input"].readline()


def test_a_body_that_does_not_come_is_given_up():
    stream = Stalled(b"01")
    request = environ(stream, CONTENT_LENGTH="10")

    assert not Bodies(seconds=0.05).read(request)
    assert isinstance(request["wsgi.input"], BrokenOff)
    stream.ended.set()


def test_a_stream_that_fails_is_a_body_that_broke_off():
    class Failing:
        def read(self, _size: int = -1) -> bytes:
            raise RuntimeError("gone")

    request = environ(Failing(), CONTENT_LENGTH="10")

    assert not Bodies().read(request)
    assert isinstance(request["wsgi.input"], BrokenOff)


def test_what_is_too_large_for_everything_is_not_read():
    stream = Stalled()

    request = environ(stream, CONTENT_LENGTH=str(MOST_BYTES + 1))

    assert not Bodies().read(request)
    assert request["wsgi.input"].read() == b""


def test_chunks_are_read_no_further_than_the_limit():
    class Endless:
        size = 0

        def read(self, size: int) -> bytes:
            self.size += size
            return b"x" * size

    stream = Endless()

    assert Bodies().read(environ(stream, HTTP_TRANSFER_ENCODING="chunked"))
    assert stream.size == MOST_BYTES


def test_no_more_than_so_many_at_once(monkeypatch):
    monkeypatch.setattr(bodies, "SLOT_SECONDS", 0.05)
    reading, stream = Bodies(at_once=1, seconds=0.05), Stalled()
    reading.read(environ(stream, CONTENT_LENGTH="10"))

    with pytest.raises(TooMany):
        reading.read(environ(io.BytesIO(b"x"), CONTENT_LENGTH="1"))
    stream.ended.set()

    eventually(lambda: reading._slots._value == 1)
    assert reading.read(environ(io.BytesIO(b"x"), CONTENT_LENGTH="1"))
