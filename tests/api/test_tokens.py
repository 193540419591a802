"""The local look at a bearer token: what is refused without asking anybody (docs/contract.md#f7, #f8, #i2)."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bootstrap_project.api.operators_errors import NotAuthenticated
from bootstrap_project.api.tokens import TokenKind, TokenRules, examine
from bootstrap_project.magistrala.sandbox.seed import OPERATOR_ID
from tests.support.api import Api, told

LIST = "/clients/configs"
NOW = 1_800_000_000
KEY = Ed25519PrivateKey.generate()
RULES = TokenRules("magistrala.auth", "", frozenset({"EdDSA"}), allow_unverified=False)


def make(claims: dict[str, Any] | None = None, *, header: dict[str, Any] | None = None, key: Any = KEY) -> str:
    """A token as the platform makes them, with some claims changed (None: left out)."""
    body: dict[str, Any] = {
        "iss": "magistrala.auth",
        "sub": OPERATOR_ID,
        "iat": int(time.time()),
        "exp": int(time.time()) + 3600,
        "type": 0,
        "role": 1,
        "verified": True,
    }
    body.update(claims or {})
    body = {name: value for name, value in body.items() if value is not None}
    return jwt.encode(body, key, algorithm="EdDSA", headers={"kid": "active"} | (header or {}))


def raw(header: Any, payload: Any, signature: bytes = b"s" * 64) -> str:
    """Any three segments."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in [*parts, signature])


GOOD_HEADER = {"alg": "EdDSA", "kid": "active", "typ": "JWT"}
GOOD_CLAIMS = {"iss": "magistrala.auth", "sub": "u", "exp": 4_000_000_000, "type": 0, "verified": True}

#: What has no form that is known here: the platform decides.
OPAQUE = {
    "a word": "forged",
    "two segments": "a.b",
    "four segments": "a.b.c.d",
    "a short personal token": "pat_abc",
    "a personal token without a secret": "pat_" + "A" * 43 + "=_",
    "a personal token cut in its ids": "pat_" + "A" * 40 + "_" + "x" * 100,
    "a very long personal token": "pat_" + "A" * 43 + "=_" + "x" * 5000,
    "nothing but base64": "QUFB" * 2000,
}

JUNK = {
    "dots": "..",
    "not base64": "!!.!!.!!",
    "no JSON": raw(b"no JSON", b"no JSON"),
    "a list for a header": raw([1], GOOD_CLAIMS),
    "a list for claims": raw(GOOD_HEADER, [1]),
    "no claims": raw(GOOD_HEADER, {}),
    "a header without alg": raw({"kid": "active"}, GOOD_CLAIMS),
    "alg none": raw({"alg": "none"}, GOOD_CLAIMS, b""),
    "alg NONE": raw({"alg": "NonE"}, GOOD_CLAIMS, b""),
    "an alg of another type": raw({"alg": ["EdDSA"]}, GOOD_CLAIMS),
    "an alg that is not configured": raw({"alg": "RS256"}, GOOD_CLAIMS),
    "an unknown alg": raw({"alg": "Ed448-but-better"}, GOOD_CLAIMS),
    "a kid of another type": raw({"alg": "EdDSA", "kid": 7}, GOOD_CLAIMS),
    "an unknown critical header": raw(GOOD_HEADER | {"crit": ["x"], "x": 1}, GOOD_CLAIMS),
    "a detached payload": raw(GOOD_HEADER | {"b64": False, "crit": ["b64"]}, GOOD_CLAIMS),
    "very deep claims": raw(GOOD_HEADER, b"[" * 3000),
    "deep claims": raw(GOOD_HEADER, b'{"x":' + b"[" * 1400 + b"]" * 1400 + b"}"),
    "a number of 5000 digits": raw(GOOD_HEADER, b'{"exp":' + b"9" * 5000 + b"}"),
    "a refresh token": make({"type": 1}),
    "a recovery token": make({"type": 2}),
    "a personal token as a JWT": make({"type": 4}),
    "an invitation": make({"type": 5}),
    "an unknown type": make({"type": 6}),
    "a negative type": make({"type": -1}),
    "no type": make({"type": None}),
    "a type in words": make({"type": "access"}),
    "a type as text": make({"type": "0"}),
    "a type that is true": make({"type": True}),
    "a type that is false": make({"type": False}),
    "a type that is a float": make({"type": 0.0}),
    "a type in a list": make({"type": [0]}),
    "another issuer": make({"iss": "somebody"}),
    "no issuer": make({"iss": None}),
    "an issuer of another type": raw(GOOD_HEADER, GOOD_CLAIMS | {"iss": ["magistrala.auth"]}),
    "no end": make({"exp": None}),
    "an end long ago": make({"exp": 1}),
    "an end in words": make({"exp": "tomorrow"}),
    "an endless end": raw(GOOD_HEADER, b'{"iss":"magistrala.auth","sub":"u","type":0,"exp":1e999}'),
    "an end that is no number": raw(GOOD_HEADER, b'{"iss":"magistrala.auth","sub":"u","type":0,"exp":NaN}'),
    "an end of 400 digits": raw(GOOD_HEADER, b'{"iss":"magistrala.auth","sub":"u","type":0,"exp":' + b"9" * 400 + b"}"),
    "a start in the future": make({"iat": 4_000_000_000}),
    "not before the future": make({"nbf": 4_000_000_000}),
    "no user": make({"sub": None}),
    "an empty user": make({"sub": ""}),
    "a user that is a number": raw(GOOD_HEADER, GOOD_CLAIMS | {"sub": 7}),
    "a personal token with a bad character": "pat_" + "é" * 44 + "_x",
    "a huge token": "x" * 100_000,
}


@pytest.mark.parametrize("token", JUNK.values(), ids=JUNK)
def test_what_is_evidently_no_token_is_refused_without_asking_anybody(sandbox, db, token):
    answer = Api("").get(LIST, headers={"Authorization": f"Bearer {token}".encode().decode("latin-1")})

    said = told(answer, 401)
    assert answer["WWW-Authenticate"] == "Bearer"
    assert sandbox.calls() == []
    assert len(said) < 300


@pytest.mark.parametrize("token", OPAQUE.values(), ids=OPAQUE)
def test_a_token_of_no_known_form_is_left_to_the_platform(sandbox, db, token):
    told(Api(token).get(LIST), 401)

    assert len(sandbox.calls("domains")) == 1
    assert sandbox.calls("auth") == []


@pytest.mark.parametrize("kind", [1, 2, 5])
def test_tokens_for_other_purposes_are_refused_where_nobody_can_check_signatures_too(sandbox, db, kind):
    sandbox.shared_secret()
    token = sandbox.token(kind=kind)
    assert sandbox.platform("GET", "/domains", token).status_code == 200, "the platform itself would take it"

    assert "opens nothing here" in told(Api(token).get(LIST), 401)
    assert sandbox.calls("auth") == []


def test_an_unverified_address_is_told_by_its_name(sandbox, db):
    answer = Api(sandbox.token(verified=False)).get(LIST)

    assert answer.json()["message"] == "email not verified"
    assert sandbox.calls() == []


def test_administrators_of_the_platform_need_no_verified_address(sandbox, db):
    assert Api(sandbox.token("admin", verified=False)).get(LIST).status_code == 200


def test_an_unverified_address_may_be_let_through_to_the_platform(sandbox, db, settings):
    settings.MG_ALLOW_UNVERIFIED_USER = True

    # This platform enforces it too; ours is not the one to say no.
    answer = Api(sandbox.token(verified=False)).get(LIST)
    assert len(sandbox.calls("domains")) == 1
    assert answer.json()["message"] == "email not verified"
    assert "MG_ALLOW_UNVERIFIED_USER" in told(answer, 401)


@pytest.mark.parametrize(
    ("claims", "kind"),
    [({}, TokenKind.ACCESS), ({"type": 3}, TokenKind.API_KEY), ({"type": 3, "exp": None}, TokenKind.API_KEY)],
)
def test_access_tokens_and_api_keys_are_looked_at(claims, kind):
    found = examine(make(claims), RULES)

    assert (found.kind, found.user_id, found.algorithm, found.kid) == (kind, OPERATOR_ID, "EdDSA", "active")
    assert (found.expires_at is None) == ("exp" in claims)
    assert found.seconds_left() > 3500


def test_the_users_id_stands_in_a_personal_access_token(sandbox):
    token, _ = sandbox.pat()

    assert examine(token, RULES).user_id == OPERATOR_ID
    assert examine(token, RULES).kind is TokenKind.PERSONAL


def test_clocks_may_differ_a_little(time_machine):
    time_machine.move_to(NOW, tick=False)

    for claims in ({"exp": NOW - 29}, {"iat": NOW + 30}, {"nbf": NOW + 30}):
        assert examine(make(claims), RULES).kind is TokenKind.ACCESS
    for claims in ({"exp": NOW - 30}, {"iat": NOW + 31}, {"nbf": NOW + 31}):
        with pytest.raises(NotAuthenticated):
            examine(make(claims), RULES)


@pytest.mark.parametrize("audience", ["magistrala", ["magistrala", "other"]])
def test_an_audience_is_looked_at_when_it_is_configured(audience):
    rules = TokenRules("magistrala.auth", "magistrala", frozenset({"EdDSA"}), allow_unverified=False)

    for accepting in (rules, RULES):
        assert examine(make({"aud": audience}), accepting).kind is TokenKind.ACCESS
    for claims in ({"aud": "other"}, {"aud": None}, {"aud": ["x"]}, {"aud": "magistrala2"}):
        with pytest.raises(NotAuthenticated):
            examine(make(claims), rules)


def test_issuer_and_algorithms_are_settings(sandbox, db, settings):
    settings.MG_AUTH_ISSUER = "atom"
    told(Api(sandbox.token()).get(LIST), 401)

    settings.MG_AUTH_ISSUER, settings.MG_AUTH_ALGORITHMS = "magistrala.auth", ["ES256"]
    told(Api(sandbox.token()).get(LIST), 401)

    assert sandbox.calls() == []


def test_no_refusal_quotes_the_token_or_drags_it_along(sandbox):
    # What has no two dots is refused for its length or its letters, before it is examined.
    for token in [junk for junk in JUNK.values() if junk.count(".") == 2]:
        with pytest.raises(NotAuthenticated) as caught:
            examine(token, RULES)
        assert token not in str(caught.value) or len(token) < 10
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
