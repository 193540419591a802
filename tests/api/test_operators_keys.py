"""The platform's public keys: kept, renewed, looked at again, and never a reason to lock anybody out."""

from __future__ import annotations

import base64
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bootstrap_project.api import operators
from bootstrap_project.api.jwks import KeyStore, Verdict
from bootstrap_project.deadline import deadline
from bootstrap_project.magistrala.errors import Unavailable, deadline_passed
from bootstrap_project.magistrala.resources import KeySet
from bootstrap_project.magistrala.sandbox.seed import OPERATOR_ID
from tests.support.api import Api, told

LIST = "/clients/configs"
GENUINE, FORGED, UNDECIDED = Verdict.GENUINE, Verdict.FORGED, Verdict.UNDECIDED


class Signer:
    """A private key with its name."""

    def __init__(self, kid: str = "active") -> None:
        self.kid = kid
        self.private = Ed25519PrivateKey.generate()

    def sign(self, **header: Any) -> str:
        return jwt.encode({"sub": "u"}, self.private, algorithm="EdDSA", headers={"kid": self.kid} | header)

    def public(self, **changes: Any) -> dict[str, object]:
        raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        key = {"kid": self.kid, "kty": "OKP", "alg": "EdDSA", "use": "sig", "crv": "Ed25519", "x": x} | changes
        return {name: value for name, value in key.items() if value is not None}


class Platform:
    """Gives out keys, counts who asks, and has a clock that stands still."""

    def __init__(self, *keys: dict[str, object], max_age: int | None = 900) -> None:
        self.keys, self.max_age = keys, max_age
        self.asked = 0
        self.broken = False
        self.now = 1000.0
        self.store = KeyStore(self.fetch, clock=lambda: self.now)

    def fetch(self) -> KeySet:
        self.asked += 1
        if self.broken:
            raise Unavailable("The Magistrala auth service is down.", service="auth")
        return KeySet(self.keys, self.max_age)

    def judge(self, token: str, algorithm: str = "EdDSA", kid: str = "active") -> Verdict:
        return self.store.judge(token, algorithm, kid)


@pytest.fixture
def signer() -> Signer:
    return Signer()


@pytest.fixture
def platform(signer: Signer) -> Platform:
    return Platform(signer.public())


def test_a_signature_is_checked_with_keys_that_were_fetched_once(platform, signer):
    assert [platform.judge(signer.sign()) for _ in range(5)] == [GENUINE] * 5
    assert platform.asked == 1


@pytest.mark.parametrize("changes", [{"use": None}, {"alg": None}, {"kid": None}, {"use": None, "alg": None}])
def test_members_that_a_key_need_not_have_may_be_missing(signer, changes):
    assert Platform(signer.public(**changes)).judge(signer.sign()) is GENUINE


def test_a_token_without_a_kid_is_checked_with_every_key(platform, signer):
    platform.keys = (Signer("other").public(), signer.public())

    assert platform.judge(signer.sign(), kid="") is GENUINE


@pytest.mark.parametrize(("said", "kept"), [(None, 300), (900, 900), (0, 60), (59, 60), (10**8, 3600)], ids=str)
def test_keys_are_kept_as_long_as_the_platform_says_within_bounds(signer, said, kept):
    platform = Platform(signer.public(), max_age=said)
    platform.judge(signer.sign())

    platform.now += kept - 0.1
    platform.judge(signer.sign())
    assert platform.asked == 1
    platform.now += 0.1
    platform.judge(signer.sign())
    assert platform.asked == 2


def test_an_unknown_kid_makes_us_look_again_at_once(platform, signer):
    platform.judge(signer.sign())
    newer = Signer("newer")
    platform.keys = (newer.public(), signer.public())

    assert platform.judge(newer.sign(), kid="newer") is GENUINE
    assert platform.judge(signer.sign()) is GENUINE
    assert platform.asked == 2


def test_another_key_of_the_same_name_makes_us_look_again_at_once(platform, signer):
    platform.judge(signer.sign())
    newer = Signer()
    platform.keys = (newer.public(),)

    assert platform.judge(newer.sign()) is GENUINE
    assert platform.judge(signer.sign()) is FORGED


def test_garbage_cannot_make_us_ask_more_often_than_the_pause_allows(platform, signer):
    platform.judge(signer.sign())

    for number in range(100):
        assert platform.judge(Signer(f"k{number}").sign(), kid=f"k{number}") is FORGED
        assert platform.judge(Signer().sign()) is FORGED
    assert platform.asked == 2

    platform.now += 10
    assert platform.judge(Signer().sign()) is FORGED
    assert platform.judge(Signer().sign()) is FORGED
    assert platform.asked == 3
    assert platform.judge(signer.sign()) is GENUINE


def test_known_keys_stay_in_use_through_an_outage_however_long(platform, signer):
    platform.judge(signer.sign())
    platform.broken = True

    for _ in range(10):
        platform.now += 3600
        assert platform.judge(signer.sign()) is GENUINE


def test_during_an_outage_what_fits_no_known_key_is_for_the_platform_to_decide(platform, signer):
    platform.judge(signer.sign())
    platform.broken = True

    for _ in range(50):
        assert platform.judge(Signer().sign()) is UNDECIDED
    assert platform.asked == 2

    platform.broken = False
    platform.now += 30
    assert platform.judge(Signer().sign()) is FORGED


def test_without_any_keys_an_outage_leaves_everything_to_the_platform(platform, signer):
    platform.broken = True

    assert [platform.judge(signer.sign()) for _ in range(50)] == [UNDECIDED] * 50
    assert platform.asked == 1
    platform.broken = False
    platform.now += 30
    assert platform.judge(signer.sign()) is GENUINE


def test_a_platform_without_public_keys_is_not_asked_for_them_all_the_time(signer):
    platform = Platform()

    assert [platform.judge(signer.sign()) for _ in range(50)] == [UNDECIDED] * 50
    assert platform.asked == 1


UNUSABLE: list[dict[str, object]] = [
    {},
    {"kty": "oct", "alg": "HS256", "kid": "active", "k": "c2VjcmV0"},
    {"kty": "oct", "kid": "active", "k": "c2VjcmV0"},
    {"kty": "OKP", "alg": "EdDSA", "kid": "active", "crv": "Ed25519"},
    {"kty": "OKP", "alg": "EdDSA", "kid": "active", "crv": "Ed25519", "x": "!"},
    {"kty": "OKP", "alg": "EdDSA", "kid": "active", "crv": "Ed25519", "x": 7},
    {"kty": "OKP", "kid": "active", "crv": "X25519", "x": "AAAA"},
    {"kty": ["OKP"], "alg": {}, "kid": []},
    {"kty": "OKP", "use": ["sig"]},
    {"kty": "RSA", "alg": "none", "kid": "active", "n": "AQAB", "e": "AQAB"},
]


def test_keys_that_cannot_be_used_are_passed_over(signer):
    platform = Platform(*UNUSABLE, signer.public())

    assert platform.judge(signer.sign()) is GENUINE


@pytest.mark.parametrize("key", UNUSABLE, ids=lambda key: str(key)[:40])
def test_keys_of_which_none_can_be_used_leave_everything_to_the_platform(signer, key):
    assert Platform(key).judge(signer.sign()) is UNDECIDED


def test_a_key_for_encryption_verifies_nothing(signer):
    other = Signer()

    assert Platform(signer.public(use="enc"), other.public()).judge(signer.sign()) is FORGED


def test_a_public_key_taken_for_a_shared_secret_opens_nothing(platform, signer):
    raw = signer.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    pem = signer.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    for secret in (raw, base64.b64encode(pem), str(signer.public()["x"]).encode()):
        token = jwt.encode({"sub": "u"}, secret, algorithm="HS256", headers={"kid": "active"})
        assert platform.judge(token, "HS256") is FORGED
        # Also when somebody lies about what the header says.
        assert platform.judge(token, "EdDSA") is FORGED


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
def test_other_public_key_algorithms_work_each_with_its_own_keys(signer, algorithm):
    private: Any = (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    as_jwk = jwt.get_algorithm_by_name(algorithm).to_jwk(private.public_key(), as_dict=True)
    platform = Platform(as_jwk | {"kid": "active", "alg": algorithm}, signer.public(kid="ed"))
    token = jwt.encode({"sub": "u"}, private, algorithm=algorithm, headers={"kid": "active"})

    assert platform.judge(token, algorithm) is GENUINE
    assert platform.judge(token, "EdDSA") is FORGED
    assert platform.judge(signer.sign(), "EdDSA", "ed") is GENUINE
    assert platform.judge(signer.sign(), algorithm) is FORGED


def test_many_threads_fetch_the_keys_once(signer):
    platform = Platform(signer.public())
    barrier = threading.Barrier(16)
    fetch = platform.fetch

    def slow() -> KeySet:
        time.sleep(0.05)
        return fetch()

    platform.store = KeyStore(slow, clock=lambda: platform.now)

    def work(_number: int) -> Verdict:
        barrier.wait()
        return platform.judge(signer.sign())

    with ThreadPoolExecutor(16) as executor:
        assert list(executor.map(work, range(16))) == [GENUINE] * 16
    assert platform.asked == 1


def test_nobody_waits_for_the_thread_that_renews_old_keys(platform, signer):
    platform.judge(signer.sign())
    platform.now += 3600
    asked, may_go = threading.Event(), threading.Event()
    fetch = platform.fetch

    def slow() -> Any:
        asked.set()
        assert may_go.wait(60)
        return fetch()

    platform.store._fetch = slow
    with ThreadPoolExecutor(1) as executor:
        renewing = executor.submit(platform.judge, signer.sign())
        assert asked.wait(60)
        assert platform.judge(signer.sign()) is GENUINE
        may_go.set()
        assert renewing.result() is GENUINE
    assert platform.asked == 2


def test_the_deadline_of_one_caller_is_no_reason_for_another_not_to_ask(platform, signer):
    fetch = platform.fetch

    def in_vain() -> Any:
        raise deadline_passed("auth")

    platform.store._fetch = in_vain
    assert platform.judge(signer.sign()) is UNDECIDED

    platform.store._fetch = fetch

    assert platform.judge(signer.sign()) is GENUINE


def test_nobody_waits_for_keys_longer_than_his_own_deadline(platform, signer):
    asked, may_go = threading.Event(), threading.Event()
    fetch = platform.fetch

    def slow() -> Any:
        asked.set()
        assert may_go.wait(60)
        return fetch()

    platform.store._fetch = slow
    with ThreadPoolExecutor(1) as executor:
        first = executor.submit(platform.judge, signer.sign())
        assert asked.wait(60)
        with deadline(0.1):
            assert platform.judge(signer.sign()) is UNDECIDED
        assert not first.done()
        may_go.set()
        assert first.result() is GENUINE


def test_while_keys_cannot_be_had_at_all_one_thread_asks_and_nobody_waits_for_it(platform, signer):
    fetch = platform.fetch

    def down() -> Any:
        raise Unavailable("down", service="auth")

    platform.store._fetch = down
    assert platform.judge(signer.sign()) is UNDECIDED
    platform.now += 31
    asked, may_go = threading.Event(), threading.Event()

    def slow() -> Any:
        asked.set()
        assert may_go.wait(60)
        return fetch()

    platform.store._fetch = slow
    with ThreadPoolExecutor(1) as executor:
        asking = executor.submit(platform.judge, signer.sign())
        assert asked.wait(60)
        assert platform.judge(signer.sign()) is UNDECIDED
        assert not asking.done()
        may_go.set()
        assert asking.result() is GENUINE


# Over HTTP, with the sandbox's keys.


def calls_of(sandbox: Any) -> list[str]:
    return [call["service"] for call in sandbox.calls()]


def test_a_forged_token_never_reaches_the_domains_service(api, sandbox):
    assert api.get(LIST).status_code == 200
    sandbox.forget_calls()

    for members in ({"foreign": True}, {"foreign": True, "kid": "x"}, {"hs": True}, {"foreign": True, "role": 2}):
        assert "was not signed by the platform" in told(Api(sandbox.token(**members)).get(LIST), 401)

    assert calls_of(sandbox) == ["auth"]


def test_one_changed_character_is_enough(api, sandbox):
    header, claims, signature = api.token.split(".")
    # Claims that nothing is wrong with, so that the signature alone can tell.
    asked = base64.urlsafe_b64decode(claims + "==").replace(b'"role":1', b'"role":2')
    other = base64.urlsafe_b64encode(asked).rstrip(b"=").decode()
    assert other != claims

    for forged in (f"{header}.{other}.{signature}", f"{header}.{claims}.{'BA'[signature[0] == 'B']}{signature[1:]}"):
        assert "was not signed by the platform" in told(Api(forged).get(LIST), 401)

    assert set(calls_of(sandbox)) == {"auth"}


def test_a_rotation_of_keys_goes_unnoticed(api, sandbox):
    assert api.get(LIST).status_code == 200

    sandbox.rotate_keys()

    assert Api(sandbox.token()).get(LIST).status_code == 200
    assert api.get(LIST).status_code == 200
    assert calls_of(sandbox).count("auth") == 2


def test_a_platform_with_a_shared_secret_decides_alone(sandbox, db):
    sandbox.shared_secret()

    assert Api(sandbox.token()).get(LIST).status_code == 200
    told(Api(sandbox.token(foreign=True, hs=False)).get(LIST), 401)
    told(Api(sandbox.token("outsider")).get(LIST), 403)
    assert calls_of(sandbox).count("auth") == 1


@pytest.mark.parametrize("service", ["auth", "domains"])
def test_a_forged_token_opens_nothing_in_any_outage(sandbox, db, service):
    sandbox.faults({"kind": "down", "match": {"service": service}})

    assert Api(sandbox.token(foreign=True)).get(LIST).status_code == 401


def test_keys_known_before_an_outage_still_refuse_and_admit(api, sandbox, settings):
    assert api.get(LIST).status_code == 200
    sandbox.faults({"kind": "down", "match": {"service": "auth"}})

    assert api.get(LIST).status_code == 200
    told(Api(sandbox.token(foreign=True)).get(LIST), 401)


def test_api_keys_and_personal_tokens_need_no_keys(sandbox, db):
    sandbox.ways(api_keys=True)
    assert Api(sandbox.token(kind=3)).get(LIST).status_code == 200
    assert Api(sandbox.pat()[0]).get(LIST).status_code == 200
    told(Api(sandbox.token(kind=3, foreign=True)).get(LIST), 401)

    assert calls_of(sandbox) == ["domains"] * 3


def test_a_decision_is_not_kept_beyond_the_tokens_own_end(sandbox, db, settings, time_machine):
    settings.OPERATOR_CACHE_SECONDS = 6000
    caller = Api(sandbox.token(lifetime=600))
    assert caller.get(LIST).status_code == 200
    kept = [expires for expires, _operator in operators._decisions._answers.values()]

    assert 0 < kept[0] - time.monotonic() <= 600
    told(Api(sandbox.token(lifetime=-5)).get(LIST), 401)


def test_a_decision_knows_who_asked(sandbox, db, settings):
    settings.OPERATOR_CACHE_SECONDS = 60
    sandbox.ways(api_keys=True)
    for token in (sandbox.token(), sandbox.token(kind=3), sandbox.pat()[0]):
        found = operators.identify_operator(token, Api("").domain_id)
        assert (found.user_id, found.is_platform_admin) == (OPERATOR_ID, False)
        assert token not in repr(found)
        assert operators.identify_operator(token, found.domain_id) is found


def test_who_was_let_in_and_who_was_not_is_logged_without_tokens(api, sandbox, caplog):
    caplog.set_level("INFO", logger="bootstrap_project.api.operators")
    stranger = Api(sandbox.token("nobody"))

    api.get(LIST)
    stranger.get(LIST)

    confirmed, refused = [record for record in caplog.records if record.name == "bootstrap_project.api.operators"]
    assert (confirmed.user_id, confirmed.token_type, confirmed.domain_id) == (OPERATOR_ID, "access", api.domain_id)
    assert refused.reason == "the token's user is not a member of the domain"
    for record in caplog.records:
        assert not any(token in str(vars(record)) for token in (api.token, stranger.token))


def test_a_strangers_second_question_costs_one_call_less(sandbox, db):
    caller = Api(sandbox.token("nobody"))
    told(caller.get(LIST), 403)
    sandbox.forget_calls()

    told(caller.get(LIST), 403)

    assert calls_of(sandbox) == ["domains"]
