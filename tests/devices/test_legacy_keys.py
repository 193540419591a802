"""Rows without a digest that can be checked: imported ones, a lost pepper (docs/contract.md#k2, #k18)."""

from __future__ import annotations

import pytest
from django.db import DataError, connection

from bootstrap_project.security.keyring import DigestRing, Key
from configs import external_keys
from configs.models import Config, Status
from configs.services import set_external_key
from tests.devices.conftest import count_of, make_pi
from tests.devices.legacy import BCRYPT, UPSTREAM_SCRYPT, import_row

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("key_hash", "method"), [(UPSTREAM_SCRYPT, "scrypt"), (BCRYPT, "bcrypt")], ids=["scrypt", "bcrypt"]
)
def test_an_imported_row_verifies_once_and_then_by_digest(ask, pi, key_hash, method, django_assert_num_queries):
    import_row(pi, key_hash)
    slow = count_of("bootstrap_key_verifications_total", method=method, outcome="ok")
    fast = count_of("bootstrap_key_verifications_total", method="digest", outcome="ok")

    # The look, the check's own, the renewal, and another look at what may have changed while the hash was worked out.
    with django_assert_num_queries(4):
        first = ask()
    with django_assert_num_queries(1):
        second = ask()

    assert first.status_code == second.status_code == 200
    assert first.content == second.content
    assert count_of("bootstrap_key_verifications_total", method=method, outcome="ok") == slow + 1
    assert count_of("bootstrap_key_verifications_total", method="digest", outcome="ok") == fast + 1
    row = Config.objects.get(pk=pi.pk)
    assert row.external_key_hash.startswith("$scrypt$ln=4,r=8,p=1$")
    assert (row.external_key_digest, row.external_key_pepper) == (pi.external_key_digest, pi.external_key_pepper)
    assert row.updated_at == pi.updated_at


@pytest.mark.parametrize("key_hash", [UPSTREAM_SCRYPT, BCRYPT], ids=["scrypt", "bcrypt"])
def test_a_wrong_key_for_an_imported_row_is_refused_and_changes_nothing(ask, pi, key_hash, django_assert_num_queries):
    import_row(pi, key_hash)

    with django_assert_num_queries(2):
        assert ask(key="wrong").status_code == 403
    with django_assert_num_queries(2):
        assert ask(key=key_hash).status_code == 403

    assert Config.objects.get(pk=pi.pk).external_key_hash == key_hash


def test_a_malformed_hash_is_a_refusal(ask, pi):
    import_row(pi, "no hash at all")

    assert ask().status_code == ask(key="no hash at all").status_code == 403


def test_a_lost_pepper_costs_each_device_one_scrypt(ask, pi, settings, django_assert_num_queries):
    settings.PEPPER_RING = DigestRing((Key("new", b"n" * 32),))

    with django_assert_num_queries(4):
        assert ask().status_code == 200
    with django_assert_num_queries(1):
        assert ask().status_code == 200

    row = Config.objects.get(pk=pi.pk)
    assert (row.external_key_hash, row.external_key_pepper) == (pi.external_key_hash, "new")


def test_a_digest_under_an_older_pepper_is_renewed_at_the_first_call(ask, pi, settings, django_assert_num_queries):
    settings.PEPPER_RING = DigestRing((Key("new", b"n" * 32), *settings.PEPPER_RING.keys))

    with django_assert_num_queries(1):
        assert ask(key="wrong").status_code == 403
    assert Config.objects.get(pk=pi.pk).external_key_pepper == pi.external_key_pepper
    assert ask().status_code == 200
    assert Config.objects.get(pk=pi.pk).external_key_pepper == "new"
    with django_assert_num_queries(1):
        assert ask().status_code == 200


def test_wrong_keys_and_unknown_ids_never_reach_scrypt_on_enrolled_rows(ask, pi, monkeypatch):
    monkeypatch.setattr(external_keys, "_scrypt", lambda *_arguments: pytest.fail("scrypt on the path"))

    assert ask().status_code == 200
    assert ask(key="wrong").status_code == 403
    assert ask("nobody").status_code == 403


def test_a_disabled_imported_row_is_renewed_too(ask, pi):
    import_row(pi, BCRYPT)
    Config.objects.filter(pk=pi.pk).update(status=Status.DISABLED)

    assert ask().status_code == 403

    assert Config.objects.get(pk=pi.pk).external_key_hash.startswith("$scrypt$")


@pytest.mark.django_db(transaction=True)
def test_a_renewal_that_fails_does_not_send_the_device_away(ask, caplog):
    pi = make_pi()
    import_row(pi, BCRYPT)

    def refuse_writes(execute, sql, params, many, context):
        if sql.startswith("UPDATE"):
            raise DataError("odd")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse_writes):
        assert ask().status_code == 200

    assert "stored key was not renewed" in caplog.text
    assert Config.objects.get(pk=pi.pk).external_key_hash == BCRYPT


@pytest.mark.parametrize("change", [{"status": Status.DISABLED}, {"external_key_hash": BCRYPT}])
def test_what_changed_while_a_hash_was_worked_out_counts(ask, pi, monkeypatch, change):
    import_row(pi, UPSTREAM_SCRYPT)
    derive = external_keys._scrypt

    def slow(*arguments):
        Config.objects.filter(pk=pi.pk).update(**change)
        return derive(*arguments)

    monkeypatch.setattr(external_keys, "_scrypt", slow)

    response = ask()

    assert response.status_code == (403 if "status" in change else 503)


def test_a_key_rotated_while_its_hash_was_worked_out_is_refused(ask, pi, monkeypatch):
    import_row(pi, UPSTREAM_SCRYPT)
    derive = external_keys._scrypt

    def slow(*arguments):
        monkeypatch.setattr(external_keys, "_scrypt", derive)
        set_external_key(pi, "the new key")
        pi.save()
        return derive(*arguments)

    monkeypatch.setattr(external_keys, "_scrypt", slow)

    assert ask().status_code == 403
    assert ask(key="the new key").status_code == 200
