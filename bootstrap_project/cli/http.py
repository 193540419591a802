"""The connection to the service: the standard library's HTTP client with deadlines, proxies and careful redirects."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urljoin, urlsplit

from bootstrap_project.cli.config import Settings
from bootstrap_project.cli.errors import BadResponse, CLIError, Unreachable
from bootstrap_project.cli.messages import Request, Response
from bootstrap_project.cli.proxies import Proxy, proxy_for

MAX_RESPONSE_BYTES: Final = 64 * 1024 * 1024
MAX_REDIRECTS: Final = 5
_REDIRECTS_OF_GET: Final = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_OF_ALL: Final = frozenset({307, 308})
#: OpenSSL's codes of a certificate for another host or address, and of one that is not yet, or no longer, valid.
_OTHER_NAME: Final = frozenset({62, 64})
_OUT_OF_TIME: Final = frozenset({9, 10})


class Service:
    """The service at one address, over one keep-alive connection."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._connection: http.client.HTTPConnection | None = None
        self._used = False
        self._prefix = ""
        self._headers: dict[str, str] = {}
        self._proxy: Proxy | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def send(self, request: Request) -> Response:
        """Send a request and return an answer of 2xx.

        Redirects are followed on the same scheme, host and port alone: every request carries a credential.
        Raises: APIError, Unreachable; UsageError for a credential that HTTP cannot carry.
        """
        target = self.settings.url.path + request.target
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._exchange(request, target)
            location = answer.headers.get("location", "")
            allowed = _REDIRECTS_OF_GET if request.method == "GET" else _REDIRECTS_OF_ALL
            if answer.status not in _REDIRECTS_OF_GET or not location:
                break
            target = self._redirected(answer, target, location, follow=answer.status in allowed)
        else:
            raise Unreachable(f"the service sent us on {MAX_REDIRECTS + 1} times")
        if not 200 <= answer.status < 300:
            raise answer.error()
        return answer

    def _redirected(self, answer: Response, target: str, location: str, *, follow: bool) -> str:
        """Return the target of a redirect that may be followed; raises the answer as an error for other redirects."""
        here = self.settings.url
        there = urlsplit(urljoin(f"{here.scheme}://{here.netloc}{target}", location))
        if not follow or (there.scheme, there.netloc) != (here.scheme, here.netloc):
            error = answer.error()
            shown = f"{there.scheme}://{there.netloc}{there.path}"
            error.details = (
                f"it sends us to {shown}, where no token goes unasked; see --bootstrap-url",
                *error.details,
            )
            raise error
        return there.path + (f"?{there.query}" if there.query else "")

    def _exchange(self, request: Request, target: str) -> Response:
        headers: dict[str, str | bytes] = {
            "Accept": "application/json",
            "Authorization": request.credential.header(),
            "User-Agent": "magistrala-cli",
        }
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        try:
            try:
                return self._attempt(request, target, headers)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                # A server may close a connection between two pages of a list.
                if not self._used or request.method != "GET":
                    raise
                self.close()
                self._used = False
                return self._attempt(request, target, headers)
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            self.close()
            raise self._explained(error, request) from error

    def _attempt(self, request: Request, target: str, headers: Mapping[str, str | bytes]) -> Response:
        if self._connection is None:
            self._connection = self._connect()
        connection = self._connection
        try:
            connection.request(request.method, self._prefix + target, request.body, {**headers, **self._headers})
        except (ConnectionResetError, BrokenPipeError):
            # A server that refuses a body may answer before it has read all of it.
            if connection.sock is None or request.body is None:
                raise
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_WR)
        response = connection.getresponse()
        body = response.read(MAX_RESPONSE_BYTES + 1)
        if len(body) > MAX_RESPONSE_BYTES:
            raise BadResponse(f"the answer is longer than {MAX_RESPONSE_BYTES // 1024 // 1024} MiB")
        # Reading up to a limit does not report a truncated body.
        if response.length:
            raise http.client.IncompleteRead(body, response.length)
        self._used = not response.will_close
        answer_headers = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, response.reason, answer_headers, body)

    def _connect(self) -> http.client.HTTPConnection:
        url, timeout = self.settings.url, self.settings.timeout_seconds
        host = url.hostname or ""
        port = url.port or (443 if url.scheme == "https" else 80)
        proxy = self._proxy = proxy_for(url.scheme, host, os.environ)
        to_host, to_port = (proxy.host, proxy.port) if proxy else (host, port)
        if url.scheme == "https":
            context = ssl.create_default_context()
            if self.settings.insecure:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            secure = http.client.HTTPSConnection(to_host, to_port, timeout=timeout, context=context)
            if proxy:
                secure.set_tunnel(host, port, proxy.headers)
            return secure
        if proxy:
            self._prefix, self._headers = f"http://{url.netloc}", proxy.headers
        return http.client.HTTPConnection(to_host, to_port, timeout=timeout)

    def _explained(self, error: Exception, request: Request) -> CLIError:
        """Return the CLI error for a failed connection, with where the address comes from."""
        explained = self._failure(error, request)
        through = f", through {self._proxy}" if self._proxy else ""
        explained.details = (*explained.details, f"the address is from {self.settings.url_source}{through}")
        return explained

    def _failure(self, error: Exception, request: Request) -> CLIError:
        url = self.settings.url
        where = f"{url.scheme}://{url.netloc}"
        details: tuple[str, ...] = ()
        if request.method != "GET" and not isinstance(error, ConnectionRefusedError | socket.gaierror | ssl.SSLError):
            details = ("the service may have done it all the same: look before you repeat it",)
        if isinstance(error, TimeoutError):
            return Unreachable(f"{where} gave no answer within {self.settings.timeout_seconds:g} s", *details)
        if isinstance(error, ssl.SSLCertVerificationError):
            hint = _hint_about_certificate(error)
            return Unreachable(f"the certificate of {where} is not trusted: {error.verify_message}", hint)
        if isinstance(error, ssl.SSLError):
            return Unreachable(f"{where} does not speak TLS as it should: {error.reason or error}")
        if isinstance(error, socket.gaierror | UnicodeError):
            return Unreachable(f"the name {self._proxy.host if self._proxy else url.hostname} is not known")
        if isinstance(error, ConnectionRefusedError):
            return Unreachable(f"nothing listens at {self._proxy or where}")
        if isinstance(error, http.client.IncompleteRead):
            return Unreachable(f"the answer of {where} ended too early", *details)
        if isinstance(error, http.client.HTTPException) and not isinstance(error, http.client.RemoteDisconnected):
            return Unreachable(f"{where} does not answer as an HTTP server does", *details)
        reason = getattr(error, "strerror", None) or str(error)
        return Unreachable(f"{where} cannot be reached: {reason}", *details)


def _hint_about_certificate(error: ssl.SSLCertVerificationError) -> str:
    """Return what helps against the defect that was found."""
    if error.verify_code in _OTHER_NAME:
        return "the certificate is for another name: call the service by that one; --insecure does without this check"
    if error.verify_code in _OUT_OF_TIME:
        return "renew the certificate, or look at this machine's clock; --insecure does without this check"
    named = {name: os.environ[name] for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)}
    missing = [
        f"{value}, which {name} names, cannot be read" for name, value in named.items() if not os.access(value, os.R_OK)
    ]
    return missing[0] if missing else "SSL_CERT_FILE names the authorities to trust; --insecure does without this check"
