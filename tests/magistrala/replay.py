"""Plays recorded calls against the sandbox, and tells where the two differ; ids, tokens and times are its own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import requests

from bootstrap_project.magistrala.sandbox.seed import ADMIN_PASSWORD
from bootstrap_project.magistrala.sandbox.state import ZERO_TIME
from tests.magistrala.recorded import BY_NAME, Call
from tests.support.sandbox import SandboxProcess

_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_ID = re.compile(rf"{_UUID}|(?:domain|client|channel)_[A-Za-z0-9]{{20,24}}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
_PAT = re.compile(r"pat_[A-Za-z0-9+/=]{44}_.{100}")
#: Times as numbers, the key itself, and how the binary was built.
_TYPE_ALONE = {"exp", "iat", "x", "version", "commit", "build_time"}
_HEADERS = ("Content-Type", "Location", "Cache-Control")


class Ids:
    """Which id of the recording is which of the sandbox: one for one."""

    def __init__(self) -> None:
        self._ours: dict[str, str] = {}

    def are_one(self, recorded: str, ours: str) -> bool:
        """Tell whether two ids stand for the same thing; the first time they meet, they do from then on."""
        if recorded not in self._ours and ours not in self._ours.values():
            self._ours[recorded] = ours
        return self._ours.get(recorded) == ours

    def put_in(self, text: str) -> str:
        """Return `text` with the recording's ids replaced by ours; those that nobody has stay."""
        return _ID.sub(lambda found: self._ours.get(found[0], found[0]), text)


def differences(recorded: Any, ours: Any, ids: Ids, where: str = "body") -> Iterator[str]:
    """Yield a line for each place in which two answers differ."""
    if type(recorded) is not type(ours):
        yield f"{where}: {recorded!r} is recorded, not {ours!r}"
    elif isinstance(recorded, dict):
        for name in sorted(recorded.keys() ^ ours.keys()):
            yield f"{where}.{name} is {'missing' if name in recorded else f'not recorded: {ours[name]!r}'}"
        for name in recorded.keys() & ours.keys():
            if name in _TYPE_ALONE:
                recorded_one, our_one = type(recorded[name]).__name__, type(ours[name]).__name__
            else:
                recorded_one, our_one = recorded[name], ours[name]
            yield from differences(recorded_one, our_one, ids, f"{where}.{name}")
    elif isinstance(recorded, list):
        if len(recorded) != len(ours):
            yield f"{where}: {len(recorded)} entries are recorded, not {len(ours)}"
        # Only the order of actions and members varies on a real platform, too.
        plain = all(isinstance(entry, str) for entry in recorded)
        pairs = zip(sorted(recorded), sorted(ours), strict=False) if plain else zip(recorded, ours, strict=False)
        for number, (recorded_one, our_one) in enumerate(pairs):
            yield from differences(recorded_one, our_one, ids, f"{where}[{number}]")
    elif not _same(recorded, ours, ids):
        yield f"{where}: {recorded!r} is recorded, not {ours!r}"
    elif isinstance(recorded, str) and _JWT.fullmatch(recorded):
        for part, (recorded_one, our_one) in {
            "header": (jwt.get_unverified_header(recorded), jwt.get_unverified_header(ours)),
            "claims": (_claims(recorded), _claims(ours)),
        }.items():
            yield from differences(recorded_one, our_one, ids, f"{where}.{part}")


def _same(recorded: object, ours: object, ids: Ids) -> bool:
    if not isinstance(recorded, str) or not isinstance(ours, str):
        return recorded == ours
    if _ID.fullmatch(recorded) and _ID.fullmatch(ours):
        return ids.are_one(recorded, ours)
    if ZERO_TIME in {recorded, ours}:
        return recorded == ours
    if any(form.fullmatch(recorded) and form.fullmatch(ours) for form in (_TIME, _JWT, _PAT)):
        return True
    return ids.put_in(recorded) == ours


def _claims(token: str) -> Any:
    return jwt.decode(token, options={"verify_signature": False})


class Replay:
    """The recorded people and their tokens at the sandbox; `found` holds the differences of each call by name."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self._sandbox = sandbox
        self._http = requests.Session()
        self._http.trust_env = False
        self._ids = Ids()
        self._tokens: dict[str, str] = {}
        self.found: dict[str, list[str]] = {}
        sandbox.ways(allow_unverified_user=True)

    def play(self, call: Call) -> None:
        """Make a call and note in what the answer differs."""
        if call.name in UNRECORDED:
            UNRECORDED[call.name](self)
        answer = self.send(call.method, f"/_svc/{call.service}{call.path}", call.sent, call.sent_headers)
        body: Any = answer.text
        if answer.content and answer.headers["Content-Type"] != "text/plain; charset=utf-8":
            body = answer.json()
        self._learn(call.name, body)
        lines = [] if answer.status_code == call.status else [f"{call.status} is recorded, not {answer.status_code}"]
        lines += differences(call.body, body, self._ids)
        headers = {name: answer.headers.get(name, "") for name in _HEADERS if name in call.headers}
        expected = {name: call.headers[name] for name in headers}
        lines += differences(expected, headers, self._ids, "headers")
        if lines:
            self.found.setdefault(call.name, []).extend(lines)

    def send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> requests.Response:
        """Send what the recording has, with our ids and tokens in it."""
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        if '"admin"' in text:
            text = text.replace("12345678", ADMIN_PASSWORD)
        return self._http.request(
            method,
            self._sandbox.url + self._ids.put_in(path),
            data=self._ids.put_in(text).encode() or None,
            headers={name: re.sub("<(.*)>", self._token, value) for name, value in headers.items()},
            timeout=10,
        )

    def by_owner(self, path: str, body: Any) -> Any:
        """POST something that was not recorded."""
        headers = {"Authorization": "Bearer <owner>", "Content-Type": "application/json"}
        answer = self.send("POST", path, body, headers)
        assert answer.ok, answer.text
        return answer.json()

    def call_it(self, recorded_id: str, ours: str) -> None:
        """Say which of our things a recorded id names."""
        assert self._ids.are_one(recorded_id, ours)

    def _token(self, who: re.Match[str]) -> str:
        if who[1] == "token with a wrong signature":
            head, claims, signature = self._tokens["owner"].split(".")
            return f"{head}.{claims}.{'A' * len(signature)}"
        return self._tokens[who[1]]

    def _learn(self, name: str, body: Any) -> None:
        """Keep the tokens that later calls are made with."""
        if not isinstance(body, dict):
            return
        if name.startswith("token.issue.") and "access_token" in body:
            who = name.removeprefix("token.issue.")
            self._tokens |= {who: body["access_token"], f"{who} refresh": body["refresh_token"]}
        elif name == "pat.create":
            self._tokens["PAT"] = body["secret"]
        elif name == "pat.secret.reset":
            self._tokens["PAT after reset"] = body["secret"]
        elif name == "apikey.create.type-3.second":
            self._tokens["API key"] = body["value"]


def _role_in_states(replay: Replay) -> None:
    states, member = BY_NAME["domain.create.states"].body["id"], BY_NAME["user.register.member"].body["id"]
    actions = ["read", "client_create", "client_read", "client_update", "channel_read"]
    body = {"role_name": "operator", "optional_actions": actions, "optional_members": [member]}
    replay.by_owner(f"/domains/{states}/roles", body)


def _what_is_deleted(replay: Replay) -> None:
    for name in ("client.delete", "channel.delete"):
        path, _, recorded_id = BY_NAME[name].path.rpartition("/")
        replay.call_it(recorded_id, replay.by_owner(path, {"name": "to be deleted"})["id"])


def _fleet(replay: Replay) -> None:
    """Make as many clients as the lists tell of: the first and the last by time and the first by name are shown."""
    pages = {order: BY_NAME[f"clients.list.order-{order}"] for order in ("created_at", "default", "name")}
    shown = {order: [entry["name"] for entry in call.body["clients"]] for order, call in pages.items()}
    first, last = shown["created_at"], shown["default"][::-1]
    between = [name for name in shown["name"] if name not in first]
    total = pages["name"].body["total"]
    missing = total - len(first) - len(between) - len(last)
    names = [*first, *between, *(f"fleet-{number + 1000}" for number in range(missing)), *last]
    path = BY_NAME["clients.list.order-name"].path.split("?")[0]
    replay.by_owner(f"{path}/bulk", [{"name": name} for name in names])


#: What happened before the call of this name without being recorded.
UNRECORDED: dict[str, Callable[[Replay], None]] = {
    "domain.disable.by-operator": _role_in_states,
    "client.delete.viewer": _what_is_deleted,
    "clients.list.order-id": _fleet,
}
