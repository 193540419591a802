"""Commands about enrollments, a config with its profile and bindings: `bootstrap enrollments …`."""

from __future__ import annotations

import json
from typing import Final

from bootstrap_project.cli.command import CONFIG_ID, OPERATOR, PROFILE_ID, Argument, Command
from bootstrap_project.cli.invocation import Invocation
from bootstrap_project.cli.unchanged import BINDING, tell_unchanged_in_list

_ENROLLMENTS: Final = ("clients", "bootstrap", "enrollments")
ENROLLMENTS: Final = Command("enrollments", help="Enrollments: a config's profile and bindings.")


@ENROLLMENTS.command("assign-profile", Command, params=[CONFIG_ID, PROFILE_ID, *OPERATOR])
def assign_profile(call: Invocation) -> None:
    """Give a config its profile.

    magistrala-cli bootstrap enrollments assign-profile $CONFIG $PROFILE $DOMAIN $TOKEN
    """
    body = json.dumps({"profile_id": call.values["profile_id"]}).encode()
    call.operate("PATCH", *_ENROLLMENTS, call.values["config_id"], "profile", body=body)
    call.output.done()


@ENROLLMENTS.command("bind", Command, params=[CONFIG_ID, Argument("JSON_bindings", kind="json"), *OPERATOR])
def bind(call: Invocation) -> None:
    """Bind clients and channels to the slots of a config's profile.

    magistrala-cli bootstrap enrollments bind $CONFIG @bindings.json $DOMAIN $TOKEN
    magistrala-cli bootstrap enrollments bind $CONFIG '[{"slot":"a","type":"client","resource_id":"…"}]'
    """
    # The argument is the array alone, and stands in the request as it was written.
    document = call.json("JSON_bindings", list)
    config_id = call.values["config_id"]
    call.operate("PUT", *_ENROLLMENTS, config_id, "bindings", body=b'{"bindings":' + document.body + b"}")
    tell_unchanged_in_list(call.output, document.value, BINDING, stored={"config_id": config_id})
    call.output.done()


@ENROLLMENTS.command("get-bindings", Command, params=[CONFIG_ID, *OPERATOR])
def get_bindings(call: Invocation) -> None:
    """Print the bindings of a config.

    magistrala-cli bootstrap enrollments get-bindings $CONFIG $DOMAIN $TOKEN
    """
    answer = call.operate("GET", *_ENROLLMENTS, call.values["config_id"], "bindings")
    # Older services say null for none.
    call.output.document(answer.member("bindings") or [])


@ENROLLMENTS.command("refresh-bindings", Command, params=[CONFIG_ID, *OPERATOR])
def refresh_bindings(call: Invocation) -> None:
    """Copy the bound clients and channels anew.

    magistrala-cli bootstrap enrollments refresh-bindings $CONFIG $DOMAIN $TOKEN
    """
    call.operate("POST", *_ENROLLMENTS, call.values["config_id"], "bindings", "refresh")
    call.output.done()
