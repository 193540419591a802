"""What holds for each call of the management API: which ids, which methods, which bodies; test_matrix says who may."""

from __future__ import annotations

import gzip
import json

import pytest

from bootstrap_project.wsgi_middleware.content_type import FOREIGN_CHARSET
from configs.models import Config
from profiles.models import Profile
from tests.api.routes import Rows, everything, success_of
from tests.support.api import ENDPOINTS, UNKNOWN, WITH_BODY, WITH_ID, Api, told
from tests.support.rows import make_binding, make_config, make_profile

each = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
each_with_id = pytest.mark.parametrize("endpoint", WITH_ID, ids=lambda endpoint: endpoint.name)
each_with_body = pytest.mark.parametrize("endpoint", WITH_BODY, ids=lambda endpoint: endpoint.name)


@pytest.fixture
def rows(db):
    slots = [{"name": "s", "type": "client", "required": True}]
    profile = make_profile(content_template="{{ .Device.ID }}", binding_slots=slots)
    config = make_config(profile=profile, name="as it was")
    make_binding(config=config, slot="s")
    return {"config": config.pk, "profile": profile.pk}


@each
def test_the_call_is_there_for_its_operator(api, rows, endpoint):
    answer = endpoint.send(api, **rows)

    # Nothing bindable is listed, the profile is in use, and the factory's resource is unknown to the platform.
    expected = {"bind": 400, "remove profile": 409, "refresh bindings": 404}
    created = {"create config", "create profile", "upload profile"}
    empty = {"remove config", "assign profile"}
    success = 201 if endpoint.name in created else 204 if endpoint.name in empty else 200
    assert answer.status_code == expected.get(endpoint.name, success), answer.content
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Request-ID"]


@each_with_id
def test_an_unknown_id_is_not_found(api, rows, endpoint):
    for unknown in (UNKNOWN, "not-a-uuid", "%7B3094cf29-e73f-4be1-a4d2-b5c5d7a827ec%7D", "%00", "%ff", "%20"):
        answer = endpoint.send(api, config=unknown, profile=unknown)
        assert answer.status_code == endpoint.unknown, unknown
        assert answer.status_code == 204 or "entity not found" in told(answer)


@each_with_id
def test_an_id_is_found_in_capital_letters(api, db, endpoint):
    rows = Rows()

    answer = rows.send(endpoint, api, in_capitals=True)

    assert answer.status_code == success_of(endpoint), answer.content
    # Removing what is not there is answered alike.
    assert (rows.count() < 3) == (endpoint.method == "DELETE")


def allowed_at(path):
    return {endpoint.method for endpoint in ENDPOINTS if endpoint.path == path}


METHODS = ("TRACE", "OPTIONS", "PUT", "GET", "POST", "PATCH", "DELETE")
WRONG = [
    (method, path)
    for path in sorted({endpoint.path for endpoint in ENDPOINTS})
    for method in METHODS
    if method not in allowed_at(path)
]


@pytest.mark.parametrize(("method", "path"), WRONG)
def test_another_method_is_not_allowed_and_the_answer_names_those_that_are(api, rows, method, path):
    before = everything()

    answer = api.call(method, path.format(**rows))

    assert "method not allowed" in told(answer, 405)
    assert allowed_at(path) <= set(answer["Allow"].replace(",", " ").split())
    assert everything() == before


def test_a_wrong_method_is_told_without_asking_the_platform(sandbox, rows):
    told(Api("").call("PUT", "/clients/configs"), 405)

    assert sandbox.calls() == []


@each_with_body
@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_that_does_not_say_it_is_json_is_refused(api, rows, endpoint, content_type):
    before = everything()

    answer = endpoint.send(api, content_type=content_type, **rows)

    assert "unsupported content type" in told(answer, 415)
    assert everything() == before


@each_with_body
@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"]
)
def test_json_may_come_with_parameters(api, db, endpoint, content_type):
    answer = Rows().send(endpoint, api, content_type=content_type)

    assert answer.status_code == success_of(endpoint), answer.content


@each_with_body
def test_a_body_that_is_encoded_is_refused_and_told_how_to_send_it(api, rows, endpoint):
    before = everything()
    body = gzip.compress(json.dumps(endpoint.body).encode())

    for encoding in ("gzip", "GZIP", "deflate", "br", "zstd", "gzip, identity", "x-unknown"):
        answer = endpoint.send(api, body=body, headers={"Content-Encoding": encoding}, **rows)

        assert "send the body uncompressed" in told(answer, 415)
    assert everything() == before


@each_with_body
def test_a_body_that_says_it_is_not_encoded_is_taken(api, db, endpoint):
    answer = Rows().send(endpoint, api, headers={"Content-Encoding": " Identity "})

    assert answer.status_code == success_of(endpoint), answer.content


def test_a_call_that_reads_no_body_does_not_mind_how_one_is_encoded(api, rows):
    for method, path in (("GET", "/clients/configs"), ("POST", f"/clients/configs/{rows['config']}/enable")):
        assert api.call(method, path, headers={"Content-Encoding": "gzip"}).status_code == 200


@each_with_body
def test_a_body_in_another_charset_is_told_so_where_it_cannot_be_read(api, rows, endpoint):
    foreign = {FOREIGN_CHARSET: True}

    answer = endpoint.send(api, body='{"name": "café"}'.encode("latin-1"), **foreign, **rows)

    assert "send the body in UTF-8" in told(answer, 415)
    assert endpoint.send(api, body=b'{"name": "caf\xc3\xa9"}', **foreign, **rows).status_code != 415


BROKEN = {
    "nothing": b"",
    "space": b"  \n",
    "cut": b'{"name": "a"',
    "two": b'{"name": "a"} {"name": "b"}',
    "array": b'[{"name": "a"}]',
    "text": b'"name"',
    "number": b"1",
    "null": b"null",
    "single quotes": b"{'name': 'a'}",
    "trailing comma": b'{"name": "a",}',
    "comment": b'{"name": "a"} // b',
    "byte order mark": b'\xef\xbb\xbf{"name": "a"}',
    "utf-16": '{"name": "a"}'.encode("utf-16"),
    "latin-1": b'{"name": "caf\xe9"}',
    "overlong utf-8": b'{"name": "\xc0\xaf"}',
    "encoded surrogate": b'{"name": "\xed\xa0\x80"}',
    "lone surrogate": b'{"name": "\\ud800"}',
    "lone surrogate as a name": b'{"\\udfff": 1}',
    "nul": b'{"name": "a\\u0000b"}',
    "nul deep inside": b'{"defaults": {"a": [{"b": "\\u0000"}]}, "render_context": {"a": "\\u0000"}}',
    "raw control character": b'{"name": "a\x01"}',
    "not a number": b'{"defaults": {"x": NaN}, "render_context": {"x": NaN}}',
    "infinity": b'{"x": -Infinity}',
    "too large a number": b'{"x": 1e400}',
    "an integer of 5000 digits": b'{"x": ' + b"9" * 5000 + b"}",
    "an integer that no float holds": b'{"x": ' + b"9" * 309 + b"}",
    "deep": b'{"x": ' + b"[" * 100 + b"]" * 100 + b"}",
    "very deep": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "very deep objects": b'{"x": ' * 50_000 + b"1" + b"}" * 50_000,
}


@each_with_body
def test_a_body_that_is_no_usable_json_is_refused_whole(api, rows, endpoint):
    before = everything()

    broken = dict(BROKEN)
    if endpoint.name == "upload profile":
        # A file may begin with one.
        del broken["byte order mark"]
    for name, body in broken.items():
        answer = endpoint.send(api, body=body, **rows)
        assert "request body is not a valid JSON, expecting a valid JSON" in told(answer, 400), name
        assert len(answer.content) < 500

    assert everything() == before


@each_with_body
def test_a_body_above_one_mebibyte_is_too_large(api, rows, endpoint):
    before = everything()
    body = json.dumps(endpoint.body)

    at_limit = endpoint.send(api, body=body.ljust(1_048_576), **rows)
    above = endpoint.send(api, body=body.ljust(1_048_577), **rows)

    assert at_limit.status_code != 413
    assert "request body too large" in told(above, 413)
    if at_limit.status_code >= 300:
        assert everything() == before


@each_with_body
def test_a_bad_token_is_told_before_a_bad_body(sandbox, rows, endpoint):
    told(endpoint.send(Api("forged"), body=b"{", content_type="text/plain", **rows), 401)


@each_with_body
def test_a_bad_content_type_is_told_before_bad_json(api, rows, endpoint):
    told(endpoint.send(api, body=b"{", content_type="text/plain", **rows), 415)


@each_with_body
def test_members_that_nobody_knows_are_ignored(api, rows, endpoint):
    body = dict(endpoint.body) | {"no_such_member": {"x": [1, None]}, "created_at": "0001-01-01T00:00:00Z"}
    if "profile_id" in body:
        body["profile_id"] = str(rows["profile"])

    plain = endpoint.send(api, **rows).status_code
    Profile.objects.filter(name__in=["new", "uploaded"]).delete()
    Config.objects.filter(external_id="new").delete()

    assert endpoint.send(api, body=body, **rows).status_code == plain


@pytest.mark.parametrize(
    "path", ["/clients/configs", "/clients/bootstrap/profiles", "/clients/bootstrap/profiles/upload"]
)
def test_a_member_that_stands_there_twice_is_refused(api, path):
    answer = api.post(path, b'{"name": "first", "external_id": "x", "external_key": "y", "name": "second"}')

    assert "line 1, column 60" in told(answer, 400)


@each
@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*;q=0.1", "nonsense"])
def test_answers_are_json_whatever_the_caller_accepts(api, rows, endpoint, accept):
    plain = endpoint.send(api, **rows, headers={"Accept": accept})

    assert plain.status_code != 406
    assert plain["Content-Type"] == "application/json"


@each
def test_the_scheme_of_the_token_may_be_written_in_any_case(sandbox, rows, endpoint):
    token = sandbox.token()

    answer = endpoint.send(Api(""), **rows, headers={"Authorization": f"bEARER  {token} "})

    assert answer.status_code != 401


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic b3A6cA==", "Client device-key", "token", "Bearer " + "x" * 9000, "Bearer ü"],
)
def test_what_is_no_bearer_token_never_reaches_the_platform(sandbox, db, header):
    answer = Api("").get("/clients/configs", headers={"Authorization": header})

    told(answer, 401)
    assert sandbox.calls() == []
    assert "b3A6cA" not in answer.content.decode()
    assert "device-key" not in answer.content.decode()


@pytest.mark.parametrize("path", ["/clients/configs/", "/clients/bootstrap/profiles/"])
def test_a_collection_is_found_with_a_slash_at_its_end(api, path):
    assert api.get(path).status_code == 200
    assert api.post(path, {"name": "n", "external_id": "e", "external_key": "k"}).status_code == 201


def test_a_parameter_that_nobody_knows_is_ignored(api):
    assert api.get("/clients/configs?with_attributes=false&with_metadata=false&total=3&roles=true").status_code == 200
    assert api.get("/clients/bootstrap/profiles?with_attributes=false&total=x&order=y").status_code == 200
