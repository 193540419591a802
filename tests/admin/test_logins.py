"""Logging in: how often one may fail, who else notices, and what is kept of it."""

from __future__ import annotations

import logging
from datetime import timedelta
from ipaddress import ip_network

import pytest
import time_machine
from axes.models import AccessAttempt, AccessLog
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from bootstrap_project.adminsite.login_limits import NAMES_OF_AN_ADDRESS
from tests.admin.conftest import make_user, page_text

pytestmark = pytest.mark.sqlite

LOGIN = "/admin/login/"
PASSWORD = "correct horse battery"
HERE, ELSEWHERE, PROXY = "203.0.113.5", "198.51.100.7", "10.0.0.1"


def attempt(password="wrong", name="ada", address=HERE, forwarded="", client=None, agent="browser"):
    headers = {"User-Agent": agent} | ({"X-Forwarded-For": forwarded} if forwarded else {})
    data = {"username": name, "password": password, "next": "/admin/"}
    return (client or Client()).post(LOGIN, data, REMOTE_ADDR=address, headers=headers)


def lock_out(**where):
    for _ in range(django_settings.AXES_FAILURE_LIMIT):
        answer = attempt(**where)
    return answer


@pytest.fixture
def ada():
    return make_user("ada", is_superuser=True)


def test_too_many_failures_close_the_login_for_a_while(ada):
    answers = [attempt().status_code for _ in range(django_settings.AXES_FAILURE_LIMIT)]
    locked = attempt(PASSWORD)

    assert answers == [200] * (django_settings.AXES_FAILURE_LIMIT - 1) + [429]
    assert locked.status_code == 429
    assert 890 <= int(locked.headers["Retry-After"]) <= 900
    text = page_text(locked)
    assert "Try again in 15 minutes." in text
    assert "Bootstrap" in text
    assert "no-store" in locked.headers["Cache-Control"]
    assert "default-src 'self'" in locked.headers["Content-Security-Policy"]
    with time_machine.travel(timezone.now() + timedelta(seconds=901)):
        assert attempt(PASSWORD).status_code == 302


def test_knocking_on_a_closed_door_does_not_keep_it_closed(ada):
    lock_out()
    with time_machine.travel(timezone.now() + timedelta(seconds=600)):
        locked = attempt()
        assert 290 <= int(locked.headers["Retry-After"]) <= 300
    with time_machine.travel(timezone.now() + timedelta(seconds=901)):
        assert attempt(PASSWORD).status_code == 302


def test_nobody_locks_somebody_else_out_from_elsewhere(ada):
    make_user("bea", is_superuser=True)
    lock_out()

    assert attempt(PASSWORD, address=ELSEWHERE).status_code == 302
    assert attempt(PASSWORD, name="bea").status_code == 302
    assert attempt(PASSWORD).status_code == 429


def test_one_name_after_the_other_closes_the_login_to_the_address_alone(ada):
    most = django_settings.AXES_FAILURE_LIMIT * NAMES_OF_AN_ADDRESS
    answers = [attempt(name=f"guess-{number}").status_code for number in range(most)]

    locked = attempt(PASSWORD)

    assert answers == [200] * most
    assert locked.status_code == 429
    assert "Try again in 15 minutes." in page_text(locked)
    assert attempt(PASSWORD, address=ELSEWHERE).status_code == 302
    with time_machine.travel(timezone.now() + timedelta(seconds=901)):
        assert attempt(PASSWORD).status_code == 302


def test_other_browsers_and_other_addresses_of_a_network_count_together(ada):
    for number in range(django_settings.AXES_FAILURE_LIMIT):
        answer = attempt(address=f"2001:db8::{number + 1:x}", agent=f"browser {number}")

    assert answer.status_code == 429
    assert attempt(PASSWORD, address="2001:db8:0:1::1").status_code == 302


def test_a_proxy_is_believed_only_when_it_is_trusted(ada, settings):
    lock_out(address=PROXY, forwarded=HERE)
    assert attempt(PASSWORD, address=PROXY, forwarded=ELSEWHERE).status_code == 429

    settings.TRUSTED_PROXIES = (ip_network("10.0.0.0/8"),)
    lock_out(address=PROXY, forwarded=HERE)
    assert attempt(PASSWORD, address=PROXY, forwarded=f"{ELSEWHERE}, {HERE}").status_code == 429
    assert attempt(PASSWORD, address=PROXY, forwarded=ELSEWHERE).status_code == 302


def test_a_right_password_forgets_earlier_failures(ada):
    for _ in range(3):
        for _ in range(django_settings.AXES_FAILURE_LIMIT - 1):
            attempt()
        assert attempt(PASSWORD).status_code == 302
    assert not AccessAttempt.objects.exists()


def test_names_that_nobody_has_are_told_the_same(ada):
    known, unknown = lock_out(), lock_out(name="nobody")

    assert page_text(known) == page_text(unknown)


@pytest.mark.parametrize("name", ["", "x" * 5000, "a\0b", "a\nb", "ä" * 150])
def test_odd_names_are_refused_and_no_more(name):
    assert attempt(name=name, address="nonsense").status_code == 200


def test_no_password_is_kept_or_logged(ada, caplog):
    caplog.set_level(logging.DEBUG)
    lock_out(password="s3cret-typed-wrong")
    attempt(PASSWORD, address=ELSEWHERE)
    attempt("x", name="s3cret-typed-as-a-name")

    rows = [row for model in (AccessAttempt, AccessLog) for row in model.objects.values()]
    assert rows
    assert "s3cret-typed-wrong" not in f"{rows}{caplog.text}"
    assert "csrfmiddlewaretoken=" not in f"{rows}".replace("csrfmiddlewaretoken=***", "")
    assert "s3cret-typed-as-a-name" not in caplog.text
    assert HERE in caplog.text
    assert not AccessLog.objects.exists()


def test_what_is_kept_of_failures_has_no_page(admin):
    assert "axes" not in page_text(admin.get("/admin/"))
    assert admin.client.get("/admin/axes/accessattempt/").status_code == 404


def test_the_session_is_new_after_the_login_and_gone_after_the_logout(ada):
    client = Client()
    client.get(LOGIN)
    session = client.session
    session["planted"] = "yes"
    session.save()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = str(session.session_key)

    attempt(PASSWORD, client=client)

    cookie = client.cookies[django_settings.SESSION_COOKIE_NAME]
    assert cookie.value != session.session_key
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 8 * 3600)
    assert client.post("/admin/logout/").status_code == 200
    assert not Session.objects.filter(session_key=cookie.value).exists()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = cookie.value
    assert client.get("/admin/").status_code == 302
