from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models import BooleanField, Func, QuerySet, Value
from django.forms import CharField
from drf_spectacular.utils import extend_schema_field

from core.api.filters import LONGEST_SEARCH, FlagFilter, MomentFilter, TextFilter
from core.tags import LONGEST_TAG
from core.text_search import matching
from items.models import SEARCHED, ItemKind, ItemQuerySet

ME = "me"
LONGEST_PREFIX = 200


class HasElement(Func):
    """Whether a JSON list holds a text, on SQLite, which has no ``contains``."""

    template = "EXISTS (SELECT 1 FROM json_each(%(expressions)s)"
    arg_joiner = ") WHERE value = "
    output_field = BooleanField()


class PersonField(CharField):
    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if text in ("", ME):
            return text
        try:
            return UUID(text)
        except ValueError:
            raise ValidationError('Must be "me" or the id of a user.', code="invalid") from None


@extend_schema_field(
    {
        "oneOf": [{"type": "string", "const": ME}, {"type": "string", "format": "uuid"}],
        "description": 'Personal items of this user; "me" for your own.',
    }
)
class PersonFilter(django_filters.Filter):  # type: ignore[misc]
    """Rows of a user, named by id or as ``me``."""

    field_class = PersonField

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        user = self.parent.request.user.pk if value == ME else value
        return qs.filter(**{self.field_name: user}) if user else qs


@extend_schema_field(
    {
        "type": "string",
        "maxLength": LONGEST_SEARCH,
        "description": (
            'Items with all these words in their name or description. `"Two words"` in quotation '
            "marks stand together, a minus before a word leaves out what holds it, and `or` "
            "between words asks for either. Case and order do not matter. On PostgreSQL they are "
            "whole words; on SQLite a part of a word is found too, and case matters in letters "
            "beyond a to z."
        ),
    }
)
class WordsFilter(django_filters.CharFilter):  # type: ignore[misc]
    """Full-text search over the fields that have an index for it."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return matching(qs, fields=SEARCHED, text=value) if value else qs


class ItemFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    kind = django_filters.ChoiceFilter(choices=ItemKind.choices)
    is_active = FlagFilter(help_text="Whether it is in use.")
    owner = PersonFilter(field_name="owner_id")
    group = django_filters.UUIDFilter(field_name="group_id", help_text="Items of this group.")
    tag = TextFilter(
        method="with_tag", max_length=LONGEST_TAG, help_text="Items with exactly this tag."
    )
    name_prefix = TextFilter(
        field_name="name",
        lookup_expr="istartswith",
        max_length=LONGEST_PREFIX,
        strip=False,
        help_text="Items whose name begins like this, whatever the case.",
    )
    created_after = MomentFilter(
        field_name="created_at", lookup_expr="gte", help_text="Made at this moment or later."
    )
    created_before = MomentFilter(
        field_name="created_at", lookup_expr="lt", help_text="Made before this moment."
    )
    updated_after = MomentFilter(
        field_name="updated_at", lookup_expr="gte", help_text="Changed at this moment or later."
    )
    updated_before = MomentFilter(
        field_name="updated_at", lookup_expr="lt", help_text="Last changed before this moment."
    )
    search = WordsFilter(max_length=LONGEST_SEARCH)
    deleted = FlagFilter(
        method="already_chosen",
        help_text="With true, the deleted items that you may restore, instead of the live ones.",
    )

    def with_tag(self, queryset: ItemQuerySet, name: str, value: str) -> ItemQuerySet:
        if connections[queryset.db].features.supports_json_field_contains:
            return queryset.filter(tags__contains=[value])
        return queryset.filter(HasElement("tags", Value(value)))

    def already_chosen(self, queryset: ItemQuerySet, name: str, value: object) -> ItemQuerySet:
        """The view's ``get_queryset`` has taken the live or the deleted rows."""
        return queryset
