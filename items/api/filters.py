from __future__ import annotations

import django_filters
from django.db import connections
from django.db.models import BooleanField, Func, Value

from core.api.filters import FlagFilter, MomentFilter, SearchFilter
from items.models import ItemKind, ItemQuerySet
from items.services.items import LONGEST_TAG


class HasElement(Func):
    """Whether a JSON list holds a text, on SQLite, which has no ``contains``."""

    template = "EXISTS (SELECT 1 FROM json_each(%(expressions)s)"
    arg_joiner = ") WHERE value = "
    output_field = BooleanField()


class ItemFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    kind = django_filters.ChoiceFilter(choices=ItemKind.choices)
    is_active = FlagFilter(help_text="Whether it is in use.")
    group = django_filters.UUIDFilter(field_name="group_id", help_text="Items of this group.")
    tag = django_filters.CharFilter(
        method="with_tag", max_length=LONGEST_TAG, help_text="Items with exactly this tag."
    )
    created_after = MomentFilter(
        field_name="created_at", lookup_expr="gte", help_text="This moment or later."
    )
    created_before = MomentFilter(
        field_name="created_at", lookup_expr="lt", help_text="Earlier than this moment."
    )
    search = SearchFilter(
        fields=["name", "description"],
        help_text="Items with this text in their name or description, whatever the case.",
    )
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
