"""Every column that an answer is made from is in the answer's entity tag, or is left out for a reason."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from configs.models import Status
from enrollments.device_config.assemble import match_slots
from enrollments.device_config.etag import make_etag
from enrollments.device_config.records import Row, to_record

ID, PROFILE = "3f0c1b9e-7b0c-4a55-9a51-0d5a4d9f5a01", "3f0c1b9e-7b0c-4a55-9a51-0d5a4d9f5a02"
BINDING = ["mqtt", "client", "resource", '{"id": "resource"}', "sealed"]
WITH_PROFILE = Row(
    config_id=ID,
    config_domain_id="domain",
    config_external_id="pi-1",
    config_status=Status.ENABLED.value,
    config_external_key_hash="hash",
    config_external_key_digest="digest",
    config_external_key_pepper="pepper",
    answer_id=ID,
    answer_content="content",
    answer_client_cert="certificate",
    answer_client_key_sealed="sealed",
    answer_ca_cert="certificate of the authority",
    answer_render_context='{"n": 1}',
    profile_id=PROFILE,
    profile_version=1,
    profile_template_format="json",
    profile_content_template="{}",
    profile_defaults='{"n": 2}',
    profile_binding_slots=json.dumps([{"name": "mqtt", "type": "client", "required": True}]),
    bindings=json.dumps([BINDING]),
)
NO_PROFILE: dict[str, Any] = {name: None for name in Row._fields if name.startswith("profile_")}
STATIC = WITH_PROFILE._replace(**NO_PROFILE)
OTHER_VALUES: dict[str, Any] = {
    "config_id": str(uuid.UUID(int=1)),
    "config_status": Status.DISABLED.value,
    "answer_id": str(uuid.UUID(int=1)),
    "profile_id": str(uuid.UUID(int=2)),
    "profile_version": 2,
    "profile_binding_slots": json.dumps([{"name": "mqtt", "type": "client", "fields": ["name"]}]),
    "bindings": json.dumps([[*BINDING[:4], "sealed anew"]]),
}
#: Who is answered at all is decided before there is a tag, and `answer` is the config's own row.
LEFT_OUT = {
    "config_status",
    "config_external_key_hash",
    "config_external_key_digest",
    "config_external_key_pepper",
    "answer_id",
}
#: What the one kind of config is not made from: an answer of a profile has no content of its own.
LEFT_OUT_WITH_PROFILE = {"answer_content"}
LEFT_OUT_STATIC = {"config_domain_id", "config_external_id", "answer_render_context", "bindings"}


def tag(row: Row) -> str:
    record = to_record(row)
    assert record.answer is not None
    bound, _missing = match_slots(record.answer)
    return make_etag(record, record.answer, bound, secure=False)


def changed(row: Row, name: str) -> Row:
    values: dict[str, Any] = {name: OTHER_VALUES.get(name, f"{getattr(row, name)} ")}
    return row._replace(**values)


@pytest.mark.parametrize("name", Row._fields)
def test_another_value_of_a_column_is_another_tag(name):
    is_left_out = name in LEFT_OUT | LEFT_OUT_WITH_PROFILE

    assert (tag(changed(WITH_PROFILE, name)) == tag(WITH_PROFILE)) is is_left_out


@pytest.mark.parametrize("name", [name for name in Row._fields if not name.startswith("profile_")])
def test_another_value_of_a_static_config_s_column_is_another_tag(name):
    is_left_out = name in LEFT_OUT | LEFT_OUT_STATIC

    assert (tag(changed(STATIC, name)) == tag(STATIC)) is is_left_out


def test_rows_show_nothing_of_what_they_hold():
    assert repr(WITH_PROFILE) == f"<Row {ID}>"
