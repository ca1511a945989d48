"""Which fields of its rows an answer has (``?fields=``), and what it adds to them (``?expand=``).

Ids stay ids, so that a field has one type whatever is asked for; what is known of them stands
beside them, under ``expanded``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from django.db.models import Model
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from core.api.pagination import ordering_of, refuse
from core.json_values import printable

M = TypeVar("M", bound=Model)

FIELDS, EXPAND, EXPANDED = "fields", "expand", "expanded"
LONGEST_NAME = 40  # of what is quoted back

# The caller and keys; what the caller may know of each, without those of which that is nothing.
Expander = Callable[[Any, set[Any]], Mapping[Any, Mapping[str, Any]]]
# The column that a field is made from, and how.
Derived = tuple[str, Callable[[Any], Any]]


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields to show, in the serializer's order, and the ids to tell more about."""

    fields: tuple[str, ...]
    expand: tuple[str, ...]

    @property
    def read(self) -> set[str]:
        """What has to be read of a row."""
        return {*self.fields, *self.expand}

    def bodies(
        self, rows: Sequence[Mapping[str, Any]], expanders: Mapping[str, Expander], caller: Any
    ) -> list[dict[str, Any]]:
        """The rows as they are shown, with one query or so for each expander."""
        bodies = [{name: row[name] for name in self.fields} for row in rows]
        if self.expand:
            found = {name: _found(expanders[name], caller, name, rows) for name in self.expand}
            for row, body in zip(rows, bodies, strict=True):
                body[EXPANDED] = {name: known.get(row[name]) for name, known in found.items()}
        return bodies


def _found(
    expander: Expander, caller: Any, name: str, rows: Iterable[Mapping[str, Any]]
) -> Mapping[Any, Mapping[str, Any]]:
    keys = {row[name] for row in rows} - {None}
    return expander(caller, keys) if keys else {}


def fields_of(serializer: type[BaseSerializer[Any]]) -> tuple[str, ...]:
    """The fields that can be asked for: those of its ``Meta``, which all are columns or derived."""
    names: Sequence[str] = serializer.Meta.fields  # type: ignore[attr-defined]
    return tuple(name for name in names if name != EXPANDED)


def shape_parameters(
    serializer: type[BaseSerializer[Any]], expandable: Iterable[str] = ()
) -> list[OpenApiParameter]:
    """What the document says of ``fields`` and, where there is something, of ``expand``."""
    parameters = [
        _parameter(FIELDS, fields_of(serializer), "The fields to show, all when left out.")
    ]
    if expandable:
        words = "What to tell more about, in `expanded`, as far as you may know it."
        parameters.append(_parameter(EXPAND, tuple(expandable), words))
    return parameters


def _parameter(name: str, known: tuple[str, ...], words: str) -> OpenApiParameter:
    either = "|".join(known)
    pattern = f"^({either})(,({either}))*$"
    # A text and no array: what generated clients make of one that is joined by commas differs.
    return OpenApiParameter(
        name,
        {"type": "string", "pattern": pattern},
        description=f"{words} Names, separated by commas: {', '.join(f'`{n}`' for n in known)}.",
    )


class ShapedViewSet(GenericViewSet[M]):
    """Lists and reads that take ``fields`` and ``expand``.

    ``shaped`` has the serializer of each action that does; ``expanders`` is by field.
    """

    shaped: Mapping[str, type[BaseSerializer[Any]]]
    expanders: Mapping[str, Expander] = {}

    @property
    def shape_names(self) -> frozenset[str]:
        """The query parameters of this action that are about the shape of its answer."""
        if self.action not in self.shaped:
            return frozenset()
        return frozenset({FIELDS, EXPAND} if self.expanders else {FIELDS})

    @cached_property
    def shape(self) -> Shape:
        known = fields_of(self.shaped[self.action])
        asked = _names(self.request, FIELDS, known) or known
        expand = _names(self.request, EXPAND, tuple(self.expanders))
        return Shape(tuple(name for name in known if name in asked), expand)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        serializer: Any = self.get_serializer(page, many=True)
        self._narrow(serializer.child)
        return self.get_paginated_response(self._bodies(serializer.data))

    def shaped_body(self, serializer: Any) -> dict[str, Any]:
        """One row's body; what is not asked for is not made."""
        self._narrow(serializer)
        [body] = self._bodies([serializer.data])
        return body

    def _narrow(self, serializer: Any) -> None:
        for name in serializer.fields.keys() - self.shape.read:
            serializer.fields.pop(name)

    def _bodies(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[dict[str, Any]]:
        return self.shape.bodies(rows, self.expanders, self.request.user)


class ColumnsViewSet(ShapedViewSet[M]):
    """Lists that read the columns they show, and make no objects of the rows.

    All fields of the list's serializer are columns, or in ``derived``.
    """

    derived: Mapping[str, Derived] = {}

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = self.filter_queryset(self.get_queryset())
        made = {name: how for name, how in self.derived.items() if name in self.shape.fields}
        columns = self.shape.read - made.keys() | {column for column, _make in made.values()}
        columns |= {"id", self.orderings[ordering_of(request, self).removeprefix("-")]}  # type: ignore[attr-defined]
        page: Any = self.paginate_queryset(found.values(*columns))
        for name, (column, make) in made.items():
            for row in page:
                row[name] = make(row[column])
        return self.get_paginated_response(self._bodies(page))


def _names(request: Request, parameter: str, known: tuple[str, ...]) -> tuple[str, ...]:
    text = request.query_params.get(parameter)
    if text is None:
        return ()
    names = tuple(dict.fromkeys(text.split(",")))
    if strange := [name for name in names if name not in known]:
        quoted = printable(strange[0][:LONGEST_NAME])
        raise refuse(parameter, f"{quoted!r} is none of: {', '.join(known)}.")
    return names


def document_parts(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """A hook of drf-spectacular: where ``fields`` is taken, an answer may be a part of a row."""
    schemas = result["components"]["schemas"]
    for item in result["paths"].values():
        operation = item.get("get", {})
        if not any(one["name"] == FIELDS for one in operation.get("parameters", ())):
            continue
        for content in operation["responses"]["200"]["content"].values():
            page = schemas[_name_in(content["schema"])]
            if "results" in page["properties"]:
                results = page["properties"]["results"]
                results["items"] = _whole_or_part(schemas, results["items"])
            else:
                content["schema"] = _whole_or_part(schemas, content["schema"])
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result


def _whole_or_part(schemas: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in whole:
        return whole  # another operation has the same list
    name = _name_in(whole)
    part = {key: value for key, value in schemas[name].items() if key != "required"}
    schemas[f"{name}Part"] = part | {"description": f"Some fields of {name}, as `fields` asks."}
    return {"anyOf": [whole, {"$ref": f"#/components/schemas/{name}Part"}]}


def _name_in(schema: dict[str, Any]) -> str:
    name: str = schema["$ref"].rpartition("/")[2]
    return name
