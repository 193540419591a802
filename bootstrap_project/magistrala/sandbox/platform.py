"""The sandbox's whole state in one object, shared by all threads."""

from __future__ import annotations

import threading

from bootstrap_project.magistrala.sandbox.calls import CallLog
from bootstrap_project.magistrala.sandbox.faults import FaultInjector
from bootstrap_project.magistrala.sandbox.seed import load_seed
from bootstrap_project.magistrala.sandbox.tokens import TokenIssuer


class Platform:
    """State, tokens, faults and counters; handlers run one at a time under `lock`, latency is slept outside it."""

    def __init__(self, seed: str = "pi", latency_seconds: float = 0.0) -> None:
        """Load the seed; an unknown one is a ValueError."""
        self.lock = threading.RLock()
        self.seed = seed
        self._first_latency = latency_seconds
        self.tokens = TokenIssuer()
        self.faults = FaultInjector()
        self.calls = CallLog()
        self.latency_seconds = latency_seconds
        #: MG_ALLOW_UNVERIFIED_USER, which the platform's own compose file turns on.
        self.allow_unverified_user = False
        self.state = load_seed(seed)
        self._interrupted = threading.Event()

    def pause(self, seconds: float) -> bool:
        """Sleep; return False when a reset or the end came in between, so that the request is forgotten."""
        return not self._interrupted.wait(seconds)

    def interrupt(self) -> None:
        """Wake every sleeping request."""
        self._interrupted.set()

    def reset(self) -> None:
        """Go back to the seed; the first signing key stays, so tokens from before stay valid."""
        interrupted, self._interrupted = self._interrupted, threading.Event()
        interrupted.set()
        self.state = load_seed(self.seed)
        self.tokens.reset()
        self.faults.replace([])
        self.calls.clear()
        self.latency_seconds = self._first_latency
        self.allow_unverified_user = False
