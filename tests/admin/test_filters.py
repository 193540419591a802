"""Lists of the admin whose address is not understood: nothing is shown, and the page says why."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from configs.models import Config
from tests.support.attempts import make_attempt, remember
from tests.support.pages import page_text
from tests.support.rows import DOMAIN, make_binding, make_config, make_profile

pytestmark = pytest.mark.sqlite

DEVICES, PROFILES = "/admin/configs/config/", "/admin/profiles/profile/"
ATTEMPTS, BINDINGS = "/admin/devices/bootstrapattempt/", "/admin/enrollments/bindingsnapshot/"
PEOPLE = "/admin/auth/user/"


@pytest.fixture
def rows() -> Config:
    """A row in every list."""
    config = make_config(profile=make_profile())
    make_binding(config=config, slot="mqtt")
    remember(make_attempt(external_id="called", when=datetime(2026, 5, 1, 12, tzinfo=UTC)))
    return config


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (f"{DEVICES}?readiness=foo", "There is no such readiness here: foo."),
        (f"{DEVICES}?result=foo", "There is no such last result here: foo."),
        (f"{DEVICES}?result=Never", "There is no such last result here: Never."),
        (f"{DEVICES}?version=foo", "There is no such version served here: foo."),
        (f"{DEVICES}?status__exact=foo", "There is no such status here: foo."),
        (f"{DEVICES}?status__exact=", "There is no such status here: an empty one."),
        (f"{DEVICES}?domain=foo", "There is no such domain here: foo."),
        (f"{DEVICES}?profile=foo", "There is no such profile here: foo."),
        (f"{DEVICES}?profile=00000000-0000-4000-8000-000000000000", "There is no such profile here: 00000000-"),
        (
            f"{DEVICES}?last_bootstrap_at_from=28.11.2026",
            "There is no such day here: 28.11.2026; write it like 2026-01-31.",
        ),
        (f"{DEVICES}?last_bootstrap_at_to=9999-12-31", "There is no such day here: 9999-12-31"),
        (f"{DEVICES}?last_bootstrap_at_age=junk", "There is no such last call here: junk."),
        (f"{DEVICES}?readiness=ready&readiness=no-profile", "The address has more than one readiness"),
        (f"{DEVICES}?readiness=foo&readiness=foo", "There is no such readiness here: foo."),
        (f"{DEVICES}?status__exact=enabled&status__exact=foo", "There is no such status here: foo."),
        (f"{DEVICES}?last_bootstrap_at_age=1h&last_bootstrap_at_age=24h", "The address has more than one last call"),
        (f"{DEVICES}?redainess=ready", "The address asks for something that this list does not know."),
        (f"{DEVICES}?e=1", "The address asks for something that this list does not know."),
        (f"{DEVICES}?id__exact=foo", "The address asks for something that this list does not know."),
        (f"{PROFILES}?template_format__exact=xml", "There is no such template format here: xml."),
        (f"{PROFILES}?domain=foo", "There is no such domain here: foo."),
        (f"{ATTEMPTS}?outcome=foo", "There is no such outcome here: foo."),
        (f"{ATTEMPTS}?variant=foo", "There is no such endpoint here: foo."),
        (f"{ATTEMPTS}?at_from=yesterday", "There is no such day here: yesterday"),
        (f"{ATTEMPTS}?domain=foo", "There is no such domain here: foo."),
        (f"{BINDINGS}?type__exact=foo", "There is no such type here: foo."),
        (f"{BINDINGS}?connection__exact=foo", "There is no such connection here: foo."),
        (f"{PEOPLE}?is_staff__exact=foo", "The address asks for something that this list does not know."),
    ],
)
def test_what_is_not_understood_shows_nothing_and_says_so(admin, rows, address, words):
    page = admin.client.get(address, follow=True)

    assert list(page.context["cl"].result_list) == []
    assert words in page_text(page)


@pytest.mark.parametrize(
    "address",
    [
        DEVICES,
        f"{DEVICES}?readiness=&result=&version=&domain=&profile=",
        f"{DEVICES}?last_bootstrap_at_from=&last_bootstrap_at_to=&last_bootstrap_at_age=",
        f"{DEVICES}?status__exact=enabled&status__exact=disabled",
        f"{DEVICES}?domain={DOMAIN}&domain={DOMAIN}",
        f"{ATTEMPTS}?at_from=2026-05-01&at_to=2026-05-01",
        f"{PEOPLE}?is_staff__exact=1",
    ],
)
def test_what_is_understood_is_shown_without_a_word(admin, rows, address):
    page = admin.client.get(address)

    assert len(page.context["cl"].result_list) == 1
    assert list(page.context["messages"]) == []


def test_profile_is_understood_in_capital_letters(admin, rows):
    page = admin.get(DEVICES, profile=str(rows.profile_id).upper())

    assert list(page.context["cl"].result_list) == [rows]


def test_domain_without_profiles_is_asked_for_by_its_id(admin):
    """Nothing is offered where no domain has a profile; the address counts all the same."""
    make_config(domain_id="dom-2", external_id="other")
    make_config(domain_id="dom-3", external_id="another")

    page = admin.get(DEVICES, domain="dom-2")

    assert [config.external_id for config in page.context["cl"].result_list] == ["other"]


def test_choosing_all_rows_of_a_list_that_was_not_understood_chooses_none(admin, rows):
    chosen = {"action": "delete_selected", "select_across": "1", "_selected_action": [str(rows.pk)], "expected": "1"}

    admin.client.post(f"{DEVICES}?readiness=foo", {**chosen, "post": "yes"}, follow=True)

    assert Config.objects.filter(pk=rows.pk).exists()
