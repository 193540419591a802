"""The recorded calls of a real platform, as objects."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "recordings" / "v0.30.0.jsonl"


@dataclass(frozen=True)
class Call:
    """One request and the platform's answer; a body is JSON, other text, or "" for none."""

    name: str
    service: str
    method: str
    path: str
    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    sent: Any = None
    sent_headers: dict[str, str] = field(default_factory=dict)

    @property
    def message(self) -> str:
        return str(self.body["message"])


def _read() -> tuple[tuple[Call, ...], dict[str, Any]]:
    calls, others = [], {}
    for line in _FILE.read_text().splitlines():
        entry = json.loads(line)
        if "method" not in entry:
            others[entry["name"]] = entry
            continue
        calls.append(
            Call(
                entry["name"],
                entry["service"],
                entry["method"],
                entry["path"],
                entry["status"],
                entry["response_body"],
                entry["response_headers"],
                entry["request_body"],
                entry["request_headers"],
            )
        )
    return tuple(calls), others


#: All calls in order, and what is no call: headers and claims of tokens.
CALLS, DECODED = _read()
BY_NAME = {call.name: call for call in CALLS}
