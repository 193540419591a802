"""The adapter against prepared answers: what it sends, what it believes, what it makes of refusals."""

from __future__ import annotations

import contextlib
import json
import re
import time
import traceback

import pytest
import requests
import responses
from responses import matchers

from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.magistrala.client import MagistralaClient, MagistralaURLs
from bootstrap_project.magistrala.errors import (
    Forbidden,
    MagistralaError,
    Rejected,
    ResourceNotFound,
    TimedOut,
    Unauthorized,
    Unavailable,
)
from bootstrap_project.magistrala.resources import ClientResource
from bootstrap_project.observability import metrics

MAX_BODY = 8192
TOKEN = "eyJhbGciOi.secret-token.signature"
CLIENT_URL = "http://clients:9006/dom/clients/c1"
CONNECT_URL = "http://channels:9005/dom/channels/connect"
DOMAINS_URL = "http://domains:9003/domains"
CLIENT = {
    "id": "c1",
    "name": "pump-4",
    "tags": ["a"],
    "domain_id": "dom",
    "credentials": {"identity": "pump-4-id", "secret": "s3cr3t-uuid"},
    "metadata": {"model": "x"},
    "created_at": "2026-05-01T08:00:00.123456Z",
    "status": "enabled",
}


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    return MagistralaClient(
        MagistralaURLs(
            clients="http://clients:9006",
            channels="http://channels:9005",
            domains="http://domains:9003/",
            users="https://users:9002/base/",
            auth="http://auth:9001",
        ),
        max_body=MAX_BODY,
    )


@pytest.fixture
def web():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def seen(client):
    """What the client's observer is told: (service, operation, outcome), and that time has passed."""
    told = []

    def observe(service, operation, outcome, seconds):
        told.append((service, operation, outcome, seconds >= 0))

    client._transport._observe = client._probes._observe = observe
    return told


def view(client: MagistralaClient) -> ClientResource:
    return client.view_client("dom", "c1", TOKEN)


def test_client_is_read_with_its_credentials(client, web):
    web.get(CLIENT_URL, json=CLIENT)

    found = view(client)

    assert (found.id, found.name, found.domain_id, found.status, found.enabled) == (
        "c1",
        "pump-4",
        "dom",
        "enabled",
        True,
    )
    assert (found.identity, found.secret, found.tags) == ("pump-4-id", "s3cr3t-uuid", ("a",))
    assert found.metadata == {"model": "x"}


def test_members_that_the_platform_leaves_out_or_nulls_come_back_empty(client, web):
    web.get(CLIENT_URL, json={"id": "c1", "credentials": {}, "tags": None, "metadata": None, "status": "disabled"})

    found = view(client)

    assert (found.name, found.domain_id, found.identity, found.secret, found.tags) == ("", "", "", "", ())
    assert found.metadata == {}
    assert not found.enabled


def test_long_metadata_with_odd_but_good_text_is_read(client, web):
    metadata = {f"k{number}": [{"text": "\u20ac \U0001f600", "number": 1.5}] for number in range(50)}
    web.get(CLIENT_URL, body=json.dumps({**CLIENT, "metadata": metadata}))

    assert view(client).metadata == metadata


def test_channel_is_read_with_its_route(client, web):
    web.get(
        "http://channels:9005/dom/channels/ch1",
        json={
            "id": "ch1",
            "name": "telemetry",
            "domain_id": "dom",
            "route": "north",
            "status": "enabled",
            "metadata": {"a": 1},
        },
    )

    found = client.view_channel("dom", "ch1", TOKEN)

    assert (found.id, found.name, found.route, found.metadata) == ("ch1", "telemetry", "north", {"a": 1})


def test_request_carries_token_and_request_id_and_nothing_from_the_environment(client, web, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    web.get(CLIENT_URL, json=CLIENT)

    client.view_client("dom", "c1", TOKEN, request_id="req-77")

    sent = web.calls[0].request
    assert sent.headers["Authorization"] == f"Bearer {TOKEN}"
    assert sent.headers["X-Request-ID"] == "req-77"
    assert sent.headers["Accept-Encoding"] == "identity"
    assert not sent.req_kwargs["proxies"]
    assert sent.req_kwargs["verify"] is True
    assert sent.req_kwargs["timeout"] == (2.0, 5.0)


@pytest.mark.parametrize("request_id", ["", "a b", "x\r\nEvil: 1", "é", "x" * 201])
def test_request_id_that_no_header_can_hold_is_left_out(client, web, request_id):
    web.get(CLIENT_URL, json=CLIENT)

    client.view_client("dom", "c1", TOKEN, request_id=request_id)

    assert "X-Request-ID" not in web.calls[0].request.headers


@pytest.mark.parametrize("token", ["", " ", "a b", "x\r\nHost: evil", "ключ", "x" * 16385])
def test_token_that_no_header_can_hold_is_unauthorized_without_a_request(client, web, token):
    with pytest.raises(Unauthorized) as caught:
        client.view_client("dom", "c1", token)

    assert len(web.calls) == 0
    assert not token.strip() or token not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("../x", "..%2Fx"),
        ("a/b?c", "a%2Fb%3Fc"),
        ("a#b", "a%23b"),
        ("a%2Fb", "a%252Fb"),
        ("a b", "a%20b"),
        ("a\r\nb", "a%0D%0Ab"),
        ("é", "%C3%A9"),
        ("...", "..."),
        ("..%2f..", "..%252f.."),
        (";a=b&c", "%3Ba%3Db%26c"),
    ],
)
def test_id_stays_one_segment_of_the_path_whatever_it_holds(client, web, given, sent):
    web.add(responses.GET, url=f"http://clients:9006/dom/clients/{sent}", json={**CLIENT, "id": given})

    client.view_client("dom", given, TOKEN)

    assert web.calls[0].request.path_url == f"/dom/clients/{sent}"


@pytest.mark.parametrize("bad", ["", ".", "..", "\ud800", "x" * 257])
@pytest.mark.parametrize("place", ["domain", "resource"])
def test_id_that_no_resource_can_have_is_not_found_without_a_request(client, web, bad, place):
    domain_id, resource_id = (bad, "c1") if place == "domain" else ("dom", bad)

    with pytest.raises(ResourceNotFound):
        client.view_client(domain_id, resource_id, TOKEN)
    with pytest.raises(ResourceNotFound):
        client.view_channel(domain_id, resource_id, TOKEN)

    assert len(web.calls) == 0


@pytest.mark.parametrize(
    ("status", "error", "kind", "permanent"),
    [
        (400, Rejected, ErrorKind.INVALID, True),
        (401, Unauthorized, ErrorKind.UNAUTHORIZED, True),
        (403, Forbidden, ErrorKind.FORBIDDEN, True),
        (404, ResourceNotFound, ErrorKind.NOT_FOUND, True),
        (405, Unavailable, ErrorKind.UPSTREAM_FAILED, True),
        (409, Rejected, ErrorKind.INVALID, True),
        (415, Unavailable, ErrorKind.UPSTREAM_FAILED, True),
        (422, Rejected, ErrorKind.INVALID, True),
        (429, Unavailable, ErrorKind.UPSTREAM_FAILED, False),
        (500, Unavailable, ErrorKind.UPSTREAM_FAILED, False),
        (501, Unavailable, ErrorKind.UPSTREAM_FAILED, False),
        (502, Unavailable, ErrorKind.UPSTREAM_FAILED, False),
        (503, Unavailable, ErrorKind.UPSTREAM_FAILED, False),
        (504, Unavailable, ErrorKind.UPSTREAM_FAILED, False),
        (202, Unavailable, ErrorKind.UPSTREAM_FAILED, True),
        (302, Unavailable, ErrorKind.UPSTREAM_FAILED, True),
    ],
)
@pytest.mark.parametrize("body", ['{"message":"s3cr3t-uuid"}', "not json"])
def test_each_status_has_its_own_error(client, web, status, error, kind, permanent, body):
    web.get(CLIENT_URL, status=status, body=body)

    with pytest.raises(MagistralaError) as caught:
        view(client)

    assert type(caught.value) is error
    assert isinstance(caught.value, BootstrapError)
    assert (caught.value.kind, caught.value.permanent, caught.value.service) == (kind, permanent, "clients")
    assert caught.value.status == status
    assert "clients" in caught.value.message
    assert "s3cr3t-uuid" not in caught.value.message


@pytest.mark.parametrize("status", [502, 503, 504, 429])
def test_get_is_repeated_twice_when_the_platform_is_briefly_unwell(client, web, status):
    web.get(CLIENT_URL, status=status)
    web.get(CLIENT_URL, status=status)
    web.get(CLIENT_URL, json=CLIENT)

    assert view(client).id == "c1"
    assert len(web.calls) == 3


@pytest.mark.parametrize("status", [502, 503, 504, 429])
def test_get_is_given_up_after_the_last_repeat(client, web, status):
    web.get(CLIENT_URL, status=status)

    with pytest.raises(Unavailable):
        view(client)

    assert len(web.calls) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500, 501, 302])
def test_final_answers_are_asked_for_once(client, web, status):
    web.get(CLIENT_URL, status=status)

    with pytest.raises(MagistralaError):
        view(client)

    assert len(web.calls) == 1


def test_lost_connection_is_repeated_and_a_timeout_is_not(client, web):
    web.get(CLIENT_URL, body=requests.ConnectionError("connection refused"))
    with pytest.raises(Unavailable):
        view(client)
    assert len(web.calls) == 3

    web.reset()
    web.get(CLIENT_URL, body=requests.ReadTimeout("slow"))
    with pytest.raises(TimedOut) as caught:
        view(client)
    assert len(web.calls) == 1
    assert caught.value.kind is ErrorKind.UPSTREAM_TIMEOUT
    assert not caught.value.permanent


@pytest.mark.parametrize(
    ("error", "raised", "count"),
    [
        (requests.ConnectTimeout("slow"), TimedOut, 1),
        (requests.exceptions.SSLError("certificate verify failed"), Unavailable, 1),
        (requests.exceptions.InvalidURL("bad"), Unavailable, 3),
        (requests.exceptions.ChunkedEncodingError("broken"), Unavailable, 3),
        (OSError("gone"), Unavailable, 3),
        (TimeoutError("gone"), TimedOut, 1),
    ],
)
def test_every_failure_of_the_network_is_typed(client, web, error, raised, count):
    web.get(CLIENT_URL, body=error)

    with pytest.raises(raised):
        view(client)

    assert len(web.calls) == count


def test_short_retry_after_is_honoured_and_a_long_one_is_passed_on(client, web, monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    web.get(CLIENT_URL, status=429, headers={"Retry-After": "1"})
    web.get(CLIENT_URL, json=CLIENT)

    view(client)

    assert pauses == [1.0]

    web.reset()
    web.get(CLIENT_URL, status=429, headers={"Retry-After": "120"})
    with pytest.raises(Unavailable) as caught:
        view(client)
    assert caught.value.retry_after == 120
    assert len(web.calls) == 1
    assert pauses == [1.0]


@pytest.mark.parametrize("value", ["soon", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", "²", "9" * 30])
def test_retry_after_that_is_no_number_of_seconds_is_ignored(client, web, value):
    web.get(CLIENT_URL, status=503, headers={"Retry-After": value})

    with pytest.raises(Unavailable) as caught:
        view(client)

    assert caught.value.retry_after is None
    assert len(web.calls) == 3


def test_pauses_grow_and_differ(client, web, monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    web.get(CLIENT_URL, status=503)

    for _ in range(10):
        with pytest.raises(Unavailable):
            view(client)

    first, second = pauses[0::2], pauses[1::2]
    assert all(0.05 <= pause <= 0.1 for pause in first)
    assert all(0.1 <= pause <= 0.2 for pause in second)
    assert len(set(pauses)) > 10


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "[]",
        "null",
        '"text"',
        "7",
        "NaN",
        '{"id":"c1","credentials":{},"status":"enabled","metadata":{"x":NaN}}',
        "[" * 2000,
        '{"credentials":{},"status":"enabled"}',
        '{"id":"","credentials":{},"status":"enabled"}',
        '{"id":7,"credentials":{},"status":"enabled"}',
        '{"id":"another","credentials":{},"status":"enabled"}',
        '{"id":"c1","credentials":{}}',
        '{"id":"c1","credentials":{},"status":0}',
        '{"id":"c1","credentials":[],"status":"enabled"}',
        '{"id":"c1","credentials":"s3cr3t-uuid","status":"enabled"}',
        '{"id":"c1","credentials":{"secret":{"v":"s3cr3t-uuid"}},"status":"enabled"}',
        '{"id":"c1","credentials":{"identity":1},"status":"enabled"}',
        '{"id":"c1","name":["s3cr3t-uuid"],"status":"enabled"}',
        '{"id":"c1","tags":"a","status":"enabled"}',
        '{"id":"c1","tags":[1],"status":"enabled"}',
        '{"id":"c1","metadata":[1],"status":"enabled"}',
        '{"id":"c1","name":"a\\u0000b","status":"enabled"}',
        '{"id":"c1","metadata":{"a":[{"b\\ud800":1}]},"status":"enabled"}',
        b'{"id":"c1","name":"\xff","status":"enabled"}',
        b'{"id":"c1","name":"\xed\xa0\x80","status":"enabled"}',
        '{"id":"c1","status":"enabled"',
        '{"id":"c1","status":"enabled","metadata":{"n":1e999}}',
        '{"id":"c1","status":"enabled","metadata":{"n":' + "[" * 200 + "]" * 200 + "}}",
        '{"id":"c1","status":"enabled","metadata":' + '{"n":' * 200 + "1" + "}" * 201,
    ],
)
def test_answer_of_the_wrong_shape_is_refused_once_and_not_quoted(client, web, body):
    web.get(CLIENT_URL, body=body)

    with pytest.raises(Unavailable) as caught:
        view(client)

    assert len(web.calls) == 1
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("name", ["a", "\\u0000", "\\ud800"])
def test_answer_that_is_not_in_plain_utf_8_is_refused(client, web, encoding, name):
    web.get(CLIENT_URL, body=f'{{"id":"c1","name":"{name}","status":"enabled"}}'.encode(encoding))

    with pytest.raises(Unavailable, match="not JSON"):
        view(client)


def test_answer_above_the_size_limit_is_refused_and_one_at_the_limit_is_read(client, web):
    frame = json.dumps({**CLIENT, "name": ""})
    web.get(CLIENT_URL, body=json.dumps({**CLIENT, "name": "x" * (MAX_BODY - len(frame))}))
    web.get(CLIENT_URL, body=json.dumps({**CLIENT, "name": "x" * (MAX_BODY + 1 - len(frame))}))

    assert len(view(client).name) == MAX_BODY - len(frame)
    with pytest.raises(Unavailable) as caught:
        view(client)

    assert f"{MAX_BODY} bytes" in caught.value.message
    assert caught.value.permanent
    assert len(web.calls) == 2


def test_size_limit_holds_for_refusals_too(client, web):
    web.get(CLIENT_URL, status=403, body="x" * (MAX_BODY + 1))

    with pytest.raises(Unavailable):
        view(client)


def test_compressed_answer_is_refused_unread(client, web):
    web.get(CLIENT_URL, body=b"\x1f\x8b\x08", headers={"Content-Encoding": "gzip"})

    with pytest.raises(Unavailable, match="compressed"):
        view(client)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_refused_and_the_token_stays_here(client, web, status):
    web.get(CLIENT_URL, status=status, headers={"Location": "http://elsewhere/"})
    web.get("http://elsewhere/", json=CLIENT)

    with pytest.raises(Unavailable, match="redirected") as caught:
        view(client)

    assert len(web.calls) == 1
    assert caught.value.permanent


def test_cookies_of_one_answer_do_not_reach_the_next_request(client, web):
    web.get(CLIENT_URL, json=CLIENT, headers={"Set-Cookie": "session=1; Path=/"})

    view(client)
    view(client)

    assert "Cookie" not in web.calls[1].request.headers


def test_connect_asks_for_one_triple_and_says_that_it_is_new(client, web):
    web.post(
        CONNECT_URL,
        status=201,
        match=[matchers.json_params_matcher({"channel_ids": ["ch1"], "client_ids": ["c1"], "types": ["Publish"]})],
    )

    assert client.connect("dom", "ch1", "c1", ["Publish"], TOKEN) is True
    assert web.calls[0].request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "body"), [(400, {"message": "entity already exists"}), (409, {"message": "conflict"})]
)
def test_connect_of_what_is_connected_is_success(client, web, status, body):
    web.post(CONNECT_URL, status=status, json=body)

    assert client.connect("dom", "ch1", "c1", ["Publish"], TOKEN) is False
    assert len(web.calls) == 1


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"message": "missing connection type"}, Rejected),
        (400, {"message": ["entity already exists"]}, Rejected),
        (400, {"error": "entity already exists"}, Rejected),
        (422, {"message": "failed to create entity"}, Rejected),
        (401, {}, Unauthorized),
        (403, {}, Forbidden),
        (404, {}, ResourceNotFound),
        (500, {"message": "entity already exists"}, Unavailable),
    ],
)
def test_other_refusals_of_connect_are_failures(client, web, status, body, error):
    web.post(CONNECT_URL, status=status, json=body)

    with pytest.raises(error):
        client.connect("dom", "ch1", "c1", ["Publish"], TOKEN)


def test_refusal_quotes_the_platforms_own_sentence_and_no_other(client, web):
    web.post(CONNECT_URL, status=422, json={"message": "failed to create entity"})
    with pytest.raises(Rejected, match="failed to create entity"):
        client.connect("dom", "ch1", "c1", ["Publish"], TOKEN)

    web.reset()
    web.post(CONNECT_URL, status=422, json={"message": f"bad token {TOKEN}"})
    with pytest.raises(Rejected) as caught:
        client.connect("dom", "ch1", "c1", ["Publish"], TOKEN)
    assert TOKEN not in caught.value.message


def test_connect_whose_answer_was_lost_is_repeated_and_succeeds(client, web):
    web.post(CONNECT_URL, body=requests.ConnectionError("reset"))
    web.post(CONNECT_URL, status=400, json={"message": "entity already exists"})

    assert client.connect("dom", "ch1", "c1", ["Publish"], TOKEN) is False
    assert len(web.calls) == 2


def domain(**members: object) -> dict[str, object]:
    return {"id": "dom", "name": "plant", "status": "enabled", **members}


def domains(web: responses.RequestsMock, *items: dict[str, object]) -> None:
    web.get(DOMAINS_URL, json={"total": len(items), "limit": 1, "domains": list(items)})


def test_membership_is_asked_for_by_id_in_every_status(client, web):
    domains(web, domain(role_id="r", role_name="admin", actions=["read", "update"]))

    found = client.membership("dom", TOKEN)

    assert found is not None
    assert (found.id, found.name, found.status, found.role_name) == ("dom", "plant", "enabled", "admin")
    assert found.actions == ("read", "update")
    assert not found.by_platform_admin
    assert web.calls[0].request.params == {"id": "dom", "status": "all", "limit": "1"}


def test_membership_is_none_when_the_user_holds_no_role(client, web):
    domains(web)

    assert client.membership("dom", TOKEN) is None


EMPTY_PAGES = ({"total": 0, "limit": 1}, {"total": 0}, {"total": 0, "offset": 0})


@pytest.mark.parametrize("null", [False, True])
@pytest.mark.parametrize("page", EMPTY_PAGES)
def test_page_that_leaves_its_empty_array_out_is_empty_when_its_total_says_so(client, web, page, null):
    for name in ("domains", "clients", "channels"):
        url = DOMAINS_URL if name == "domains" else f"http://{name}:{9006 if name == 'clients' else 9005}/dom/{name}"
        web.get(url, json=page | ({name: None} if null else {}))

    assert client.membership("dom", TOKEN) is None
    assert client.list_domains(TOKEN) == ()
    assert client.search_clients("dom", "x", TOKEN) == ()
    assert client.search_channels("dom", "x", TOKEN) == ()


@pytest.mark.parametrize("members", [{}, {"clients": None, "channels": None}])
@pytest.mark.parametrize("total", [{}, {"total": 1}, {"total": None}, {"total": "0"}, {"total": False}, {"total": -1}])
def test_page_without_array_whose_total_does_not_say_that_it_is_empty_is_refused(client, web, total, members):
    web.get(re.compile("http://c.*"), json=total | members)

    with pytest.raises(Unavailable, match="no member clients"):
        client.search_clients("dom", "x", TOKEN)
    with pytest.raises(Unavailable, match="no member channels"):
        client.search_channels("dom", "x", TOKEN)


def test_page_behind_the_last_domain_is_empty_though_there_are_some(client, web):
    web.get(DOMAINS_URL, json={"total": 2, "offset": 50, "limit": 10})

    assert client.list_domains(TOKEN, limit=10, offset=50) == ()
    with pytest.raises(Unavailable, match="no member domains"):
        client.list_domains(TOKEN, limit=10, offset=1)


def test_platform_admin_is_recognised_by_the_absence_of_any_role(client, web):
    domains(web, domain())

    found = client.membership("dom", TOKEN)

    assert found is not None
    assert found.actions is None
    assert found.by_platform_admin


@pytest.mark.parametrize(
    "members", [{"role_id": "r"}, {"role_name": "n"}, {"role_id": "r", "actions": None}, {"actions": []}]
)
def test_role_without_actions_is_not_taken_for_a_platform_admin(client, web, members):
    domains(web, domain(**members))

    found = client.membership("dom", TOKEN)

    assert found is not None
    assert found.actions == ()


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"total": 1},
        {"total": 1, "domains": None},
        {"total": "0"},
        {"total": False},
        {"total": None},
        {"total": 0.5},
        {"total": -1},
        {"domains": None},
        {"total": 0, "domains": {}},
        {"domains": {}},
        {"domains": ["dom"]},
        {"domains": [domain(id="other")]},
        {"domains": [domain(status="odd")]},
        {"domains": [domain(status=0)]},
        {"domains": [domain(actions="read")]},
        {"domains": [domain(actions=[1])]},
        {"domains": [domain(role_id=1)]},
    ],
)
def test_membership_answer_of_the_wrong_shape_is_unavailable_never_a_refusal(client, web, page):
    web.get(DOMAINS_URL, json=page)

    with pytest.raises(Unavailable):
        client.membership("dom", TOKEN)


def test_domain_id_in_a_query_cannot_add_parameters(client, web):
    domains(web)

    client.membership("a&status=enabled#x", TOKEN)

    assert web.calls[0].request.params["id"] == "a&status=enabled#x"


@pytest.mark.parametrize("bad", ["", ".", "..", "\ud800", "x" * 257])
def test_nobody_is_a_member_of_a_domain_that_cannot_exist(client, web, bad):
    assert client.membership(bad, TOKEN) is None
    assert len(web.calls) == 0


def test_search_for_half_a_character_is_sent_as_something_harmless(client, web):
    web.get("http://clients:9006/dom/clients", json={"total": 0, "clients": []})

    assert client.search_clients("dom", "a\ud800", TOKEN) == ()
    assert web.calls[0].request.params["name"] == "a?"


def test_all_domains_are_listed(client, web):
    domains(web, domain(actions=["read"]), domain(id="dom2", status="freezed", actions=[]))

    assert [entry.id for entry in client.list_domains(TOKEN, limit=5, offset=10)] == ["dom", "dom2"]
    assert web.calls[0].request.params == {"status": "all", "limit": "5", "offset": "10"}


def test_token_is_issued_for_name_and_password(client, web):
    web.post(
        "https://users:9002/base/users/tokens/issue",
        status=201,
        json={"access_token": "acc-tok", "refresh_token": "ref-tok"},
        match=[matchers.json_params_matcher({"username": "ada", "password": "pw-word"})],
    )

    pair = client.issue_token("ada", "pw-word")

    assert (pair.access_token, pair.refresh_token) == ("acc-tok", "ref-tok")
    assert "Authorization" not in web.calls[0].request.headers


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_wrong_password_and_unknown_user_look_alike(client, web, status):
    web.post("https://users:9002/base/users/tokens/issue", status=status, json={"message": "pw-word"})

    with pytest.raises(Unauthorized) as caught:
        client.issue_token("ada", "pw-word")

    assert "pw-word" not in caught.value.message


def test_requests_for_tokens_are_never_repeated(client, web):
    web.post("https://users:9002/base/users/tokens/issue", status=503)
    web.post("https://users:9002/base/users/tokens/refresh", status=503)

    with pytest.raises(Unavailable):
        client.issue_token("ada", "pw-word")
    with pytest.raises(Unavailable):
        client.refresh_token("ref-tok")

    assert len(web.calls) == 2


def test_refresh_sends_the_refresh_token_as_bearer_and_json(client, web):
    web.post("https://users:9002/base/users/tokens/refresh", status=201, json={"access_token": "new"})

    pair = client.refresh_token("ref-tok")

    assert (pair.access_token, pair.refresh_token) == ("new", "")
    sent = web.calls[0].request.headers
    assert (sent["Authorization"], sent["Content-Type"]) == ("Bearer ref-tok", "application/json")


def test_token_answer_without_a_token_is_refused(client, web):
    web.post("https://users:9002/base/users/tokens/issue", status=201, json={"refresh_token": "ref-tok"})

    with pytest.raises(Unavailable):
        client.issue_token("ada", "pw-word")


@pytest.mark.parametrize(
    ("cache_control", "age"),
    [
        ("public, max-age=900, stale-while-revalidate=60", 900),
        ("MAX-AGE=5", 5),
        ("s-maxage=7", None),
        ("max-age=x", None),
        ("", None),
    ],
)
def test_key_set_is_read_with_how_long_it_lasts(client, web, cache_control, age):
    key = {"kid": "active", "kty": "OKP", "crv": "Ed25519", "x": "abc"}
    web.get(
        "http://auth:9001/keys/.well-known/jwks.json", json={"keys": [key]}, headers={"Cache-Control": cache_control}
    )

    found = client.jwks()

    assert (found.keys, found.max_age_seconds) == ((key,), age)
    assert "Authorization" not in web.calls[0].request.headers


@pytest.mark.parametrize("body", [{"keys": None}, {"keys": []}, {"total": 0}])
def test_key_set_of_a_platform_with_a_shared_secret_is_empty(client, web, body):
    web.get("http://auth:9001/keys/.well-known/jwks.json", json=body)

    assert client.jwks().keys == ()


@pytest.mark.parametrize("body", [{}, {"total": 1}, {"keys": {}}, {"keys": ["x"]}, {"keys": "none"}])
def test_key_set_of_the_wrong_shape_is_refused(client, web, body):
    web.get("http://auth:9001/keys/.well-known/jwks.json", json=body)

    with pytest.raises(Unavailable):
        client.jwks()


def test_search_asks_for_a_bounded_page_by_name(client, web):
    web.get("http://clients:9006/dom/clients", json={"total": 1, "clients": [CLIENT]})
    web.get("http://channels:9005/dom/channels", json={"total": 1, "channels": [{"id": "ch1", "status": "enabled"}]})

    assert [found.id for found in client.search_clients("dom", "pump & co", TOKEN, 1000)] == ["c1"]
    assert [found.id for found in client.search_channels("dom", "", TOKEN)] == ["ch1"]
    assert web.calls[0].request.params == {"name": "pump & co", "limit": "100"}
    assert web.calls[1].request.params == {"limit": "10"}


@pytest.mark.parametrize(
    ("status", "body", "well"),
    [(200, '{"status":"pass"}', True), (200, '{"status":"fail"}', False), (200, "hello", False), (503, "{}", False)],
)
def test_health_is_yes_or_no(client, web, status, body, well):
    web.get("http://clients:9006/health", status=status, body=body)

    assert client.health("clients") is well
    assert len(web.calls) == 1


def test_health_of_a_service_that_is_down_is_no(client, web):
    web.get("http://auth:9001/health", body=requests.ConnectionError("refused"))

    assert client.health("auth") is False
    with pytest.raises(ValueError, match="no Magistrala service"):
        client.health("jwks")


def test_no_secret_shows_in_a_repr(client, web):
    web.get(CLIENT_URL, json={**CLIENT, "metadata": {"password": "hidden-too"}})
    web.post(
        "https://users:9002/base/users/tokens/issue",
        status=201,
        json={"access_token": "acc-tok", "refresh_token": "ref-tok"},
    )

    shown = repr(view(client)) + repr(client.issue_token("ada", "pw-word")) + repr(client)

    for secret in ("s3cr3t", "acc-tok", "ref-tok", "hidden-too"):
        assert secret not in shown


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 302, 418])
def test_no_token_shows_in_a_message_or_a_log(client, web, status, caplog):
    caplog.set_level("INFO", logger="bootstrap_project")
    web.get(CLIENT_URL, status=status, json={"message": f"{TOKEN} s3cr3t-uuid"})

    with pytest.raises(MagistralaError) as caught:
        view(client)

    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value)
    assert TOKEN not in shown
    assert "s3cr3t-uuid" not in shown


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "ok"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not_found"),
        (422, "rejected"),
        (500, "unavailable"),
        (302, "unavailable"),
    ],
)
def test_observer_is_told_how_a_request_ended(client, web, seen, status, outcome):
    web.get(CLIENT_URL, status=status, json=CLIENT)

    try:
        view(client)
    except MagistralaError:
        assert outcome != "ok"

    assert seen == [("clients", "view_client", outcome, True)]


def test_observer_is_told_of_each_repeat(client, web, seen):
    web.get(CLIENT_URL, status=503)
    web.get(CLIENT_URL, body=requests.ConnectionError("refused"))
    web.get(CLIENT_URL, body=requests.ReadTimeout("slow"))

    with pytest.raises(TimedOut):
        view(client)

    assert [outcome for _, _, outcome, _ in seen] == ["unavailable", "unavailable", "timeout"]


def test_connection_that_exists_already_is_observed_as_success(client, web, seen):
    web.post(CONNECT_URL, status=400, json={"message": "entity already exists"})

    client.connect("dom", "ch1", "c1", ["Publish"], TOKEN)

    assert seen == [("channels", "connect", "ok", True)]


def test_every_method_is_observed_under_its_own_name(client, web, seen):
    web.add(responses.GET, url=re.compile("http.*"), status=404)
    web.add(responses.POST, url=re.compile("http.*"), status=404)
    calls = {
        "view_client": ("dom", "c1", TOKEN),
        "view_channel": ("dom", "ch1", TOKEN),
        "connect": ("dom", "ch1", "c1", ["Publish"], TOKEN),
        "membership": ("dom", TOKEN),
        "list_domains": (TOKEN,),
        "issue_token": ("ada", "pw-word"),
        "refresh_token": (TOKEN,),
        "jwks": (),
        "search_clients": ("dom", "x", TOKEN),
        "search_channels": ("dom", "x", TOKEN),
        "health": ("auth",),
    }

    for name, arguments in calls.items():
        with contextlib.suppress(MagistralaError):
            getattr(client, name)(*arguments)

    assert [operation for _, operation, _, _ in seen] == list(calls)
    assert set(calls) <= metrics.MAGISTRALA_OPERATIONS


def test_every_call_for_somebody_carries_their_token_and_no_other_does(client, web):
    web.add(responses.GET, url=re.compile("http.*"), status=404)
    web.add(responses.POST, url=re.compile("http.*"), status=404)
    calls = [
        ("view_client", ("dom", "c1", TOKEN)),
        ("view_channel", ("dom", "ch1", TOKEN)),
        ("connect", ("dom", "ch1", "c1", ["Publish"], TOKEN)),
        ("membership", ("dom", TOKEN)),
        ("list_domains", (TOKEN,)),
        ("search_clients", ("dom", "x", TOKEN)),
        ("search_channels", ("dom", "x", TOKEN)),
        ("lists", ("client", "dom", "c1", TOKEN)),
        ("jwks", ()),
        ("health", ("auth",)),
    ]

    for name, arguments in calls:
        web.calls.reset()
        with contextlib.suppress(MagistralaError):
            getattr(client, name)(*arguments)
        expected = f"Bearer {TOKEN}" if TOKEN in arguments else None
        assert [call.request.headers.get("Authorization") for call in web.calls] == [expected], name
