from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from core.api.errors import CONTENT_TYPE, ProblemRenderer, problem, problem_of
from core.api.filters import check_parameters
from core.api.permissions import ActionPermission, token_allows
from core.api.serializers import StrictSerializer
from core.security_events import Kind, note
from items.api.serializers import LARGEST_VERSION, DataField, ItemUpdateSerializer, TagsField
from items.models import Item, ItemKind
from items.services.bulk import MOST_OPERATIONS, BulkError, Op, Operation, run_operations
from users.api.callers import current_user

PERMISSIONS = {
    Op.CREATE: "items.add_item",
    Op.UPDATE: "items.change_item",
    Op.DELETE: "items.delete_item",
    Op.RESTORE: "items.delete_item",
}
DONE = {
    Op.CREATE: HTTPStatus.CREATED,
    Op.UPDATE: HTTPStatus.OK,
    Op.DELETE: HTTPStatus.NO_CONTENT,
    Op.RESTORE: HTTPStatus.OK,
}
NAMES = {"item": "id", "version": "version", "group": "group"}  # ours, and those of the rows


# --- Input ----------------------------------------------------------------------------------


class RowSerializer(StrictSerializer):
    op = serializers.CharField()


class CreateRowSerializer(ItemUpdateSerializer, RowSerializer):
    group = serializers.UUIDField(required=False, allow_null=True)


class UpdateRowSerializer(RowSerializer):
    id = serializers.UUIDField()
    version = serializers.IntegerField(min_value=1, max_value=LARGEST_VERSION, required=False)
    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(
        max_length=10_000, required=False, allow_blank=True, trim_whitespace=False
    )
    kind = serializers.ChoiceField(choices=ItemKind.choices, required=False)
    is_active = serializers.BooleanField(required=False)
    tags = TagsField(required=False)
    data = DataField(required=False)  # type: ignore[assignment]


class DeleteRowSerializer(RowSerializer):
    id = serializers.UUIDField()
    version = serializers.IntegerField(min_value=1, max_value=LARGEST_VERSION, required=False)


class RestoreRowSerializer(RowSerializer):
    id = serializers.UUIDField()


ROWS: dict[Op, type[RowSerializer]] = {
    Op.CREATE: CreateRowSerializer,
    Op.UPDATE: UpdateRowSerializer,
    Op.DELETE: DeleteRowSerializer,
    Op.RESTORE: RestoreRowSerializer,
}
NAMED: dict[str, Any] = {
    "id": {"type": "string", "format": "uuid"},
    "version": {
        "type": "integer",
        "minimum": 1,
        "maximum": LARGEST_VERSION,
        "description": "Only when this is still the version; else the row's status is 412.",
    },
}
CONTENT: dict[str, Any] = {
    "name": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": {"type": "string", "maxLength": 10_000},
    "kind": {"type": "string", "enum": ItemKind.values},
    "is_active": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "data": {"type": "object", "additionalProperties": True},
}


def _row_schema(op: Op, required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "title": op.value,
        "required": ["op", *required],
        "additionalProperties": False,
        "properties": {"op": {"type": "string", "const": op.value}, **properties},
    }


@extend_schema_field(
    {
        "type": "array",
        "minItems": 1,
        "maxItems": MOST_OPERATIONS,
        "items": {
            "oneOf": [
                _row_schema(
                    Op.CREATE,
                    ["name"],
                    **CONTENT,
                    group={"type": ["string", "null"], "format": "uuid"},
                ),
                _row_schema(Op.UPDATE, ["id"], **NAMED, **CONTENT),
                _row_schema(Op.DELETE, ["id"], **NAMED),
                _row_schema(Op.RESTORE, ["id"], id=NAMED["id"]),
            ]
        },
    }
)
class OperationsField(serializers.ListField):
    """Rows as they came: each is read by itself, so that each that is at fault is named."""


class BulkSerializer(StrictSerializer):
    operations = OperationsField(
        child=serializers.JSONField(allow_null=True), min_length=1, max_length=MOST_OPERATIONS
    )


# --- Output ---------------------------------------------------------------------------------


class BulkResultSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="The position of the operation, from 0.")
    status = serializers.IntegerField(help_text="What the single operation would have answered.")
    id = serializers.UUIDField()
    version = serializers.IntegerField()


class BulkResultsSerializer(serializers.Serializer[Any]):
    results = BulkResultSerializer(many=True)


@extend_schema(tags=["items"])
class ItemBulkViewSet(ViewSet):
    """Many operations on items in one request."""

    permission_classes = [ActionPermission]
    # Each operation asks for its own, of the caller and of the token's scopes.
    action_permissions = {"create": None}
    problem_statuses = {"create": ("bulk_failed",)}

    @extend_schema(
        operation_id="items_bulk",
        summary="Make, change, delete and restore many items at once",
        description=(
            f"At most {MOST_OPERATIONS} operations, in one transaction. Either all are done (200, "
            "with a result for each) or none: 422, and `results` names each operation at fault "
            "with the status and the problem that it would have been answered with by itself. "
            "No operation sees what another one of the request does, so an item may stand in one "
            "of them only."
        ),
        request=BulkSerializer,
        responses={200: OpenApiResponse(BulkResultsSerializer)},
    )
    def create(self, request: Request) -> Response:
        check_parameters(request, known=())
        payload = BulkSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        operations = _read(request, payload.validated_data["operations"])
        try:
            items = run_operations(actor=current_user(request), operations=operations)
        except BulkError as error:
            return _refused(request, error.errors)
        return Response({"results": _results(operations, items)})


def _read(request: Request, rows: list[Any]) -> list[Operation | Exception]:
    """The operations, and in place of what is none, why."""
    # One of each reads all its rows: making a serializer costs more than reading with it.
    readers = {op: serializer() for op, serializer in ROWS.items()}
    operations: list[Operation | Exception] = []
    for row in rows:
        try:
            operations.append(_operation(request, row, readers))
        except (serializers.ValidationError, PermissionDenied) as error:
            operations.append(error)
    return operations


def _operation(request: Request, row: Any, readers: Mapping[Op, RowSerializer]) -> Operation:
    op = _op_of(row)
    if not token_allows(request, PERMISSIONS[op]):
        raise PermissionDenied(f"The scopes of this token do not include {PERMISSIONS[op]}.")
    values = readers[op].run_validation(row)
    del values["op"]
    named = {name: values.pop(key, None) for name, key in NAMES.items()}
    return Operation(op, **named, values=values)


def _op_of(row: Any) -> Op:
    if not isinstance(row, dict):
        raise serializers.ValidationError("Must be a JSON object.")
    if row.get("op") not in list(Op):
        raise serializers.ValidationError({"op": [f"Must be one of: {', '.join(Op)}."]})
    return Op(row["op"])


def _results(operations: list[Operation | Exception], items: list[Item]) -> list[dict[str, Any]]:
    done = [DONE[one.op] for one in operations if isinstance(one, Operation)]
    return [
        {"index": index, "status": int(status), "id": item.pk, "version": item.version}
        for index, (status, item) in enumerate(zip(done, items, strict=True))
    ]


def _refused(request: Request, errors: dict[int, Exception]) -> Response:
    results = [_row_of(index, error) for index, error in errors.items()]
    statuses = {row["status"] for row in results}
    if HTTPStatus.FORBIDDEN in statuses:
        note(Kind.ACCESS_DENIED, reason=BulkError.code)
    if HTTPStatus.NOT_FOUND in statuses:
        note(Kind.NOT_FOUND_OR_HIDDEN, reason=BulkError.code)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    number = "One operation is" if len(results) == 1 else f"{len(results)} operations are"
    detail = f"{number} at fault, so that nothing was changed. Mend what results names; send again."
    body = problem(status, code=BulkError.code, detail=detail)
    request.accepted_renderer = ProblemRenderer()
    request.accepted_media_type = CONTENT_TYPE
    response = Response({**body, "results": results}, status=status)
    response.problem_code = BulkError.code  # type: ignore[attr-defined]
    return response


def _row_of(index: int, error: Exception) -> dict[str, Any]:
    known = Http404() if isinstance(error, ObjectDoesNotExist) else error
    body = problem_of(known)
    del body["request_id"]  # it stands beside the results
    return {"index": index, "status": body["status"], "problem": body}
