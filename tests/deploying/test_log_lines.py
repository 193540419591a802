"""The page's examples of log lines are what the service writes."""

import io
import json
import logging

import pytest
from django.test import Client

from bootstrap_project.observability.logging import JsonFormatter
from tests.deploying.facts import PAGE
from tests.deploying.page import blocks

logger = logging.getLogger("bootstrap.request")
#: What differs from call to call.
OWN = ("time", "request_id", "duration_ms", "source", "config_id")


@pytest.fixture
def examples():
    (block,) = [one for one in blocks(PAGE.read_text(encoding="utf-8")) if one.note == "log lines"]
    return [json.loads(line) for line in block.text.splitlines()]


def test_each_example_is_what_the_service_writes(api, examples, caplog):
    profile = api.create_profile(content_template="{{ .Vars.missing }}").json()
    api.create_config(external_id="sensor-1", external_key="a key", content="x")
    api.create_config(external_id="sensor-2", external_key="a key", profile_id=profile["id"])
    caplog.set_level(logging.INFO, "bootstrap.request")
    written_to = logging.StreamHandler(io.StringIO())
    written_to.setFormatter(JsonFormatter())
    logger.addHandler(written_to)

    for external_id, key in (("sensor-1", "a key"), ("sensor-1", "wrong"), ("sensor-2", "a key")):
        Client().get(f"/clients/bootstrap/{external_id}", headers={"Authorization": f"Client {key}"})

    logger.removeHandler(written_to)
    written = [json.loads(line) for line in written_to.stream.getvalue().splitlines()]
    assert [line["status"] for line in written] == [200, 403, 422]
    for line, example in zip(written, examples, strict=True):
        # In this order, too.
        assert list(line) == list(example)
        assert {name: line[name] for name in line if name not in OWN} == {
            name: example[name] for name in example if name not in OWN
        }
