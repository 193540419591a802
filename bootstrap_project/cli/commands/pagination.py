"""Lists: one page, or all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from click import UsageError

from bootstrap_project.cli.errors import BadResponse, Unreachable
from bootstrap_project.cli.invocation import Invocation

MAX_PAGE_SIZE: Final = 100
#: How often rows may come up from behind before a reading of all pages is given up.
MAX_STEPS_BACK: Final = 50


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
    """Return all pages as one; a row that moved to another page between two requests is listed once.

    Each page begins with the last row that is known. Where it does not, rows before it went, and others came up in
    their place: they are looked for further ahead.
    Raises: Unreachable when the list does not come to rest.
    """
    if limit > MAX_PAGE_SIZE:
        raise UsageError(f"--limit is at most {MAX_PAGE_SIZE}")
    # One row alone could not be read once more and another one with it.
    size = max(limit, 2)
    rows: dict[str, Any] = {}
    start, steps_back = offset, 0
    while True:
        answer = call.operate("GET", *segments, query={**query, "limit": str(size), "offset": str(start)})
        page = answer.member(member)
        if not isinstance(page, list) or not all(isinstance(row, dict) for row in page):
            raise BadResponse(f"`{member}` in the answer is no list")
        # What knows no total says by an empty page that it was the last.
        is_joined = start == offset or (_is_known(page[0], rows) if page else "total" not in answer.document())
        if not is_joined:
            steps_back += 1
            if steps_back > MAX_STEPS_BACK:
                raise Unreachable("the list changes faster than it can be read", "nothing was printed; try again later")
            start = max(offset, start - size + 1)
            continue
        rows.update((str(row.get("id", f"row {start + number}")), row) for number, row in enumerate(page))
        if len(page) < size:
            break
        start += len(page) - 1
    found = len(rows)
    # Plain integers print as the service's own numbers do.
    return {member: list(rows.values()), "limit": found, "offset": offset, "total": offset + found}


def _is_known(row: Mapping[str, Any], rows: Mapping[str, Any]) -> bool:
    return "id" not in row or str(row["id"]) in rows


def _number(flags: Mapping[str, str], name: str, *, default: int, least: int = 0) -> int:
    """Return the number that a flag gives; raises UsageError."""
    text = flags.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) >= least):
        raise UsageError(f"--{name} takes a whole number, {least} or more")
    return int(text)
