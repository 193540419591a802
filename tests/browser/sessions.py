"""The end of a session while a page is open, and signing in again in another tab."""

from __future__ import annotations

from tests.browser.conftest import Person

SIGNED_OUT = "You were signed out. Sign in again in another tab"


def end_session(person: Person) -> None:
    """What time does to a session, while a page is open with all of its scripts."""
    person.page.wait_for_load_state()
    person.page.context.clear_cookies(name="sessionid")


def sign_in_elsewhere(person: Person) -> None:
    """Sign in again in another tab, which brings the browser a new token."""
    person.page.wait_for_load_state()
    other = Person(person.page.context.new_page(), person.url)
    other.log_in()
    assert other.complaints == []
    other.page.close()
