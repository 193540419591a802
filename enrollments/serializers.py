"""The shapes of enrollments in bodies and answers (docs/contract.md#a5)."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bootstrap_project.api.serializers import BodySerializer, TextField
from bootstrap_project.slots import SLOT_TYPES


@extend_schema_field(serializers.ChoiceField(choices=SLOT_TYPES))
class SlotTypeField(TextField):
    """The type of a slot, which the service checks."""


class ProfileAssignmentBody(BodySerializer):
    """Which profile a config gets."""

    needed: ClassVar = ("profile_id",)

    profile_id = TextField(help_text="The id of a profile of the domain.")


class BindingRequestBody(BodySerializer):
    """Which resource goes into which slot; the service checks it against the profile (docs/contract.md#e1)."""

    needed: ClassVar = ("slot", "type", "resource_id")

    slot = TextField(help_text="A slot that the config's profile declares.")
    type = SlotTypeField(help_text="client or channel, as the slot declares it.")
    resource_id = TextField(help_text="The id of the client or channel on the platform.")


class BindingRequestsBody(BodySerializer):
    """Which slots are bound; those that are not listed keep what they have."""

    needed: ClassVar = ("bindings",)

    bindings = BindingRequestBody(many=True, required=False, allow_null=True)


class BindingSerializer(serializers.Serializer[Any]):
    """A stored binding as it is answered; nothing of its secret part."""

    config_id = serializers.UUIDField()
    slot = serializers.CharField()
    type = serializers.ChoiceField(choices=SLOT_TYPES)
    resource_id = serializers.CharField()
    snapshot = serializers.DictField(help_text="What the slot keeps of the resource, as last read from the platform.")
    updated_at = serializers.DateTimeField(help_text="When the slot was bound, or a refresh last found a change.")


class BindingsSerializer(serializers.Serializer[Any]):
    """All bindings of a config, by slot."""

    bindings = BindingSerializer(many=True)
