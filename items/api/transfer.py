"""Items as files: taken away as they may be seen, and brought in all together or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar, cast
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ErrorDetail, ParseError, PermissionDenied
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from core.api.errors import CONTENT_TYPE, ProblemRenderer, problem
from core.api.files import CONTENT_TYPES, file_answer
from core.api.filters import StrictFilterBackend, check_parameters
from core.api.pagination import refuse
from core.api.permissions import ActionPermission
from core.api.throttling import UserThrottle
from groups.models import Group
from items.api.filters import ItemFilterSet
from items.api.uploads import CSVParser, JSONLinesParser, Upload
from items.models import Item, ItemQuerySet
from items.services.exporting import export_items
from items.services.import_rows import CSV, JSON_LINES
from items.services.importing import CREATE, MODES, MOST_REPORTED, UPSERT, Report, import_items
from users.api.callers import current_user
from users.models import User

F = TypeVar("F", bound=Callable[..., Any])

CHANGE = "items.change_item"
FLAGS = {"true": True, "false": False}
IMPORT_PARAMETERS = ("dry_run", "mode", "group")


class TransferThrottle(UserThrottle):
    """A file keeps a worker and a connection busy as long as a thousand other requests do."""

    scope = "transfer"


class FileRenderer(BaseRenderer):
    """Says that a file of this kind is to be had; the view streams it."""

    render_style = "binary"


class CSVFile(FileRenderer):
    media_type = "text/csv"
    format = CSV


class JSONLinesFile(FileRenderer):
    media_type = "application/x-ndjson"
    format = JSON_LINES


FILES: dict[str, type[FileRenderer]] = {"export_csv": CSVFile, "export_jsonl": JSONLinesFile}


class RowErrorSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="The line of the file on which the row begins.")
    field = serializers.CharField(help_text="The column, or `file` where none is to blame.")
    code = serializers.CharField(help_text="Stable, for programs.")
    detail = serializers.CharField(help_text="For people.")


class ImportReportSerializer(serializers.Serializer[Any]):
    """What an import did, or with `dry_run` would do."""

    mode = serializers.ChoiceField(choices=MODES)
    dry_run = serializers.BooleanField()
    rows = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField(help_text="They say what was there already.")
    bad_rows = serializers.IntegerField(help_text="With one of them, nothing is imported.")
    is_cut = serializers.BooleanField(
        help_text=f"`errors` has the first {MOST_REPORTED:,}, and there are more."
    )
    errors = RowErrorSerializer(many=True)  # type: ignore[assignment]


def _file(file_format: str, summary: str) -> Callable[[F], F]:
    media_type = CONTENT_TYPES[file_format].partition(";")[0]
    described: Callable[[F], F] = extend_schema(
        summary=summary,
        description=(
            "What the list shows with the same filters, the oldest item first, sent as it is "
            "read. The import takes the file as it is."
        ),
        filters=True,
        responses={(200, media_type): OpenApiResponse(OpenApiTypes.STR, "An item on a row.")},
    )
    return described


@extend_schema(tags=["items"])
class ItemTransferViewSet(GenericViewSet[Item]):
    """Items as CSV and JSON Lines."""

    queryset = Item.objects.none()  # names the model; get_queryset decides the rows
    permission_classes = [ActionPermission]
    action_permissions = {
        "export_csv": "items.view_item",
        "export_jsonl": "items.view_item",
        "import_file": "items.add_item",
    }
    problem_statuses = {"import_file": ("invalid_rows", 409)}
    parser_classes = [CSVParser, JSONLinesParser]
    pagination_class = None
    filter_backends = [StrictFilterBackend]
    filterset_class = ItemFilterSet

    def get_throttles(self) -> list[Any]:
        return [*super().get_throttles(), TransferThrottle()]

    def get_renderers(self) -> list[Any]:
        own = FILES.get(getattr(self, "action", None) or "")
        return [own(), JSONRenderer()] if own else super().get_renderers()

    def get_queryset(self) -> ItemQuerySet:
        user = current_user(self.request)
        if self.request.query_params.get("deleted") == "true":
            return Item.objects.restorable_by(user)
        return Item.objects.alive().visible_to(user)

    @_file(CSV, "Export items as CSV")
    def export_csv(self, request: Request) -> StreamingHttpResponse:
        return self._export(request, CSV)

    @_file(JSON_LINES, "Export items as JSON Lines")
    def export_jsonl(self, request: Request) -> StreamingHttpResponse:
        return self._export(request, JSON_LINES)

    def _export(self, request: Request, file_format: str) -> StreamingHttpResponse:
        check_parameters(request, known=ItemFilterSet.base_filters)
        rows = cast("ItemQuerySet", self.filter_queryset(self.get_queryset()))
        pieces = export_items(rows, file_format=file_format)
        return file_answer(request._request, pieces, file_format=file_format, name="items")

    @extend_schema(
        operation_id="items_import",
        summary="Import items",
        description=(
            "All rows or none. `create` makes an item of each row; `upsert` changes the item "
            "whose `id` a row gives, if it still has the row's `version`, and makes one of each "
            "row without an id. What a row leaves out stays as it is, or gets its default. "
            "Where a row is bad, the answer is 400 `invalid_rows` with the same report as its "
            "member `report`, and nothing has been written; a dry run always answers 200."
        ),
        parameters=[
            OpenApiParameter("dry_run", bool, description="Check every row, and write nothing."),
            OpenApiParameter("mode", str, enum=MODES, default=CREATE),
            OpenApiParameter(
                "group", UUID, description="Whose new items they shall be; yours when left out."
            ),
        ],
        request={"text/csv": OpenApiTypes.STR, "application/x-ndjson": OpenApiTypes.STR},
        responses={200: ImportReportSerializer},
    )
    def import_file(self, request: Request) -> Response:
        check_parameters(request, known=IMPORT_PARAMETERS)
        asked = request.query_params
        mode = _one_of(asked, "mode", MODES, CREATE)
        is_dry = FLAGS[_one_of(asked, "dry_run", tuple(FLAGS), "false")]
        actor = current_user(request)
        group = _visible_group(actor, asked["group"]) if "group" in asked else None
        _refuse_scopes(request, mode)
        upload: Any = request.data
        if not isinstance(upload, Upload):
            raise ParseError("There is no body. Send the file, with its Content-Length.")
        with upload.file:
            report = import_items(
                actor=actor,
                file=upload.file,
                file_format=upload.file_format,
                mode=mode,
                dry_run=is_dry,
                group=group,
            )
        if report.is_good or is_dry:
            return Response(asdict(report))
        return _refused(request, report)


def _one_of(asked: Any, name: str, known: tuple[str, ...], default: str) -> str:
    value: str = asked.get(name, default)
    if value not in known:
        raise refuse(name, f"Not one of: {', '.join(known)}.")
    return value


def _visible_group(user: User, key: str) -> Group:
    try:
        found = Group.objects.alive().visible_to(user).filter(pk=UUID(key)).first()
    except ValueError:
        raise refuse("group", "Not an id: a UUID.") from None
    if found is None:
        detail = ErrorDetail("There is no such group.", code="does_not_exist")
        raise serializers.ValidationError({"group": [detail]})
    return found


def _refuse_scopes(request: Request, mode: str) -> None:
    """An upsert changes items too, which the token of the caller has to allow."""
    allows = getattr(request.auth, "allows", None)
    if mode == UPSERT and allows is not None and not allows(CHANGE):
        raise PermissionDenied(f"The scopes of this token do not include {CHANGE}.")


def _refused(request: Request, report: Report) -> Response:
    code = "invalid_rows"
    bad = f"{report.bad_rows:,} of {report.rows:,} rows" if report.rows else "The file"
    detail = f"{bad} cannot be imported, so nothing has been. The report says why."
    body = problem(status.HTTP_400_BAD_REQUEST, code=code, detail=detail)
    response = Response({**body, "report": asdict(report)}, status=status.HTTP_400_BAD_REQUEST)
    response.problem_code = code  # type: ignore[attr-defined]
    request.accepted_renderer = ProblemRenderer()
    request.accepted_media_type = CONTENT_TYPE
    return response
