"""Ways in which the sandbox breaks on purpose: which requests, what happens to them, how often."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from bootstrap_project.magistrala.sandbox.http import HTTPError, Request

KINDS = {
    "down": "the connection closes without an answer",
    "reset": "the connection is reset",
    "slow": "the answer comes after `seconds`",
    "trickle": "the answer comes byte by byte, one in `seconds`",
    "garbage": "200 with something that is not JSON",
    "truncated": "the true answer, cut in the middle",
    "status": "an error of the given `status`, with Retry-After when `retry_after` is given",
    "oversized": "200 with `bytes` bytes (8 MiB unless given)",
    "redirect": "307 to `location`",
    "wrong_type": "200 with JSON whose members have the wrong types",
}
SERVICES = ("clients", "channels", "domains", "users", "auth")
_MATCHES = ("service", "method", "path_prefix", "resource_id")


@dataclass(slots=True)
class Fault:
    """One rule. With `after_work` the request takes effect before the fault spoils its answer."""

    kind: str
    match: dict[str, str] = field(default_factory=dict)
    status: int = 503
    seconds: float = 30.0
    times: int | None = None
    retry_after: int | None = None
    bytes: int = 8 * 1024 * 1024
    location: str = "http://127.0.0.1:9/elsewhere"
    after_work: bool = False
    hits: int = 0

    def applies(self, request: Request) -> bool:
        """Whether the rule is about this request and not yet used up."""
        if self.times is not None and self.hits >= self.times:
            return False
        if self.match.get("service", request.service) != request.service:
            return False
        if self.match.get("method", request.method).upper() != request.method:
            return False
        if not ("/" + "/".join(request.segments)).startswith(self.match.get("path_prefix", "/")):
            return False
        wanted = self.match.get("resource_id")
        if wanted is None:
            return True
        in_query = any(wanted in values for values in request.query.values())
        return wanted in request.segments or in_query or wanted.encode() in request.body

    def view(self) -> dict[str, object]:
        """Return the rule as it was given, with how often it struck."""
        shown: dict[str, object] = {"kind": self.kind, "match": self.match, "hits": self.hits}
        shown |= {"times": self.times, "after_work": self.after_work}
        used = {"status": ("status", "retry_after"), "slow": ("seconds",), "trickle": ("seconds",)}
        used |= {"oversized": ("bytes",), "redirect": ("location",)}
        shown |= {name: getattr(self, name) for name in used.get(self.kind, ())}
        return shown


class FaultInjector:
    """The rules in force, the first that applies wins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def replace(self, items: object) -> None:
        """Put these rules in force instead of all others.

        Raises: HTTPError that says what is wrong; then nothing has changed.
        """
        if not isinstance(items, list):
            raise HTTPError(400, "faults must be a list of objects")
        faults = [_fault(item) for item in items]
        with self._lock:
            self._faults = faults

    def take(self, request: Request) -> Fault | None:
        """Return the rule for this request and count it."""
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                if fault.applies(request):
                    fault.hits += 1
                    return fault
        return None

    def view(self) -> list[dict[str, object]]:
        with self._lock:
            return [fault.view() for fault in self._faults]


def _fault(item: object) -> Fault:
    if not isinstance(item, dict):
        raise HTTPError(400, "a fault must be an object")
    if item.get("kind") not in KINDS:
        raise HTTPError(400, f"a fault's kind must be one of {', '.join(KINDS)}")
    match = item.get("match", {})
    if not isinstance(match, dict) or not all(isinstance(value, str) for value in match.values()):
        raise HTTPError(400, "a fault's match must be an object of texts")
    if unknown := set(match) - set(_MATCHES):
        raise HTTPError(400, f"a fault cannot match by {', '.join(sorted(unknown))}; use {', '.join(_MATCHES)}")
    if match.get("service", "clients") not in SERVICES:
        raise HTTPError(400, f"a fault's service must be one of {', '.join(SERVICES)}")
    known: dict[str, tuple[type, ...]] = {"status": (int,), "seconds": (int, float), "times": (int, type(None))}
    known |= {"retry_after": (int, type(None)), "bytes": (int,), "location": (str,), "after_work": (bool,)}
    values: dict[str, object] = {}
    for name, value in item.items():
        if name in {"kind", "match", "hits"}:
            continue
        if name not in known or not isinstance(value, known[name]):
            raise HTTPError(400, f"a fault's {name} is unknown or has the wrong type")
        values[name] = value
    return Fault(kind=item["kind"], match=match, **values)  # type: ignore[arg-type]
