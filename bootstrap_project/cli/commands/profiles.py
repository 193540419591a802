"""Commands about profiles: `bootstrap profiles …`."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from bootstrap_project.cli.commands.configs import id_in
from bootstrap_project.cli.commands.pagination import list_pages
from bootstrap_project.cli.errors import UsageMistake
from bootstrap_project.cli.inputs import read_file
from bootstrap_project.cli.invocation import Invocation
from bootstrap_project.cli.tree import OPERATOR, PROFILE_ID, Argument, Command
from bootstrap_project.documents.kinds import KINDS, any_of, kind_of_ending

_PROFILES: Final = ("clients", "bootstrap", "profiles")
_JSON_PROFILE: Final = Argument("JSON_profile")


def create(call: Invocation) -> None:
    """Create a profile and print it."""
    call.output.document(call.operate("POST", *_PROFILES, body=call.json("JSON_profile").body).document())


def upload(call: Invocation) -> None:
    """Create a profile from a file and print it."""
    name = call.values["file"]
    asked = call.flags.get("format")
    kind = kind_of_ending(asked if asked is not None else PurePath(name).suffix[1:])
    if kind is None:
        raise UsageMistake(f"--format is {any_of(KINDS)}; without it the file's name ends so")
    body = call.stdin.everything() if name == "-" else read_file(name)
    answer = call.operate("POST", *_PROFILES, "upload", body=body, content_type=kind.media_type)
    call.output.document(answer.document())


def get(call: Invocation) -> None:
    """Print a profile."""
    call.output.document(call.operate("GET", *_PROFILES, call.values["profile_id"]).document())


def get_all(call: Invocation) -> None:
    """Print profiles."""
    list_pages(call, *_PROFILES, member="profiles")


def slots(call: Invocation) -> None:
    """Print the slots that a profile declares."""
    call.output.document(call.operate("GET", *_PROFILES, call.values["profile_id"], "slots").document())


def preview(call: Invocation) -> None:
    """Print what a profile renders for a made-up or stored config."""
    body = call.json("JSON_preview").body
    answer = call.operate("POST", *_PROFILES, call.values["profile_id"], "render-preview", body=body)
    call.output.document(answer.document())


def update(call: Invocation) -> None:
    """Change a profile and print it."""
    document = call.json("JSON_profile")
    answer = call.operate("PATCH", *_PROFILES, id_in(document.value), body=document.body)
    call.output.document(answer.document())


def remove(call: Invocation) -> None:
    """Remove a profile."""
    call.operate("DELETE", *_PROFILES, call.values["profile_id"])
    call.output.done()


COMMANDS = (
    Command(("bootstrap", "profiles"), "Profiles: the templates that configs share"),
    Command(
        ("bootstrap", "profiles", "create"),
        "Create a profile and print it",
        create,
        (_JSON_PROFILE, *OPERATOR),
        examples=("magistrala-cli bootstrap profiles create @profile.json $DOMAIN $TOKEN",),
    ),
    Command(
        ("bootstrap", "profiles", "upload"),
        f"Create a profile from a {any_of(map(str.upper, KINDS))} file and print it",
        upload,
        (Argument("file"), *OPERATOR),
        ("format",),
        (
            "magistrala-cli bootstrap profiles upload profile.yaml $DOMAIN $TOKEN",
            "generate-profile | magistrala-cli bootstrap profiles upload - --format toml",
        ),
    ),
    Command(
        ("bootstrap", "profiles", "get"),
        "Print a profile, or with `all` a list",
        get,
        (PROFILE_ID, *OPERATOR),
        examples=("magistrala-cli bootstrap profiles get $PROFILE $DOMAIN $TOKEN",),
    ),
    Command(
        ("bootstrap", "profiles", "get", "all"),
        "List profiles, the newest first",
        get_all,
        OPERATOR,
        ("all", "limit", "offset", "name"),
        ("magistrala-cli bootstrap profiles get all $DOMAIN $TOKEN --limit 20",),
    ),
    Command(
        ("bootstrap", "profiles", "slots"),
        "Print the slots that a profile declares",
        slots,
        (PROFILE_ID, *OPERATOR),
        examples=("magistrala-cli bootstrap profiles slots $PROFILE $DOMAIN $TOKEN",),
    ),
    Command(
        ("bootstrap", "profiles", "preview"),
        "Print what a profile renders, without storing anything",
        preview,
        (PROFILE_ID, Argument("JSON_preview"), *OPERATOR),
        examples=(
            """magistrala-cli bootstrap profiles preview $PROFILE '{"config":{"external_id":"x"}}' $DOMAIN $TOKEN""",
        ),
    ),
    Command(
        ("bootstrap", "profiles", "update"),
        "Change a profile and print it: what the JSON names is replaced, the rest stays",
        update,
        (_JSON_PROFILE, *OPERATOR),
        examples=("""magistrala-cli bootstrap profiles update '{"id":"…","description":"new"}' $DOMAIN $TOKEN""",),
    ),
    Command(
        ("bootstrap", "profiles", "remove"),
        "Remove a profile that no config uses",
        remove,
        (PROFILE_ID, *OPERATOR),
        examples=("magistrala-cli bootstrap profiles remove $PROFILE $DOMAIN $TOKEN",),
    ),
)
