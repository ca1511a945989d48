from __future__ import annotations

import django_filters

from authorization.models import (
    AssignmentState,
    RoleAssignmentQuerySet,
    RoleQuerySet,
    RoleScope,
)
from core.api.filters import FlagFilter, MomentFilter, SearchFilter


class RoleFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    scope = django_filters.ChoiceFilter(choices=RoleScope.choices)
    is_system = FlagFilter(help_text="Whether TruLedgr itself keeps it.")
    is_active = FlagFilter(help_text="Whether it grants anything.")
    totp_required = FlagFilter(help_text="Whether its holders must use a second factor.")
    search = SearchFilter(
        fields=["name", "slug", "description"],
        help_text="Roles with this text in their name, slug or description, whatever the case.",
    )
    deleted = FlagFilter(
        method="already_chosen",
        help_text="With true, the deleted roles that you may restore, instead of the live ones.",
    )

    def already_chosen(self, queryset: RoleQuerySet, name: str, value: object) -> RoleQuerySet:
        """The view's ``get_queryset`` has taken the live or the deleted rows."""
        return queryset


class RoleAssignmentFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    user = django_filters.UUIDFilter(field_name="user_id", help_text="What this user holds.")
    role = django_filters.UUIDFilter(field_name="role_id", help_text="Who holds this role.")
    granted_by = django_filters.UUIDFilter(
        field_name="granted_by_id", help_text="What this user has granted."
    )
    state = django_filters.ChoiceFilter(
        choices=AssignmentState.choices,
        method="in_state",
        help_text="In force, expired, or of a role that is switched off.",
    )
    ends_before = MomentFilter(
        field_name="expires_at",
        lookup_expr="lt",
        help_text="Those with an end before this moment, past ones included.",
    )

    def in_state(
        self, queryset: RoleAssignmentQuerySet, name: str, value: str
    ) -> RoleAssignmentQuerySet:
        return queryset.in_state(AssignmentState(value))
