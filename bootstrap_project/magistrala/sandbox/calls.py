"""Log of the calls to the sandbox: counters and the last calls, without tokens or bodies."""

from __future__ import annotations

import threading
from collections import Counter, deque

from bootstrap_project.magistrala.sandbox.http import Request

MAX_KEPT = 2000


class CallLog:
    """Counts calls; each is recorded before its answer is sent, so that a client with the answer finds it here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections = 0
        self.clear()

    def clear(self) -> None:
        """Forget all calls and reset the counters."""
        with self._lock:
            self._total = 0
            self._in_flight = 0
            self._most_in_flight = 0
            self._counts: Counter[str] = Counter()
            self._last: deque[dict[str, object]] = deque(maxlen=MAX_KEPT)
            self._connections = 0

    def connected(self) -> None:
        """Count a new TCP connection."""
        with self._lock:
            self._connections += 1

    def begin(self) -> None:
        """Count a request that is now being answered."""
        with self._lock:
            self._in_flight += 1
            self._most_in_flight = max(self._most_in_flight, self._in_flight)

    def end(self) -> None:
        """Count a request as answered."""
        with self._lock:
            self._in_flight = max(0, self._in_flight - 1)

    def add(self, request: Request, status: int | None, fault: str) -> None:
        """Record one call; `status` is None when no answer was sent."""
        entry: dict[str, object] = {
            "service": request.service,
            "method": request.method,
            "path": "/" + "/".join(request.segments),
            "target": request.target,
            "status": status,
            "request_id": request.headers.get("x-request-id", ""),
        }
        if fault:
            entry["fault"] = fault
        with self._lock:
            self._total += 1
            self._counts[f"{request.method} {request.service}"] += 1
            self._last.append(entry)

    def view(self, last: int = MAX_KEPT) -> dict[str, object]:
        """Return counters and the last calls, oldest first."""
        with self._lock:
            calls = list(self._last)
            return {
                "total": self._total,
                "connections": self._connections,
                "most_in_flight": self._most_in_flight,
                "counts": dict(sorted(self._counts.items())),
                "calls": calls[-last:] if last else [],
            }
