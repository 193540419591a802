"""What an error is about stands in its members, so that no page has to read it out of a sentence."""

import pytest

from bootstrap_project.diagnostics import Location
from bootstrap_project.documents.errors import InvalidDocument
from bootstrap_project.documents.json import parse_json
from bootstrap_project.errors import BootstrapError
from bootstrap_project.magistrala.errors import Forbidden
from bootstrap_project.slots import InvalidSlots, validate_slots
from configs.errors import InvalidConfig
from configs.services import check_external_id, check_external_key
from configs.status import parse_status
from enrollments.errors import INCOMPLETE, NOTHING_STORED, at_slot


@pytest.mark.parametrize(
    ("check", "field"),
    [
        (lambda: check_external_id(""), "external_id"),
        (lambda: check_external_id("a/b"), "external_id"),
        (lambda: check_external_id("a\0"), "external_id"),
        (lambda: check_external_id("a" * 1025), "external_id"),
        (lambda: check_external_key(""), "external_key"),
        (lambda: check_external_key(" a"), "external_key"),
        (lambda: check_external_key("ä"), "external_key"),
        (lambda: check_external_key("a" * 5000), "external_key"),
        (lambda: parse_status("sleeping"), "status"),
    ],
)
def test_an_error_names_its_field_as_it_is_sent(check, field):
    with pytest.raises(InvalidConfig) as caught:
        check()

    assert caught.value.field == field
    assert caught.value.detail.startswith(field)
    assert not caught.value.defect.startswith(f"{field}:")


def test_an_error_about_nothing_in_particular_names_nothing():
    error = BootstrapError("a message", "name: and a detail")

    assert (error.field, error.slot) == ("", "")
    assert error.defect == "name: and a detail"


def test_a_platform_error_keeps_what_it_says_when_it_is_raised_again():
    error = at_slot(Forbidden("no", service="channels", status=403, retry_after=7), "mqtt", is_incomplete=True)
    again = error.again()

    assert again is not error
    assert vars(again) == vars(error)
    assert type(again) is Forbidden


@pytest.mark.parametrize(("doing", "said"), [("", "no"), ("connecting it", "connecting it: no")])
@pytest.mark.parametrize(("is_incomplete", "detail"), [(False, NOTHING_STORED), (True, INCOMPLETE)])
def test_a_platform_error_is_about_a_slot(doing, said, is_incomplete, detail):
    error = at_slot(Forbidden("no", service="clients"), "mqtt", doing=doing, is_incomplete=is_incomplete)

    assert (error.slot, error.defect, error.detail) == ("mqtt", said, detail)
    assert error.message == f"slot 'mqtt': {said}"


@pytest.mark.parametrize(
    ("bad", "message", "defect"),
    [
        ("text", "binding_slots[1] must be an object with name, type, required and fields", "must be an object with"),
        ({"name": ""}, "binding_slots[1]: name must be a non-empty string", "name must be"),
        ({"name": "x) y"}, "binding_slots[1] ('x) y'): type must be one of client, channel", "type must be one of"),
    ],
)
def test_a_bad_slot_is_named_by_its_position(bad, message, defect):
    with pytest.raises(InvalidSlots) as caught:
        validate_slots([{"name": "mqtt", "type": "client"}, bad])

    assert (caught.value.index, caught.value.message, caught.value.field) == (1, message, "binding_slots")
    assert caught.value.defect.startswith(defect)


def test_slots_that_are_wrong_together_have_no_position():
    with pytest.raises(InvalidSlots) as caught:
        validate_slots([{"name": "mqtt", "type": "client"}] * 2)

    assert caught.value.index is None


@pytest.mark.parametrize(
    ("text", "location"), [('{"a": 1,\n "b" 2}', Location(2, 6)), ("{", Location(1, 2)), ("[NaN]", Location(1, 2))]
)
def test_a_document_says_where_it_is_wrong(text, location):
    with pytest.raises(InvalidDocument) as caught:
        parse_json(text)

    assert caught.value.location == location
