"""The search of the home page."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.support.attempts import make_attempt, remember
from tests.support.pages import page_text
from tests.support.people import Person, make_person
from tests.support.rows import DOMAIN, make_config

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]

FIND = "/admin/find/"
DEVICES = "/admin/configs/config/"


@pytest.fixture
def admin() -> Person:
    return make_person("ada", is_superuser=True)


def led_to(person: Person, term: str) -> str:
    response = person.get(FIND, q=term)
    assert response.status_code == 302
    return str(response.headers["Location"])


def device_page(config) -> str:
    return reverse("admin:configs_config_change", args=(config.pk,))


def test_whole_ids_lead_to_their_device(admin):
    config = make_config(external_id="pi-0004", name="pi")
    make_config(external_id="pi-00045", name="pi-0004")

    for term in ("pi-0004", "  pi-0004 ", str(config.pk), str(config.pk).upper()):
        assert led_to(admin, term) == device_page(config), term


@pytest.mark.parametrize(
    ("term", "query"), [("ump", "q=ump"), ("PUMP", "q=PUMP"), ("pump n", "q=%22pump+n%22"), ("-77", "q=-77")]
)
def test_a_part_of_a_name_or_external_id_leads_to_the_list(admin, term, query):
    make_config(name="pump north", external_id="sn-771")
    make_config(name="lamp", external_id="sn-5")

    url = led_to(admin, term)

    assert url == f"{DEVICES}?{query}"
    assert [config.name for config in admin.client.get(url).context["cl"].result_list] == ["pump north"]


def test_an_error_id_leads_to_its_attempt(admin):
    config = make_config(external_id="d")
    remember(
        make_attempt(config.pk, external_id="d", outcome="render_failed", error_id="e-12345678", when=timezone.now()),
        make_attempt(config.pk, external_id="d", outcome="render_failed", error_id="e-123456789", when=timezone.now()),
    )

    url = led_to(admin, "e-12345678")

    assert "e-12345678<" in page_text(admin.get(url))
    assert led_to(admin, "e-1234567") == "/admin/"


def test_an_id_that_nobody_knows_leads_to_its_calls(admin):
    remember(make_attempt(None, external_id="stranger", outcome="refused"))

    assert led_to(admin, "stranger") == "/admin/devices/bootstrapattempt/?q=stranger"


@pytest.mark.parametrize(
    "term", ["nothing", "%", "_", "\\", "x" * 5000, "3a0f2b6e-7c55-4a0e-9d10-7a6f0c1d2e3f", "<b>", "'"]
)
def test_what_is_not_there_is_told_in_words(admin, term):
    make_config(external_id="pump")

    response = admin.client.get(FIND, {"q": term}, follow=True)

    assert "Nothing was found for" in page_text(response)
    assert "“<b>”" not in response.content.decode()


def test_an_empty_search_leads_back(admin):
    assert led_to(admin, "   ") == "/admin/"
    assert "Nothing was found" not in page_text(admin.get("/admin/"))


def test_another_domain_s_devices_and_calls_are_not_found():
    config = make_config(external_id="pi-0004", name="pi four", domain_id="other")
    remember(
        make_attempt(
            config.pk, external_id="pi-0004", domain_id="other", outcome="disabled", error_id="e-1", when=timezone.now()
        ),
        make_attempt(None, external_id="stranger", outcome="refused"),
    )
    somebody = make_person("sam", "view_config", "view_bootstrapattempt", domains=(DOMAIN,))

    for term in ("pi-0004", str(config.pk), "four", "e-1", "stranger"):
        assert led_to(somebody, term) == "/admin/", term


def test_each_kind_takes_its_permission():
    config = make_config(external_id="pi-0004")
    remember(make_attempt(config.pk, external_id="pi-0004", domain_id=DOMAIN, outcome="disabled", error_id="e-1"))
    device_viewer = make_person("dora", "view_config")
    call_viewer = make_person("carl", "view_bootstrapattempt")

    assert led_to(device_viewer, "pi-0004") == device_page(config)
    assert led_to(device_viewer, "e-1") == "/admin/"
    assert led_to(call_viewer, "pi-0004") == "/admin/"
    assert led_to(call_viewer, "e-1").startswith("/admin/devices/bootstrapattempt/")
    assert make_person("nora").get(FIND, q="pi-0004").status_code == 403


def test_strangers_log_in_first(client):
    for url in (FIND, "/admin/platform/"):
        assert client.get(url).headers["Location"].startswith("/admin/login/")


def test_a_search_takes_few_queries(admin, django_assert_max_num_queries):
    make_config(external_id="pump")
    with django_assert_max_num_queries(9):
        admin.client.get(FIND, {"q": "nothing"})
