"""The page that shows the sandbox's data and its current faults."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from bootstrap_project.magistrala.sandbox.faults import KINDS
from bootstrap_project.magistrala.sandbox.http import Answer, Request
from bootstrap_project.magistrala.sandbox.platform import Platform

_SHOWN = 50
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1d2733}"
    "table{border-collapse:collapse;width:100%;margin:.3rem 0 1.5rem}caption{text-align:left;font-weight:600}"
    "td,th{border-bottom:1px solid #d5dce3;padding:.25rem .6rem;text-align:left;vertical-align:top}"
    "code,pre{font:13px ui-monospace,monospace}pre{background:#f2f5f8;padding:1rem;overflow:auto}"
)


def home(platform: Platform, request: Request) -> Answer:
    """GET /_sandbox/: users, domains, resources, faults and the last calls; no secrets."""
    state, calls = platform.state, platform.calls.view(20)
    names = {user.id: user.username for user in state.users.values()}
    last = calls["calls"]
    base = f"http://{request.headers.get('host', '127.0.0.1:9100')}/_sandbox"
    sections = [
        _table(
            "Users",
            ("name", "e-mail", "id", "platform role"),
            ((u.username, u.email, u.id, "admin" if u.role > 1 else "user") for u in state.users.values()),
        ),
        _table(
            "Domains",
            ("name", "id", "status", "members"),
            (
                (d.name, d.id, d.status, ", ".join(f"{names.get(i, i)}: {r.name}" for i, r in d.members.items()))
                for d in state.domains.values()
            ),
        ),
        _table(
            f"Clients ({len(state.clients)})",
            ("name", "id", "identity", "status", "domain"),
            ((c.name, c.id, c.identity, c.status, c.domain_id) for c in state.clients.values()),
        ),
        _table(
            f"Channels ({len(state.channels)})",
            ("name", "id", "route", "status", "domain"),
            ((c.name, c.id, c.route, c.status, c.domain_id) for c in state.channels.values()),
        ),
        _table("Connections", ("channel", "client", "type"), sorted(state.connections)),
        _table(
            "Faults",
            ("kind", "match", "rest"),
            (
                (f["kind"], f["match"], {k: v for k, v in f.items() if k not in {"kind", "match"}})
                for f in platform.faults.view()
            ),
        ),
        _table("Kinds of faults", ("kind", "what happens"), KINDS.items()),
        _table(
            f"Last calls (of {calls['total']})",
            ("method", "path", "status"),
            ((c["method"], c["path"], c["status"]) for c in (reversed(last) if isinstance(last, list) else ())),
        ),
    ]
    how = (
        f'curl -X PUT {base}/faults -d \'[{{"kind":"status","status":503,"match":{{"service":"clients"}}}}]\'\n'
        f"curl -X PUT {base}/faults -d '[]'\n"
        f"curl -X PUT {base}/latency -d '{{\"ms\":200}}'\n"
        f"curl -X PUT {base}/ways -d '{{\"allow_unverified_user\":true}}'\n"
        f'curl -X POST {base}/tokens -d \'{{"user":"operator"}}\'\n'
        f'curl -X POST {base}/fleet -d \'{{"clients":100,"channels":10}}\'\n'
        f"curl -X POST {base}/reset"
    )
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Magistrala sandbox</title>'
        f"<style>{_STYLE}</style></head><body><h1>Magistrala sandbox</h1>"
        f"<p>Seed <b>{escape(platform.seed)}</b>, latency {platform.latency_seconds * 1000:g} ms, tokens signed with "
        f"{'a shared secret (HS512)' if platform.tokens.shared_secret else 'Ed25519'}.</p>"
        f"<pre>{escape(how)}</pre>{''.join(sections)}</body></html>\n"
    )
    return Answer(200, html.encode(), {"Content-Type": "text/html; charset=utf-8"})


def _table(caption: str, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    lines: list[str] = []
    for number, row in enumerate(rows):
        if number == _SHOWN:
            lines.append(f'<tr><td colspan="{len(columns)}">and more</td></tr>')
            break
        lines.append("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>")
    body = "".join(lines) or f'<tr><td colspan="{len(columns)}">none</td></tr>'
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
