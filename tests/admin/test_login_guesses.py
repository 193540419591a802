"""Guesses that are made at once, at one name and at many: no more than the limit's number of them is looked at."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Condition

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.backends import ModelBackend
from django.db import connection
from django.test import Client

from bootstrap_project.admin.login_limits import NAMES_OF_AN_ADDRESS
from tests.admin.logins import ELSEWHERE, attempt
from tests.support.people import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)
GUESSES = 30


class Crowd:
    """Callers that all are where they can be before any password is looked at."""

    def __init__(self, monkeypatch, size=GUESSES):
        self.size, self.looked_at, self.done = size, 0, 0
        self.changed = Condition()
        look = ModelBackend.authenticate

        def wait_for_all(backend, *arguments, **words):
            with self.changed:
                self.looked_at += 1
                self.changed.notify_all()
                assert self.changed.wait_for(lambda: self.looked_at + self.done >= self.size, timeout=60)
            return look(backend, *arguments, **words)

        monkeypatch.setattr(ModelBackend, "authenticate", wait_for_all)

    def guess(self, guesses):
        def one(guess):
            try:
                return attempt(**guess).status_code
            finally:
                connection.close()
                with self.changed:
                    self.done += 1
                    self.changed.notify_all()

        with ThreadPoolExecutor(self.size) as threads:
            return list(threads.map(one, guesses))


def test_guesses_at_one_name_are_counted_before_they_are_looked_at(monkeypatch):
    make_user("ada", is_superuser=True)
    crowd = Crowd(monkeypatch)

    answers = crowd.guess([{"password": f"guess {number}"} for number in range(GUESSES)])

    assert crowd.looked_at == django_settings.AXES_FAILURE_LIMIT
    assert set(answers) == {429}
    assert attempt(PASSWORD).status_code == 429
    assert attempt(PASSWORD, address=ELSEWHERE).status_code == 302


def test_so_are_guesses_at_a_name_that_nobody_has(monkeypatch):
    crowd = Crowd(monkeypatch)

    crowd.guess([{"name": "nobody"}] * GUESSES)

    assert crowd.looked_at == django_settings.AXES_FAILURE_LIMIT


def test_so_are_guesses_at_many_names_from_one_address(monkeypatch, settings):
    settings.AXES_FAILURE_LIMIT = 1
    crowd = Crowd(monkeypatch)

    crowd.guess([{"name": f"name-{number}"} for number in range(GUESSES)])

    # Those who come at the same moment may each see the others' payments, and nobody is looked at then.
    assert crowd.looked_at <= NAMES_OF_AN_ADDRESS


def test_known_browsers_that_fail_at_once_are_counted_too(monkeypatch):
    make_user("ada", is_superuser=True)
    client = Client()
    assert attempt(PASSWORD, client=client).status_code == 302
    crowd = Crowd(monkeypatch)

    def copy():
        browser = Client()
        browser.cookies.load(client.cookies.output(header=""))
        return browser

    crowd.guess([{"client": copy()} for _ in range(GUESSES)])

    assert crowd.looked_at == django_settings.AXES_FAILURE_LIMIT
