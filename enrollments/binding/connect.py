"""Connects bound channels to the clients that need them (docs/contract.md#k1)."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from threading import Event
from typing import Final

from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.errors import Forbidden, MagistralaError, Rejected, ResourceNotFound
from bootstrap_project.observability.request_id import current_request_id
from enrollments.binding.parallel import run_parallel
from enrollments.errors import at_slot, named
from enrollments.models import ConnectionState

logger = logging.getLogger(__name__)

CONNECTION_TYPES: Final = ("Publish", "Subscribe")


@dataclass(frozen=True, slots=True)
class BoundResource:
    """A resource in its slot, as far as connecting needs it."""

    slot: str
    resource_id: str


@dataclass(slots=True)
class Connector:
    """Makes the connections of one bind and remembers them, so that a second round asks only for what is new."""

    config_id: str
    domain_id: str
    magistrala: MagistralaClient
    token: str = field(repr=False)
    _done: set[tuple[str, str]] = field(default_factory=set, init=False, repr=False)
    _own: dict[str, ConnectionState] = field(default_factory=dict, init=False, repr=False)

    def connect_clients(self, channels: Collection[BoundResource], clients: Collection[BoundResource]) -> None:
        """Connect each of `channels` with each of `clients`, for publishing and for subscribing.

        Raises: MagistralaError that names both slots.
        Cost: one call for each pair that this connector has not made yet, a few at once; three for one that exists.
        """
        missing: dict[tuple[str, str], tuple[BoundResource, BoundResource]] = {}
        for channel, client in product(channels, clients):
            pair = (channel.resource_id, client.resource_id)
            if pair not in self._done:
                missing.setdefault(pair, (channel, client))
        run_parallel([partial(self._connect_pair, *pair) for pair in missing.values()])

    def _connect_pair(self, channel: BoundResource, client: BoundResource) -> None:
        try:
            self._connect(channel.resource_id, client.resource_id)
        except MagistralaError as error:
            doing = f"connecting it to the client of {named(client.slot)}"
            raise at_slot(error, channel.slot, doing=doing, is_incomplete=True) from error
        self._done.add((channel.resource_id, client.resource_id))

    def connect_config(self, channels: Collection[BoundResource], *, has_client: bool) -> dict[str, ConnectionState]:
        """Connect `channels` to the config's own id, best effort; return what is known, by channel id.

        Configs made before profiles were clients of the platform with the same id; today there is usually no such
        client, and that is no error. With `has_client` no failure is one: the device speaks as its bound client.

        Raises: MagistralaError that names the slot; never when `has_client`.
        Cost: one call a channel, three for a connection that exists; none further once the platform fails to answer.
        """
        missing: dict[str, BoundResource] = {}
        for channel in channels:
            if (channel.resource_id, self.config_id) in self._done:
                self._own[channel.resource_id] = ConnectionState.CONNECTED
            elif channel.resource_id not in self._own:
                missing.setdefault(channel.resource_id, channel)
        has_failed = Event()

        def connect(channel: BoundResource) -> None:
            if has_failed.is_set():
                return
            try:
                self._own[channel.resource_id] = self._connect_own(channel)
            except MagistralaError as error:
                if not has_client:
                    doing = "connecting it to the config's own id"
                    raise at_slot(error, channel.slot, doing=doing, is_incomplete=True) from error
                self._log_own(channel, "failed", error)
                if not isinstance(error, Rejected):
                    has_failed.set()

        run_parallel([partial(connect, channel) for channel in missing.values()])
        return self._own

    def _connect_own(self, channel: BoundResource) -> ConnectionState:
        try:
            self._connect(channel.resource_id, self.config_id)
        except (Forbidden, ResourceNotFound) as error:
            self._log_own(channel, ConnectionState.NO_SUCH_CLIENT.value, error)
            return ConnectionState.NO_SUCH_CLIENT
        return ConnectionState.CONNECTED

    def _connect(self, channel_id: str, client_id: str) -> None:
        self.magistrala.connect(
            self.domain_id, channel_id, client_id, CONNECTION_TYPES, self.token, request_id=current_request_id()
        )

    def _log_own(self, channel: BoundResource, outcome: str, error: MagistralaError) -> None:
        logger.info(
            "channel not connected to the config's own id",
            extra={
                "config_id": self.config_id,
                "slot": channel.slot,
                "channel_id": channel.resource_id,
                "outcome": outcome,
                "platform_status": error.status,
            },
        )
