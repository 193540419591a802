"""Enrollments and bindings in the admin: shown whole, secrets excepted, and never changed."""

from __future__ import annotations

import pytest
from django.urls import reverse

from enrollments.models import BindingSnapshot
from tests.support.pages import page_text
from tests.support.people import Person, make_person
from tests.support.rows import SLOTS, make_binding, make_config, make_profile

pytestmark = pytest.mark.sqlite

LIST = "/admin/enrollments/enrollment/"
BINDINGS = "/admin/enrollments/bindingsnapshot/"


@pytest.fixture
def binder() -> Person:
    """Somebody who has no list of devices, and so gets this one."""
    return make_person("ben", "view_enrollment", "view_bindingsnapshot")


def test_who_has_the_list_of_devices_gets_that(admin, viewer, device):
    make_config(name="other")
    for person in (admin, viewer):
        text = page_text(person.get(LIST, q="pi", domain=device.domain_id))

        assert "unbound: data" in text
        assert "other" not in text.split('id="result_list"')[1].split("</table>")[0]
        assert "By readiness" in text
        assert f'href="{LIST}' not in page_text(person.get("/admin/"))
        assert BINDINGS in page_text(person.get("/admin/"))


def test_who_has_no_list_of_devices_finds_this_one_in_the_menu(binder, device):
    assert LIST in page_text(binder.get("/admin/"))
    assert "pi-0004" in page_text(binder.get(LIST))


def test_the_list_tells_how_many_required_slots_are_bound(binder, device):
    text = page_text(binder.get(LIST))

    assert "1 of 2" in text
    assert "badge-bad" in text
    make_binding(config=device, slot="data", type="channel")
    assert "2 of 2" in page_text(binder.get(LIST))


def test_a_binding_of_the_other_type_does_not_count(binder):
    config = make_config(profile=make_profile(binding_slots=SLOTS))
    make_binding(config=config, slot="mqtt", type="channel")

    assert "0 of 2" in page_text(binder.get(LIST))


def test_an_enrollment_shows_its_bindings_and_what_is_unbound(admin, device):
    text = page_text(admin.get(reverse("admin:enrollments_enrollment_change", args=(device.pk,))))

    for part in ("client-77", "channel-88", "thermometer v1", "1 of 2", '"id": "client-77"', ">yes<", ">no<"):
        assert part in text, part
    assert ">data<" in text.replace("\n", "")


def test_a_device_without_a_profile_has_no_slots(admin, binder):
    config = make_config()

    assert binder.get(LIST).status_code == 200
    assert admin.get(reverse("admin:enrollments_enrollment_change", args=(config.pk,))).status_code == 200


@pytest.mark.parametrize("url", [LIST, BINDINGS])
def test_lists_ask_the_same_number_of_questions_for_5_and_50_devices(binder, django_assert_num_queries, url):
    def enrol(number: int) -> None:
        for _ in range(number):
            config = make_config(profile=make_profile(binding_slots=SLOTS))
            make_binding(config=config, slot="mqtt", secret={"secret": "x"})

    expected = 9 if url == LIST else 7
    enrol(5)
    binder.get(url)
    with django_assert_num_queries(expected):
        binder.client.get(url)

    enrol(45)

    with django_assert_num_queries(expected) as asked:
        assert len(binder.client.get(url).context["cl"].result_list) == 50
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
    enrollment = reverse("admin:enrollments_enrollment_change", args=(device.pk,))

    for url in (page, enrollment, BINDINGS):
        text = page_text(somebody.get(url))
        assert 'name="_save"' not in text
        assert "delete_selected" not in text
    for url in (page, enrollment, f"{BINDINGS}add/", f"{LIST}add/", page.replace("change", "delete")):
        assert somebody.post(url, {"slot": "x", "post": "yes"}).status_code == 403
    assert BindingSnapshot.objects.get(pk=binding.pk).slot == "mqtt"


def test_the_profile_is_a_link_for_who_may_see_profiles(viewer, device):
    looker = make_person("lou", "view_enrollment")
    enrollment = reverse("admin:enrollments_enrollment_change", args=(device.pk,))
    link = reverse("admin:profiles_profile_change", args=(device.profile_id,))

    assert link in page_text(viewer.get(enrollment))
    text = page_text(looker.get(enrollment))
    assert "thermometer v1" in text
    assert link not in text


def test_a_device_and_its_bindings_lead_to_each_other(admin, device):
    enrollment = reverse("admin:enrollments_enrollment_change", args=(device.pk,))

    assert enrollment in page_text(admin.get(reverse("admin:configs_config_change", args=(device.pk,))))
    assert enrollment in page_text(admin.get(BINDINGS))
