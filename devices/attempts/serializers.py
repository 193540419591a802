"""The shape of attempts in answers."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, ClassVar, Final

from django.db.models import Field
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from bootstrap_project.api.serializers import Member, PageSerializer, RowSerializer, format_time, id_text
from devices.models import COLUMNS

#: What the caller named already, or has no business with.
_LEFT_OUT: Final = {"config_id", "domain_id", "external_id"}
_NAMES: Final = {"duration": "duration_seconds"}


def _member(column: Field[Any, Any]) -> Member:
    """Return how a column is described and answered; what the description says of it is the column's help text."""
    of_row, name = attrgetter(column.name), column.get_internal_type()
    about: dict[str, Any] = {"help_text": column.help_text or None}
    if name == "DateTimeField":
        return Member(serializers.DateTimeField(**about), lambda attempt: format_time(of_row(attempt)))
    if name == "UUIDField":
        return Member(serializers.CharField(**about, allow_blank=True), lambda attempt: id_text(of_row(attempt)))
    if name == "CharField":
        return Member(serializers.CharField(**about, allow_blank=column.blank), of_row)
    kind = serializers.FloatField if name == "FloatField" else serializers.IntegerField
    return Member(kind(**about, allow_null=column.null), of_row)


class AttemptSerializer(RowSerializer):
    """One call of a device and what became of it."""

    members: ClassVar = {
        _NAMES.get(column.name, column.name): _member(column) for column in COLUMNS if column.name not in _LEFT_OUT
    }


# Otherwise the API's description takes an answer to `list` for a list of these.
@extend_schema_serializer(many=False)
class AttemptPageSerializer(PageSerializer):
    """A page of attempts, newest first."""

    attempts = AttemptSerializer(many=True)
