"""What follows once roles ask their holders for a second factor."""

from __future__ import annotations

from authorization.models import RoleAssignmentQuerySet
from core.context import attributed_to
from users.models import EndReason, User, UserSession
from users.sessions import revoke_sessions


def end_remembered_sessions(*, actor: User, assignments: RoleAssignmentQuerySet) -> int:
    """End the remembered sessions of those among the holders whose role in force asks for a factor.

    Only of sessions without one: "remember me" is for people whom no rule asks for it. Others
    go on, held back until the factor is proven. Answer how many ended. Call it in the
    transaction that changes the role or gives it.
    """
    holders = assignments.in_force().filter(role__totp_required=True).order_by().values("user")
    rows = UserSession.objects.active().filter(
        user__in=holders, is_remembered=True, verified_factor=""
    )
    with attributed_to(actor):
        return revoke_sessions(rows, reason=EndReason.REVOKED_BY_STAFF)
