"""What one execution has left of its budgets."""

from __future__ import annotations

from time import thread_time
from typing import Final

from .faults import LimitFault
from .limits import Limits

_STEPS_BETWEEN_LOOKS: Final = 1_000


class State:
    """What one execution has left of its budgets. Every execution has its own, so threads never meet."""

    __slots__ = ("deadline", "depth", "limits", "look_below", "output_left", "steps", "strings_left")

    def __init__(self, limits: Limits) -> None:
        """Start with full budgets; the clock starts when it is first looked at."""
        self.limits = limits
        self.output_left = limits.max_output
        self.strings_left = limits.max_strings
        self.steps = limits.max_steps
        self.depth = 0
        self.look_below = limits.max_steps - _STEPS_BETWEEN_LOOKS
        self.deadline: float | None = None

    def check_time(self) -> None:
        """Fail if the time is up.

        It is the processor time of this thread, so that a busy machine refuses nothing that an idle one renders.
        Reading it is a system call; the first reading starts it, so most executions, which never get here, save that.
        """
        now = thread_time()
        if self.deadline is None:
            self.deadline = now + self.limits.max_seconds
        elif now > self.deadline:
            raise LimitFault(f"execution took longer than {self.limits.max_seconds:g} seconds")

    def time_is_up_at(self) -> float:
        """Return when the time is up, on the clock of this thread's processor time."""
        return thread_time() + self.limits.max_seconds if self.deadline is None else self.deadline

    def has_time(self) -> bool:
        try:
            self.check_time()
        except LimitFault:
            return False
        return True

    def charge(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < self.look_below or self.steps < 0:
            self.check()

    def check(self) -> None:
        """Check steps and time."""
        if self.steps < 0:
            raise LimitFault(f"execution took more than {self.limits.max_steps} steps")
        self.look_below = self.steps - _STEPS_BETWEEN_LOOKS
        self.check_time()

    def enter(self, steps: int) -> None:
        """Account one template call; the caller takes one from `depth` afterwards."""
        self.depth += 1
        if self.depth > self.limits.max_depth:
            raise LimitFault(f"exceeded maximum template depth ({self.limits.max_depth})")
        self.charge(steps)

    def charge_scan(self, size: int) -> None:
        """Account reading through a string or list, which is only worth the trouble where it is long."""
        if size > 256:
            self.spend(size)

    def produced(self, text: str) -> str:
        """Account a new string and return it."""
        if len(text) > 256:
            self.spend(len(text))
        return text

    def spend(self, size: int) -> None:
        """Account characters that a function produced or read."""
        self.strings_left -= size
        if self.strings_left < 0:
            raise LimitFault(f"functions produced more than {self.limits.max_strings} characters")
        self.check_time()

    def fail_output(self) -> None:
        raise LimitFault(f"output is larger than {self.limits.max_output} bytes")
