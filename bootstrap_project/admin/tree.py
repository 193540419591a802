"""A JSON document as a tree that opens and closes by itself, without any script."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from bootstrap_project.admin.display import pluralized
from bootstrap_project.admin.highlight import highlight

#: How deep it stands open at first.
_OPEN: Final = 2


def tree(document: dict[str, Any], *, mask: str = "") -> SafeString:
    """Return the members of `document` as nested lists; every `mask` is marked."""
    return _branch(document.items(), 0, mask)


def _branch(members: Iterable[tuple[str, Any]], depth: int, mask: str) -> SafeString:
    rows = ((_member(name, value, depth, mask),) for name, value in members)
    return format_html('<ul class="tree">{}</ul>', format_html_join("", "<li>{}</li>", rows))


def _member(name: str, value: Any, depth: int, mask: str) -> SafeString:
    if not isinstance(value, dict | list) or not value:
        text = highlight(json.dumps(value, ensure_ascii=False), "json", mask=mask)
        return format_html('<span class="tree-name">{}</span> <code>{}</code>', name, text)
    members = value.items() if isinstance(value, dict) else ((str(place), one) for place, one in enumerate(value))
    return format_html(
        '<details{}><summary><span class="tree-name">{}</span> <span class="facts">{}</span></summary>{}</details>',
        SafeString(" open") if depth < _OPEN else "",
        name,
        pluralized(len(value), "member" if isinstance(value, dict) else "item"),
        _branch(members, depth + 1, mask),
    )
