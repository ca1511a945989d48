"""Giving roles and taking them away: nobody hands out what they do not hold."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from authorization.models import Role, RoleAssignment, RoleScope
from authorization.services.roles import can_grant
from core import audit
from core.errors import DomainError, NotAllowedError
from users.models import User


def refuse_assignment(*, actor: User, user: User, role: Role) -> None:
    """Raise when ``actor`` may not give ``role`` to ``user`` or take it away."""
    if role.is_deleted or role.scope != RoleScope.GLOBAL:
        raise DomainError("Only a live role of scope global can be assigned.", field="role")
    if user == actor and not actor.is_superuser:
        raise NotAllowedError("Nobody changes their own roles.", field="user")
    if not can_grant(actor, role):
        raise NotAllowedError(
            f"The role {role} holds permissions that you do not hold.", field="role"
        )


@transaction.atomic
def assign_role(
    *,
    actor: User,
    user: User,
    role: Role,
    expires_at: datetime | None = None,
    reason: str = "",
) -> RoleAssignment:
    """Give ``role`` to ``user``; of one who has it already, set its end and reason anew.

    Raise ``NotAllowedError`` for a role that holds more than ``actor`` does, or for one's own
    account; ``DomainError`` for a role of a group or an end in the past.
    """
    refuse_assignment(actor=actor, user=user, role=role)
    if expires_at is not None and expires_at <= timezone.now():
        raise DomainError("The end lies in the past.", field="expires_at")
    assignment = (
        RoleAssignment.objects.select_for_update().filter(user=user, role=role).first()
    ) or RoleAssignment(user=user, role=role)
    before = audit.snapshot(assignment)
    adding = assignment._state.adding
    assignment.expires_at = expires_at
    assignment.reason = reason
    assignment.granted_by = actor
    assignment.granted_at = timezone.now()
    assignment.full_clean()
    audit.save(assignment, actor=actor, before=None if adding else before)
    return assignment


@transaction.atomic
def revoke_role(*, actor: User, assignment: RoleAssignment) -> None:
    """Take a role away; raise as ``assign_role()`` does. One that is gone already is no error."""
    if assignment.role.scope == RoleScope.GLOBAL and not assignment.role.is_deleted:
        refuse_assignment(actor=actor, user=assignment.user, role=assignment.role)
    rows = RoleAssignment.objects.filter(pk=assignment.pk)
    audit.record_rows(rows, action="revoke", actor=actor)
    rows.delete()
