from __future__ import annotations

import django_filters

from core.api.filters import FlagFilter, SearchFilter
from groups.models import GroupType


class GroupFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    group_type = django_filters.ChoiceFilter(choices=GroupType.choices)
    is_public = FlagFilter(help_text="Whether everybody may see that it exists.")
    search = SearchFilter(
        fields=["name", "slug", "description"],
        help_text="Groups with this text in their name, slug or description, whatever the case.",
    )
