"""The shapes of profiles in bodies and answers (docs/contract.md#a3 and #a4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from bootstrap_project.api.serializers import BodySerializer, ObjectField, PageSerializer, TextField, format_time
from bootstrap_project.database.constraints import NAME_LENGTH
from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.slots import MAX_SLOTS, SLOT_TYPES
from profiles.errors import InvalidProfile
from profiles.models import Profile, TemplateFormat
from profiles.services import lint_profile

OMITTED_WHEN_EMPTY = frozenset({"description", "content_template", "defaults", "binding_slots"})


class BindingSlotSerializer(serializers.Serializer[Any]):
    """A declared slot; for the API's description, `bootstrap_project.slots` checks them."""

    name = serializers.CharField()
    type = serializers.ChoiceField(choices=SLOT_TYPES)
    required = serializers.BooleanField(default=False)  # type: ignore[assignment]
    fields = serializers.ListField(child=serializers.CharField(), required=False)  # type: ignore[assignment]


@extend_schema_field(serializers.ListField(child=BindingSlotSerializer(), max_length=MAX_SLOTS))
class SlotListField(serializers.JSONField):
    """A list of slots, whose members the service checks; null means []."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data is None:
            return []
        if data is not serializers.empty and not isinstance(data, list):
            raise serializers.ValidationError("must be a list of slots")
        return super().run_validation(data)


@extend_schema_field(serializers.ChoiceField(choices=TemplateFormat.choices))
class FormatField(TextField):
    """A template's format, which the service checks; "" and null count as not given."""


class ProfileBody(BodySerializer):
    """What a caller may send to change a profile."""

    never_empty: ClassVar = ("name", "template_format", "content_format")

    name = TextField(max_length=NAME_LENGTH)
    description = TextField()
    template_format = FormatField(help_text="How it is rendered and checked; null changes nothing.")
    content_format = FormatField(help_text="Another name of template_format, as later clients send it.")
    content_template = TextField()
    defaults = ObjectField()
    binding_slots = SlotListField(required=False, allow_null=True)

    @classmethod
    def read(cls, document: dict[str, Any]) -> dict[str, Any]:
        """Return the members to store; the two names of the format become one.

        Raises: InvalidMember; InvalidProfile when the two names disagree. An empty format counts as not given, which is
        how clients that always send the member write it.
        """
        values = super().read(document)
        sent = {values.pop(name, "") for name in ("template_format", "content_format")} - {""}
        if len(sent) > 1:
            raise InvalidProfile(
                "template_format and content_format disagree", "they are two names of one member; send one of them"
            )
        if sent:
            values["template_format"] = sent.pop()
        return values


class ProfileCreateBody(ProfileBody):
    """What a caller may send to create a profile."""

    needed: ClassVar = ("name",)


class ProfileSerializer(serializers.Serializer[Profile]):
    """A profile as it is answered; the format stands there under both of its names (docs/contract.md#k13)."""

    id = serializers.UUIDField()
    domain_id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField(required=False)
    template_format = serializers.ChoiceField(choices=TemplateFormat.choices)
    content_format = serializers.ChoiceField(choices=TemplateFormat.choices)
    content_template = serializers.CharField(required=False)
    defaults = serializers.DictField(required=False)
    binding_slots = BindingSlotSerializer(many=True, required=False)
    version = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def to_representation(self, instance: Profile) -> dict[str, Any]:
        """Return the answer's members, the optional ones left out where they are empty (docs/contract.md#a3)."""
        document: dict[str, Any] = {
            "id": str(instance.pk),
            "domain_id": instance.domain_id,
            "name": instance.name,
            "description": instance.description,
            "template_format": instance.template_format,
            "content_format": instance.template_format,
            "content_template": instance.content_template,
            "defaults": instance.defaults,
            "binding_slots": instance.binding_slots,
            "version": instance.version,
            "created_at": format_time(instance.created_at),
            "updated_at": format_time(instance.updated_at),
        }
        return {name: member for name, member in document.items() if member or name not in OMITTED_WHEN_EMPTY}


class WarningSerializer(serializers.Serializer[Any]):
    """What may go wrong with a template, and what to do about it."""

    rule = serializers.CharField(help_text="The rule's id; docs/lint.md describes each.")
    message = serializers.CharField()
    hint = serializers.CharField(help_text="What to do about it.")
    line = serializers.IntegerField(help_text="From 1; 0 where the warning is about no place in the template.")
    column = serializers.IntegerField(help_text="In characters, from 1; 0 like the line.")
    expression = serializers.CharField(allow_blank=True, help_text="What stands there.")


class SavedProfileSerializer(ProfileSerializer):
    """A profile as it is answered when it has been saved: with the warnings about it."""

    warnings = WarningSerializer(many=True)

    def to_representation(self, instance: Profile) -> dict[str, Any]:
        """Return the profile's members and the warnings, a list in any case."""
        return super().to_representation(instance) | {"warnings": warnings_of(instance)}


def warnings_of(profile: Profile) -> list[dict[str, Any]]:
    """Return the warnings about the template of `profile` as answers hold them."""
    return shown_warnings(lint_profile(profile=profile))


def shown_warnings(warnings: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Return warnings as answers hold them."""
    return [
        {
            "rule": warning.code,
            "message": warning.message,
            "hint": warning.hint,
            "line": warning.location.line,
            "column": warning.location.column,
            "expression": warning.expression,
        }
        for warning in warnings
    ]


# Otherwise the API's description takes an answer to `list` for a list of these.
@extend_schema_serializer(many=False)
class ProfilePageSerializer(PageSerializer):
    """A page of profiles."""

    profiles = ProfileSerializer(many=True)


class SlotsSerializer(serializers.Serializer[Any]):
    """The slots of a profile alone."""

    binding_slots = BindingSlotSerializer(many=True)
