"""Giving roles and taking them away: nobody hands out what they do not hold."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from authorization.models import Role, RoleAssignment, RoleScope
from authorization.services.administrators import ADMINISTRATOR, keeping_an_administrator
from authorization.services.rules import can_grant, require
from authorization.services.second_factors import end_remembered_sessions
from core import audit
from core.errors import ConflictError, DomainError, NotAllowedError
from users.models import User
from users.services import can_manage

CHANGEABLE = frozenset({"expires_at", "reason"})


def refuse_assignment(*, actor: User, user: User, role: Role) -> None:
    """Raise when ``actor`` may not give ``role`` to ``user`` or take it away."""
    if role.is_deleted or role.scope != RoleScope.GLOBAL:
        raise DomainError("Only a live role of scope global can be assigned.", field="role")
    if actor.is_superuser:
        return
    if user.pk == actor.pk:
        raise NotAllowedError("Nobody changes their own roles.", field="user")
    if not can_grant(actor, role):
        raise NotAllowedError(
            f"The role {role} holds permissions that you do not hold.", field="role"
        )
    if not can_manage(actor, user):
        raise NotAllowedError(
            f"{user} has rights that you do not have. Ask somebody who has them.", field="user"
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

    Their remembered sessions without a second factor end when the role asks for one. Raise
    ``NotAllowedError`` for a role that holds more than ``actor`` does, for one's own account or
    that of somebody with more rights; ``DomainError`` for a role of a group, a deleted user or an
    end in the past; ``ConflictError`` for an end of what the last administrator holds.
    """
    actor, user = _locked_people(actor, user)
    role = _locked_role(role)
    assignment = RoleAssignment.objects.filter(user=user, role=role).first()
    verb = "add" if assignment is None else "change"
    require(actor, f"authorization.{verb}_roleassignment")
    refuse_assignment(actor=actor, user=user, role=role)
    if user.is_deleted:
        raise DomainError("This user has been deleted. Restore the account first.", field="user")
    _refuse_past(expires_at)
    assignment = assignment or RoleAssignment(user=user, role=role)
    before = None if assignment._state.adding else audit.snapshot(assignment)
    assignment.expires_at = expires_at
    assignment.reason = reason
    _granted(assignment, by=actor)
    with _administrators_of(role):
        audit.save(assignment, actor=actor, before=before)
    if role.totp_required:
        own = RoleAssignment.objects.filter(pk=assignment.pk)
        end_remembered_sessions(actor=actor, assignments=own)
    return assignment


@transaction.atomic
def change_assignment(*, actor: User, assignment: RoleAssignment, **changes: Any) -> RoleAssignment:
    """Set the end or the reason of an assignment; answer it as it is then.

    Another end is another grant: by ``actor``, now. Raise as ``assign_role()`` does, and
    ``ConflictError`` when it has been revoked meanwhile.
    """
    if strange := changes.keys() - CHANGEABLE:
        raise TypeError(f"Nothing of an assignment that changes: {', '.join(sorted(strange))}.")
    actor, user = _locked_people(actor, assignment.user)
    role = _locked_role(assignment.role)
    locked = RoleAssignment.objects.filter(pk=assignment.pk).first()
    if locked is None:
        raise ConflictError("The role has been taken from this user meanwhile.")
    locked.user, locked.role = user, role
    require(actor, "authorization.change_roleassignment")
    refuse_assignment(actor=actor, user=user, role=role)
    before = audit.snapshot(locked)
    if "expires_at" in changes and changes["expires_at"] != locked.expires_at:
        _refuse_past(changes["expires_at"])
        locked.expires_at = changes["expires_at"]
        locked.granted_by, locked.granted_at = actor, timezone.now()
    locked.reason = changes.get("reason", locked.reason)
    _check(locked)
    if audit.snapshot(locked) != before:
        with _administrators_of(role):
            audit.save(locked, actor=actor, before=before)
    if role.totp_required:  # one that had expired is in force again
        own = RoleAssignment.objects.filter(pk=locked.pk)
        end_remembered_sessions(actor=actor, assignments=own)
    return locked


@transaction.atomic
def revoke_role(*, actor: User, assignment: RoleAssignment) -> None:
    """Take a role away; one that is gone already is no error.

    Raise as ``assign_role()`` does; ``ConflictError`` for that of the last administrator.
    """
    actor, user = _locked_people(actor, assignment.user)
    role = _locked_role(assignment.role)
    require(actor, "authorization.delete_roleassignment")
    if role.scope == RoleScope.GLOBAL and not role.is_deleted:
        refuse_assignment(actor=actor, user=user, role=role)
    rows = RoleAssignment.objects.filter(pk=assignment.pk)
    with _administrators_of(role):
        audit.record_rows(rows, action="revoke", actor=actor)
        rows.delete()


def _granted(assignment: RoleAssignment, *, by: User) -> None:
    assignment.granted_by, assignment.granted_at = by, timezone.now()
    _check(assignment)


def _check(assignment: RoleAssignment) -> None:
    assignment.clean_fields(exclude=["user", "role", "granted_by"])


def _refuse_past(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= timezone.now():
        raise DomainError("The end lies in the past.", field="expires_at")


def _administrators_of(role: Role) -> AbstractContextManager[None]:
    return keeping_an_administrator() if role.slug == ADMINISTRATOR else nullcontext()


def _locked_people(actor: User, user: User) -> tuple[User, User]:
    """Both as they are now, rights and all, until the end of the transaction.

    Of two who change each other's roles at once, the second acts with what the first has left.
    """
    rows = User.objects.filter(pk__in=[actor.pk, user.pk]).order_by("pk")
    found = {person.pk: person for person in rows.select_for_update(no_key=True)}
    if user.pk not in found:
        raise ConflictError("The user is gone.", field="user")
    return found.get(actor.pk, actor), found[user.pk]


def _locked_role(role: Role) -> Role:
    """The role as it is now, kept from being deleted or changed meanwhile."""
    locked = Role.objects.select_for_update(no_key=True).filter(pk=role.pk).first()
    if locked is None:
        raise ConflictError("The role is gone.", field="role")
    return locked
