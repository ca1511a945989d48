"""Input that is taken as it is declared, and the documented shape of problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from core.json_values import printable

MOST_NAMED = 10
JSON_TYPES: tuple[tuple[type[serializers.Field[Any, Any, Any, Any]], type, str], ...] = (
    (serializers.BooleanField, bool, "Must be true or false."),
    (serializers.IntegerField, int, "Must be a whole number."),
    (serializers.CharField, str, "Must be a string."),
    (serializers.ChoiceField, str, "Must be a string."),
    (serializers.UUIDField, str, "Must be a string."),
    (serializers.DateTimeField, str, "Must be a string."),
    (serializers.PrimaryKeyRelatedField, str, "Must be a string."),
)


class StrictSerializer(serializers.Serializer[Any]):
    """Input: a field that is not declared is refused by name, and so is another JSON type."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            errors = self._unknown(data) | self._mistyped(data)
            if errors:
                raise serializers.ValidationError(errors)
        return super().to_internal_value(data)

    def _unknown(self, data: Mapping[str, Any]) -> dict[str, list[serializers.ErrorDetail]]:
        message = f"Not a field that can be set here; those are: {', '.join(self.fields)}."
        unknown = [name for name in data if name not in self.fields]
        return {
            printable(str(name)): [serializers.ErrorDetail(message, code="not_writable")]
            for name in unknown[:MOST_NAMED]
        }

    def _mistyped(self, data: Mapping[str, Any]) -> dict[str, list[serializers.ErrorDetail]]:
        errors = {}
        for name, field in self.fields.items():
            value = data.get(name)
            for kind, expected, message in JSON_TYPES:
                if (
                    value is not None
                    and isinstance(field, kind)
                    and not isinstance(value, expected)
                ):
                    errors[name] = [serializers.ErrorDetail(message, code="wrong_type")]
        return errors


class ProblemErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="The field, parameter or header to blame.")
    code = serializers.CharField()
    detail = serializers.CharField()


class OneProblemSerializer(serializers.Serializer[Any]):
    type = serializers.CharField(default="about:blank")
    title = serializers.CharField(help_text="The phrase that belongs to the status.")
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable, for programs.")
    detail = serializers.CharField(help_text="For people.")
    errors = ProblemErrorSerializer(many=True, required=False)  # type: ignore[assignment]


class RowProblemSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="The position of the operation, from 0.")
    status = serializers.IntegerField(help_text="What it would have been answered by itself.")
    problem = OneProblemSerializer()


class ProblemSerializer(OneProblemSerializer):
    """A problem (RFC 9457). Branch on `code`; show people `detail`; quote `request_id`."""

    request_id = serializers.CharField(help_text="The same as in the X-Request-ID header.")
    results = RowProblemSerializer(
        many=True, required=False, help_text="Of many operations: those at fault."
    )
