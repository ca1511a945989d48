"""Filters that refuse what they do not know, instead of answering as if nothing had been asked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC
from typing import Any

import django_filters
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Q, QuerySet
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.settings import api_settings

from core.json_values import flaw_of_text, printable

PAGE_PARAMETERS = frozenset({"cursor", "page_size", "ordering"})
LONGEST_SEARCH = 200


def check_parameters(request: Request, *, known: Collection[str]) -> None:
    """Raise ``ValidationError`` naming each query parameter that is unknown or unreadable."""
    errors: dict[str, list[ErrorDetail]] = {}
    for name, values in request.query_params.lists():
        if name not in known and name != api_settings.URL_FORMAT_OVERRIDE:
            allowed = ", ".join(sorted(known)) or "none"
            message = f"Not a parameter of this endpoint; those are: {allowed}."
        elif len(values) > 1:
            message = "Given more than once."
        elif not values[0]:
            message = "Empty."
        elif flaw_of_text(values[0]) or "\N{REPLACEMENT CHARACTER}" in values[0]:
            message = "Not readable as UTF-8 text."
        else:
            continue
        errors[printable(name)] = [ErrorDetail(message, code="invalid")]
        if len(errors) == 10:  # noqa: PLR2004
            break
    if errors:
        raise ValidationError(errors)


class StrictFilterBackend(DjangoFilterBackend):  # type: ignore[misc]
    """django-filter over the view's ``filterset_class``; one object takes no parameters at all."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        shape_names: frozenset[str] = getattr(view, "shape_names", frozenset())
        if view.detail:
            check_parameters(request, known=shape_names)
            return queryset
        filterset_class = self.get_filterset_class(view, queryset)
        filters = filterset_class.base_filters if filterset_class else ()
        check_parameters(request, known={*filters, *PAGE_PARAMETERS, *shape_names})
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered


class FlagFilter(django_filters.TypedChoiceFilter):  # type: ignore[misc]
    """``true`` or ``false``; django-filter's own takes anything else for "not given"."""

    def __init__(self, *, help_text: str = "", **kwargs: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(choices=choices, coerce=lambda text: text == "true", **kwargs)
        extend_schema_field({"type": "boolean", "description": help_text})(self)


class MomentField(IsoDateTimeField):  # type: ignore[misc]
    """ISO 8601, in UTC unless it says otherwise."""

    def to_python(self, value: Any) -> Any:
        try:
            moment = super().to_python(value)
            return moment and moment.astimezone(UTC)
        except OverflowError:  # near the year 1 or 9999, an offset leads out of the calendar
            raise DjangoValidationError(self.error_messages["invalid"], code="invalid") from None


class MomentFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    field_class = MomentField


class TextFilter(django_filters.CharFilter):  # type: ignore[misc]
    """Has its limit in the document too, which drf-spectacular passes over."""

    def __init__(self, *, max_length: int, help_text: str, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)
        schema = {"type": "string", "maxLength": max_length, "description": help_text}
        extend_schema_field(schema)(self)


class SearchFilter(django_filters.CharFilter):  # type: ignore[misc]
    """Rows that hold the text, whatever the case, in one of ``fields``."""

    def __init__(self, *, fields: Collection[str], help_text: str, **kwargs: Any) -> None:
        self.fields = fields
        super().__init__(max_length=LONGEST_SEARCH, **kwargs)
        schema = {"type": "string", "maxLength": LONGEST_SEARCH, "description": help_text}
        extend_schema_field(schema)(self)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        condition = Q()
        for field in self.fields:
            condition |= Q(**{f"{field}__icontains": value})
        return qs.filter(condition)
