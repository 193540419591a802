"""Commands about enrollments, a config with its profile and bindings: `bootstrap enrollments …`."""

from __future__ import annotations

from typing import Final

from bootstrap_project.cli.invocation import Invocation
from bootstrap_project.cli.tree import CONFIG_ID, OPERATOR, PROFILE_ID, Argument, Command

_ENROLLMENTS: Final = ("clients", "bootstrap", "enrollments")


def assign_profile(call: Invocation) -> None:
    """Give a config its profile."""
    import json  # noqa: PLC0415 - not needed to say how a command is used.

    body = json.dumps({"profile_id": call.values["profile_id"]}).encode()
    call.operate("PATCH", *_ENROLLMENTS, call.values["config_id"], "profile", body=body)
    call.output.done()


def bind(call: Invocation) -> None:
    """Bind resources to slots: the JSON is the array alone, and stands in the request as it was written."""
    body = b'{"bindings":' + call.json("JSON_bindings", list).body + b"}"
    call.operate("PUT", *_ENROLLMENTS, call.values["config_id"], "bindings", body=body)
    call.output.done()


def get_bindings(call: Invocation) -> None:
    """Print the bindings of a config, an array."""
    answer = call.operate("GET", *_ENROLLMENTS, call.values["config_id"], "bindings")
    # Older services say null for none.
    call.output.document(answer.member("bindings") or [])


def refresh_bindings(call: Invocation) -> None:
    """Copy the bound resources anew."""
    call.operate("POST", *_ENROLLMENTS, call.values["config_id"], "bindings", "refresh")
    call.output.done()


COMMANDS = (
    Command(("bootstrap", "enrollments"), "Enrollments: a config's profile and bindings"),
    Command(
        ("bootstrap", "enrollments", "assign-profile"),
        "Give a config its profile",
        assign_profile,
        (CONFIG_ID, PROFILE_ID, *OPERATOR),
        examples=("magistrala-cli bootstrap enrollments assign-profile $CONFIG $PROFILE $DOMAIN $TOKEN",),
    ),
    Command(
        ("bootstrap", "enrollments", "bind"),
        "Bind clients and channels to the slots of a config's profile",
        bind,
        (CONFIG_ID, Argument("JSON_bindings"), *OPERATOR),
        examples=(
            "magistrala-cli bootstrap enrollments bind $CONFIG @bindings.json $DOMAIN $TOKEN",
            """magistrala-cli bootstrap enrollments bind $CONFIG '[{"slot":"a","type":"client","resource_id":"…"}]'""",
        ),
    ),
    Command(
        ("bootstrap", "enrollments", "get-bindings"),
        "Print the bindings of a config",
        get_bindings,
        (CONFIG_ID, *OPERATOR),
        examples=("magistrala-cli bootstrap enrollments get-bindings $CONFIG $DOMAIN $TOKEN",),
    ),
    Command(
        ("bootstrap", "enrollments", "refresh-bindings"),
        "Copy the bound clients and channels anew",
        refresh_bindings,
        (CONFIG_ID, *OPERATOR),
        examples=("magistrala-cli bootstrap enrollments refresh-bindings $CONFIG $DOMAIN $TOKEN",),
    ),
)
