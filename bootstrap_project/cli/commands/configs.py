"""Commands about configs: `bootstrap create`, `get`, `update`, `remove`, `whitelist`."""

from __future__ import annotations

import json
from typing import Any, Final

import click
from click import UsageError

from bootstrap_project.cli.command import CONFIG_ID, JSON_CONFIG, OPERATOR, Argument, Command
from bootstrap_project.cli.commands.pagination import list_pages
from bootstrap_project.cli.errors import BadResponse
from bootstrap_project.cli.invocation import Invocation
from bootstrap_project.cli.options import ALL, LIMIT, NAME, OFFSET, STATUS
from bootstrap_project.cli.unchanged import CREATE_CONFIG, UPDATE_CONFIG, WHITELIST, tell_unchanged

_CONFIGS: Final = ("clients", "configs")
_CERTS: Final = ("client_cert", "client_key", "ca_cert")


@click.command("create", Command, params=[JSON_CONFIG, *OPERATOR])
def create(call: Invocation) -> None:
    """Create a config and print its id.

    magistrala-cli bootstrap create '{"external_id":"01:6:0:sb:sa","external_key":"key"}' $DOMAIN $TOKEN
    magistrala-cli bootstrap create @config.json
    """
    document = call.json("JSON_config")
    answer = call.operate("POST", *_CONFIGS, body=document.body)
    name = answer.headers.get("location", "").rpartition("/")[2]
    if not name:
        raise BadResponse("the answer has no header Location", "the config was created; `get all` shows it")
    if warning := answer.headers.get("warning", "").partition('"')[2].rstrip('"'):
        call.output.note(f"warning: {warning}")
    tell_unchanged(call.output, document.value, CREATE_CONFIG, answer)
    call.output.created(name)


@click.command("get", Command, params=[CONFIG_ID, *OPERATOR])
def get(call: Invocation) -> None:
    """Print a config, or with `all` a list.

    magistrala-cli bootstrap get $CONFIG $DOMAIN $TOKEN
    """
    call.output.document(call.operate("GET", *_CONFIGS, call.values["config_id"]).document())


@get.command("all", Command, params=[*OPERATOR], options=[ALL, LIMIT, OFFSET, STATUS, NAME])
def get_all(call: Invocation) -> None:
    """List configs, those that are enabled unless --status says otherwise.

    magistrala-cli bootstrap get all $DOMAIN $TOKEN --status all --limit 20
    magistrala-cli bootstrap get --all --name warehouse --raw
    """
    list_pages(call, *_CONFIGS, member="configs")


update = Command("update", help="Change a config or its certificates.")


@update.command("config", Command, params=[JSON_CONFIG, *OPERATOR])
def update_config(call: Invocation) -> None:
    """Change a config: what the JSON names is replaced, the rest stays.

    magistrala-cli bootstrap update config '{"id":"…","name":"pump 4"}' $DOMAIN $TOKEN
    """
    document = call.json("JSON_config")
    answer = call.operate("PATCH", *_CONFIGS, id_in(document.value), body=document.body)
    tell_unchanged(call.output, document.value, UPDATE_CONFIG, answer)
    call.output.done()


@update.command(
    "certs",
    Command,
    params=[CONFIG_ID, *(Argument(name, kind="pem", optional=True) for name in _CERTS), *OPERATOR],
)
def update_certs(call: Invocation) -> None:
    """Change a config's certificates and key and print them; an empty one stays as it is.

    magistrala-cli bootstrap update certs $CONFIG @cert.pem @key.pem @ca.pem $DOMAIN $TOKEN
    """
    certs = {name: call.text(name) for name in _CERTS}
    body = json.dumps({name: text for name, text in certs.items() if text}).encode()
    call.output.document(call.operate("PATCH", *_CONFIGS, "certs", call.values["config_id"], body=body).document())


update.add_command(
    Command(
        "connection",
        help="No longer supported: bind channels instead.",
        params=[CONFIG_ID, Argument("JSON_channel_ids", kind="json"), *OPERATOR],
        removed=[
            "updating connections is no longer supported",
            "channels are connected when they are bound: magistrala-cli bootstrap enrollments bind",
        ],
    )
)


@click.command("remove", Command, params=[CONFIG_ID, *OPERATOR])
def remove(call: Invocation) -> None:
    """Remove a config.

    magistrala-cli bootstrap remove $CONFIG $DOMAIN $TOKEN
    """
    call.operate("DELETE", *_CONFIGS, call.values["config_id"])
    call.output.done()


@click.command("whitelist", Command, params=[JSON_CONFIG, *OPERATOR])
def whitelist(call: Invocation) -> None:
    """Enable or disable a config.

    magistrala-cli bootstrap whitelist '{"id":"…","status":"disabled"}' $DOMAIN $TOKEN
    """
    value = call.json("JSON_config").value
    answer = call.operate("POST", *_CONFIGS, id_in(value), _action(value.get("status")))
    tell_unchanged(call.output, value, WHITELIST, answer)
    call.output.done()


def id_in(document: dict[str, Any]) -> str:
    """Return the member `id` of a document; raises UsageError."""
    name = document.get("id")
    if not isinstance(name, str) or not name:
        raise UsageError('the JSON needs an "id", a text')
    return name


def _action(status: Any) -> str:
    """Return what a status asks for, in the words and numbers that the service reads."""
    if isinstance(status, bool) or not isinstance(status, str | int):
        status = ""
    action = {"enabled": "enable", "0": "enable", "disabled": "disable", "1": "disable"}.get(str(status).lower())
    if action is None:
        raise UsageError('the JSON needs a "status": "enabled" or "disabled"')
    return action


COMMANDS: Final = (create, get, update, remove, whitelist)
