"""Who belongs to a group: the count of members and the rights that come with a membership."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from authorization.models import RoleScope
from authorization.services.roles import permissions_of
from core import audit
from core.errors import ConflictError, DomainError, NotAllowedError
from groups.models import Group, Membership, MembershipStatus
from users.models import User


def mark_joined(membership: Membership) -> None:
    """Note the moment of joining, once."""
    membership.joined_at = membership.joined_at or timezone.now()


def refuse_membership(*, actor: User, membership: Membership) -> None:
    """Raise when the membership's role is not one of a group, or holds more than ``actor`` does.

    Inside a group, the actor holds what they hold everywhere, and all of it as its owner.
    """
    role, group = membership.role, membership.group
    if role.is_deleted or role.scope != RoleScope.GROUP:
        raise DomainError("A member holds a live role of scope group.", field="role")
    if group.is_deleted:
        raise ConflictError("The group is deleted. Restore it first.", field="group")
    if actor.is_superuser or group.owner_id == actor.pk:
        return
    if not permissions_of(role) <= actor.get_all_permissions():
        raise NotAllowedError(
            f"The role {role} holds permissions that you do not hold.", field="role"
        )


@transaction.atomic
def save_membership(*, actor: User, membership: Membership) -> Membership:
    """Add or change a membership and keep the group's count of members.

    Raise ``ConflictError`` when the group is full, and as ``refuse_membership()`` does.
    """
    group = Group.objects.select_for_update().get(pk=membership.group_id)
    refuse_membership(actor=actor, membership=membership)
    if membership.status == MembershipStatus.ACTIVE:
        mark_joined(membership)
    if membership._state.adding:
        membership.invited_by = actor
    membership.granted_by = actor
    membership.full_clean()
    audit.save(membership, actor=actor)
    _count_members([group.pk])
    return membership


@transaction.atomic
def remove_memberships(rows: QuerySet[Membership]) -> int:
    """Remove memberships for good and keep the counts; answer how many that were."""
    group_ids = sorted(set(rows.values_list("group_id", flat=True)))
    list(Group.objects.select_for_update().filter(pk__in=group_ids).order_by("pk").values("pk"))
    audit.record_rows(rows, action="delete")
    removed, _by_label = rows.delete()
    _count_members(group_ids)
    return removed


def _count_members(group_ids: Iterable[UUID]) -> None:
    """Bring ``member_count`` up to date; the groups' rows are locked by the caller."""
    for group in Group.objects.filter(pk__in=list(group_ids)):
        active = group.memberships.filter(status=MembershipStatus.ACTIVE).count()
        if group.max_members is not None and active > group.max_members:
            raise ConflictError(f"{group} is full: {group.max_members} members.", field="group")
        Group.objects.filter(pk=group.pk).update(member_count=active)
