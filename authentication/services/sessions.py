"""What people do with their own sessions."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from core.errors import ConflictError
from users.models import EndReason, User, UserSession, UserSessionQuerySet
from users.sessions import revoke_sessions


def sessions_of(user: User) -> UserSessionQuerySet:
    """Those that ``user`` signed in to, ended ones too; how staff act as them is not among them."""
    return UserSession.objects.filter(user=user, impersonator=None)


def end_session(*, user: User, session: UUID, this: UUID | None) -> None:
    """End one session of ``user``, but not ``this`` one: that is signing out.

    Raise ``ConflictError`` for this one, and for one that has ended already.
    """
    if session == this:
        raise ConflictError(_("This is the session that you are using. Sign out instead."))
    rows = sessions_of(user).active().filter(pk=session)
    if not revoke_sessions(rows, reason=EndReason.REVOKED_BY_OWNER):
        raise ConflictError(_("That session has ended already."))


def end_other_sessions(*, user: User, keep: UUID | None) -> int:
    """End every session of ``user`` but ``keep``; answer how many that were."""
    rows = sessions_of(user).active()
    if keep is not None:
        rows = rows.exclude(pk=keep)
    return revoke_sessions(rows, reason=EndReason.REVOKED_BY_OWNER)
