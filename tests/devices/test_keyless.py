"""`GET /clients/bootstrap/`: the device is found by its key's digest (docs/contract.md#k2)."""

from __future__ import annotations

import json
import logging

import pytest

from bootstrap_project.security.keyring import DigestRing, Key
from configs.models import Config, Status
from tests.devices.conftest import count_of, message_of
from tests.support.lines import request_lines
from tests.support.rows import EXTERNAL_KEY, make_config

OLD, NEW = Key("old", b"o" * 32), Key("new", b"n" * 32)
PATHS = ["/clients/bootstrap/", "/clients/bootstrap"]
REFUSED = "failed to get bootstrap configuration for given external key"
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", PATHS)
def test_the_only_config_with_the_key_is_answered(ask, pi, path, django_assert_num_queries):
    make_config(external_id="another", external_key="another key")

    with django_assert_num_queries(1):
        response = ask(path=path)

    assert response.status_code == 200
    assert response.content == ask("pi-1").content


def test_a_key_that_nobody_has_is_refused_like_a_wrong_one(ask, pi):
    unknown, wrong = ask(path=PATHS[0], key="wrong"), ask("pi-1", key="wrong")

    assert (unknown.status_code, message_of(unknown)) == (wrong.status_code, message_of(wrong)) == (403, REFUSED)


@pytest.mark.parametrize("others", [1, 5])
def test_a_key_that_several_have_is_400_and_says_what_to_do(ask, pi, others):
    for _ in range(others):
        make_config(domain_id="another domain")

    response = ask(path=PATHS[0])

    body = json.loads(response.content)
    assert response.status_code == 400
    assert body["message"] == "external key belongs to more than one configuration"
    assert "/clients/bootstrap/{external_id}" in body["error"]
    assert ask("pi-1").status_code == 200


def test_a_disabled_config_says_so(ask, pi):
    Config.objects.filter(pk=pi.pk).update(status=Status.DISABLED)

    response = ask(path=PATHS[0])

    assert (response.status_code, message_of(response)) == (403, "bootstrap configuration is disabled")


def test_a_digest_under_any_pepper_is_found(ask, settings):
    settings.PEPPER_RING = DigestRing((OLD,))
    config = make_config(external_id="pi-1")
    settings.PEPPER_RING = DigestRing((NEW, OLD))

    assert json.loads(ask(path=PATHS[0]).content)["id"] == str(config.id)


def test_the_same_key_under_two_peppers_is_ambiguous(ask, settings):
    settings.PEPPER_RING = DigestRing((OLD,))
    make_config()
    settings.PEPPER_RING = DigestRing((NEW, OLD))
    make_config()

    assert ask(path=PATHS[0]).status_code == 400


def test_a_lost_pepper_finds_nobody_until_the_device_names_itself(ask, settings):
    settings.PEPPER_RING = DigestRing((OLD,))
    make_config(external_id="pi-1")
    settings.PEPPER_RING = DigestRing((NEW,))

    assert ask(path=PATHS[0]).status_code == 403
    assert ask("pi-1").status_code == 200
    assert ask(path=PATHS[0]).status_code == 200


def test_rows_without_a_digest_are_not_found_by_an_empty_one(ask, pi):
    Config.objects.update(external_key_digest="", external_key_pepper="")

    assert ask(path=PATHS[0], key=" ").status_code == 401
    assert ask(path=PATHS[0]).status_code == 403


def test_no_key_is_401(client, pi):
    response = client.get(PATHS[0])

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Client")


def test_it_is_counted_as_keyless(ask, pi, caplog):
    before = count_of("bootstrap_device_bootstraps_total", variant="keyless", outcome="ok")

    with caplog.at_level(logging.INFO):
        ask(path=PATHS[0])
        ask(path=PATHS[0], key="wrong")

    assert count_of("bootstrap_device_bootstraps_total", variant="keyless", outcome="ok") == before + 1
    served, refused = request_lines(caplog)
    assert (served.variant, served.outcome) == ("keyless", "ok")
    assert (refused.variant, refused.reason) == ("keyless", "unknown external key")
    assert EXTERNAL_KEY not in caplog.text
