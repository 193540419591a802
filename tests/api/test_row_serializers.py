"""Answers and their descriptions are made by one table, parameters and theirs by one serializer."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from configs.serializers import ConfigSerializer
from devices.attempts.serializers import AttemptSerializer
from devices.models import BootstrapAttempt
from tests.support.rows import make_config


@pytest.fixture(scope="module")
def description():
    return Client().get("/api/openapi.json").json()


@pytest.mark.django_db
@pytest.mark.parametrize("serializer", [ConfigSerializer, AttemptSerializer])
def test_what_is_described_is_what_is_answered(description, serializer):
    row = make_config() if serializer is ConfigSerializer else BootstrapAttempt(at=timezone.now())

    answered = serializer().to_representation(row)

    described = description["components"]["schemas"][serializer.__name__.removesuffix("Serializer")]
    assert list(described["properties"]) == list(answered) == list(serializer().fields)
    assert set(described["required"]) == set(answered)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/{domain_id}/clients/configs", ["external_id", "id", "limit", "name", "offset", "status"]),
        ("/{domain_id}/clients/bootstrap/profiles", ["limit", "name", "offset"]),
    ],
)
def test_every_parameter_of_a_list_is_described_with_words(description, path, names):
    parameters = [one for one in description["paths"][path]["get"]["parameters"] if one["in"] == "query"]

    assert sorted(one["name"] for one in parameters) == names
    assert all(one["description"] for one in parameters)
