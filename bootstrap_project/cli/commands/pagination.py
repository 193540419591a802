"""Lists: one page, or all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from click import UsageError

from bootstrap_project.cli.errors import BadResponse
from bootstrap_project.cli.invocation import Invocation

MAX_PAGE_SIZE: Final = 100


def list_pages(call: Invocation, *segments: str, member: str) -> None:
    """Print the page that the flags ask for, or with --all everything from --offset on as if it were one page."""
    query = {name: call.flags[name] for name in ("status", "name") if call.flags.get(name)}
    offset = _number(call.flags, "offset", default=0)
    if "all" in call.flags:
        limit = _number(call.flags, "limit", default=MAX_PAGE_SIZE, least=1)
        call.output.document(_everything(call, segments, member, query, offset=offset, limit=limit))
        return
    limit = _number(call.flags, "limit", default=10)
    query |= {"limit": str(limit), "offset": str(offset)}
    call.output.document(call.operate("GET", *segments, query=query).document())


def _everything(
    call: Invocation, segments: tuple[str, ...], member: str, query: dict[str, str], *, offset: int, limit: int
) -> dict[str, Any]:
    """Return all pages as one; a row that moved to another page between two requests is listed once."""
    if limit > MAX_PAGE_SIZE:
        raise UsageError(f"--limit is at most {MAX_PAGE_SIZE}")
    rows: dict[str, Any] = {}
    position = offset
    while True:
        answer = call.operate("GET", *segments, query={**query, "limit": str(limit), "offset": str(position)})
        page = answer.member(member)
        if not isinstance(page, list) or not all(isinstance(row, dict) for row in page):
            raise BadResponse(f"`{member}` in the answer is no list")
        rows.update((str(row.get("id", len(rows))), row) for row in page)
        position += len(page)
        if len(page) < limit:
            break
    found = len(rows)
    # Plain integers print as the service's own numbers do.
    return {member: list(rows.values()), "limit": found, "offset": offset, "total": offset + found}


def _number(flags: Mapping[str, str], name: str, *, default: int, least: int = 0) -> int:
    """Return the number that a flag gives; raises UsageError."""
    text = flags.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) >= least):
        raise UsageError(f"--{name} takes a whole number, {least} or more")
    return int(text)
