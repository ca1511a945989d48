"""The personal data in the tables of people, devices, sessions and activity."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.db.models import Case, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.models import AuditEvent
from core.personal_data import DELETE, Apply, Keep, PersonalRows, register
from core.trail_export import FIELDS, events_of, reader
from users.models import Device, EndReason, SessionActivity, SessionDay, User, UserSession
from users.sessions import revoke_sessions

BY_OWNER = Q(impersonator=None)
ACTIVITY_BY_OWNER = Q(session__impersonator=None)
REMOVED = "[removed]"
# What a session tells of where its owner was and with what; the browser's family and the system
# stay for the counts.
TRACES: dict[str, Any] = {
    "client_ip": None,
    "user_agent": "",
    "country": "",
    "city": "",
    "latitude": None,
    "longitude": None,
    "device": None,
    "risk_rules": [],
    "verified_factor": "",
    "impersonation_reason": Case(
        When(impersonation_reason="", then=Value("")), default=Value(REMOVED)
    ),
}


def _anonymise(user: User) -> int:
    """Delete the account and leave nothing in its row that tells whose it was."""
    # First the delete: nobody's live name stands in the way of the new one.
    user.delete()
    short = user.pk.hex[-12:]
    blanked: int = User.objects.filter(pk=user.pk).update(
        username=f"deleted-{short}",
        email=f"deleted-{short}@deleted.invalid",
        password=make_password(None),
        first_name="",
        last_name="",
        avatar_url="",
        bio="",
        locale="en",
        timezone="UTC",
        is_active=False,
        is_verified=False,
        verified_at=None,
        verified_by=None,
        is_staff=False,
        is_superuser=False,
        last_login=None,
        totp_required=False,
        deletion_due_at=None,
        anonymised_at=timezone.now(),
        updated_at=timezone.now(),
    )
    return blanked


def _close_sessions(user: User) -> int:
    rows = UserSession.objects.filter(user=user)
    revoke_sessions(rows, reason=EndReason.ACCOUNT_CLOSED)
    return rows.update(**TRACES)


def _end_impersonations(user: User) -> int:
    """What staff left in sessions of others; whom they acted as, and when, stays."""
    rows = UserSession.objects.filter(impersonator=user)
    revoke_sessions(rows, reason=EndReason.IMPERSONATION_ENDED)
    keys = list(rows.values_list("pk", flat=True))
    SessionActivity.objects.filter(session_id__in=keys).update(client_ip=None)
    return rows.update(**TRACES)


def _forget_activity(user: User) -> int:
    """Both kinds at once: without the join, an index finds them."""
    return SessionActivity.objects.filter(user=user).delete()[0]


register(
    PersonalRows(
        name="profile",
        says=_("Your account and what you have entered in your profile."),
        model=User,
        through=("id",),
        fields=(
            "id",
            "username",
            "email",
            "first_name",
            "last_name",
            "avatar_url",
            "bio",
            "locale",
            "timezone",
            "is_active",
            "is_verified",
            "verified_at",
            "is_staff",
            "is_superuser",
            "totp_required",
            "last_login",
            "deletion_due_at",
            "created_at",
            "updated_at",
        ),
        closing=Apply(_anonymise, "blanked or replaced, and the account is deleted"),
        is_account=True,
    ),
    PersonalRows(
        name="email_addresses",
        says=_("Your e-mail addresses, and whether you have confirmed them."),
        model=EmailAddress,
        through=("user",),
        fields=("email", "verified", "primary"),
        closing=DELETE,
    ),
    PersonalRows(
        name="devices",
        says=_("The browsers and apps that you have signed in from."),
        model=Device,
        through=("user",),
        fields=(
            "id",
            "name",
            "device_type",
            "browser",
            "os",
            "first_seen_at",
            "last_seen_at",
            "last_ip",
            "trusted_until",
            "reported_at",
        ),
        closing=DELETE,
        is_account=True,
    ),
    PersonalRows(
        name="sessions",
        says=_("Where and when you were signed in, and how risky each sign-in looked."),
        model=UserSession,
        through=("user",),
        only=BY_OWNER,
        fields=(
            "id",
            "created_at",
            "signed_in_at",
            "login_method",
            "is_remembered",
            "device",
            "client_ip",
            "user_agent",
            "device_type",
            "browser",
            "os",
            "country",
            "city",
            "latitude",
            "longitude",
            "last_activity_at",
            "request_count",
            "risk_score",
            "risk_rules",
            "is_suspicious",
            "verified_factor_at",
            "idle_expires_at",
            "expires_at",
            "ended_at",
            "end_reason",
        ),
        closing=Apply(_close_sessions, "ended; address, browser, place and risk are blanked"),
        is_account=True,
    ),
    PersonalRows(
        name="sessions_of_staff",
        says=_("When members of staff acted as you, and what for."),
        model=UserSession,
        through=("user",),
        only=~BY_OWNER,
        fields=(
            "id",
            "created_at",
            "is_read_only",
            "impersonation_reason",
            "request_count",
            "last_activity_at",
            "ended_at",
            "end_reason",
        ),
        closing=Apply(_close_sessions, "ended; address, browser, place and reason are blanked"),
    ),
    PersonalRows(
        name="impersonations",
        says=_("When you acted as somebody else, as a member of staff."),
        model=UserSession,
        through=("impersonator",),
        fields=("id", "created_at", "client_ip", "user_agent", "is_read_only", "ended_at"),
        closing=Apply(_end_impersonations, "ended; address, browser, place and reason are blanked"),
    ),
    PersonalRows(
        name="activity",
        says=_("Your requests and sign-ins, for as long as they are kept."),
        model=SessionActivity,
        through=("user",),
        only=ACTIVITY_BY_OWNER,
        fields=(
            "session",
            "activity_type",
            "route",
            "method",
            "status",
            "duration_ms",
            "client_ip",
            "request_id",
            "extra",
            "occurred_at",
        ),
        closing=Apply(_forget_activity, "deleted"),
    ),
    PersonalRows(
        name="activity_of_staff",
        says=_("What members of staff asked for while they acted as you."),
        model=SessionActivity,
        through=("user",),
        only=~ACTIVITY_BY_OWNER,
        fields=("session", "activity_type", "route", "method", "status", "occurred_at"),
        closing=Apply(_forget_activity, "deleted"),
    ),
    PersonalRows(
        name="session_days",
        says=_("Your sign-ins and sessions, counted by day."),
        model=SessionDay,
        through=("user",),
        fields=("day", "counts"),
        closing=DELETE,
    ),
    PersonalRows(
        name="audit_events",
        says=_("What you did, and what was done to your account."),
        model=AuditEvent,
        through=("actor", "on_behalf_of"),
        rows=events_of,
        reads=reader,
        fields=FIELDS,
        closing=Keep("The record of what was done must not be altered: see personal-data.md."),
    ),
    PersonalRows(
        name="checked_identities",
        says="Whose identity they have checked is about others.",
        model=User,
        through=("verified_by",),
        closing=Keep("The key leads to a row that says nothing of whose it was."),
    ),
    PersonalRows(
        name="admin_log",
        says="Django's own log of the admin: nothing writes to it, the audit trail does.",
        model=LogEntry,
        through=("user",),
        closing=DELETE,
    ),
)
