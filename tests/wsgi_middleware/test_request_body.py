"""Bodies that arrive whole, break off, are too large, or never come."""

from __future__ import annotations

import io
import threading
from functools import partial
from typing import Any

import pytest

from bootstrap_project.door import Door, WholeBodies
from bootstrap_project.wsgi_middleware.request_body import Bodies, TooLarge, TooMany
from tests.support.wsgi import Answer, call, make_environ, send

MOST = 1000
WAIT_SECONDS = 60.0


class Stalled:
    """A stream that gives some bytes, and then nothing until its connection ends."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.is_waited_for = threading.Event()
        self.ended = threading.Event()

    def read(self, _size: int = -1) -> bytes:
        if self.pieces:
            return self.pieces.pop(0)
        self.is_waited_for.set()
        self.ended.wait(WAIT_SECONDS)
        return b""


class Endless:
    """A stream that never ends, and counts what is taken from it."""

    def __init__(self) -> None:
        self.size = 0

    def read(self, size: int) -> bytes:
        self.size += size
        return b"x" * size


def environ(stream: Any, **values: str) -> dict[str, Any]:
    return {"REQUEST_METHOD": "POST", "wsgi.input": stream, **values}


def received(request: dict[str, Any], bodies: Bodies | None = None, *, most: int = MOST) -> tuple[bool, bytes | None]:
    """Return whether the body is whole, and what of it can be read; None where reading fails."""
    with (bodies or Bodies()).received(request, most=most) as is_whole:
        try:
            return is_whole, request["wsgi.input"].read()
        except OSError:
            return is_whole, None


def run(work: Any) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_whole_body_is_at_hand_afterwards():
    assert received(environ(io.BytesIO(b"0123456789"), CONTENT_LENGTH="10")) == (True, b"0123456789")


@pytest.mark.parametrize("method", ["post", "Put", "pATCH"])
def test_methods_that_django_takes_for_one_with_a_body_are_read(method):
    request = environ(io.BytesIO(b"ab"), CONTENT_LENGTH="10") | {"REQUEST_METHOD": method}

    assert received(request) == (False, None)


def test_a_body_in_chunks_is_read_to_its_end():
    request = environ(io.BytesIO(b"x" * MOST), HTTP_TRANSFER_ENCODING="Chunked")

    assert received(request) == (True, b"x" * MOST)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_nobody_waits_for_bodies_that_nobody_reads(method):
    stream = Stalled()
    request = environ(stream, CONTENT_LENGTH="10") | {"REQUEST_METHOD": method}

    with Bodies().received(request, most=MOST) as is_whole:
        assert is_whole
        assert request["wsgi.input"] is stream


@pytest.mark.parametrize("length", ["", "0", "-5", "ten"])
def test_no_length_is_no_body(length):
    with Bodies().received(environ(Stalled(), CONTENT_LENGTH=length), most=MOST) as is_whole:
        assert is_whole


def test_a_body_that_broke_off_is_told_to_whoever_reads_it():
    request = environ(io.BytesIO(b"012"), CONTENT_LENGTH="10")

    with Bodies().received(request, most=MOST) as is_whole:
        assert not is_whole
        with pytest.raises(OSError, match="broke off"):
            request["wsgi.input"].read()
        with pytest.raises(OSError, match="broke off"):
            request["wsgi.input"].readline()


def test_a_stream_that_fails_is_a_body_that_broke_off():
    class Failing:
        def read(self, _size: int = -1) -> bytes:
            raise RuntimeError("gone")

    assert received(environ(Failing(), CONTENT_LENGTH="10")) == (False, None)
    assert received(environ(Failing(), HTTP_TRANSFER_ENCODING="chunked")) == (False, None)


def test_a_body_that_drips_is_given_up():
    class Dripping:
        taken = 0

        def read(self, _size: int = -1) -> bytes:
            self.taken += 1
            return b"x"

    stream = Dripping()

    assert received(environ(stream, CONTENT_LENGTH="900"), Bodies(seconds=-1)) == (False, None)
    assert stream.taken == 1


@pytest.mark.parametrize("length", [str(MOST + 1), "9" * 18, "9" * 19, "1" + "9" * 20_000], ids=len)
def test_what_is_announced_too_large_is_not_read(length):
    stream = Endless()

    with pytest.raises(TooLarge):
        received(environ(stream, CONTENT_LENGTH=length))
    assert stream.size == 0


def test_chunks_are_read_no_further_than_the_byte_that_is_too_much():
    stream = Endless()

    is_whole, content = received(environ(stream, HTTP_TRANSFER_ENCODING="chunked"))

    assert (is_whole, stream.size) == (False, MOST + 1)
    # Whoever reads it sees that it is too large.
    assert content is not None
    assert len(content) == MOST + 1


def test_a_body_is_held_until_its_request_is_answered():
    bodies = Bodies(most_bytes=15)
    with bodies.received(environ(io.BytesIO(b"0123456789"), CONTENT_LENGTH="10"), most=MOST) as is_whole:
        assert is_whole
        with pytest.raises(TooMany):
            received(environ(io.BytesIO(b"0123456789"), CONTENT_LENGTH="10"), bodies)

    assert received(environ(io.BytesIO(b"0123456789"), CONTENT_LENGTH="10"), bodies) == (True, b"0123456789")


def test_nothing_is_kept_of_bodies_that_fail():
    bodies = Bodies(most_bytes=10)
    for _ in range(3):
        assert received(environ(io.BytesIO(b"01234567"), CONTENT_LENGTH="9"), bodies) == (False, None)
        with pytest.raises(TooMany):
            received(environ(Endless(), CONTENT_LENGTH="900"), bodies)

    assert received(environ(io.BytesIO(b"0123456789"), CONTENT_LENGTH="10"), bodies) == (True, b"0123456789")


def test_who_stalls_makes_room_for_who_does_not():
    bodies, streams, refused = Bodies(most_bytes=100), [Stalled(b"x" * 30) for _ in range(3)], []

    def stall(stream: Stalled) -> None:
        try:
            received(environ(stream, CONTENT_LENGTH="90"), bodies)
        except TooMany:
            refused.append(stream)

    threads = []
    for stream in streams:
        threads.append(run(partial(stall, stream)))
        assert stream.is_waited_for.wait(WAIT_SECONDS)

    # The two that have been arriving for longest; the third may go on.
    assert received(environ(io.BytesIO(b"y" * 70), CONTENT_LENGTH="70"), bodies) == (True, b"y" * 70)
    for stream in streams:
        stream.pieces.append(b"z")
        stream.ended.set()
    for thread in threads:
        thread.join(WAIT_SECONDS)

    # In whichever order their threads come to it.
    assert sorted(map(streams.index, refused)) == [0, 1]


def test_stalled_bodies_hold_nothing_that_others_need():
    answered: list[Answer] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environ["wsgi.input"].read()
        start_response("200 OK", [])
        return []

    def stall(stream: Stalled) -> None:
        asked = make_environ("/admin/login/", method="POST", headers={"Content-Length": "9"})
        answered.append(send(door, asked | {"wsgi.input": stream}))

    door = Door(WholeBodies(application))
    streams: list[Stalled] = []
    threads = []
    # More than there ever were turns for bodies, and than a process has places.
    for _ in range(100):
        streams.append(Stalled(b"x"))
        threads.append(run(partial(stall, streams[-1])))
    for stream in streams:
        assert stream.is_waited_for.wait(WAIT_SECONDS)

    # Each of these would wait for ever if they held anything.
    for path in ("/d/clients/configs", "/health", "/clients/bootstrap/pi", "/admin/", "/metrics"):
        assert call(door, path).status == 200
    assert call(door, "/d/clients/configs", method="POST", body=b"{}").status == 200
    assert not answered

    for stream in streams:
        stream.ended.set()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    # The application was told that they broke off, which this one does not catch.
    assert {answer.status for answer in answered} == {500}
    assert len(answered) == len(streams)
