"""How the admin shows things: moments, ids, states, documents, and places in templates."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.outcomes import SERVED, Outcome

_SHORT_ID = 12


def sentence(text: str) -> str:
    """Return `text` with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")


def explained(diagnostic: Diagnostic) -> str:
    """Return what is wrong and what to do about it, as sentences."""
    return " ".join(sentence(text) for text in (diagnostic.message, diagnostic.hint) if text)


def placed(diagnostic: Diagnostic) -> str:
    """Return the same after its place, "Line 2, column 7: …", where it has one."""
    place = diagnostic.location
    return f"Line {place.line}, column {place.column}: {explained(diagnostic)}" if place.line else explained(diagnostic)


def pretty_json(value: Any) -> str:
    """Return `value` as JSON over several lines."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def short_time(moment: datetime | None) -> str:
    """Return a moment to the minute, in the service's time zone."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}" if moment else "-"


def short_date(moment: datetime | None) -> SafeString | str:
    """Return a moment in a few letters, "7 Nov" or of another year "Nov 2025"; the whole shows under the pointer."""
    if moment is None:
        return "-"
    local = timezone.localtime(moment)
    shown = f"{local.day} {local:%b}" if local.year == timezone.localtime().year else f"{local:%b %Y}"
    return format_html('<span class="date" title="{}">{}</span>', short_time(moment), shown)


def pluralized(number: int, noun: str) -> str:
    """Return "1 device" or "3,000 devices"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def counted_rows(number: int, opts: Any) -> str:
    """Return the same of rows of a model, by its own names for one and for several."""
    return f"{number:,} {opts.verbose_name if number == 1 else opts.verbose_name_plural}"


def render_code(text: str) -> SafeString:
    """Return a text whose `code` is set as code."""
    parts = text.split("`")
    # A lone backtick is a backtick.
    if len(parts) % 2 == 0:
        parts[-2:] = ["`".join(parts[-2:])]
    return format_html_join("", "{}", ((_code(part) if odd % 2 else part,) for odd, part in enumerate(parts)))


def _code(text: str) -> SafeString:
    return format_html("<code>{}</code>", text)


def short_id(platform_id: str) -> SafeString:
    """Return the first characters of one of Magistrala's ids; the whole of it shows under the pointer."""
    shown = platform_id if len(platform_id) <= _SHORT_ID else f"{platform_id[: _SHORT_ID - 4]}…"
    return format_html('<span title="{}">{}</span>', platform_id, shown)


def badge(kind: str, text: str) -> SafeString:
    """Return a coloured word; `kind` is good, bad or plain."""
    return format_html('<span class="badge badge-{}">{}</span>', kind, text)


def outcome_badge(outcome: str) -> SafeString:
    """Return what became of a device's call, in its colour."""
    kind = "good" if outcome in SERVED else "plain" if outcome == Outcome.PROBED else "bad"
    return badge(kind, outcome.replace("_", " "))


def json_block(value: Any) -> SafeString:
    """Return JSON over several lines that scrolls in itself."""
    return format_html('<pre class="document" tabindex="0">{}</pre>', pretty_json(value))
