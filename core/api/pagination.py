"""Keyset pagination: a page starts after the last row of the one before it.

Unlike an offset, it neither skips nor repeats rows when others come and go, and costs the same on
the thousandth page. A cursor is opaque to clients; it holds the ordering and the last row's values.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Q, QuerySet
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from core.json_values import flaw_of_text

if TYPE_CHECKING:  # rest_framework.views imports this module through the settings
    from rest_framework.views import APIView

PAGE_SIZE = 50
LARGEST_PAGE = 200
PAGE_SIZES = re.compile(r"[1-9][0-9]{0,3}")


class KeysetPagination(BasePagination):
    """Query parameters ``ordering``, ``page_size`` (1 to 200) and ``cursor``.

    The view's ``orderings`` maps what clients say to model fields, such as
    ``{"created_at": "id", "name": "name"}``; ``default_ordering`` is one of its keys, with ``-``
    for descending. The primary key breaks ties. Fields must not be null.
    """

    def paginate_queryset(  # type: ignore[override]  # a list cannot be asked for keys
        self, queryset: QuerySet[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        self.request = request
        self.size = _page_size(request)
        self.ordering = ordering_of(request, view)
        field, descending = self._field(view)
        columns = [field] if field in {"id", "pk"} else [field, "pk"]
        cursor = request.query_params.get("cursor")
        if cursor is not None:
            values = decode_cursor(cursor, self.ordering, queryset, columns)
            queryset = queryset.filter(_after(columns, values, descending=descending))
        sign = "-" if descending else ""
        rows = list(queryset.order_by(*(f"{sign}{column}" for column in columns))[: self.size + 1])
        self.next_cursor = None
        if len(rows) > self.size:
            rows.pop()
            self.next_cursor = encode_cursor(self.ordering, rows[-1], columns)
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        """The page, with links to the first and the next one as a header too (RFC 8288)."""
        links = [link(self._url(cursor=None), rel="first")]
        next_url = None
        if self.next_cursor:
            next_url = self._url(cursor=self.next_cursor)
            links.append(link(next_url, rel="next"))
        return Response({"next": next_url, "results": data}, headers={"Link": ", ".join(links)})

    def _url(self, *, cursor: str | None) -> str:
        parameters = self.request.query_params.dict() | {"cursor": cursor}
        query = urlencode({name: value for name, value in parameters.items() if value is not None})
        url: str = self.request.build_absolute_uri(self.request.path)
        return f"{url}?{query}" if query else url

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {
                "next": {
                    "type": ["string", "null"],
                    "format": "uri",
                    "description": "The next page; null on the last one.",
                },
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        orderings = [sign + name for name in view.orderings for sign in ("", "-")]
        return [
            _parameter("cursor", {"type": "string"}, "Where the page starts; from `next`."),
            _parameter(
                "page_size",
                {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE_SIZE},
                "Rows on a page.",
            ),
            _parameter(
                "ordering",
                {"type": "string", "enum": orderings, "default": view.default_ordering},
                "A minus means descending.",
            ),
        ]

    def _field(self, view: Any) -> tuple[str, bool]:
        descending = self.ordering.startswith("-")
        return view.orderings[self.ordering.removeprefix("-")], descending


def link(url: str, *, rel: str) -> str:
    """One value of a ``Link`` header."""
    return f'<{url}>; rel="{rel}"'


def refuse(parameter: str, message: str, *, code: str = "invalid") -> ValidationError:
    return ValidationError({parameter: [ErrorDetail(message, code=code)]})


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _page_size(request: Request) -> int:
    value = request.query_params.get("page_size", str(PAGE_SIZE))
    if not PAGE_SIZES.fullmatch(value) or int(value) > LARGEST_PAGE:
        raise refuse("page_size", f"Not a whole number between 1 and {LARGEST_PAGE}.")
    return int(value)


def ordering_of(request: Request, view: Any) -> str:
    ordering: str = request.query_params.get("ordering", view.default_ordering)
    if ordering.removeprefix("-") not in view.orderings:
        raise refuse(
            "ordering", f"Not one of {', '.join(view.orderings)}, with or without a minus."
        )
    return ordering


def _after(columns: Sequence[str], values: Sequence[Any], *, descending: bool) -> Q:
    """Rows past ``values``; the first column alone bounds the scan, so that an index serves it."""
    beyond = "lt" if descending else "gt"
    if len(columns) == 1:
        return Q(**{f"{columns[0]}__{beyond}": values[0]})
    first, key = columns
    tie = Q(**{first: values[0], f"{key}__{beyond}": values[1]})
    return Q(**{f"{first}__{beyond}e": values[0]}) & (Q(**{f"{first}__{beyond}": values[0]}) | tie)


def encode_cursor(ordering: str, row: Any, columns: Sequence[str]) -> str:
    values = [_text_of(_value_in(row, column)) for column in columns]
    return base64.urlsafe_b64encode(json.dumps([ordering, *values]).encode()).decode().rstrip("=")


def _value_in(row: Any, column: str) -> Any:
    """Of a row as an object, or as a dictionary of columns whose key is ``id``."""
    if isinstance(row, dict):
        return row["id" if column == "pk" else column]
    return getattr(row, column)


def _text_of(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def decode_cursor(
    cursor: str, ordering: str, queryset: QuerySet[Any], columns: Sequence[str]
) -> list[Any]:
    options = queryset.model._meta
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        made_for, *texts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if made_for != ordering or len(texts) != len(columns):
            raise refuse("cursor", f"Made for another ordering than {ordering}.")
        return [
            _value_of(text, options.pk if column in {"id", "pk"} else options.get_field(column))
            for column, text in zip(columns, texts, strict=True)
        ]
    except (ValueError, TypeError, RecursionError, binascii.Error, DjangoValidationError) as error:
        raise refuse("cursor", "Not a cursor of this list. Start again without it.") from error


def _value_of(text: Any, field: Any) -> Any:
    """The value that ``_text_of`` made ``text`` from; ``ValueError`` for what it never makes."""
    if not isinstance(text, str) or flaw_of_text(text):
        raise ValueError(text)
    value = field.to_python(text)
    if isinstance(value, datetime) and value.utcoffset() != timedelta(0):
        raise ValueError(text)
    if _text_of(value) != text:
        raise ValueError(text)
    return value
