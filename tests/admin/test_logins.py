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
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from bootstrap_project.admin.known_places import COOKIE, KNOWN_FOR
from bootstrap_project.admin.login_limits import NAMES_OF_AN_ADDRESS
from bootstrap_project.admin.models import KnownAddress
from bootstrap_project.admin.sessions import digest_session_key
from tests.admin.logins import ELSEWHERE, HERE, LOGIN, PROXY, attempt
from tests.support.pages import page_text
from tests.support.people import PASSWORD, make_user

pytestmark = pytest.mark.sqlite


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


def test_only_the_door_reads_what_proxies_say(ada, settings):
    settings.TRUSTED_PROXIES = (ip_network("10.0.0.0/8"),)
    lock_out(address=PROXY, forwarded=HERE)

    assert attempt(PASSWORD, address=PROXY, forwarded=ELSEWHERE).status_code == 429


def test_a_right_password_forgets_earlier_failures(ada):
    for _ in range(3):
        for _ in range(django_settings.AXES_FAILURE_LIMIT - 1):
            attempt()
        assert attempt(PASSWORD).status_code == 302
    assert not AccessAttempt.objects.exists()


def close_the_address(**where):
    for number in range(django_settings.AXES_FAILURE_LIMIT * NAMES_OF_AN_ADDRESS):
        attempt(name=f"guess-{number}", **where)


def test_failures_under_other_names_close_an_address_to_nobody_who_logged_in_from_there(ada):
    make_user("bea", is_superuser=True)
    assert attempt(PASSWORD).status_code == 302

    close_the_address()

    assert attempt(PASSWORD).status_code == 302
    assert attempt(PASSWORD, name="bea").status_code == 429
    # A wrong guess tells no more than at a name that nobody has, and is one of the few that his name allows.
    assert [attempt().status_code for _ in range(django_settings.AXES_FAILURE_LIMIT + 1)] == [
        attempt(name="nobody").status_code
    ] * (django_settings.AXES_FAILURE_LIMIT + 1)
    assert attempt(PASSWORD).status_code == 429
    with time_machine.travel(timezone.now() + KNOWN_FOR):
        close_the_address()
        assert attempt(PASSWORD).status_code == 429


@pytest.mark.parametrize("where", [{"address": HERE}, {"address": PROXY, "forwarded": ELSEWHERE}, {"address": ""}])
def test_failures_in_somebodys_name_do_not_close_the_login_to_his_browser(ada, where):
    client = Client()
    assert attempt(PASSWORD, client=client, **where).status_code == 302
    client.post("/admin/logout/")

    lock_out(**where)
    close_the_address(**where)

    assert attempt(PASSWORD, **where).status_code == 429
    assert attempt(PASSWORD, client=client, **where).status_code == 302
    # What he forgets is his own: who guesses in his name gets no more guesses by it.
    assert attempt(PASSWORD, **where).status_code == 429


def test_a_known_browser_has_as_many_guesses_as_any_other_and_none_at_other_names(ada):
    make_user("bea", is_superuser=True)
    client = Client()
    attempt(PASSWORD, client=client)
    lock_out(name="bea")

    assert attempt(PASSWORD, name="bea", client=client).status_code == 429
    answers = [attempt(client=client).status_code for _ in range(django_settings.AXES_FAILURE_LIMIT)]
    assert answers == [200] * (django_settings.AXES_FAILURE_LIMIT - 1) + [429]
    assert attempt(PASSWORD, client=client).status_code == 429
    assert attempt(PASSWORD).status_code == 302


@pytest.mark.parametrize("value", ["", "x", "a:b:c", '["ada","x"]', "é"])
def test_a_forged_browser_is_nobodys(ada, value):
    lock_out()
    client = Client()
    client.cookies[COOKIE] = value

    assert attempt(PASSWORD, client=client).status_code == 429


def test_the_cookie_of_a_known_browser_opens_nothing_and_ends(ada, settings):
    settings.SESSION_COOKIE_SECURE = True
    client = Client()
    attempt(PASSWORD, client=client)
    cookie = client.cookies[COOKIE]

    assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["secure"]) == (LOGIN, True, "Lax", True)
    assert cookie["max-age"] == int(KNOWN_FOR.total_seconds())
    del client.cookies[django_settings.SESSION_COOKIE_NAME]
    assert client.get("/admin/").status_code == 302
    lock_out()
    with time_machine.travel(timezone.now() + KNOWN_FOR + timedelta(seconds=1)):
        lock_out()
        assert attempt(PASSWORD, client=client).status_code == 429


def test_a_secret_key_that_is_rotated_forgets_no_browser(ada, settings):
    client = Client()
    attempt(PASSWORD, client=client)
    lock_out()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 60, [settings.SECRET_KEY]

    assert attempt(PASSWORD, client=client).status_code == 302


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
    # Only names that somebody has are kept as they were typed.
    assert "s3cret-typed-as-a-name" not in f"{rows}"
    assert {row["username"] for row in rows if not row["username"].startswith("unknown ")} == {"ada"}


@pytest.mark.parametrize("name", ["ada", "nobody", "x" * 300])
def test_nothing_else_of_a_failed_login_is_kept(ada, name):
    client = Client()
    for _ in range(2):
        client.post(
            f"{LOGIN}?token=s3cret-in-the-address",
            {"username": name, "password": "s3cret", "extra": "s3cret-field", "next": "/admin/?s3cret"},
            headers={"User-Agent": "s3cret agent", "Accept": "s3cret/accept"},
        )

    (row,) = AccessAttempt.objects.values()
    assert row["failures_since_start"] == 2
    assert "s3cret" not in f"{row}"
    assert [row[column] for column in ("get_data", "post_data", "http_accept", "path_info", "user_agent")] == [""] * 5


def test_what_logins_leave_behind_is_pruned(ada, capsys):
    attempt(name="nobody")
    attempt(PASSWORD, client=Client())
    AccessLog.objects.create(username="ada", ip_address=HERE)
    call_command("prune_logins")
    assert "Deleted: 1 failed logins, 0 known addresses" in capsys.readouterr().out
    assert (AccessAttempt.objects.count(), Session.objects.count(), KnownAddress.objects.count()) == (1, 1, 1)

    with time_machine.travel(timezone.now() + KNOWN_FOR):
        call_command("prune_logins")

    assert "Deleted: 1 failed logins, 1 known addresses" in capsys.readouterr().out
    assert not [model for model in (AccessAttempt, AccessLog, Session, KnownAddress) if model.objects.exists()]


def test_no_row_of_a_session_opens_it(ada):
    client = Client()
    attempt(PASSWORD, client=client)
    cookie = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    (row,) = Session.objects.values()
    assert client.get("/admin/").status_code == 200
    assert cookie not in f"{row}"

    # What an earlier release stored is the cookie itself: those sessions have ended, too.
    Session.objects.create(session_key="k" * 32, session_data=row["session_data"], expire_date=row["expire_date"])
    for stolen in (row["session_key"], row["session_key"][:32], "k" * 32):
        thief = Client()
        thief.cookies[django_settings.SESSION_COOKIE_NAME] = stolen
        assert thief.get("/admin/").status_code == 302

    client.post("/admin/logout/")
    assert not Session.objects.exclude(session_key="k" * 32).exists()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = cookie
    assert client.get("/admin/").status_code == 302


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
    assert not Session.objects.filter(session_key=digest_session_key(cookie.value)).exists()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = cookie.value
    assert client.get("/admin/").status_code == 302


def test_an_account_without_staff_status_is_told_so_by_its_own_password_alone(client, db):
    user = make_user("olga")
    user.is_staff = False
    user.save()

    right = client.post("/admin/login/", {"username": "olga", "password": PASSWORD})
    wrong = client.post("/admin/login/", {"username": "olga", "password": "another one"})

    assert "This account may not use the admin." in right.content.decode()
    assert "This account may not use the admin." not in wrong.content.decode()
