"""Roles that are held on groups: by a membership in force, or by owning the group."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from authorization.access import Holdings
from groups.models import GROUPS, Group, GroupQuerySet, Membership, MembershipQuerySet


def _held(user_id: UUID, at: datetime) -> MembershipQuerySet:
    return Membership.objects.in_force(at).filter(user=user_id)


def _roles(user_id: UUID, at: datetime) -> MembershipQuerySet:
    return Membership.objects.unexpired(at).filter(user=user_id)


def _owned(user_id: UUID) -> GroupQuerySet:
    return Group.objects.alive().filter(owner=user_id)


HOLDINGS = Holdings(kind=GROUPS, held=_held, roles=_roles, owned=_owned)
