"""Bindings in the admin: shown whole, secrets excepted, and never changed."""

from __future__ import annotations

import pytest
from django.urls import reverse

from enrollments.models import BindingSnapshot
from tests.support.pages import page_text
from tests.support.people import Person, make_person
from tests.support.rows import SLOTS, make_binding, make_config, make_profile

pytestmark = pytest.mark.sqlite

BINDINGS = "/admin/enrollments/bindingsnapshot/"


@pytest.fixture
def binder() -> Person:
    """Somebody who sees bindings and no devices."""
    return make_person("ben", "view_bindingsnapshot")


def url_of(device) -> str:
    return reverse("admin:configs_config_change", args=(device.pk,))


def test_what_is_stored_of_a_resource_folds_out_below_the_slots(admin, device):
    text = page_text(admin.get(url_of(device)))

    slots = text.split('id="slots"')[1].split("</section>")[0]
    for part in ("The copy for mqtt", '"id": "client-77"', "A secret is stored beside it."):
        assert part in slots, part


def test_copies_are_for_who_may_see_bindings(device):
    looker = make_person("lou", "view_config", "view_enrollment")

    text = page_text(looker.get(url_of(device)))

    assert "client-77" in text
    assert "The copy for" not in text


def test_a_copy_without_a_secret_says_so(admin):
    config = make_config(profile=make_profile(binding_slots=SLOTS))
    make_binding(config=config, slot="mqtt")

    text = page_text(admin.get(url_of(config)))

    assert "No secret is stored beside it." in text


def test_the_list_asks_the_same_number_of_questions_for_5_and_50_devices(binder, django_assert_num_queries):
    def enrol(number: int) -> None:
        for _ in range(number):
            config = make_config(profile=make_profile(binding_slots=SLOTS))
            make_binding(config=config, slot="mqtt", secret={"secret": "x"})

    expected = 7
    enrol(5)
    binder.get(BINDINGS)
    with django_assert_num_queries(expected):
        binder.client.get(BINDINGS)

    enrol(45)

    with django_assert_num_queries(expected) as asked:
        assert len(binder.client.get(BINDINGS).context["cl"].result_list) == 50
    statements = [query["sql"] for query in asked.captured_queries]
    assert not any("content_template" in sql or '"client_key_sealed"' in sql for sql in statements)
    assert not any('"secret_sealed",' in sql for sql in statements)


@pytest.mark.parametrize("term", ["client-77", "pi-0004", "PI 4", "mqtt"])
def test_bindings_are_found_by_resource_and_device(admin, device, term):
    other = make_config()
    make_binding(config=other, slot="other", resource_id="other")

    found = admin.get(BINDINGS, q=term).context["cl"].result_list

    assert "client-77" in {binding.resource_id for binding in found}
    assert "other" not in {binding.resource_id for binding in found}


def test_bindings_are_filtered(admin, device):
    found = admin.get(BINDINGS, type__exact="channel", domain=device.domain_id).context["cl"].result_list

    assert [binding.resource_id for binding in found] == ["channel-88"]


@pytest.mark.parametrize("person", ["admin", "viewer"])
def test_nobody_writes_bindings_by_hand(request, device, person):
    somebody = request.getfixturevalue(person)
    binding = device.bindings.get(slot="mqtt")
    page = reverse("admin:enrollments_bindingsnapshot_change", args=(binding.pk,))

    for url in (page, BINDINGS):
        text = page_text(somebody.get(url))
        assert 'name="_save"' not in text
        assert "delete_selected" not in text
    for url in (page, f"{BINDINGS}add/", page.replace("change", "delete")):
        assert somebody.post(url, {"slot": "x", "post": "yes"}).status_code == 403
    assert BindingSnapshot.objects.get(pk=binding.pk).slot == "mqtt"


def test_a_binding_leads_to_its_device(admin, device):
    assert url_of(device) in page_text(admin.get(BINDINGS))
