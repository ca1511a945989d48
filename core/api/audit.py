"""The audit trail for auditors: read, narrowed down and taken away as a file; never written."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar

import django_filters
from django import forms
from django.core.exceptions import ValidationError as FieldError
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from core.api.files import CONTENT_TYPES, file_answer
from core.api.filters import (
    MomentField,
    MomentFilter,
    StrictFilterBackend,
    TextFilter,
    check_parameters,
)
from core.api.pagination import KeysetPagination, decode_cursor, encode_cursor, ordering_of
from core.api.permissions import ActionPermission
from core.context import Via
from core.errors import NotAllowedError
from core.models import AuditEvent
from core.trail_files import CSV, JSON_LINES, NAME, taken
from core.trail_reading import (
    INDEXED,
    OUT_OF_ORDER,
    UNINDEXED,
    VIEW,
    Rows,
    first_key,
    from_network,
    newest_key,
    of_object,
    of_person,
    shown,
    since,
    until,
)

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

LARGEST_KEY = (1 << 63) - 1
LONGEST_ACTION = 64
MOST_ACTIONS = 20
LOOKED_AT = 200_000
OBJECT = re.compile(r"([a-z0-9_]{1,100})\.([a-z0-9_]{1,100}):(.{1,64})")


class AuditEventSerializer(serializers.Serializer[AuditEvent]):
    """``trail_reading.shown()`` makes it; the fields are for the OpenAPI document."""

    id = serializers.IntegerField(help_text="Grows with each event.")
    occurred_at = serializers.DateTimeField()
    action = serializers.CharField(help_text="A verb, such as `create` or `delete`.")
    actor = serializers.UUIDField(allow_null=True, help_text="The id of who did it.")
    actor_label = serializers.CharField(help_text="Their username at that moment.")
    on_behalf_of = serializers.UUIDField(
        allow_null=True, help_text="The user whom the actor, one of the staff, acted as."
    )
    on_behalf_of_label = serializers.CharField(help_text="Their username at that moment.")
    via = serializers.ChoiceField(choices=Via.choices, help_text="The door it came through.")
    session = serializers.UUIDField(allow_null=True)
    request_id = serializers.CharField(help_text="The `X-Request-ID` of the request.")
    client_ip = serializers.IPAddressField(allow_null=True)
    app = serializers.CharField()
    model = serializers.CharField()
    object_id = serializers.CharField(help_text="The key of the object, as text.")
    object_label = serializers.CharField(help_text="What it was called at that moment.")
    group = serializers.UUIDField(allow_null=True, help_text="The group that it belongs to.")
    changes = serializers.DictField(
        child=serializers.ListField(child=serializers.JSONField(), min_length=2, max_length=2),
        help_text="`{field: [before, after]}`; secrets are never part of it.",
    )
    row_hash = serializers.CharField(help_text="SHA-256 of the row, in hexadecimal.")

    def to_representation(self, event: AuditEvent) -> dict[str, Any]:
        return shown(event)


# --- What may be asked for ------------------------------------------------------------------


class AddressField(forms.CharField):
    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return str(ip_address(text)) if text else None
        except ValueError:
            raise FieldError("Not an IPv4 or IPv6 address.", code="invalid") from None


class NetworkField(forms.CharField):
    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return ip_network(text, strict=False) if text else None
        except ValueError:
            raise FieldError("Not a network, such as 192.0.2.0/24.", code="invalid") from None


class ActionsField(forms.CharField):
    def clean(self, value: Any) -> Any:
        actions = list(dict.fromkeys(part.strip() for part in super().clean(value).split(",")))
        if len(actions) > MOST_ACTIONS:
            raise FieldError(f"More than {MOST_ACTIONS} actions.", code="invalid")
        if any(len(action) > LONGEST_ACTION for action in actions):
            raise FieldError("No action is that long.", code="invalid")
        return [action for action in actions if action]


class ObjectField(forms.CharField):
    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        if found := OBJECT.fullmatch(text):
            return found.groups()
        raise FieldError("Not of the form app.model:key, such as items.item:…", code="invalid")


def _filter(
    field: type[forms.CharField], *, method: str, longest: int, text: str, pattern: str = ""
) -> Any:
    kind = type(f"{field.__name__}Filter", (django_filters.Filter,), {"field_class": field})
    made = kind(method=method, max_length=longest)
    schema = {"type": "string", "maxLength": longest, "description": text}
    if pattern:
        schema["pattern"] = f"^({pattern})$"
    return extend_schema_field(schema)(made)


def _bound(method: str, text: str) -> Any:
    schema = {"type": "string", "format": "date-time", "description": text}
    return extend_schema_field(schema)(MomentFilter(method=method))


class AuditFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    actor = _filter(
        forms.CharField, method="by", longest=254, text="The id or username of who did it."
    )
    on_behalf_of = _filter(
        forms.CharField,
        method="by",
        longest=254,
        text="The id or username of whom one of the staff acted as.",
    )
    action = _filter(
        ActionsField,
        method="one_of",
        longest=1000,
        text=f"One action, or up to {MOST_ACTIONS} with commas between.",
        pattern=f"[^,]{{1,{LONGEST_ACTION}}}(,[^,]{{1,{LONGEST_ACTION}}}){{0,{MOST_ACTIONS - 1}}}",
    )
    app = _filter(forms.CharField, method="in_app", longest=100, text="Such as `items`.")
    model = _filter(
        forms.CharField,
        method="of_model",
        longest=201,
        text="Such as `item`, or with its app: `items.item`.",
    )
    object = _filter(
        ObjectField,
        method="about",
        longest=300,
        text="One object: `app.model:key`.",
        pattern=OBJECT.pattern,
    )
    group = django_filters.UUIDFilter(
        field_name="group_id", help_text="Objects that belonged to this group."
    )
    via = django_filters.ChoiceFilter(choices=Via.choices)
    session = django_filters.UUIDFilter(field_name="session_id", help_text="The id of a session.")
    request_id = TextFilter(max_length=64, help_text="The `X-Request-ID` of a request.")
    client_ip = _filter(
        AddressField,
        method="at_address",
        longest=45,
        text="One address, IPv4 or IPv6.",
        pattern="[0-9a-fA-F:.]{2,45}",
    )
    network = _filter(
        NetworkField,
        method="in_network",
        longest=49,
        text="A network: `192.0.2.0/24`.",
        pattern="[0-9a-fA-F:.]{2,45}(/[0-9]{1,3})?",
    )

    @classmethod
    def get_filters(cls) -> Any:
        """``from`` is a word of Python's own."""
        bounds = {
            "from": _bound("since", "This moment or later."),
            "until": _bound("until", "Earlier than this moment."),
        }
        return {**super().get_filters(), **bounds}

    def by(self, rows: Rows, name: str, value: str) -> Rows:
        return of_person(rows, name, value)

    def one_of(self, rows: Rows, name: str, value: list[str]) -> Rows:
        return rows.filter(action__in=value)

    def in_app(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(app=value)

    def of_model(self, rows: Rows, name: str, value: str) -> Rows:
        app, dot, model = value.rpartition(".")
        return rows.filter(model=model, **({"app": app} if dot else {}))

    def about(self, rows: Rows, name: str, value: tuple[str, str, str]) -> Rows:
        return of_object(rows, *value)

    def at_address(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(client_ip=value)

    def in_network(self, rows: Rows, name: str, value: Any) -> Rows:
        return from_network(rows, value)

    def since(self, rows: Rows, name: str, value: Any) -> Rows:
        return since(rows, value)

    def until(self, rows: Rows, name: str, value: Any) -> Rows:
        return until(rows, value)


# --- Pages ----------------------------------------------------------------------------------


class TrailPagination(KeysetPagination):
    """Looks at no more than ``LOOKED_AT`` keys a page where no index serves what is asked for.

    Such a page may be short, or empty, and ``next`` goes on from where it ended: an index for
    each of those filters would make writing slower for everybody (docs/developer/audit.md).
    """

    def paginate_queryset(  # type: ignore[override]  # as in the class above
        self, queryset: Rows, request: Request, view: Any = None
    ) -> list[Any]:
        asked = request.query_params.keys()
        if not asked & UNINDEXED or asked & INDEXED:
            return super().paginate_queryset(queryset, request, view)
        ordering = ordering_of(request, view)
        first, end = self._unread(queryset, request, ordering)
        if ordering.startswith("-"):
            start, stop = max(first, end - LOOKED_AT), end
            last, is_last = start, start == first
        else:
            start, stop = first, min(end, first + LOOKED_AT)
            last, is_last = stop - 1, stop == end
        window = queryset.filter(pk__gte=start, pk__lt=stop)
        rows = super().paginate_queryset(window, request, view)
        if self.next_cursor is None and not is_last:
            self.next_cursor = encode_cursor(ordering, AuditEvent(pk=last), ["id"])
        return rows

    def _unread(self, queryset: Rows, request: Request, ordering: str) -> tuple[int, int]:
        """The keys that are left to be looked at: the first one, and the one after the last."""
        asked, moment = request.query_params, MomentField().to_python
        first, end = 1, newest_key() + 1
        if "from" in asked:
            first = first_key(queryset.db, moment(asked["from"]), -OUT_OF_ORDER)
        if "until" in asked:
            end = first_key(queryset.db, moment(asked["until"]), OUT_OF_ORDER)
        if "cursor" in asked:
            [key] = decode_cursor(asked["cursor"], ordering, queryset, ["id"])
            if ordering.startswith("-"):
                end = min(end, key)
            else:
                first = max(first, key + 1)
        return min(first, end), end


# --- The endpoints --------------------------------------------------------------------------


class FileRenderer(BaseRenderer):
    """Says that a file of this kind is to be had; the view streams it."""

    render_style = "binary"


class CSVFile(FileRenderer):
    media_type = CONTENT_TYPES[CSV].partition(";")[0]
    format = CSV


class JSONLinesFile(FileRenderer):
    media_type = CONTENT_TYPES[JSON_LINES].partition(";")[0]
    format = JSON_LINES


def _file(file_format: str, summary: str) -> Callable[[Endpoint], Endpoint]:
    media_type = CONTENT_TYPES[file_format].partition(";")[0]
    text = "An event on a line, newest first, by the same names as in the list."
    described: Callable[[Endpoint], Endpoint] = extend_schema(
        summary=summary,
        description=(
            f"For who holds `{VIEW}`. It is sent as it is read, however long it is, and taking it "
            "is an event itself."
        ),
        filters=True,
        responses={(200, media_type): OpenApiResponse(OpenApiTypes.STR, text)},
    )
    return described


@extend_schema(tags=["audit"])
@extend_schema_view(
    list=extend_schema(
        summary="List what has happened",
        description=f"For who holds `{VIEW}`. Filters combine; each narrows the list down.",
    ),
    retrieve=extend_schema(summary="Read one event"),
)
class AuditViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[AuditEvent]):
    """The audit trail, newest first, for who holds ``core.view_auditevent`` everywhere."""

    queryset = AuditEvent.objects.none()  # names the model; get_queryset decides the rows
    serializer_class = AuditEventSerializer
    permission_classes = [ActionPermission]
    pagination_class = TrailPagination
    action_permissions = {
        "list": VIEW,
        "retrieve": VIEW,
        "export_csv": VIEW,
        "export_jsonl": VIEW,
    }
    filter_backends = [StrictFilterBackend]
    filterset_class = AuditFilterSet
    # Keys grow with time, and have an index.
    orderings = {"occurred_at": "id"}
    default_ordering = "-occurred_at"

    def get_renderers(self) -> list[Any]:
        files: dict[str, type[FileRenderer]] = {
            "export_csv": CSVFile, "export_jsonl": JSONLinesFile,
        }  # fmt: skip
        own = files.get(getattr(self, "action", None) or "")
        return [own(), JSONRenderer()] if own else super().get_renderers()

    def get_queryset(self) -> QuerySet[AuditEvent]:
        if self.request.user.has_perm(VIEW):
            return AuditEvent.objects.all()
        if self.action == "retrieve":
            return AuditEvent.objects.none()
        raise NotAllowedError(f"You do not hold {VIEW}. Ask an administrator for a role with it.")

    def get_object(self) -> AuditEvent:
        if int(self.kwargs["pk"]) > LARGEST_KEY:
            self.kwargs["pk"] = 0  # no event has it, and no database could be asked for the other
        return super().get_object()

    @_file(CSV, "Take what has happened away as CSV")
    def export_csv(self, request: Request) -> StreamingHttpResponse:
        return self._download(request, CSV)

    @_file(JSON_LINES, "Take what has happened away as JSON Lines")
    def export_jsonl(self, request: Request) -> StreamingHttpResponse:
        return self._download(request, JSON_LINES)

    def _download(self, request: Request, file_format: str) -> StreamingHttpResponse:
        rows = self.get_queryset()
        check_parameters(request, known=AuditFilterSet.base_filters)
        pieces = taken(
            self.filter_queryset(rows),
            actor=request.user,  # type: ignore[arg-type]  # nobody else gets this far
            file_format=file_format,
            asked=request.query_params.dict(),
        )
        return file_answer(request._request, pieces, file_format=file_format, name=NAME)
