"""A person with a real browser in front of the admin."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.browser import require_chromium

PASSWORD = "correct horse battery"
# As long as Playwright waits for a page and for what is clicked: a busy machine takes its time to draw, too.
expect.set_options(timeout=30_000)
#: A folder for pictures of the pages; none are made without it.
PICTURES = os.environ.get("BROWSER_PICTURES", "")
#: Says in the console what the page's policy forbade, whatever the browser itself says of it.
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => console.error(
  `Content-Security-Policy: ${event.effectiveDirective} forbids ${event.blockedURI} in ${event.sourceFile}:` +
  `${event.lineNumber} ${event.sample}`));
"""
#: What axe calls a finding that may not stay.
GRAVE = frozenset({"serious", "critical"})


class Person:
    """Somebody at `page`; remembers what the browser complained about."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        page.add_init_script(TELL_VIOLATIONS)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("response", self._look)

    def _listen(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.text} ({message.location})")

    def _look(self, response: Any) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")

    def open(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}")

    def log_in(self, name: str = "ada") -> None:
        self.open("/admin/")
        self.page.get_by_label("Username:").fill(name)
        self.page.get_by_label("Password:").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.locator("#user-tools").wait_for()

    def save(self) -> None:
        self.page.get_by_role("button", name="Save", exact=True).click()

    def check_accessibility(self, *schemes: Literal["light", "dark"]) -> None:
        """Fail on what axe finds serious or critical on the page as it stands, in the light and in the dark.

        Playwright evaluates axe over the debugger's protocol, so the page's policy stays as strict as it is.
        """
        found: list[str] = []
        before = len(self.complaints)
        for scheme in schemes or ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            self.settle()
            results = Axe().run(self.page).response
            found += [
                f"{self.page.url}, {scheme}: {violation['id']} ({violation['help']}): {node['html'][:200]}"
                f" {[reason['message'] for reason in node['any'] + node['all'] + node['none']]}"
                for violation in results["violations"]
                if violation["impact"] in GRAVE
                for node in violation["nodes"]
            ]
        self.page.emulate_media(color_scheme="light")
        # Axe tries a style of its own on the page, which the page's policy forbids.
        del self.complaints[before:]
        assert not found, "\n".join(found)

    def settle(self) -> None:
        """Wait until all of the page's styles are there, and have been faded over to."""
        self.page.wait_for_load_state()
        # Colours on the way are nobody's. A blinking caret never ends.
        self.page.evaluate(
            "Promise.allSettled(document.getAnimations()"
            ".filter((one) => one.effect.getComputedTiming().endTime !== Infinity).map((one) => one.finished))"
        )

    def overflow(self, selector: str = "html") -> int:
        """By how many pixels an element's content is wider than the element, once all of the page's styles are there.

        What is in the document may be measured before its style sheets have come.
        """
        self.page.wait_for_load_state()
        width: int = self.page.locator(selector).first.evaluate("element => element.scrollWidth - element.clientWidth")
        return width

    def write(self, label: str, text: str) -> None:
        """Replace what stands in a box, be it an editor for code or a plain one."""
        self.page.wait_for_load_state()
        self.page.get_by_label(label).focus()
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.insert_text(text)

    def picture(self, name: str) -> None:
        if PICTURES:
            self.page.wait_for_load_state()
            size = self.page.viewport_size
            assert size is not None
            # In a window as high as the page, what sticks to the window's edge is where it belongs.
            height = self.page.evaluate("document.documentElement.scrollHeight")
            self.page.set_viewport_size({"width": size["width"], "height": max(size["height"], height)})
            # To hide the caret, Playwright would write a style into the page, which the page's policy forbids.
            self.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True, caret="initial")
            self.page.set_viewport_size(size)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark all tests of this folder."""
    item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The machine's browser; tests are skipped with the reason where there is none.

    It ends with the last browser test in a row: other tests must find neither Playwright's loop nor the variable.
    """
    path = require_chromium()
    # Playwright's loop runs in this thread, and Django then takes every query for a mistake.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()
        # Under the loop, Django has connections of their own, which nobody else would find and close.
        connections.close_all()


@pytest.fixture
def browser_context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser that knows nobody yet."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    yield context
    context.close()


@pytest.fixture
def browser_page(browser_context: BrowserContext) -> Iterator[Page]:
    """An empty page."""
    page = browser_context.new_page()
    yield page
    # A request that a test answers by itself may be on its way, and its failure would be the next test's.
    page.unroute_all(behavior="wait")


@pytest.fixture
def person(transactional_db: None, live_server: Any, browser_page: Page) -> Iterator[Person]:
    """Ada, who may do everything; the test fails when her browser complained."""
    User.objects.create_superuser("ada", password=PASSWORD)
    person = Person(browser_page, live_server.url)
    yield person
    assert person.complaints == []
