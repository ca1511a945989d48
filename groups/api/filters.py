from __future__ import annotations

import django_filters
from django.utils import timezone

from core.api.filters import FlagFilter, SearchFilter
from groups.models import (
    GroupQuerySet,
    GroupType,
    MembershipQuerySet,
    MembershipRank,
    MembershipStatus,
)
from groups.models.membership import BELONGING

EXPIRED = "expired"


class GroupFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    group_type = django_filters.ChoiceFilter(choices=GroupType.choices)
    is_public = FlagFilter(help_text="Whether everybody may see that it exists.")
    is_open = FlagFilter(help_text="Whether a public group lets everybody join without asking.")
    is_active = FlagFilter(help_text="Whether it is not archived.")
    search = SearchFilter(
        fields=["name", "slug", "description"],
        help_text="Groups with this text in their name, slug or description, whatever the case.",
    )
    deleted = FlagFilter(
        method="already_chosen",
        help_text="With true, the deleted groups that you may restore, instead of the live ones.",
    )

    def already_chosen(self, queryset: GroupQuerySet, name: str, value: object) -> GroupQuerySet:
        """The view's ``get_queryset`` has taken the live or the deleted rows."""
        return queryset


class MemberFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    status = django_filters.ChoiceFilter(
        choices=[*MembershipStatus.choices, (EXPIRED, "Expired")],
        method="with_status",
        help_text="Active members only, when left out.",
    )
    rank = django_filters.ChoiceFilter(choices=MembershipRank.choices)
    role = django_filters.UUIDFilter(field_name="role_id", help_text="Who holds this role.")
    search = SearchFilter(
        fields=["user__username"],
        help_text="Members with this text in their username, whatever the case.",
    )

    def with_status(self, rows: MembershipQuerySet, name: str, value: str) -> MembershipQuerySet:
        if value == MembershipStatus.ACTIVE:
            return rows.unexpired()
        if value == EXPIRED:
            return rows.filter(status=MembershipStatus.ACTIVE, expires_at__lte=timezone.now())
        return rows.filter(status=value)


class OwnMembershipFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    status = django_filters.ChoiceFilter(
        choices=[*((name, name) for name in BELONGING), (EXPIRED, "Expired")],
        method="with_status",
    )
    with_status = MemberFilterSet.with_status
