"""The Magistrala sandbox as a process of its own, driven from tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from bootstrap_project.magistrala.client import MagistralaClient, MagistralaURLs

ROOT = Path(__file__).resolve().parents[2]


class SandboxProcess:
    """Starts `python -m bootstrap_project.magistrala.sandbox` on a free port; a context manager, or call stop().

    The process also ends when the test run dies: it watches a pipe that only we hold open.
    """

    def __init__(self, *, seed: str = "pi", latency_ms: float = 0) -> None:
        #: Told with each set of faults whether one of them lets callers wait.
        self.on_slowness: Callable[[bool], None] = lambda _slow: None
        self._http = requests.Session()
        self._http.trust_env = False
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "bootstrap_project.magistrala.sandbox"),
                *("--port", "0", "--seed", seed, "--latency-ms", str(latency_ms), "--stop-with-stdin"),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.ready_line = self._process.stdout.readline()
        if " ready on " not in self.ready_line:
            self.stop()
            raise RuntimeError(f"the sandbox did not start: {self.ready_line!r}")
        self.url = self.ready_line.split(" ready on ")[1].split()[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process' id."""
        return self._process.pid

    def stop(self) -> int:
        """End the process by SIGTERM and return its exit code."""
        self._http.close()
        self._process.terminate()
        try:
            code = self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait(timeout=60)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return code

    # What the platform's callers need.

    def service_url(self, service: str) -> str:
        """The base address under which even /health belongs to one service."""
        return f"{self.url}/_svc/{service}"

    def urls(self) -> MagistralaURLs:
        """Addresses of all services, each its own."""
        return MagistralaURLs(
            **{name: self.service_url(name) for name in ("clients", "channels", "domains", "users", "auth")}
        )

    def settings(self) -> dict[str, str]:
        """The product's settings that point at this sandbox."""
        return {
            f"MG_{name.upper()}_URL": self.service_url(name)
            for name in ("clients", "channels", "domains", "users", "auth")
        }

    def client(self, **options: Any) -> MagistralaClient:
        """An adapter for this sandbox."""
        return MagistralaClient(self.urls(), **options)

    # The sandbox's own endpoints.

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Call /_sandbox/<path>; return the decoded answer, None when it has no body."""
        response = self._http.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=60)
        assert response.ok, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def faults(self, *faults: dict[str, Any]) -> None:
        """Put exactly these faults in force; without any, everything works again."""
        self.admin("PUT", "faults", list(faults))
        self.on_slowness(any(fault.get("kind") in {"slow", "trickle"} for fault in faults))

    def token(self, user: str = "operator", kind: int = 0, **members: Any) -> str:
        """A token for a user: kind 0 access, 1 refresh, 2 recovery, 3 API key, 4 PAT, 5 invitation.

        Members: lifetime, expired, verified, hs, foreign, issuer.
        """
        return str(self.admin("POST", "tokens", {"user": user, "type": kind, **members})["token"])

    def pat(
        self, user: str = "operator", scopes: list[dict[str, str]] | None = None, **members: Any
    ) -> tuple[str, str]:
        """A personal access token and its id; `scopes` None allows everything that the user may do."""
        answer = self.admin("POST", "pats", {"user": user, "scopes": scopes, **members})
        return answer["token"], answer["id"]

    def revoke_pat(self, pat_id: str) -> None:
        self.admin("DELETE", f"pats/{pat_id}")

    def report(self) -> dict[str, Any]:
        """Counters (total, connections, most_in_flight, counts) and the last calls."""
        answer: dict[str, Any] = self.admin("GET", "calls")
        return answer

    def calls(self, service: str | None = None) -> list[dict[str, Any]]:
        """The calls since the last reset, oldest first; of one service when named."""
        return [call for call in self.report()["calls"] if service in {None, call["service"]}]

    def forget_calls(self) -> None:
        self.admin("DELETE", "calls")

    def reset(self) -> None:
        """Back to the seed, no faults, no calls, and none to come of those that nobody waits for any more.

        A connection of its own is accepted after all that were made before.
        """
        requests.post(f"{self.url}/_sandbox/reset", timeout=60).raise_for_status()

    def latency(self, milliseconds: float) -> None:
        self.admin("PUT", "latency", {"ms": milliseconds})

    def shared_secret(self, on: bool = True) -> None:
        """Make it a platform that signs with HS512 and has no public keys."""
        self.admin("PUT", "signing", {"shared_secret": on})

    def ways(self, **members: Any) -> None:
        """What differs between platforms: allow_unverified_user, api_keys; until the next reset."""
        self.admin("PUT", "ways", members)

    def rotate_keys(self) -> None:
        self.admin("PUT", "signing", {"rotate": True})

    def fleet(self, clients: int = 0, channels: int = 0, domain_id: str | None = None) -> dict[str, list[str]]:
        """Make many resources; return their ids under "clients" and "channels"."""
        body = {"clients": clients, "channels": channels} | ({"domain_id": domain_id} if domain_id else {})
        answer: dict[str, list[str]] = self.admin("POST", "fleet", body)
        return answer

    def change_everything(self) -> None:
        """Give every client a new secret and every channel new metadata."""
        self.admin("POST", "fleet/change")

    def domain_status(self, domain_id: str, status: str) -> None:
        self.admin("PUT", f"domains/{domain_id}/status", {"status": status})

    def member(self, domain_id: str, user: str, role: str | None, actions: list[str] | None = None) -> None:
        """Give a user a role in a domain, or take it away with None."""
        if role is None:
            self.admin("DELETE", f"domains/{domain_id}/members/{user}")
        else:
            self.admin("PUT", f"domains/{domain_id}/members/{user}", {"role": role, "actions": actions})

    def platform(self, method: str, path: str, token: str = "", body: object = None) -> requests.Response:
        """Call the platform's own API as a user would, whatever it answers."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self._http.request(
            method, f"{self.url}{path}", json=body, headers=headers, timeout=60, allow_redirects=False
        )
