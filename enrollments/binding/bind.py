"""Binds resources to the slots of a config: check, fetch, connect, and then store all or nothing."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from django.db import transaction

from bootstrap_project.conditions import IfMatch
from bootstrap_project.database.constraints import PLATFORM_ID_LENGTH
from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.slots import CHANNEL, CLIENT, SLOT_TYPES, BindingSlot
from configs.errors import ConfigNotFound
from configs.etags import check_stored, config_etag
from configs.models import Config
from enrollments.binding.connect import BoundResource, Connector
from enrollments.binding.fetch import Fetched, ResourceRef, fetch_all
from enrollments.binding.resolve import check_enabled, resolve
from enrollments.clock import database_time, time_of
from enrollments.errors import EnrollmentChanged, InvalidBinding, InvalidEnrollment, check_time, named
from enrollments.models import BindingSnapshot, ConnectionState
from enrollments.slots import declared_bindings
from profiles.models import Profile

logger = logging.getLogger(__name__)

#: How often the connections are completed when somebody else binds on the same config meanwhile.
MAX_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """The wish to have a resource in a slot."""

    slot: str
    type: str
    resource_id: str


@dataclass(frozen=True, slots=True)
class BindResult:
    """What was bound, and what is known of each bound channel's connection to the config's own id, by slot."""

    slots: tuple[str, ...]
    connections: Mapping[str, ConnectionState]


#: (slot, type, resource id) of each declared binding that a bind leaves alone.
_Others: TypeAlias = frozenset[tuple[str, str, str]]


def bind_resources(
    *,
    config: Config,
    requests: Sequence[BindingRequest],
    magistrala: MagistralaClient,
    token: str,
    if_match: IfMatch | None = None,
) -> BindResult:
    """Bind each requested resource to its slot, connect channels and clients, and store the snapshots, all or none.

    Slots that are not asked for keep their bindings. A call that failed can be repeated as it was.

    Raises: InvalidBinding, InvalidEnrollment before anything is asked of the platform; ResourceDisabled,
    MagistralaError naming the slot; EnrollmentChanged when the profile's slots changed meanwhile;
    ConfigNotFound when the config is gone; PreconditionFailed, looked for at first and before storing;
    DeadlinePassed, also when all is there and the time is over.
    Cost: one call for each distinct resource and for each new pair of channel and client, outside any transaction and
    a few at once; then one transaction of three statements.
    Source: docs/contract.md#e1 to #e3, #e7 and #k1.
    """
    if if_match is not None:
        if_match.check(config_etag(config))
    profile = config.profile
    if profile is None:
        raise InvalidEnrollment(
            "the config has no profile", "assign a profile to it first; the profile declares the slots"
        )
    wanted = match_requests(requests, profile)
    refs = {slot.name: ResourceRef(config.domain_id, slot.type, request.resource_id) for slot, request in wanted}
    fetched = fetch_all(refs.items(), magistrala=magistrala, token=token)
    for slot, ref in refs.items():
        check_enabled(slot, fetched[ref].resource)

    connector = Connector(str(config.pk), config.domain_id, magistrala, token)
    others = _others(config.pk, profile.slots, refs)
    for _ in range(MAX_ROUNDS):
        states = _connect(connector, wanted, others)
        rows = [_row(config, slot, fetched[refs[slot.name]], states) for slot, _request in wanted]
        seen = others
        others = _store(config, profile, rows, seen, if_match)
        if others == seen:
            break
    else:
        raise EnrollmentChanged(
            "the config was changed meanwhile", "others keep binding on it; nothing was stored, repeat the call"
        )
    connections = {row.slot: ConnectionState(row.connection) for row in rows if row.type == CHANNEL.name}
    logger.info(
        "resources bound",
        extra={
            "config_id": config.pk,
            "profile_id": profile.pk,
            "bindings": len(rows),
            "channels": len(connections),
            "config_not_connected": sum(state != ConnectionState.CONNECTED for state in connections.values()),
        },
    )
    return BindResult(tuple(row.slot for row in rows), connections)


def match_requests(requests: Sequence[BindingRequest], profile: Profile) -> list[tuple[BindingSlot, BindingRequest]]:
    """Return the requests beside the slots that they fill, in their order.

    Raises: InvalidBinding that names the first bad request and says what to do (docs/contract.md#e1).
    """
    if not requests:
        raise InvalidBinding("empty list provided", "bindings: give at least one of slot, type and resource_id")
    declared = {slot.name: slot for slot in profile.slots}
    matched: dict[str, tuple[BindingSlot, BindingRequest]] = {}
    for index, request in enumerate(requests):
        _check_members(index, request)
        slot = declared.get(request.slot)
        if slot is None:
            known = ", ".join(sorted(declared)[:20]) or "none"
            todo = f"declare it there, or use one that is: {known}"
            raise _invalid(index, request, "is not declared by the profile", todo)
        if request.type not in SLOT_TYPES:
            raise _invalid(index, request, "cannot hold such a type", f"type must be one of {', '.join(SLOT_TYPES)}")
        if request.type != slot.type:
            todo = f"bind a {slot.type} to it, or another slot"
            raise _invalid(index, request, f"is for a {slot.type}, not for a {request.type}", todo)
        if slot.name in matched:
            raise _invalid(index, request, "stands there twice", "a slot holds one resource; leave one of them out")
        matched[slot.name] = (slot, request)
    return list(matched.values())


def _check_members(index: int, request: BindingRequest) -> None:
    missing = [name for name in ("slot", "type", "resource_id") if not getattr(request, name)]
    if missing:
        place = f"bindings[{index}]" + (f" ({named(request.slot)})" if request.slot else "")
        raise InvalidBinding("missing entity id", f"{place}: give {' and '.join(missing)}")
    if len(request.resource_id) > PLATFORM_ID_LENGTH:
        todo = f"an id has at most {PLATFORM_ID_LENGTH} characters"
        raise _invalid(index, request, "asks for a resource_id that is too long", todo)


def _invalid(index: int, request: BindingRequest, defect: str, todo: str) -> InvalidBinding:
    return InvalidBinding(f"bindings[{index}]: {named(request.slot)} {defect}", todo, slot=request.slot, defect=defect)


def _others(config_id: uuid.UUID, slots: Iterable[BindingSlot], asked: Iterable[str]) -> _Others:
    stored = BindingSnapshot.objects.filter(config_id=config_id).only("slot", "type", "resource_id")
    touched = set(asked)
    return frozenset(
        (binding.slot, binding.type, binding.resource_id)
        for _slot, binding in declared_bindings(slots, stored)
        if binding.slot not in touched
    )


def _connect(
    connector: Connector, wanted: Sequence[tuple[BindingSlot, BindingRequest]], others: _Others
) -> dict[str, ConnectionState]:
    """Connect what is asked for with everything, and what is stored with what is asked for."""

    def asked(resource_type: str) -> list[BoundResource]:
        return [BoundResource(slot.name, request.resource_id) for slot, request in wanted if slot.type == resource_type]

    def stored(resource_type: str) -> list[BoundResource]:
        return [BoundResource(slot, resource_id) for slot, kind, resource_id in sorted(others) if kind == resource_type]

    channels, clients = asked(CHANNEL.name), asked(CLIENT.name)
    clients_of_config = clients + stored(CLIENT.name)
    connector.connect_clients(channels, clients_of_config)
    connector.connect_clients(stored(CHANNEL.name), clients)
    return connector.connect_config(channels, has_client=bool(clients_of_config))


def _row(config: Config, slot: BindingSlot, fetched: Fetched, states: Mapping[str, ConnectionState]) -> BindingSnapshot:
    resolved = resolve(slot, fetched.resource)
    row = BindingSnapshot(
        config=config,
        slot=slot.name,
        type=slot.type,
        resource_id=fetched.resource.id,
        snapshot=resolved.snapshot,
        connection=states.get(fetched.resource.id, ConnectionState.UNKNOWN)
        if slot.type == CHANNEL.name
        else ConnectionState.UNKNOWN,
    )
    row.secret_snapshot = resolved.secret_snapshot
    return row


def _store(
    config: Config, profile: Profile, rows: Sequence[BindingSnapshot], seen: _Others, if_match: IfMatch | None
) -> _Others:
    """Store `rows` if the config is still as it was seen; return the other bindings as they are now.

    When these are not `seen`, nothing was stored: connections between them and `rows` are still missing.
    """
    with transaction.atomic():
        check_stored(config.domain_id, config.pk, if_match)
        # The lock makes binds on one config follow each other, so that each sees what the one before has stored.
        current = (
            Config.objects.select_for_update(of=("self",))
            .select_related("profile")
            .only("id", "profile__id", "profile__binding_slots")
            .annotate(database_time=database_time())
            .filter(pk=config.pk)
            .first()
        )
        if current is None:
            raise ConfigNotFound(f"the config {config.pk} was removed meanwhile")
        # The slots are what was checked: another description or template meanwhile does no harm.
        stored = current.profile
        if stored is None or stored.pk != profile.pk or set(stored.slots) != set(profile.slots):
            raise EnrollmentChanged(
                "the config's profile was changed meanwhile",
                "nothing was stored; look at its slots and repeat the call",
            )
        others = _others(config.pk, profile.slots, [row.slot for row in rows])
        if others == seen:
            check_time()
            for row in rows:
                row.updated_at = time_of(current)
            BindingSnapshot.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["config", "slot"],
                update_fields=["type", "resource_id", "snapshot", "secret_sealed", "connection", "updated_at"],
            )
    return others
