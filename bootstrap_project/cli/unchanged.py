"""Members of a JSON argument that a call leaves as they are: the service ignores them, a person is told."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from bootstrap_project.cli.messages import Response
from bootstrap_project.cli.output import Output

_CHANGES: Final = "`magistrala-cli bootstrap {}` changes it"
_MAX_SHOWN_LENGTH: Final = 64
#: What the service notes by itself: `get` prints it, and nobody sends it to set it.
_NOTED: Final = frozenset(
    {
        *("created_at", "updated_at", "warnings", "first_bootstrap_at", "last_bootstrap_at"),
        *("last_bootstrap_outcome", "last_bootstrap_profile_version"),
    }
)
#: What cannot be empty, so that an empty one asks for nothing.
_NEVER_EMPTY: Final = frozenset({"id", "domain_id", "config_id", "status", "external_id", "external_key", "version"})


class Members(NamedTuple):
    """The members that a call takes, and who changes the others that its sender may have meant."""

    taken: tuple[str, ...]
    elsewhere: Mapping[str, str] = {}


_OF_CONFIGS: Final = {
    "id": "the service gives ids",
    "domain_id": "the domain stands behind the JSON",
    "external_id": "it cannot be changed; enrol the device anew",
    "external_key": "the key cannot be changed here; the admin changes it",
    "status": _CHANGES.format("whitelist"),
    "profile_id": _CHANGES.format("enrollments assign-profile"),
    "bindings": _CHANGES.format("enrollments bind"),
    **dict.fromkeys(("client_cert", "client_key", "ca_cert"), _CHANGES.format("update certs")),
    **dict.fromkeys(("name", "content", "render_context"), _CHANGES.format("update config")),
}
CREATE_CONFIG: Final = Members(
    (
        *("external_id", "external_key", "name", "content", "profile_id", "render_context"),
        *("client_cert", "client_key", "ca_cert"),
    ),
    _OF_CONFIGS,
)
UPDATE_CONFIG: Final = Members(("id", "name", "content", "render_context"), _OF_CONFIGS)
WHITELIST: Final = Members(("id", "status"), _OF_CONFIGS)
_OF_A_PROFILE: Final = ("name", "description", "template_format", "content_format", "content_template", "defaults")
_OF_PROFILES: Final = {
    "id": "the service gives ids",
    "domain_id": "the domain stands behind the JSON",
    "version": "the service counts versions",
    **dict.fromkeys(("content", "template"), "did you mean content_template?"),
}
CREATE_PROFILE: Final = Members((*_OF_A_PROFILE, "binding_slots"), _OF_PROFILES)
UPDATE_PROFILE: Final = Members((*_OF_A_PROFILE, "binding_slots", "id"), _OF_PROFILES)
SLOT: Final = Members(("name", "type", "required", "fields"))
BINDING: Final = Members(
    ("slot", "type", "resource_id"),
    {
        "config_id": "the config stands before the JSON",
        **dict.fromkeys(("snapshot", "secret_snapshot"), "it is read from the platform"),
    },
)


def tell_unchanged(output: Output, sent: Mapping[str, Any], members: Members, answer: Response) -> None:
    """Say on standard error which members of `sent` the call has left as they are.

    What the answer holds as it was sent is as its sender wants it: what `get` prints can be sent back without a word.
    """
    try:
        stored = json.loads(answer.body)
    except ValueError:
        # Older services answer nothing to some calls.
        stored = None
    for line in _unchanged(sent, members, stored if isinstance(stored, dict) else {}):
        output.note(line)


def tell_unchanged_in_list(
    output: Output, items: Any, members: Members, *, stored: Mapping[str, Any] | None = None, where: str = ""
) -> None:
    """Say the same of the objects in a list, once for each member; what `stored` holds is as its sender wants it."""
    objects = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    for line in dict.fromkeys(line for item in objects for line in _unchanged(item, members, stored or {}, where)):
        output.note(line)


def _unchanged(sent: Mapping[str, Any], members: Members, stored: Mapping[str, Any], where: str = "") -> Iterator[str]:
    for name, value in sent.items():
        if name in members.taken or name in _NOTED or _is_as_wanted(name, value, stored.get(name)):
            continue
        reason = members.elsewhere.get(name)
        if reason is None:
            near = difflib.get_close_matches(name.lower(), (*members.taken, *members.elsewhere), n=1)
            reason = f"did you mean {near[0]}?" if near else f"there are: {', '.join(members.taken)}"
        shown = name if len(name) <= _MAX_SHOWN_LENGTH else f"{name[: _MAX_SHOWN_LENGTH - 1]}…"
        # Never the value: it may be a key.
        yield f"warning: {where}{shown or 'a member without a name'} does nothing here; {reason}"


def _is_as_wanted(name: str, value: Any, stored: Any) -> bool:
    if value in (None, "") and name in _NEVER_EMPTY:
        return True
    if name == "status":
        # Statuses are written in any case, and have numbers.
        value = {"0": "enabled", "1": "disabled"}.get(str(value), str(value).lower())
    if name == "version" and isinstance(value, int) and isinstance(stored, int):
        # An update of what was read raises it by one.
        return stored - value in {0, 1}
    return bool(value == stored) or not (value or stored)
