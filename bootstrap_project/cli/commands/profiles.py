"""Commands about profiles: `bootstrap profiles …`."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Final

from click import UsageError

from bootstrap_project.cli.command import OPERATOR, PROFILE_ID, Argument, Command
from bootstrap_project.cli.commands.configs import id_in
from bootstrap_project.cli.commands.pagination import list_pages
from bootstrap_project.cli.inputs import read_file
from bootstrap_project.cli.invocation import Invocation
from bootstrap_project.cli.messages import Response
from bootstrap_project.cli.options import ALL, FORMAT, LIMIT, NAME, OFFSET
from bootstrap_project.cli.unchanged import (
    CREATE_PROFILE,
    SLOT,
    UPDATE_PROFILE,
    Members,
    tell_unchanged,
    tell_unchanged_in_list,
)
from bootstrap_project.documents.kinds import KINDS, any_of, kind_of_ending

_PROFILES: Final = ("clients", "bootstrap", "profiles")
_JSON_PROFILE: Final = Argument("JSON_profile", kind="json")
PROFILES: Final = Command("profiles", help="Profiles: the templates that configs share.")


@PROFILES.command("create", Command, params=[_JSON_PROFILE, *OPERATOR])
def create(call: Invocation) -> None:
    """Create a profile and print it.

    magistrala-cli bootstrap profiles create @profile.json $DOMAIN $TOKEN
    """
    document = call.json("JSON_profile")
    answer = call.operate("POST", *_PROFILES, body=document.body)
    _tell_unchanged(call, document.value, CREATE_PROFILE, answer)
    call.output.document(answer.document())


@PROFILES.command("upload", Command, params=[Argument("file"), *OPERATOR], options=[FORMAT])
def upload(call: Invocation) -> None:
    """Create a profile from a JSON, YAML or TOML file and print it.

    magistrala-cli bootstrap profiles upload profile.yaml $DOMAIN $TOKEN
    generate-profile | magistrala-cli bootstrap profiles upload - --format toml
    """
    name: str = call.values["file"]
    if name.startswith("@") and not PurePath(name).is_absolute():
        # Elsewhere a file is written so.
        name = name[1:]
    kind = kind_of_ending(call.flags.get("format", PurePath(name).suffix[1:]))
    if kind is None:
        raise UsageError(f"--format is {any_of(KINDS)}; without it the file's name ends so")
    body = call.stdin.everything() if name == "-" else read_file(name)
    answer = call.operate("POST", *_PROFILES, "upload", body=body, content_type=kind.media_type)
    call.output.document(answer.document())


@PROFILES.group("get", Command, params=[PROFILE_ID, *OPERATOR])
def get(call: Invocation) -> None:
    """Print a profile, or with `all` a list.

    magistrala-cli bootstrap profiles get $PROFILE $DOMAIN $TOKEN
    """
    call.output.document(call.operate("GET", *_PROFILES, call.values["profile_id"]).document())


@get.command("all", Command, params=[*OPERATOR], options=[ALL, LIMIT, OFFSET, NAME])
def get_all(call: Invocation) -> None:
    """List profiles, the newest first.

    magistrala-cli bootstrap profiles get all $DOMAIN $TOKEN --limit 20
    """
    list_pages(call, *_PROFILES, member="profiles")


@PROFILES.command("slots", Command, params=[PROFILE_ID, *OPERATOR])
def slots(call: Invocation) -> None:
    """Print the slots that a profile declares.

    magistrala-cli bootstrap profiles slots $PROFILE $DOMAIN $TOKEN
    """
    call.output.document(call.operate("GET", *_PROFILES, call.values["profile_id"], "slots").document())


@PROFILES.command("preview", Command, params=[PROFILE_ID, Argument("JSON_preview", kind="json"), *OPERATOR])
def preview(call: Invocation) -> None:
    """Print what a profile renders, without storing anything.

    magistrala-cli bootstrap profiles preview $PROFILE '{"config":{"external_id":"x"}}' $DOMAIN $TOKEN
    """
    body = call.json("JSON_preview").body
    answer = call.operate("POST", *_PROFILES, call.values["profile_id"], "render-preview", body=body)
    call.output.document(answer.document())


@PROFILES.command("update", Command, params=[_JSON_PROFILE, *OPERATOR])
def update(call: Invocation) -> None:
    """Change a profile and print it: what the JSON names is replaced, the rest stays.

    magistrala-cli bootstrap profiles update '{"id":"…","description":"new"}' $DOMAIN $TOKEN
    """
    document = call.json("JSON_profile")
    answer = call.operate("PATCH", *_PROFILES, id_in(document.value), body=document.body)
    _tell_unchanged(call, document.value, UPDATE_PROFILE, answer)
    call.output.document(answer.document())


@PROFILES.command("remove", Command, params=[PROFILE_ID, *OPERATOR])
def remove(call: Invocation) -> None:
    """Remove a profile that no config uses.

    magistrala-cli bootstrap profiles remove $PROFILE $DOMAIN $TOKEN
    """
    call.operate("DELETE", *_PROFILES, call.values["profile_id"])
    call.output.done()


def _tell_unchanged(call: Invocation, sent: dict[str, Any], members: Members, answer: Response) -> None:
    tell_unchanged(call.output, sent, members, answer)
    tell_unchanged_in_list(call.output, sent.get("binding_slots"), SLOT, where="binding_slots: ")
