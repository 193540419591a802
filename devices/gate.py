"""The gate before slow hashes: few at once, few waiting, and a time to come back for everyone else.

Without it a crowd of devices makes the service finish hashes whose devices have given up long ago. With it a refusal
costs microseconds and books the next free slot, so that whoever honours `Retry-After` comes when there is room for it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Final

from bootstrap_project.places import WORK_SECONDS, NoPlace, outside, seconds_left

#: The longest time to come back that is ever named.
MAX_RETRY_SECONDS: Final = 120
#: What a slow hash costs until one was measured.
FIRST_GUESS_SECONDS: Final = 0.05
_WEIGHT: Final = 0.1


class Busy(Exception):
    """All slots are taken and enough calls are waiting."""


class Gate:
    """Slots for slow hashes in one process; safe under threads."""

    def __init__(
        self, *, at_once: int, waiting: int, wait_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Let `at_once` work and `waiting` more wait, each for `wait_seconds` at the most."""
        self._at_once = at_once
        self._max_waiting = waiting
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._condition = Condition()
        self._working = 0
        self._waiting = 0
        self._seconds = FIRST_GUESS_SECONDS
        self._next_slot = 0.0

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a slot for the block.

        Raises: Busy when there is none, at once where enough calls wait already, or where the caller must have answered
        before its hash would be ready; NoPlace.
        """
        if not self._enter_at_once():
            # Waiting needs no database: other devices have this one's place meanwhile.
            has_slot = False
            try:
                with outside():
                    self._wait()
                    has_slot = True
            except NoPlace:
                if has_slot:
                    self._leave()
                raise
        yield from self._hold()

    @contextmanager
    def spare_slot(self) -> Iterator[None]:
        """Hold a slot for the block as soon as nobody else wants it: the way in for work that no caller waits for."""
        with self._condition:
            self._condition.wait_for(lambda: self._working < self._at_once and not self._waiting)
            self._working += 1
        yield from self._hold()

    def book(self) -> int:
        """Return in how many seconds the next slot is free, and count it as taken.

        Source: measured with 10,000 devices at once; a fixed time leaves a third of the machine idle.
        """
        with self._condition:
            now = self._clock()
            booked = max(self._next_slot, now + 1) + self._seconds / self._at_once
            # Without an end, a flood of refusals would book the slots of everyone for hours.
            self._next_slot = min(booked, now + MAX_RETRY_SECONDS)
            return math.ceil(self._next_slot - now)

    def _enter_at_once(self) -> bool:
        """Take a slot, or a turn to wait for one and return False."""
        with self._condition:
            if self._time_left() < self._seconds:
                raise Busy
            if self._working < self._at_once and not self._waiting:
                self._working += 1
                return True
            if self._waiting >= self._max_waiting:
                raise Busy
            self._waiting += 1
            return False

    def _wait(self) -> None:
        with self._condition:
            try:
                patience = min(self._wait_seconds, max(0.0, self._time_left() - self._seconds))
                free = self._condition.wait_for(lambda: self._working < self._at_once, patience)
                if free:
                    self._working += 1
            finally:
                self._waiting -= 1
                self._condition.notify_all()
            if not free:
                raise Busy

    def _time_left(self) -> float:
        # After the hash there is still work to be done at a place.
        return seconds_left() - WORK_SECONDS

    def _leave(self) -> None:
        with self._condition:
            self._working -= 1
            self._condition.notify_all()

    def _hold(self) -> Iterator[None]:
        started = self._clock()
        try:
            yield
        finally:
            with self._condition:
                self._working -= 1
                self._seconds += _WEIGHT * (self._clock() - started - self._seconds)
                self._condition.notify_all()
