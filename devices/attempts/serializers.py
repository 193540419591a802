"""The shape of attempts in answers."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import ClassVar

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from bootstrap_project.api.serializers import Member, PageSerializer, RowSerializer, format_time, id_text


class AttemptSerializer(RowSerializer):
    """One call of a device and what became of it."""

    members: ClassVar[Mapping[str, Member]] = {
        "at": Member(serializers.DateTimeField(), lambda attempt: format_time(attempt.at)),
        "variant": Member(
            serializers.CharField(help_text="plain, secure or keyless: which endpoint was called."),
            attrgetter("variant"),
        ),
        "path": Member(
            serializers.CharField(
                allow_blank=True, help_text="How it was asked for, where that was not the documented way."
            ),
            attrgetter("path"),
        ),
        "outcome": Member(
            serializers.CharField(help_text="ok, static, not_modified, probed (HEAD), or why there was none."),
            attrgetter("outcome"),
        ),
        "status": Member(serializers.IntegerField(help_text="The answer's HTTP status."), attrgetter("status")),
        "error_id": Member(
            serializers.CharField(allow_blank=True, help_text="The `request_id` that the device was told."),
            attrgetter("error_id"),
        ),
        "profile_id": Member(serializers.CharField(allow_blank=True), lambda attempt: id_text(attempt.profile_id)),
        "profile_version": Member(serializers.IntegerField(allow_null=True), attrgetter("profile_version")),
        "etag": Member(serializers.CharField(allow_blank=True), attrgetter("etag")),
        "duration_seconds": Member(serializers.FloatField(), attrgetter("duration")),
        "source": Member(
            serializers.CharField(allow_blank=True, help_text="The address that asked."), attrgetter("source")
        ),
        "user_agent": Member(serializers.CharField(allow_blank=True), attrgetter("user_agent")),
    }


# Otherwise the API's description takes an answer to `list` for a list of these.
@extend_schema_serializer(many=False)
class AttemptPageSerializer(PageSerializer):
    """A page of attempts, newest first."""

    attempts = AttemptSerializer(many=True)
