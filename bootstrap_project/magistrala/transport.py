"""One HTTP request to the platform: bounded in time, bytes and repetitions, with typed failures."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from bootstrap_project.deadline import seconds_left
from bootstrap_project.magistrala.errors import MagistralaError, TimedOut, Unauthorized, Unavailable, deadline_passed
from bootstrap_project.magistrala.sessions import Answer, Session, answer_due

logger = logging.getLogger(__name__)

_BACKOFF_SECONDS = 0.1
_MAX_BACKOFF_SECONDS = 1.0
_MAX_RETRY_PAUSE_SECONDS = 2.0
_MAX_RETRY_AFTER_SECONDS = 3600
#: Time-outs end a little early or late; a call that ends so close to the deadline was ended by it.
_GRAIN_SECONDS = 0.02
_TRANSIENT = frozenset({502, 503, 504})
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,200}")

# Told of every request: service, operation, outcome, seconds.
Observer = Callable[[str, str, str, float], None]


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


#: Addresses that go out as they are; others are for `requests` to put right.
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+/[A-Za-z0-9._~/%-]*")
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "magistrala-bootstrap"}


class Transport:
    """Sends requests and reads answers; knows HTTP, nothing of Magistrala's resources."""

    def __init__(
        self,
        sessions: Mapping[str, Session],
        *,
        connect_timeout: float,
        read_timeout: float,
        retries: int,
        max_body: int,
        verify: bool | str,
        observe: Observer | None = None,
        while_waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Time-outs in seconds: `read_timeout` limits the whole answer, not the pause between two bytes.

        `sessions` are those of each service: the calls that one of them keeps waiting hold no connection of another.
        """
        self._sessions = sessions
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._retries = retries
        self._max_body = max_body
        self._verify = verify
        self._observe = observe
        self._while_waiting = while_waiting

    def request(
        self,
        service: str,
        method: str,
        url: str,
        *,
        token: str | None = None,
        params: Mapping[str, str | int] | None = None,
        json: Mapping[str, object] | None = None,
        request_id: str = "",
        operation: str,
        repeatable: bool = False,
        welcome: Callable[[Reply], bool] | None = None,
    ) -> Reply:
        """Return the answer; a `repeatable` request is repeated when its answer was lost or was a 429, 502, 503 or 504.

        `operation` names the call in metrics, where a refusal that is `welcome` counts as success.

        Raises: Unauthorized for a token that no header can hold; Unavailable; TimedOut, which is DeadlinePassed when
        the deadline of the context ended it. Never because of a status.
        Cost: at most 1 + retries requests, each of connect_timeout + read_timeout seconds and of what is left of the
        deadline; time-outs are not repeated, nor is anything for which there is no time.
        """
        headers = dict(_HEADERS)
        if token is not None:
            headers["Authorization"] = f"Bearer {_checked_token(token, service)}"
        if _REQUEST_ID.fullmatch(request_id):
            headers["X-Request-ID"] = request_id
        prepared = _prepared(method, url, headers, params=params, json=json)
        with self._while_waiting():
            return self._repeated(service, operation, prepared, self._retries if repeatable else 0, welcome)

    def _repeated(
        self,
        service: str,
        operation: str,
        prepared: requests.PreparedRequest,
        left: int,
        welcome: Callable[[Reply], bool] | None,
    ) -> Reply:
        number = 0
        while True:
            number += 1
            try:
                reply = self._observed(service, operation, prepared, welcome)
            except Unavailable as error:
                pause, reason = _backoff(number), "no answer"
                if left == 0 or error.permanent or pause >= seconds_left():
                    raise
            else:
                wait = _pause_after(reply, number)
                if left == 0 or wait is None or wait >= seconds_left():
                    return reply
                pause, reason = wait, str(reply.status)
            left -= 1
            logger.info("asking the platform again", extra={"service": service, "reason": reason, "attempt": number})
            time.sleep(pause)

    def _observed(
        self,
        service: str,
        operation: str,
        prepared: requests.PreparedRequest,
        welcome: Callable[[Reply], bool] | None,
    ) -> Reply:
        if self._observe is None:
            return self._send(service, prepared)
        started, outcome = time.monotonic(), "error"
        try:
            reply = self._send(service, prepared)
            outcome = "ok" if welcome is not None and welcome(reply) else _outcome(reply.status)
        except MagistralaError as error:
            outcome = "timeout" if isinstance(error, TimedOut) else "unavailable"
            raise
        else:
            return reply
        finally:
            self._observe(service, operation, outcome, time.monotonic() - started)

    def _send(self, service: str, prepared: requests.PreparedRequest) -> Reply:
        left = seconds_left()
        if left <= 0:
            raise deadline_passed(service)
        connecting, reading = min(self._connect_timeout, left), min(self._read_timeout, left)
        token = answer_due.set(time.monotonic() + min(self._connect_timeout + self._read_timeout, left))
        try:
            response = self._sessions[service].send(
                prepared,
                stream=True,
                allow_redirects=False,
                timeout=(connecting, reading),
                verify=self._verify,
                proxies={},
            )
            # Leaving the block gives the connection back, or closes it when bytes of the answer are still to come.
            with response:
                return Reply(response.status_code, response.headers, self._body(service, response))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = _failure(service, error)
            if isinstance(failure, TimedOut) and seconds_left() < _GRAIN_SECONDS:
                failure = deadline_passed(service)
            raise failure from error
        finally:
            answer_due.reset(token)

    def _body(self, service: str, response: Answer) -> bytes:
        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            raise Unavailable(
                f"The Magistrala {service} service compressed its answer although we asked it not to;"
                f" check MG_{service.upper()}_URL and any proxy on the way.",
                service=service,
                permanent=True,
                status=response.status_code,
            )
        pieces: list[bytes] = []
        size = 0
        while size <= self._max_body:
            piece = response.raw.read(self._max_body + 1 - size)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
            size += len(piece)
        raise Unavailable(
            f"The Magistrala {service} service answered more than {self._max_body} bytes;"
            " raise MG_MAX_ANSWER_BYTES if such answers are expected.",
            service=service,
            permanent=True,
            status=response.status_code,
        )


def _prepared(
    method: str,
    url: str,
    headers: dict[str, str],
    *,
    params: Mapping[str, str | int] | None,
    json: Mapping[str, object] | None,
) -> requests.PreparedRequest:
    if params or json is not None or not _PLAIN_URL.fullmatch(url):
        return requests.Request(method, url, headers=headers, params=dict(params or {}), json=json).prepare()
    # There is nothing to prepare, and `requests` would take longer to find that out than the call takes.
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url, prepared.headers = method, url, CaseInsensitiveDict(headers)
    return prepared


def _checked_token(token: str, service: str) -> str:
    # Anything else cannot be a token, and the HTTP library would quote it in its complaint.
    if not _TOKEN.fullmatch(token):
        raise Unauthorized(
            f"The token for the Magistrala {service} service is empty or malformed; sign in again.", service=service
        )
    return token


def _failure(service: str, error: Exception) -> MagistralaError:
    """Translate what the HTTP library raised; its own text may quote headers, so only its class is looked at."""
    setting = f"MG_{service.upper()}_URL"
    if isinstance(
        error,
        requests.Timeout | urllib3.exceptions.TimeoutError | urllib3.exceptions.EmptyPoolError | TimeoutError,
    ):
        return TimedOut(
            f"The Magistrala {service} service did not answer in time; try again, and check {setting} if it persists.",
            service=service,
        )
    if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
        return Unavailable(
            f"The Magistrala {service} service's certificate could not be verified; check {setting} and MG_CA_BUNDLE.",
            service=service,
            permanent=True,
        )
    return Unavailable(
        f"The Magistrala {service} service could not be reached or broke off its answer;"
        f" try again, and check {setting} if it persists.",
        service=service,
    )


def _outcome(status: int) -> str:
    """Return the word for a status in metrics."""
    if 200 <= status < 300:
        return "ok"
    words = {401: "unauthorized", 403: "forbidden", 404: "not_found", 400: "rejected", 409: "rejected", 422: "rejected"}
    return words.get(status, "unavailable")


def _backoff(number: int) -> float:
    longest: float = min(_MAX_BACKOFF_SECONDS, _BACKOFF_SECONDS * 2 ** (number - 1))
    # Jitter keeps many threads that failed together from coming back together.
    return longest * random.uniform(0.5, 1.0)  # noqa: S311


def retry_after(reply: Reply) -> int | None:
    """Return the seconds that the platform asks us to wait; dates and nonsense count as nothing said."""
    value = reply.headers.get("Retry-After", "").strip()
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        return None
    return min(int(value), _MAX_RETRY_AFTER_SECONDS)


def _pause_after(reply: Reply, number: int) -> float | None:
    """Return how long to wait before repeating, or None when the answer is final."""
    asked = retry_after(reply)
    if reply.status in _TRANSIENT or reply.status == 429:
        if asked is None:
            return _backoff(number)
        return float(asked) if asked <= _MAX_RETRY_PAUSE_SECONDS else None
    return None
