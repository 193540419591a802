"""The adapter against what a real platform answered: what it makes of every recorded answer to a call of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from bootstrap_project.magistrala.client import MagistralaClient, MagistralaURLs
from bootstrap_project.magistrala.errors import MagistralaError
from bootstrap_project.magistrala.resources import ChannelResource, ClientResource, DomainMembership
from tests.magistrala.recorded import BY_NAME, CALLS, Call

SERVICES = ("auth", "users", "domains", "clients", "channels")
Ask = Callable[[MagistralaClient], object]


def outcome(call: Call) -> str:
    """Give the adapter the recorded answer to its own question, and say in short what it makes of it."""
    client = MagistralaClient(MagistralaURLs(**{name: f"http://{name}" for name in SERVICES}), retries=0)
    question = ask(call)
    assert question is not None
    body = call.body if isinstance(call.body, str) else json.dumps(call.body)
    with responses.RequestsMock() as web:
        url = re.compile(rf"http://{call.service}/.*")
        headers = {name: text for name, text in call.headers.items() if name not in {"Content-Length", "Content-Type"}}
        kind = call.headers.get("Content-Type")
        web.add(call.method, url, body=body, status=call.status, headers=headers, content_type=kind)
        try:
            return said(question(client))
        except MagistralaError as error:
            return f"{type(error).__name__}{'' if error.permanent else ', for now'}"
        finally:
            client.close()


def ask(call: Call) -> Ask | None:
    """Return the adapter's call of which the platform gave this answer; None when it never asks such a thing."""
    path, query = call.path.split("?")[0], parse_qs(urlsplit(call.path).query)
    wanted = query.get("id", [""])[0]
    if (call.method, path) == ("GET", "/domains"):
        if wanted:
            return lambda client: client.membership(wanted, "token")
        offset = int(query.get("offset", ["0"])[0])
        return lambda client: client.list_domains("token", offset=offset)
    for pattern, question in _QUESTIONS.items():
        if found := re.fullmatch(pattern, f"{call.method} {path}"):
            return lambda client: question(client, *found.groups())
    return None


_QUESTIONS: dict[str, Callable[..., object]] = {
    r"GET /domains/([\w-]+)": lambda client, domain: (
        "exists" if client.domain_exists(domain, "token") else "no such domain"
    ),
    r"GET /([\w-]+)/clients": lambda client, domain: client.search_clients(domain, "", "token"),
    r"GET /([\w-]+)/channels": lambda client, domain: client.search_channels(domain, "", "token"),
    r"GET /([\w-]+)/clients/([\w-]+)": lambda client, *ids: client.view_client(*ids, "token"),
    r"GET /([\w-]+)/channels/([\w-]+)": lambda client, *ids: client.view_channel(*ids, "token"),
    r"POST /([\w-]+)/channels/connect": lambda client, domain: (
        "connected" if client.connect(domain, "ch", "c", ["Publish"], "token") else "was connected"
    ),
    r"POST /users/tokens/issue": lambda client: client.issue_token("name", "password"),
    r"POST /users/tokens/refresh": lambda client: client.refresh_token("token"),
    r"GET /keys/.well-known/jwks.json": lambda client: client.jwks(),
    r"GET /health": lambda client: "well" if client.health("auth") else "ill",
}


def said(answer: Any) -> str:
    if isinstance(answer, str):
        return answer
    if isinstance(answer, tuple):
        shown = [said(one) for one in answer[:3]]
        return f"{len(answer)}: {' | '.join(shown)}" if shown else "none"
    if isinstance(answer, DomainMembership):
        rights = "administrator" if answer.actions is None else f"{answer.role_name} {len(answer.actions)}"
        return f"{answer.name} {answer.status} {rights}"
    if isinstance(answer, ClientResource):
        shown = [answer.name, answer.status, answer.identity, answer.secret and "secret"]
        shown += [*answer.tags, *answer.metadata]
        return " ".join(filter(None, shown))
    if isinstance(answer, ChannelResource):
        return " ".join(filter(None, [answer.name, answer.status, answer.route, *answer.tags, *answer.metadata]))
    if answer is None:
        return "nothing"
    return {"TokenPair": "tokens", "KeySet": "keys"}[type(answer).__name__]


#: What the adapter makes of which answers. It never asks some of these questions in this way (for another order, or
#: for no entries at all); what it would make of the answers is here, too.
OUTCOMES = {
    "well": "health.auth",
    "tokens": """
        token.issue.superadmin token.issue.owner token.issue.member token.issue.viewer token.issue.outsider
        token.issue.by-email token.refresh.no-body token.refresh token.refresh.second-use-of-the-same
    """,
    "Unauthorized": """
        token.issue.wrong-password token.issue.unknown-user error.401.domains.forged error.401.domains.no-token
        error.401.domains.garbage error.401.clients.forged error.401.clients.no-token error.401.clients.garbage
        error.401.channels.forged error.401.channels.no-token error.401.channels.garbage
        error.401.domains.lower-case-scheme pat.old-secret.domains.list pat.revoked.domains.list
        pat.revoked.client.view apikey.domains.list apikey.client.view apikey.revoked.domains.list
    """,
    "2: second enabled admin 64 | plant enabled admin 64": """
        domains.list.owner domains.list.limit-100 domains.list.limit-101
    """,
    "plant enabled admin 64": """
        domains.list.by-id.owner pat.without-scope.domains.list pat.with-scope.domains.list
        pat.new-secret.domains.list
    """,
    "exists": """
        domain.view.owner domain.view.member domain.view.viewer domain.view.outsider domain.view.superadmin
        domain.view.with-roles domain.view.role-without-read domain.view.disabled.owner domain.view.disabled.member
        domain.view.disabled.outsider domain.view.disabled.superadmin domain.view.frozen.owner
        domain.view.frozen.member domain.view.frozen.outsider domain.view.frozen.superadmin
        pat.without-scope.domain.view pat.with-scope.domain.view
    """,
    "1: plant enabled operator 11": "domains.list.member",
    "plant enabled operator 11": "domains.list.by-id.member",
    "1: plant enabled viewer 3": "domains.list.viewer",
    "plant enabled viewer 3": "domains.list.by-id.viewer",
    "none": """
        domains.list.outsider domains.list.status-disabled.none domains.list.offset-beyond
        clients.list.domain-disabled.outsider clients.list.domain-frozen.outsider clients.list.outsider
        channels.list.outsider clients.list.by-two-ids.comma channels.list.by-two-ids.comma
        clients.list.unknown-domain.owner clients.list.unknown-domain.superadmin
    """,
    "nothing": """
        domains.list.by-id.outsider domains.list.by-id.foreign-domain domains.list.by-id.unknown.owner
        domains.list.by-id.unknown.outsider domains.list.by-id.unknown.superadmin domains.list.by-id.not-a-uuid
        domains.list.by-id.default-status.disabled.owner domains.list.by-id.default-status.disabled.member
        domains.list.by-id.disabled.outsider domains.list.by-id.default-status.disabled.outsider
        domains.list.by-id.default-status.disabled.superadmin domains.list.by-id.default-status.frozen.owner
        domains.list.by-id.default-status.frozen.member domains.list.by-id.frozen.outsider
        domains.list.by-id.default-status.frozen.outsider domains.list.by-id.default-status.frozen.superadmin
    """,
    "2: second enabled administrator | plant enabled administrator": "domains.list.superadmin",
    "plant enabled administrator": "domains.list.by-id.superadmin",
    "Rejected": """
        domains.list.by-two-ids domains.list.status-nonsense clients.list.by-two-ids.repeated
        channels.list.by-two-ids.repeated clients.list.limit-0 channels.list.limit-0 clients.list.limit-101
        channels.list.limit-101 clients.list.limit-1000 channels.list.limit-1000 clients.list.limit--1
        channels.list.limit--1 clients.list.limit-x channels.list.limit-x clients.list.status-nonsense
        connect.without-types connect.wrong-type connect.empty connect.disabled-client connect.disabled-channel
        clients.list.order-id
    """,
    "1: second enabled admin 64": "domains.list.limit-1",
    "Unavailable, for now": "token.refresh.with-access-token",
    "Unusable, for now": "domains.list.limit-0 clients.list.offset-beyond clients.list.only-total",
    "no such domain": """
        domain.view.unknown.owner domain.view.unknown.outsider domain.view.unknown.superadmin domain.view.not-a-uuid
    """,
    "states enabled noread 1": "domains.list.by-id.role-without-read",
    "states disabled admin 64": "domains.list.by-id.disabled.owner",
    "in-states enabled secret": """
        client.view.domain-disabled.owner client.view.domain-disabled.superadmin
        client.view.domain-frozen.superadmin
    """,
    "1: in-states enabled secret": """
        clients.list.domain-disabled.owner clients.list.domain-disabled.member clients.list.domain-frozen.owner
        clients.list.domain-frozen.member
    """,
    "states disabled operator 5": "domains.list.by-id.disabled.member",
    "Forbidden": """
        client.view.domain-disabled.member client.view.domain-disabled.outsider client.view.domain-frozen.owner
        client.view.domain-frozen.member client.view.domain-frozen.outsider client.view.outsider
        channel.view.outsider pat.without-scope.client.view pat.without-scope.channel.view pat.without-scope.connect
        connect.viewer connect.outsider connect.unknown-client connect.unknown-client.admin
        connect.unknown-client.superadmin connect.unknown-channel client.view.deleted.owner
        channel.view.deleted.owner client.view.deleted.member channel.view.deleted.member
        client.view.deleted.superadmin channel.view.deleted.superadmin client.view.unknown.owner
        channel.view.unknown.owner client.view.by-other-domain.owner channel.view.by-other-domain.owner
        client.view.unknown.superadmin channel.view.unknown.superadmin client.view.not-a-uuid
    """,
    "states disabled administrator": "domains.list.by-id.disabled.superadmin",
    "1: in-states enabled": "clients.list.domain-disabled.superadmin clients.list.domain-frozen.superadmin",
    "states freezed admin 64": "domains.list.by-id.frozen.owner",
    "states freezed operator 5": "domains.list.by-id.frozen.member",
    "states freezed administrator": "domains.list.by-id.frozen.superadmin",
    "1: states freezed admin 64": "domains.list.status-freezed",
    "3: states freezed admin 64 | second enabled admin 64 | plant enabled admin 64": """
        domains.list.status-all
    """,
    "pump-4 enabled pump-4-id secret a model": """
        client.view.owner client.view.member client.view.viewer client.view.superadmin client.view.with-roles
        client.view.with-refresh-token pat.with-scope.client.view client.view.after-rotation
        client.view.by-other-domain.superadmin request-id.echo
    """,
    "telemetry enabled telemetry-north t type": """
        channel.view.owner channel.view.member channel.view.viewer channel.view.superadmin
        pat.with-scope.channel.view channel.view.by-other-domain.superadmin
    """,
    "2: pump-5 enabled secret | pump-4 enabled pump-4-id secret a model": """
        clients.list.owner clients.list.member clients.list.viewer clients.list.by-ids-parameter
        clients.list.limit-100 pat.without-scope.clients.list pat.with-scope.clients.list
    """,
    "2: commands enabled | telemetry enabled telemetry-north t type": """
        channels.list.owner channels.list.member channels.list.viewer channels.list.superadmin
        channels.list.limit-100 pat.without-scope.channels.list pat.with-scope.channels.list
    """,
    "2: pump-5 enabled | pump-4 enabled pump-4-id a model": "clients.list.superadmin",
    "pump-5 enabled secret": "client.view.without-identity",
    "commands enabled": "channel.view.without-route",
    "1: pump-4 enabled pump-4-id secret a model": "clients.list.by-id",
    "1: telemetry enabled telemetry-north t type": "channels.list.by-id channels.list.by-client",
    "1: pump-5 enabled secret": "clients.list.by-name",
    "keys": "jwks",
    "1: states enabled admin 64": "domains.list.with-refresh-token",
    "connected": "pat.with-scope.connect connect.operator connect.subscribe connect.superadmin",
    "was connected": "connect.again connect.both-one-exists",
    "Unavailable": "connect.text-content-type",
    "pump-5 disabled secret": """
        client.view.disabled.member client.view.disabled.viewer client.view.disabled.superadmin
    """,
    "2: pump-5 disabled secret | pump-4 enabled pump-4-id secret a model": "clients.list.status-all",
    "1: pump-5 disabled secret": "clients.list.status-disabled",
    "commands disabled": "channel.view.disabled",
    "ResourceNotFound": "client.view.unknown-domain.owner client.view.unknown-domain.superadmin",
    "100: fleet-0000 enabled secret | fleet-0001 enabled secret | fleet-0002 enabled secret": """
        clients.list.order-name
    """,
    "100: fx-1-0 enabled secret | fx-2-0 enabled secret | fx-2-1 enabled secret": """
        clients.list.order-created_at clients.list.order-updated_at
    """,
    "100: fleet-2159 enabled secret | fleet-2157 enabled secret | fleet-2158 enabled secret": """
        clients.list.order-default
    """,
}


@pytest.mark.parametrize(("made_of_it", "names"), OUTCOMES.items(), ids=OUTCOMES)
def test_the_adapter_makes_of_each_answer_what_it_says(made_of_it, names):
    assert {name: outcome(BY_NAME[name]) for name in names.split()} == dict.fromkeys(names.split(), made_of_it)


def test_no_recorded_answer_to_a_question_of_the_adapter_is_left_out():
    named = [name for names in OUTCOMES.values() for name in names.split()]

    assert len(named) == len(set(named))
    assert set(named) == {call.name for call in CALLS if call.service != "bootstrap" and ask(call)}
