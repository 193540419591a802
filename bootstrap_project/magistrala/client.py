"""The typed client of the Magistrala platform: the only door through which the product asks it anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from bootstrap_project.magistrala import answers
from bootstrap_project.magistrala.errors import (
    Forbidden,
    MagistralaError,
    Rejected,
    ResourceNotFound,
    Unauthorized,
    Unavailable,
    Unverified,
)
from bootstrap_project.magistrala.resources import ChannelResource, ClientResource, DomainMembership, KeySet, TokenPair
from bootstrap_project.magistrala.sessions import Session, new_session
from bootstrap_project.magistrala.transport import Observer, Reply, Transport, retry_after
from bootstrap_project.magistrala.urls import SERVICES, MagistralaURLs, path_segment

__all__ = ["MagistralaClient", "MagistralaURLs"]

_ALREADY_EXISTS = "entity already exists"
_NOT_VERIFIED = "email not verified"
# What the platform says is shown only when it is one of its own fixed sentences; a body could quote anything.
_KNOWN_REASONS = frozenset(
    {
        _ALREADY_EXISTS,
        "missing entity id",
        "missing connection type",
        "failed to create entity",
        "invalid limit size",
        "invalid query parameters",
        "unsupported content token type",
    }
)
_MAX_PAGE_SIZE = 100
#: Whether a service is well is asked seldom, and not behind those who wait for it.
_PROBES_AT_ONCE = 2


class MagistralaClient:
    """Asks Magistrala's services over HTTP; one instance serves all threads of a process.

    Every method takes the caller's own token, so the platform decides what the caller may do, and `request_id`, which
    goes out as X-Request-ID so that the logs of both sides can be joined.
    """

    def __init__(
        self,
        urls: MagistralaURLs,
        *,
        connect_timeout: float = 2.0,
        read_timeout: float = 5.0,
        retries: int = 2,
        max_body: int = 1024 * 1024,
        pool_size: int = 32,
        verify: bool | str = True,
        session: Session | None = None,
        observe: Observer | None = None,
        while_waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Time-outs in seconds, `max_body` in bytes; `verify` may name a CA bundle, `session` is left as given.

        There are `pool_size` connections for each service, also where all have one address, and others with which to
        ask whether it is well: who waits for one service keeps nobody from another. A `session` is used for all.
        `observe` is told of every request, repeats included: service, method of this class, outcome, seconds.
        `while_waiting` is entered while a request is under way, repeats and their pauses included.
        """
        self.urls = urls
        self._sessions: list[Session] = []

        def transport(connections: int) -> Transport:
            own = {service: session or new_session(connections) for service in SERVICES}
            self._sessions.extend(own.values())
            return Transport(
                own,
                connect_timeout=connect_timeout,
                read_timeout=read_timeout,
                retries=retries,
                max_body=max_body,
                verify=verify,
                observe=observe,
                while_waiting=while_waiting,
            )

        self._transport = transport(pool_size)
        self._probes = transport(_PROBES_AT_ONCE)

    def close(self) -> None:
        """Close the pooled connections; the client can still be used and then opens new ones."""
        for session in self._sessions:
            session.close()

    def view_client(self, domain_id: str, client_id: str, token: str, *, request_id: str = "") -> ClientResource:
        """Return a client with its credentials.

        Raises: Unauthorized, Forbidden (also for an id that does not exist), ResourceNotFound, Unavailable, TimedOut.
        Cost: one GET, repeated at most `retries` times.
        Source: Magistrala clients API, "view client".
        """
        what = f"client {client_id}"
        item = self._view("clients", domain_id, client_id, what, token, request_id)
        return answers.client("clients", item)

    def view_channel(self, domain_id: str, channel_id: str, token: str, *, request_id: str = "") -> ChannelResource:
        """Return a channel.

        Raises: Unauthorized, Forbidden (also for an id that does not exist), ResourceNotFound, Unavailable, TimedOut.
        Cost: one GET, repeated at most `retries` times.
        Source: Magistrala channels API, "view channel".
        """
        what = f"channel {channel_id}"
        item = self._view("channels", domain_id, channel_id, what, token, request_id)
        return answers.channel("channels", item)

    def connect(
        self,
        domain_id: str,
        channel_id: str,
        client_id: str,
        connection_types: Sequence[str],
        token: str,
        *,
        request_id: str = "",
    ) -> bool:
        """Connect one client to one channel; return True when newly connected in some way, False when it already was.

        `connection_types` are "Publish", "Subscribe" or both. Safe to repeat; a repeat after a lost answer returns
        False.

        Raises: Unauthorized, Forbidden, ResourceNotFound, Rejected (disabled or foreign), Unavailable, TimedOut.
        Cost: one POST, repeated at most `retries` times; one more for each of several types where these are refused.
        Source: Magistrala channels API, "connect". The platform takes all types of a call or, when one of them exists
        already or is refused, none; so they are then asked for one by one (docs/contract.md#k1).
        """
        try:
            return self._connect(domain_id, channel_id, client_id, connection_types, token, request_id)
        except Rejected as error:
            if len(connection_types) == 1 or error.status not in {400, 409}:
                raise
        made = [self._connect(domain_id, channel_id, client_id, [one], token, request_id) for one in connection_types]
        return any(made)

    def _connect(
        self,
        domain_id: str,
        channel_id: str,
        client_id: str,
        connection_types: Sequence[str],
        token: str,
        request_id: str,
    ) -> bool:
        what = f"client {client_id} on channel {channel_id}"
        url = self._url("channels", [domain_id, "channels", "connect"], what)
        reply = self._transport.request(
            "channels",
            "POST",
            url,
            token=token,
            json={"channel_ids": [channel_id], "client_ids": [client_id], "types": list(connection_types)},
            request_id=request_id,
            operation="connect",
            repeatable=True,
            welcome=_already_connected,
        )
        if _already_connected(reply) and len(connection_types) == 1:
            return False
        # Only what the platform documents counts: a proxy's friendly page must not pass for a connection.
        _check("channels", reply, (201,), f"connect {what}")
        return True

    def membership(self, domain_id: str, token: str, *, request_id: str = "") -> DomainMembership | None:
        """Return what the token's user is in a domain, or None when nothing (or there is no such domain).

        Raises: Unauthorized, Forbidden, Rejected, Unavailable, TimedOut.
        Cost: one GET, repeated at most `retries` times.
        Source: Magistrala domains API, "list domains"; needs no scope of a personal access token.
        """
        if path_segment(domain_id) is None:
            return None
        params: dict[str, str | int] = {"id": domain_id, "status": "all", "limit": 1}
        found = self._domains(params, token, request_id, "membership")
        # A platform that ignored the filter would otherwise open one domain with the rights of another.
        if any(entry.id != domain_id for entry in found):
            raise answers.unusable("domains", "it is about another domain")
        return found[0] if found else None

    def reads_domain(self, domain_id: str, token: str, *, request_id: str = "") -> bool:
        """Return whether the token may view the domain: the one right of a personal access token that can be tried.

        Raises: Unauthorized, Rejected, Unavailable, TimedOut.
        Cost: one GET, repeated at most `retries` times.
        Source: Magistrala domains API, "view domain": 200 to the scope `read` of domains, 403 without it.
        """
        return self._view_domain(domain_id, token, request_id, "reads_domain") == 200

    def domain_exists(self, domain_id: str, token: str, *, request_id: str = "") -> bool:
        """Return whether there is such a domain, whoever may see it.

        Raises: Unauthorized, Rejected, Unavailable, TimedOut.
        Cost: one GET, repeated at most `retries` times.
        Source: Magistrala domains API, "view domain": 403 to those who may not see it, 404 when there is none.
        """
        return self._view_domain(domain_id, token, request_id, "domain_exists") != 404

    def list_domains(
        self, token: str, *, limit: int = _MAX_PAGE_SIZE, offset: int = 0, request_id: str = ""
    ) -> tuple[DomainMembership, ...]:
        """Return the domains, of any status, in which the token's user holds a role (all for platform admins).

        Raises: Unauthorized, Forbidden, Rejected, Unavailable, TimedOut.
        """
        params: dict[str, str | int] = {"status": "all", "limit": limit}
        if offset:
            params["offset"] = offset
        return tuple(self._domains(params, token, request_id, "list_domains"))

    def issue_token(self, username: str, password: str, *, request_id: str = "") -> TokenPair:
        """Return tokens for a user name (or e-mail address) and password.

        Raises: Unauthorized for an unknown user (404) as well as for a wrong password (422; 401 by other versions);
        Rejected, Unavailable, TimedOut.
        """
        body = {"username": username, "password": password}
        url = f"{self.urls.users}/users/tokens/issue"
        reply = self._transport.request("users", "POST", url, json=body, request_id=request_id, operation="issue_token")
        if reply.status in {401, 403, 404, 422}:
            raise Unauthorized(
                "The Magistrala users service does not accept this user name and password; one of them is wrong.",
                service="users",
                status=reply.status,
            )
        _check("users", reply, (201, 200), "issue a token")
        return answers.token_pair("users", answers.decode("users", reply.body))

    def refresh_token(self, refresh_token: str, *, request_id: str = "") -> TokenPair:
        """Return a new pair for a refresh token.

        Raises: Unauthorized when it is expired or no refresh token; Rejected, Unavailable, TimedOut.
        """
        url = f"{self.urls.users}/users/tokens/refresh"
        # The empty object gives the JSON content type, without which the platform answers 415.
        reply = self._transport.request(
            "users", "POST", url, token=refresh_token, json={}, request_id=request_id, operation="refresh_token"
        )
        _check("users", reply, (201, 200), "refresh the token")
        return answers.token_pair("users", answers.decode("users", reply.body))

    def jwks(self, *, request_id: str = "") -> KeySet:
        """Return the public keys with which the platform signs tokens; none on platforms with a shared secret.

        Raises: Unavailable, TimedOut; Forbidden, ResourceNotFound and others when the address is wrong.
        """
        reply = self._transport.request(
            "auth", "GET", self.urls.jwks, request_id=request_id, operation="jwks", repeatable=True
        )
        _check("auth", reply, (200,), "read its signing keys")
        return answers.key_set("auth", answers.decode("auth", reply.body), reply.headers.get("Cache-Control", ""))

    def search_clients(
        self, domain_id: str, name: str, token: str, limit: int = 10, *, status: str = "", request_id: str = ""
    ) -> tuple[ClientResource, ...]:
        """Return clients of a domain whose name contains `name`, in the platform's order; at most 100.

        `status` is enabled, disabled or all; without it the platform tells those that are enabled.
        Raises: Unauthorized, Forbidden, ResourceNotFound, Rejected, Unavailable, TimedOut.
        """
        items = self._search("clients", domain_id, name, token, limit, status, request_id)
        return tuple(answers.client("clients", item) for item in items)

    def search_channels(
        self, domain_id: str, name: str, token: str, limit: int = 10, *, status: str = "", request_id: str = ""
    ) -> tuple[ChannelResource, ...]:
        """Return channels of a domain whose name contains `name`, in the platform's order; at most 100.

        `status` is enabled, disabled or all; without it the platform tells those that are enabled.
        Raises: Unauthorized, Forbidden, ResourceNotFound, Rejected, Unavailable, TimedOut.
        """
        items = self._search("channels", domain_id, name, token, limit, status, request_id)
        return tuple(answers.channel("channels", item) for item in items)

    def health(self, service: str, *, request_id: str = "") -> bool:
        """Return whether a service says that it is well; every kind of failure is False.

        Raises: ValueError for a service we do not know.
        Cost: one GET, never repeated.
        """
        url = f"{self.urls.of(service)}/health"
        try:
            reply = self._probes.request(service, "GET", url, request_id=request_id, operation="health")
            return reply.status == 200 and answers.decode(service, reply.body).get("status", "pass") == "pass"
        except MagistralaError:
            return False

    def lists(self, resource_type: str, domain_id: str, resource_id: str, token: str, *, request_id: str = "") -> bool:
        """Return whether the domain's list shows a client or a channel, enabled or not, to the token's user.

        Unlike viewing, listing asks for no scope and tells what exists from what does not; to who may read nothing the
        list is empty.

        Raises: Unauthorized, Forbidden, ResourceNotFound, Rejected, Unavailable, TimedOut.
        Cost: one GET, repeated at most `retries` times.
        Source: Magistrala clients and channels APIs, "list", parameters id and status.
        """
        service = f"{resource_type}s"
        params: dict[str, str | int] = {"id": resource_id, "status": "all", "limit": 1}
        items = self._list(service, domain_id, params, token, request_id, f"find_{resource_type}")
        # A platform that ignored the filter says nothing about this one.
        if any(item.get("id") != resource_id for item in items):
            raise answers.unusable(service, "it is about another resource")
        return bool(items)

    def _view(
        self, service: str, domain_id: str, resource_id: str, what: str, token: str, request_id: str
    ) -> dict[str, object]:
        url = self._url(service, [domain_id, service, resource_id], what)
        reply = self._transport.request(
            service, "GET", url, token=token, request_id=request_id, operation=f"view_{service[:-1]}", repeatable=True
        )
        _check(service, reply, (200,), f"view {what}")
        item = answers.decode(service, reply.body)
        if item.get("id") != resource_id:
            raise answers.unusable(service, "it is about another resource")
        return item

    def _search(
        self, service: str, domain_id: str, name: str, token: str, limit: int, status: str, request_id: str
    ) -> list[dict[str, object]]:
        params: dict[str, str | int] = {"limit": max(1, min(limit, _MAX_PAGE_SIZE))}
        if name:
            # Half a character, which no name holds, cannot be sent.
            params["name"] = name.encode(errors="replace").decode()
        if status:
            params["status"] = status
        return self._list(service, domain_id, params, token, request_id, f"search_{service}")

    def _list(
        self, service: str, domain_id: str, params: dict[str, str | int], token: str, request_id: str, operation: str
    ) -> list[dict[str, object]]:
        url = self._url(service, [domain_id, service], f"domain {domain_id}")
        reply = self._transport.request(
            service,
            "GET",
            url,
            token=token,
            params=params,
            request_id=request_id,
            operation=operation,
            repeatable=True,
        )
        _check(service, reply, (200,), f"list {service} of domain {domain_id}")
        return answers.page(service, answers.decode(service, reply.body), service)

    def _view_domain(self, domain_id: str, token: str, request_id: str, operation: str) -> int:
        """Return the status of viewing a domain: 200, 403 to those who may not, 404 when there is none."""
        segment = path_segment(domain_id)
        if segment is None:
            return 404
        reply = self._transport.request(
            "domains",
            "GET",
            f"{self.urls.domains}/domains/{segment}",
            token=token,
            request_id=request_id,
            operation=operation,
            repeatable=True,
        )
        if reply.status not in {403, 404}:
            _check("domains", reply, (200,), f"view domain {domain_id}")
        return reply.status

    def _domains(
        self, params: dict[str, str | int], token: str, request_id: str, operation: str
    ) -> list[DomainMembership]:
        url = f"{self.urls.domains}/domains"
        reply = self._transport.request(
            "domains",
            "GET",
            url,
            token=token,
            params=params,
            request_id=request_id,
            operation=operation,
            repeatable=True,
        )
        _check("domains", reply, (200,), "list domains")
        offset = int(params.get("offset", 0))
        found = answers.page("domains", answers.decode("domains", reply.body), "domains", offset=offset)
        return [answers.membership("domains", item) for item in found]

    def _url(self, service: str, segments: list[str], what: str) -> str:
        encoded = [path_segment(segment) for segment in segments]
        if None in encoded:
            raise ResourceNotFound(f"The Magistrala {service} service cannot have {_short(what)}.", service=service)
        return "/".join([self.urls.of(service), *(segment for segment in encoded if segment)])


def _check(service: str, reply: Reply, expected: tuple[int, ...], action: str) -> None:
    """Raise the typed error for an answer whose status is not among the expected ones."""
    status = reply.status
    if status in expected:
        return
    action, who = _short(action), f"The Magistrala {service} service"
    if status == 401 and _reason(reply) == _NOT_VERIFIED:
        raise Unverified(
            f"{who} lets nobody in whose e-mail address is not verified: follow the link in the platform's mail and"
            " sign in again; the platform's setting MG_ALLOW_UNVERIFIED_USER decides.",
            service=service,
            status=status,
        )
    if status == 401:
        raise Unauthorized(
            f"{who} does not accept the token; sign in again or use a valid token.", service=service, status=status
        )
    if status == 403:
        raise Forbidden(
            f"{who} does not let this token {action}, or there is no such thing; check the id and the token's rights.",
            service=service,
            status=status,
        )
    if status == 404:
        raise ResourceNotFound(
            f"{who} could not {action}: it does not exist; check the id and the domain.", service=service, status=status
        )
    if status in {400, 409, 422}:
        reason = _reason(reply)
        why = f" ({reason})" if reason in _KNOWN_REASONS else ""
        raise Rejected(
            f"{who} refused to {action}{why}; check that everything involved is enabled and in this domain.",
            service=service,
            status=status,
        )
    if 300 <= status < 400:
        raise Unavailable(
            f"{who} redirected us elsewhere ({status}); set MG_{service.upper()}_URL to its final address.",
            service=service,
            permanent=True,
            status=status,
        )
    if status == 429:
        raise Unavailable(
            f"{who} is being asked too often (429); wait before trying again.",
            service=service,
            status=status,
            retry_after=retry_after(reply),
        )
    if status >= 500:
        raise Unavailable(
            f"{who} failed ({status}); try again, and look at its logs if it persists.",
            service=service,
            status=status,
            retry_after=retry_after(reply),
        )
    raise Unavailable(
        f"{who} answered {status}, which we did not expect; check MG_{service.upper()}_URL and the platform's version.",
        service=service,
        permanent=True,
        status=status,
    )


def _already_connected(reply: Reply) -> bool:
    return reply.status == 409 or (reply.status == 400 and _reason(reply) == _ALREADY_EXISTS)


def _reason(reply: Reply) -> str:
    try:
        value = answers.decode("", reply.body).get("message", "")
    except Unavailable:
        return ""
    return value if isinstance(value, str) else ""


def _short(text: str) -> str:
    """Cut what callers gave us to a length that fits a sentence."""
    return text if len(text) <= 200 else text[:199] + "…"
