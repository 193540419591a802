"""The scenario of the specification over HTTP: sign in, enrol the Raspberry Pi, bootstrap it.

Each step looks before it makes, so that a run that was stopped half-way is completed by the next one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from bootstrap_project.demo import pi
from bootstrap_project.demo.errors import DemoError

#: The demo speaks to this machine alone; a first request may wait for a worker to start.
TIMEOUT_SECONDS = 20

Echo = Callable[[str], None]


@dataclass(frozen=True)
class Delivery:
    """What the Pi got: the status, the configuration when there was one, and else the message."""

    status: int
    configuration: Any
    message: str


class Http:
    """JSON calls to one base URL, with the errors of the demo."""

    def __init__(self, name: str, base_url: str, authorization: str = ""):
        self._name = name
        self._base_url = base_url
        self._session = requests.Session()
        # A proxy of the caller's has no business with addresses of this machine.
        self._session.trust_env = False
        if authorization:
            self._session.headers["Authorization"] = authorization

    def answer(self, method: str, path: str, body: object = None, **query: str) -> requests.Response:
        """Return the answer to one request, whatever its status.

        Raises: DemoError when there is none.
        """
        url = self._base_url + path
        try:
            return self._session.request(
                method, url, json=body, params=query, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            raise DemoError(f"The {self._name} gave no answer to {method} {path} ({type(error).__name__}).") from error

    def call(self, method: str, path: str, body: object = None, **query: str) -> Any:
        """Return the decoded body of a good answer, None when it has no body.

        Raises: DemoError for any other status and for a body that is not JSON.
        """
        answer = self.answer(method, path, body, **query)
        if not answer.ok:
            raise DemoError(f"The {self._name} answered {answer.status_code} to {method} {path}: {message_of(answer)}")
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise DemoError(f"The {self._name} answered {method} {path} with something that is not JSON.") from error


def message_of(answer: requests.Response) -> str:
    """Return what an error answer says."""
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]


def issue_token(platform_url: str) -> str:
    """Return a fresh token of the operator.

    Raises: DemoError when the platform gives none.
    """
    platform = Http("sandbox", platform_url)
    issued = platform.call("POST", "/users/tokens/issue", {"username": pi.OPERATOR, "password": pi.OPERATOR_PASSWORD})
    try:
        return str(issued["access_token"])
    except (KeyError, TypeError) as error:
        raise DemoError("The sandbox issued no token.") from error


class Scenario:
    """The operator's side, through our own REST API."""

    def __init__(self, service_url: str, token: str):
        self._api = Http("service", service_url, f"Bearer {token}")
        self._configs = f"/{pi.DOMAIN_ID}/clients/configs"
        self._profiles = f"/{pi.DOMAIN_ID}/clients/bootstrap/profiles"
        self._enrollments = f"/{pi.DOMAIN_ID}/clients/bootstrap/enrollments"

    def count(self) -> int:
        return int(self._api.call("GET", self._configs, status="all", limit="1")["total"])

    def find(self) -> str:
        """Return the id of the Pi's config, "" when it is not enrolled."""
        found = self._api.call("GET", self._configs, status="all", external_id=pi.EXTERNAL_ID)["configs"]
        return str(found[0]["id"]) if found else ""

    def enrol(self, echo: Echo) -> str:
        """Go through the specification's steps 2 to 6 and return the id of the Pi's config."""
        profile_id = self._profile(echo)
        config_id = self.find()
        if not config_id:
            config_id = str(self._api.call("POST", self._configs, pi.config(profile_id))["id"])
            echo(f"config {config_id}")
        self.bind(config_id, echo)
        preview = self._api.call("POST", f"{self._profiles}/{profile_id}/render-preview", pi.preview(config_id))
        if json.loads(preview["content"]) != pi.expected_configuration(config_id):
            raise DemoError("The preview is not what the specification shows.")
        echo("preview as in the specification")
        self._api.call("POST", f"{self._configs}/{config_id}/enable")
        echo("config enabled")
        return config_id

    def bind(self, config_id: str, echo: Echo) -> None:
        """Bind the Pi's slots unless they are bound."""
        path = f"{self._enrollments}/{config_id}/bindings"
        if not self._api.call("GET", path)["bindings"]:
            self._api.call("PUT", path, {"bindings": pi.BINDINGS})
            echo("slots bound to the client and its two channels")

    def _profile(self, echo: Echo) -> str:
        name = pi.PROFILE["name"]
        for profile in self._api.call("GET", self._profiles, name=name, limit="100")["profiles"]:
            if profile["name"] == name:
                return str(profile["id"])
        made = str(self._api.call("POST", self._profiles, pi.PROFILE)["id"])
        echo(f"profile {made}")
        return made


def bootstrap(service_url: str) -> Delivery:
    """Ask for the Pi's configuration as the Pi does (step 7).

    Raises: DemoError when there is no answer.
    """
    device = Http("service", service_url, f"Client {pi.EXTERNAL_KEY}")
    answer = device.answer("GET", f"/clients/bootstrap/{pi.EXTERNAL_ID}")
    if answer.status_code != requests.codes.ok:
        return Delivery(answer.status_code, None, message_of(answer))
    try:
        return Delivery(answer.status_code, json.loads(answer.json()["content"]), "")
    except (ValueError, KeyError, TypeError) as error:
        raise DemoError("The Pi received something that is not JSON.") from error


def is_healthy(service_url: str) -> bool:
    """Return whether the service answers and can use its database."""
    try:
        return Http("service", service_url).answer("GET", "/health").ok
    except DemoError:
        return False
