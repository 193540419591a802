"""The Raspberry Pi's whole story by clicks alone: from the login to the JSON that the Pi receives.

Everything is real: the production server, PostgreSQL, the sandbox as the platform, a browser. With
BROWSER_PICTURES set, this is also what makes the pictures of the documentation.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from bootstrap_project.magistrala.sandbox import seed
from tests.browser.conftest import PASSWORD, Person
from tests.browser.keyboard import type_json
from tests.support import pi
from tests.support.database import Database, provide_database
from tests.support.sandbox import SandboxProcess
from tests.support.server import DEFAULTS, ROOT, ServerProcess
from tests.support.waiting import eventually

#: The most clicks that the story may take; what is typed is not counted.
MOST_CLICKS = 28


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with provide_database(tmp_path) as made:
        yield made


@pytest.fixture
def service(database: Database, sandbox: SandboxProcess) -> Iterator[str]:
    """The address of a service that signs in to the platform by itself; Ada is its first user."""
    environment = DEFAULTS | {
        "DATABASE_URL": database.url,
        "MG_BOOTSTRAP_USERNAME": seed.OPERATOR,
        "MG_BOOTSTRAP_PASSWORD": seed.OPERATOR_PASSWORD,
        "MG_BOOTSTRAP_ATTEMPT_FLUSH_SECONDS": "0.1",
    }
    # With the product's settings: the tests' have a hash of passwords that it does not know.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MG_", "DJANGO_"))}
    subprocess.run(
        [sys.executable, "manage.py", "createsuperuser", "--noinput", "--username=ada", "--email="],
        cwd=ROOT,
        env={**inherited, **environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD},
        check=True,
        capture_output=True,
    )
    with ServerProcess(environment | sandbox.settings()) as server:
        yield server.url


@pytest.fixture
def ada(service: str, browser_page: Page) -> Iterator[Person]:
    person = Person(browser_page, service)
    yield person
    assert person.complaints == []


class Clicks:
    """Clicks, counted."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, what: Locator) -> None:
        self.number += 1
        what.click()

    def choose(self, box: Locator, label: str) -> None:
        """Open a list and take something from it."""
        self.number += 2
        box.select_option(label=label)


def log_in(ada: Person, click: Clicks) -> None:
    ada.open("/admin/")
    ada.page.get_by_label("Username:").fill("ada")
    ada.page.get_by_label("Password:").fill(PASSWORD)
    ada.picture("login")
    click(ada.page.get_by_role("button", name="Log in"))
    ada.page.locator("#user-tools").wait_for()


def write_profile(ada: Person, click: Clicks) -> None:
    page = ada.page
    click(page.locator("#content .model-profile").get_by_role("link", name="Add"))
    page.get_by_label("Name:", exact=True).fill(pi.PROFILE["name"])
    page.get_by_label("Domain:").fill(seed.DOMAIN_ID)
    page.get_by_label("Description:").fill(pi.PROFILE["description"])
    for slot in pi.PROFILE["binding_slots"]:
        click(page.get_by_role("button", name="Add a slot"))
        row = page.locator("[data-slot]").last
        row.get_by_label("Name of the slot").fill(slot["name"])
        if slot["type"] == "channel":
            click.choose(row.get_by_label("Type"), "channel")
        if row.get_by_label("Required").is_checked() != slot["required"]:
            click(row.get_by_label("Required"))
        row.get_by_label("Fields").fill(", ".join(slot["fields"]))
    ada.write("Defaults:", json.dumps(pi.PROFILE["defaults"]))
    ada.write("Template:", pi.TEMPLATE)
    # The one variable that the profile leaves to its devices is told at once.
    expect(page.locator("[data-state]")).to_contain_text(".Vars.site is not set")
    ada.picture("profile-new")
    click(page.get_by_role("button", name="Save", exact=True))
    expect(page.locator(".messagelist")).to_contain_text(pi.PROFILE["name"])
    ada.picture("profiles")


def enrol(ada: Person, click: Clicks) -> None:
    page = ada.page
    click(page.locator("#nav-sidebar .model-config").get_by_role("link", name="Add"))
    page.get_by_label("Name:", exact=True).fill(pi.CONFIG["name"])
    page.get_by_label("External id:").fill(pi.EXTERNAL_ID)
    click(page.get_by_label("Type the key"))
    page.get_by_label("External key:").fill(pi.EXTERNAL_KEY)
    click(page.locator(".field-profile .select2-selection"))
    page.locator(".select2-search__field").fill("raspberry")
    click(page.get_by_role("option", name=pi.PROFILE["name"]))
    type_json(page, json.dumps(pi.CONFIG["render_context"]))
    expect(page.get_by_role("row", name="sample_interval_seconds")).to_contain_text("over the default")
    ada.picture("enrol")
    click(page.get_by_role("button", name="Save", exact=True))
    expect(page.locator(".messagelist")).to_contain_text(pi.CONFIG["name"])
    expect(page.locator("#result_list")).to_contain_text("unbound: mqtt_client, telemetry")
    ada.picture("devices-unbound")


def bind(ada: Person, click: Clicks) -> None:
    page = ada.page
    click(page.get_by_role("link", name=pi.CONFIG["name"], exact=True))
    expect(page.get_by_text("Nothing is bound to the slot telemetry")).to_be_visible()
    ada.picture("device-unbound")
    click(page.get_by_role("region", name="State of the device").get_by_role("link", name="Bind telemetry"))
    names = (seed.CLIENT_NAME, seed.TELEMETRY_CHANNEL_NAME, seed.COMMANDS_CHANNEL_NAME)
    for slot, name in zip(("mqtt_client", "telemetry", "commands"), names, strict=True):
        page.get_by_label(slot).press_sequentially(name[:-3])
        if slot == "commands":
            expect(page.get_by_role("option", name=name)).to_be_visible()
            ada.picture("bind-choosing")
        click(page.get_by_role("option", name=name))
    click(page.get_by_role("button", name="Bind", exact=True))
    expect(page.get_by_text("Bound 3 slots.")).to_be_visible()
    ada.picture("bound")


def preview(ada: Person, click: Clicks) -> None:
    page = ada.page
    click(page.get_by_role("link", name="Preview", exact=True))
    expect(page.locator("#preview-content")).to_contain_text('"client_secret": "masked00"')
    ada.picture("preview")
    click(page.get_by_role("button", name="Reveal secrets"))
    expect(page.locator("#preview-content")).to_contain_text(seed.CLIENT_SECRET)


def call_as_the_pi(service: str) -> requests.Response:
    return requests.get(
        f"{service}/clients/bootstrap/{pi.EXTERNAL_ID}",
        headers={"Authorization": f"Client {pi.EXTERNAL_KEY}"},
        timeout=60,
    )


def look_at_what_happened(ada: Person, click: Clicks, config_id: str) -> None:
    page = ada.page
    click(page.get_by_role("link", name="Device", exact=True))
    expect(page.locator("#content")).to_contain_text("got its configuration")
    ada.picture("device")
    click(page.get_by_role("link", name="Home"))
    expect(page.locator("#content")).to_contain_text("got a configuration")
    expect(page.get_by_text("Magistrala answers.")).to_be_visible()
    ada.picture("home")
    page.get_by_label("Find a device or a call").fill(pi.EXTERNAL_ID)
    click(page.get_by_role("button", name="Find"))
    expect(page).to_have_url(f"{ada.url}/admin/configs/config/{config_id}/change/")


def test_the_raspberry_pi_s_story_takes_few_clicks_and_no_manual(ada: Person, service: str, database: Database) -> None:
    click = Clicks()

    log_in(ada, click)
    write_profile(ada, click)
    enrol(ada, click)
    bind(ada, click)
    preview(ada, click)
    shown = ada.page.locator("#preview-content").inner_text()
    answer = call_as_the_pi(service)

    assert answer.status_code == 200
    config_id = answer.json()["id"]
    assert json.loads(answer.json()["content"]) == pi.received(config_id)
    # To the letter, but for what a browser makes of line ends.
    assert shown.split() == answer.json()["content"].split()
    # Calls are written a moment after they are answered.
    eventually(lambda: bool(database.rows("SELECT 1 FROM configs_config WHERE last_bootstrap_at IS NOT NULL")))
    look_at_what_happened(ada, click, config_id)
    assert click.number <= MOST_CLICKS
    if os.environ.get("BROWSER_PICTURES"):
        sys.stdout.write(f"\nThe story took {click.number} clicks.\n")
    take_the_other_pictures(ada, config_id)


def take_the_other_pictures(ada: Person, config_id: str) -> None:
    """Open every other page once: none complains, each fits a phone."""
    page = ada.page
    pages: dict[str, str] = {
        "devices": "configs/config/",
        "device-history": f"configs/config/{config_id}/history/",
        "rotate-key": f"configs/config/{config_id}/rotate-key/",
        "refresh": f"configs/config/{config_id}/refresh/",
        "attempts": "devices/bootstrapattempt/",
        "profile-upload": "profiles/profile/upload/",
        "template-language": "profiles/profile/language/",
        "lint-rules": "profiles/profile/lint-rules/",
        "all-bindings": "enrollments/bindingsnapshot/",
        "users": "auth/user/",
        "groups": "auth/group/",
        "platform": "platform/",
    }
    for name, path in pages.items():
        ada.open(f"/admin/{path}")
        expect(page.locator("#content")).to_be_visible()
        ada.picture(name)
    open_profile(ada)
    ada.picture("profile")
    page.set_viewport_size({"width": 360, "height": 800})
    for name, path in {**pages, "home": "", "device": f"configs/config/{config_id}/change/"}.items():
        ada.open(f"/admin/{path}")
        assert ada.overflow() <= 0, f"{name} is wider than a phone"
        if name in {"home", "device", "devices"}:
            ada.picture(f"phone-{name}")


def open_profile(ada: Person) -> None:
    page: Any = ada.page
    ada.open("/admin/profiles/profile/")
    page.get_by_role("link", name=pi.PROFILE["name"]).click()
    expect(page.locator("[data-state]")).not_to_be_empty()
