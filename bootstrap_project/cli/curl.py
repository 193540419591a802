"""A request as a runnable curl command, with shell variables in place of secrets."""

from __future__ import annotations

import json
import shlex
from typing import Any, Final

from bootstrap_project.cli.config import Settings
from bootstrap_project.cli.messages import Request

#: Members of bodies that are always masked.
_SECRET_MEMBERS: Final = frozenset({"external_key", "client_key", "secret", "secret_snapshot"})
_MASK: Final = "***"


def curl_command(request: Request, settings: Settings) -> str:
    """Return the command; secret members of a JSON body are masked, a body of another kind is left to a file."""
    url = settings.url
    parts = ["curl", "-sS", "-X", request.method]
    if settings.insecure:
        parts.append("-k")
    # Double quotes, so that the shell expands the variable.
    parts += ["-H", f'"Authorization: {request.credential.scheme} {request.credential.shown}"']
    if request.body is not None:
        parts += ["-H", shlex.quote(f"Content-Type: {request.content_type}"), "--data-binary", _shown(request)]
    parts.append(shlex.quote(f"{url.scheme}://{url.netloc}{url.path}{request.target}"))
    return " ".join(parts)


def _shown(request: Request) -> str:
    if request.content_type != "application/json":
        return "@FILE"
    text = (request.body or b"").decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except ValueError:
        return "@FILE"
    masked = _masked(document)
    return shlex.quote(text if masked == document else json.dumps(masked, ensure_ascii=False))


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _MASK if key in _SECRET_MEMBERS and item else _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value
