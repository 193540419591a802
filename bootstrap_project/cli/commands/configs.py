"""Commands about configs: `bootstrap create`, `get`, `update`, `remove`, `whitelist`."""

from __future__ import annotations

from typing import Any

from bootstrap_project.cli.commands.pagination import list_pages
from bootstrap_project.cli.errors import BadResponse, UsageMistake
from bootstrap_project.cli.invocation import Invocation
from bootstrap_project.cli.tree import CONFIG_ID, JSON_CONFIG, OPERATOR, Argument, Command

_CONFIGS = ("clients", "configs")


def create(call: Invocation) -> None:
    """Create a config and print its id."""
    answer = call.operate("POST", *_CONFIGS, body=call.json("JSON_config").body)
    name = answer.headers.get("location", "").rpartition("/")[2]
    if not name:
        raise BadResponse("the answer has no header Location", "the config was created; `get all` shows it")
    call.output.created(name)


def get(call: Invocation) -> None:
    """Print a config."""
    call.output.document(call.operate("GET", *_CONFIGS, call.values["config_id"]).document())


def get_all(call: Invocation) -> None:
    """Print configs."""
    list_pages(call, *_CONFIGS, member="configs")


def update(call: Invocation) -> None:
    """Change a config: the members that the JSON has."""
    document = call.json("JSON_config")
    call.operate("PATCH", *_CONFIGS, id_in(document.value), body=document.body)
    call.output.done()


def update_certs(call: Invocation) -> None:
    """Change a config's certificates and key; what is empty stays as it is."""
    import json  # noqa: PLC0415 - not needed to say how a command is used.

    certs = {name: call.text(name) for name in ("client_cert", "client_key", "ca_cert")}
    body = json.dumps({name: text for name, text in certs.items() if text}).encode()
    call.output.document(call.operate("PATCH", *_CONFIGS, "certs", call.values["config_id"], body=body).document())


def remove(call: Invocation) -> None:
    """Remove a config."""
    call.operate("DELETE", *_CONFIGS, call.values["config_id"])
    call.output.done()


def whitelist(call: Invocation) -> None:
    """Enable or disable a config."""
    value = call.json("JSON_config").value
    call.operate("POST", *_CONFIGS, id_in(value), _action(value.get("status")))
    call.output.done()


def id_in(document: dict[str, Any]) -> str:
    """Return the member `id` of a document; raises UsageMistake."""
    name = document.get("id")
    if not isinstance(name, str) or not name:
        raise UsageMistake('the JSON needs an "id", a text')
    return name


def _action(status: Any) -> str:
    """Return what a status asks for, in the words and numbers that the service reads."""
    if isinstance(status, bool) or not isinstance(status, str | int):
        status = ""
    action = {"enabled": "enable", "0": "enable", "disabled": "disable", "1": "disable"}.get(str(status).lower())
    if action is None:
        raise UsageMistake('the JSON needs a "status": "enabled" or "disabled"')
    return action


COMMANDS = (
    Command(
        ("bootstrap", "create"),
        "Create a config and print its id",
        create,
        (JSON_CONFIG, *OPERATOR),
        examples=(
            """magistrala-cli bootstrap create '{"external_id":"01:6:0:sb:sa","external_key":"key"}' $DOMAIN $TOKEN""",
            "magistrala-cli bootstrap create @config.json",
        ),
    ),
    Command(
        ("bootstrap", "get"),
        "Print a config, or with `all` a list",
        get,
        (CONFIG_ID, *OPERATOR),
        examples=("magistrala-cli bootstrap get $CONFIG $DOMAIN $TOKEN",),
    ),
    Command(
        ("bootstrap", "get", "all"),
        "List configs, those that are enabled unless --status says otherwise",
        get_all,
        OPERATOR,
        ("all", "limit", "offset", "status", "name"),
        (
            "magistrala-cli bootstrap get all $DOMAIN $TOKEN --status all --limit 20",
            "magistrala-cli bootstrap get --all --name warehouse --raw",
        ),
    ),
    Command(("bootstrap", "update"), "Change a config or its certificates"),
    Command(
        ("bootstrap", "update", "config"),
        "Change a config: what the JSON names is replaced, the rest stays",
        update,
        (JSON_CONFIG, *OPERATOR),
        examples=("""magistrala-cli bootstrap update config '{"id":"…","name":"pump 4"}' $DOMAIN $TOKEN""",),
    ),
    Command(
        ("bootstrap", "update", "certs"),
        "Change a config's certificates and key and print them; an empty one stays as it is",
        update_certs,
        (CONFIG_ID, Argument("client_cert"), Argument("client_key"), Argument("ca_cert"), *OPERATOR),
        examples=("magistrala-cli bootstrap update certs $CONFIG @cert.pem @key.pem @ca.pem $DOMAIN $TOKEN",),
    ),
    Command(
        ("bootstrap", "update", "connection"),
        "No longer supported: bind channels instead",
        arguments=(CONFIG_ID, Argument("JSON_channel_ids"), *OPERATOR),
        retired=(
            "updating connections is no longer supported",
            "channels are connected when they are bound: magistrala-cli bootstrap enrollments bind",
        ),
    ),
    Command(
        ("bootstrap", "remove"),
        "Remove a config",
        remove,
        (CONFIG_ID, *OPERATOR),
        examples=("magistrala-cli bootstrap remove $CONFIG $DOMAIN $TOKEN",),
    ),
    Command(
        ("bootstrap", "whitelist"),
        "Enable or disable a config",
        whitelist,
        (JSON_CONFIG, *OPERATOR),
        examples=("""magistrala-cli bootstrap whitelist '{"id":"…","status":"disabled"}' $DOMAIN $TOKEN""",),
    ),
)
