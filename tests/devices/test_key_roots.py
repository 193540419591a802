"""What an earlier release sealed and digested under keys of the transport key goes on being served, and is moved.

The stored values were made by that release, whose rings rested on `MG_BOOTSTRAP_ENCRYPT_KEY` (docs/contract.md#k19).
"""

from __future__ import annotations

import io
import json
import uuid
from dataclasses import dataclass

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import OperationalError
from environ import Env

from bootstrap_project.conf.reading import read_ring_keys
from bootstrap_project.security.keyring import DigestRing, SealingRing
from configs.external_keys import count_digests
from configs.models import Config
from enrollments.models import BindingSnapshot
from enrollments.reseal import count_secrets_by_key
from tests.devices.conftest import make_pi

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

CONFIG = uuid.UUID("0b0e7a6e-51f0-4f6e-9d6c-3a1f60f2c001")
KEY = "frozen-external-key-1"
SECRET_KEY = "tests-only-secret-key-of-more-than-fifty-characters-0123456789"
RING = "r2026:cnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI="
OTHER_RING = "r2027:bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4="


@dataclass(frozen=True)
class Stored:
    """Columns as an earlier release wrote them, and the transport key that it had."""

    transport_key: str
    client_key: str
    secret: str
    pepper: str
    digest: str
    hash: str


#: With the two required settings alone.
DEFAULTS = Stored(
    "0123456789abcdef0123456789abcdef",
    "v1.da3a459a7.U0y3ZbMOWSmf9hb7llC0ZYzXGreEY6l0JFQI/uImTwEuIcWd3qbYArja1XBfH2Te",
    "v1.da3a459a7.BQUX7NCaZXVOHa2+jIKlfFBwBSSiA0WxLeCve7jYMAuF4tielDk0XozIKByKOvGxP75Zjj6w",
    "d0e82b63d",
    "478a33e0d975c1deb323bbc948fb40cf0b07cd1e34aef1b06666b8845e8ff187",
    "$scrypt$ln=4,r=8,p=1$jMjaYcQUqZLASAKF0TBG2Q$u9kItPBtBH8HYPhiaIAOpPE8uS/t7I4mxNgSaZhXP3c",
)
#: With MG_BOOTSTRAP_DEBUG and nothing else.
DEBUG = Stored(
    "12345678910111213141516171819202",
    "v1.d31df37b7.gjjrfx1hOS8pvDRgl9F0TPzJBi+0W9rvHnHYz65bqqRggxOv0ML9nVuAQo85MtM1",
    "v1.d31df37b7.zeFS0HsESQbZ30e3gS29Rz2t+yJ00+gyFG/2nVmdBfJ3u4xo/ZzAoofsSYJe+CYHsNatU3jy",
    "d04fcc7ad",
    "1fb45bac76bc1dd89a731c93938ed8176f61cdffda9f77d2b08c93eb45765434",
    "$scrypt$ln=4,r=8,p=1$AWAY524Qcf8Hc9A6xWP33w$CuP0N3/6ulxsyCMbaYtOAGfPGCfDLBpL0rIRt1j82J8",
)
#: With both rings given.
RINGS = Stored(
    "0123456789abcdef0123456789abcdef",
    "v1.r2026.dJmFnfvlDzIgzLGYbYtuMkkQKbE6fhxB/m6wwNxY4CYlL/1xKIuBFDKSN1oxQMpy",
    "v1.r2026.PUJ/EJKe1YtGoIsflN32/XHcZfJgY5pUNHtEjHWCb/P8jj/9QcRxixunD6TT+mgfCnqmDdSc",
    "r2026",
    "d56a20333b9ecc2edfa966ce0354e547a8e3fe0774ec30c8e544e6fc988dc6ca",
    "$scrypt$ln=4,r=8,p=1$WnXvWyrXo2tgtWWDbR+nXA$S6TTGnV5Z1Utt66or9z0G89jGcqJ4JQJHaGcdZQbcK4",
)
#: What was stored, and what the settings are now: the secret key, the former ones, both rings.
UPGRADES = {
    "defaults": (DEFAULTS, SECRET_KEY, [], ""),
    "a ring given with the upgrade": (DEFAULTS, SECRET_KEY, [], RING),
    "a secret key rotated with the upgrade": (DEFAULTS, "n" * 60, [SECRET_KEY], ""),
    "debug": (DEBUG, "for-development-only", [], ""),
    "rings": (RINGS, SECRET_KEY, [], RING),
    "rings rotated with the upgrade": (RINGS, SECRET_KEY, [], f"{OTHER_RING},{RING}"),
    "rings, and a secret key rotated": (RINGS, "n" * 60, [SECRET_KEY], RING),
}


class Environment(Env):  # type: ignore[misc]
    def __init__(self, **variables: str) -> None:
        super().__init__()
        self.ENVIRON = variables


def use_rings(settings, transport_key, secret_key, fallbacks, ring):
    """Set both rings as the settings do."""
    settings.TRANSPORT_KEY = transport_key.encode()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = secret_key, fallbacks
    roots = {"secret_key": secret_key, "fallbacks": fallbacks, "transport_key": settings.TRANSPORT_KEY}
    environment = Environment(RING=ring)
    settings.SEALING_RING = SealingRing(read_ring_keys(environment, "RING", purpose="secrets-at-rest", **roots))
    settings.PEPPER_RING = DigestRing(read_ring_keys(environment, "RING", purpose="external-key-digest", **roots))


@pytest.fixture(params=list(UPGRADES.values()), ids=list(UPGRADES))
def upgraded(request, settings):
    """A device that an earlier release stored, and the settings after the upgrade."""
    stored, secret_key, fallbacks, ring = request.param
    make_pi(id=CONFIG)
    Config.objects.update(
        client_key_sealed=stored.client_key,
        external_key_hash=stored.hash,
        external_key_digest=stored.digest,
        external_key_pepper=stored.pepper,
    )
    BindingSnapshot.objects.filter(slot="mqtt").update(secret_sealed=stored.secret)
    use_rings(settings, stored.transport_key, secret_key, fallbacks, ring)
    return stored


def run(name, *options):
    out = io.StringIO()
    call_command(name, *options, stdout=out)
    return out.getvalue()


def deploy_ids():
    return [message.id for message in run_checks(include_deployment_checks=True)]


@pytest.mark.parametrize("path", [None, "/clients/bootstrap/"], ids=["by id", "keyless"])
def test_the_device_is_served_without_a_slow_hash(upgraded, ask, path, monkeypatch):
    monkeypatch.setattr("configs.external_keys._verify_hash", None)

    answer = ask(key=KEY, path=path)

    body = json.loads(answer.content)
    assert (answer.status_code, body["client_key"]) == (200, "a private key of old")
    assert "s3cret of old" in body["content"]


def test_the_secure_endpoint_serves_it_too(upgraded, ask_secure):
    assert ask_secure(key=KEY).status_code == 200


def test_it_is_moved_and_nothing_needs_the_former_keys_any_more(upgraded, ask, settings):
    ask(key=KEY)
    run("reseal_secrets")
    run("reseal_secrets", "--check")
    run("renew_key_digests", "--check")
    writing = (settings.SEALING_RING.keys[0].id, settings.PEPPER_RING.keys[0].id)
    settings.SEALING_RING = SealingRing(settings.SEALING_RING.keys[:1])
    settings.PEPPER_RING = DigestRing(settings.PEPPER_RING.keys[:1])

    answer = ask(key=KEY)

    assert (count_secrets_by_key(), count_digests()) == ({writing[0]: 2}, {writing[1]: 1})
    assert json.loads(answer.content)["client_key"] == "a private key of old"
    assert "s3cret of old" in json.loads(answer.content)["content"]


@pytest.mark.parametrize("upgraded", [UPGRADES["defaults"], UPGRADES["debug"]], indirect=True)
def test_what_is_left_is_told_until_nothing_is(upgraded, ask):
    assert {"bootstrap.W005", "bootstrap.W006"} <= set(deploy_ids())
    with pytest.raises(CommandError, match="older key: 2;"):
        run("reseal_secrets", "--check")
    with pytest.raises(CommandError, match="1 digests are still under an older pepper"):
        run("renew_key_digests", "--check")
    assert "MG_BOOTSTRAP_ENCRYPT_KEY" in run("renew_key_digests")
    assert json.loads(run("renew_key_digests", "--json"))["peppers"][0]["state"] == "transport"

    run("reseal_secrets")
    ask(key=KEY)

    assert not {"bootstrap.W005", "bootstrap.W006", "bootstrap.W007"} & set(deploy_ids())
    assert "MG_BOOTSTRAP_ENCRYPT_KEY" not in run("renew_key_digests", "--check") + run("reseal_secrets", "--check")


@pytest.mark.parametrize("upgraded", [UPGRADES["defaults"]], indirect=True)
def test_digests_of_devices_that_do_not_call_can_be_cleared(upgraded, ask):
    assert "1 digests under peppers that no longer write were cleared" in run("renew_key_digests", "--clear-old")

    assert count_digests() == {"": 1}
    assert ask(key=KEY).status_code == 200
    assert "cleared" not in run("renew_key_digests", "--clear-old")


@pytest.mark.parametrize("ring", ["", RING], ids=["derived", "given"])
def test_nothing_is_written_under_a_key_of_the_transport_key(settings, ring):
    for transport_key in ("0123456789abcdef", "k" * 32):
        use_rings(settings, transport_key, SECRET_KEY, [], ring)
        (config,) = Config.objects.all() or [make_pi()]

        writing = [settings.SEALING_RING.keys[0].secret, settings.PEPPER_RING.keys[0].secret]
        known = {config.client_key_sealed.split(".")[1], config.external_key_pepper}

        assert known == {settings.SEALING_RING.keys[0].id, settings.PEPPER_RING.keys[0].id}
        assert not any(key.of_transport for key in (settings.SEALING_RING.keys[0], settings.PEPPER_RING.keys[0]))
        assert transport_key.encode() not in writing
    assert deploy_ids().count("bootstrap.W005") == 0


def test_a_rotated_secret_key_is_read_as_long_as_it_is_a_fallback(settings, ask, pi):
    transport_key = settings.TRANSPORT_KEY.decode()
    use_rings(settings, transport_key, SECRET_KEY, [], "")
    Config.objects.all().delete()
    make_pi()
    for fallbacks in ([SECRET_KEY], ["o" * 60, SECRET_KEY]):
        use_rings(settings, transport_key, "n" * 60, fallbacks, "")
        assert ask().status_code == 200
        assert ask(path="/clients/bootstrap/").status_code == 200
    with pytest.raises(CommandError, match="older key: 2;"):
        run("reseal_secrets", "--check")

    use_rings(settings, transport_key, "n" * 60, [], "")

    # The key is still decided by its slow hash; the secrets are lost until the fallback is back, and that is told.
    assert ask().status_code == 422
    assert "bootstrap.W007" in deploy_ids()


@pytest.mark.parametrize("held", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
def test_a_secret_key_that_devices_hold_is_told(settings, held):
    text = settings.TRANSPORT_KEY.decode()
    setattr(settings, held, text if held == "SECRET_KEY" else ["another", text])

    assert "bootstrap.W004" in deploy_ids()


def test_the_check_says_nothing_without_a_database(settings, monkeypatch):
    def fail():
        raise OperationalError

    monkeypatch.setattr("bootstrap_project.checks.stored_keys.count_digests", fail)
    assert "bootstrap.W005" not in deploy_ids()
