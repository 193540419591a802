"""The data sets that the sandbox can start with.

`pi` is the Raspberry Pi of the service's documentation, plus what isolation tests need:

=============  ========================  ====================  =====================================================
who            signs in as               password              may
=============  ========================  ====================  =====================================================
operator       operator@example.com      operator-password     everything in the domain "warehouses" (role admin)
editor         editor@example.com        editor-password       everything with clients and channels of "warehouses"
viewer         viewer@example.com        viewer-password       look at clients and channels of "warehouses"
outsider       outsider@example.com      outsider-password     everything in the domain "greenhouses", nothing else
nobody         nobody@example.com        nobody-password       sign in; is in no domain
admin          admin@example.com         admin-password        everything: administers the platform
=============  ========================  ====================  =====================================================

User names without "@example.com" work too. "warehouses" holds the client raspberry-pi-warehouse-1 and the channels
warehouse-1-temperature and warehouse-1-pi-commands, not connected; "greenhouses" holds one client and one channel.

`empty` has the platform administrator alone.
"""

from __future__ import annotations

from bootstrap_project.magistrala.sandbox.state import (
    ADMIN_ROLE,
    ROLE_ACTIONS,
    Channel,
    Client,
    Domain,
    Role,
    State,
    User,
    role_id,
)

DOMAIN_ID = "b2f1c6de-0a55-4c3e-9d10-7a6f0c1d2e3f"
DOMAIN_NAME = "warehouses"
CLIENT_ID = "6b5f5f74-f3b1-4b78-9d9a-4b7d9b0f2d11"
CLIENT_NAME = "raspberry-pi-warehouse-1"
CLIENT_IDENTITY = "raspberry-pi-warehouse-1"
CLIENT_SECRET = "example-client-secret"  # noqa: S105 - the documentation's example
TELEMETRY_CHANNEL_ID = "0df6c6a5-0dc7-4bb7-8298-0e3c8a89d913"
TELEMETRY_CHANNEL_NAME = TELEMETRY_CHANNEL_ROUTE = "warehouse-1-temperature"
COMMANDS_CHANNEL_ID = "f9b6b1d2-66a1-4d9d-a509-75e6ddc3a2c8"
COMMANDS_CHANNEL_NAME = COMMANDS_CHANNEL_ROUTE = "warehouse-1-pi-commands"

OTHER_DOMAIN_ID = "3c9a4e0f-7d21-4b6a-8f55-1e2d3c4b5a69"
OTHER_DOMAIN_NAME = "greenhouses"
OTHER_CLIENT_ID = "a7e0d9c4-58b3-4f12-9c6d-0b1a2c3d4e5f"
OTHER_CHANNEL_ID = "d41b8f60-2c7e-4a95-b3d8-6f5e4d3c2b1a"

OPERATOR_ID = "11111111-1111-4111-8111-111111111111"
EDITOR_ID = "22222222-2222-4222-8222-222222222222"
VIEWER_ID = "33333333-3333-4333-8333-333333333333"
OUTSIDER_ID = "44444444-4444-4444-8444-444444444444"
NOBODY_ID = "55555555-5555-4555-8555-555555555555"
ADMIN_ID = "66666666-6666-4666-8666-666666666666"

OPERATOR, OPERATOR_PASSWORD = "operator@example.com", "operator-password"
EDITOR, EDITOR_PASSWORD = "editor@example.com", "editor-password"
VIEWER, VIEWER_PASSWORD = "viewer@example.com", "viewer-password"
OUTSIDER, OUTSIDER_PASSWORD = "outsider@example.com", "outsider-password"
NOBODY, NOBODY_PASSWORD = "nobody@example.com", "nobody-password"
ADMIN, ADMIN_PASSWORD = "admin@example.com", "admin-password"


def load_seed(name: str) -> State:
    """Return a fresh state for a seed.

    Raises: ValueError for an unknown name.
    """
    if name == "empty":
        return _empty()
    if name == "pi":
        return _pi()
    raise ValueError(f"There is no seed named {name!r}; use pi or empty.")


def role(name: str, domain_id: str) -> Role:
    """Return one of the ready-made roles (admin, editor, viewer) of a domain."""
    return Role(role_id("domain", domain_id, name), name, ROLE_ACTIONS[name])


def _empty() -> State:
    state = State()
    state.users[ADMIN_ID] = User(
        ADMIN_ID, "admin", ADMIN, ADMIN_PASSWORD, "Ada", "Admin", role=ADMIN_ROLE, verified=False
    )
    return state


def _pi() -> State:
    state = _empty()
    for user in (
        User(OPERATOR_ID, "operator", OPERATOR, OPERATOR_PASSWORD, "Olga", "Operator"),
        User(EDITOR_ID, "editor", EDITOR, EDITOR_PASSWORD, "Emil", "Editor"),
        User(VIEWER_ID, "viewer", VIEWER, VIEWER_PASSWORD, "Vera", "Viewer"),
        User(OUTSIDER_ID, "outsider", OUTSIDER, OUTSIDER_PASSWORD, "Otto", "Outsider"),
        User(NOBODY_ID, "nobody", NOBODY, NOBODY_PASSWORD, "Nora", "Nobody"),
    ):
        state.users[user.id] = user
    members = {
        OPERATOR_ID: role("admin", DOMAIN_ID),
        EDITOR_ID: role("editor", DOMAIN_ID),
        VIEWER_ID: role("viewer", DOMAIN_ID),
    }
    state.domains[DOMAIN_ID] = Domain(DOMAIN_ID, DOMAIN_NAME, "warehouses", created_by=OPERATOR_ID, members=members)
    state.domains[OTHER_DOMAIN_ID] = Domain(
        OTHER_DOMAIN_ID,
        OTHER_DOMAIN_NAME,
        "greenhouses",
        created_by=OUTSIDER_ID,
        members={OUTSIDER_ID: role("admin", OTHER_DOMAIN_ID)},
    )
    for client in (
        Client(CLIENT_ID, DOMAIN_ID, CLIENT_NAME, CLIENT_IDENTITY, CLIENT_SECRET, metadata={"model": "raspberry-pi-4"}),
        Client(OTHER_CLIENT_ID, OTHER_DOMAIN_ID, "greenhouse-fan", "", "greenhouse-fan-secret"),
    ):
        client.created_by = state.domains[client.domain_id].created_by
        state.clients[client.id] = client
    for channel in (
        Channel(TELEMETRY_CHANNEL_ID, DOMAIN_ID, TELEMETRY_CHANNEL_NAME, TELEMETRY_CHANNEL_ROUTE),
        Channel(COMMANDS_CHANNEL_ID, DOMAIN_ID, COMMANDS_CHANNEL_NAME, COMMANDS_CHANNEL_ROUTE),
        Channel(OTHER_CHANNEL_ID, OTHER_DOMAIN_ID, "greenhouse-humidity"),
    ):
        channel.created_by = state.domains[channel.domain_id].created_by
        channel.metadata = {"type": "data"} if channel.id == TELEMETRY_CHANNEL_ID else {}
        state.channels[channel.id] = channel
    return state
