"""What follows when the receiver of a notice says "this was not me"."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from authentication.device_trust import forget_trust_of
from authentication.mails import Notice, notify
from authentication.mails.reports import LIFETIME, Claim, digest_of
from authentication.mails.wording import RESET_ASKED_FOR
from authentication.models import PasswordResetToken
from authentication.personal_data.closing import cancel_deletion
from authentication.services.password_resets import revoke_reset_tokens
from authentication.services.reporting import (
    ACTION,
    REASON,
    report_devices,
    revoke_tokens,
    start_reset,
)
from core import audit
from core.models import AuditEvent
from users.email_addresses import own_address
from users.models import Device, EndReason, User, UserSession
from users.sessions import revoke_sessions

logger = logging.getLogger(__name__)

# Nobody has signed in yet: only the link to set a password is withdrawn.
WITHDRAWN_ONLY = frozenset({RESET_ASKED_FOR, Notice.RESET_LINK_BY_STAFF, Notice.ACCOUNT_MADE})
# Somebody signed in, or nearly: that session ends. Every other notice tells of a change of what
# opens the account: then nothing that is open now is trusted.
ONE_SESSION = frozenset(
    {
        Notice.NEW_DEVICE, Notice.BACKUP_CODE_USED, Notice.WRONG_CODES, Notice.WRONG_PASSWORDS,
        Notice.SUSPICIOUS_SIGN_IN, Notice.SESSION_HELD, Notice.SESSION_ENDED,
    }
)  # fmt: skip
NO_SESSION = UUID(int=0)
JUST_BEFORE = timedelta(minutes=1)  # what a notice tells of was written just before it was made


@dataclass(frozen=True, slots=True)
class Report:
    """What was done. ``repeated``: the link had been used before, and nothing was done."""

    repeated: bool = False
    sessions: int = 0
    tokens: int = 0
    links: int = 0
    reset_mailed: bool = False
    restored: bool = False
    suspended: bool = False


def changes_everything(notice: str) -> bool:
    """Whether a report of it ends every session and locks the password."""
    return notice not in WITHDRAWN_ONLY | ONE_SESSION


def was_reported(claim: Claim) -> bool:
    return any(changes["link"][1] == digest_of(claim) for changes in _earlier(claim))


@transaction.atomic
def report_not_me(*, claim: Claim) -> Report | None:
    """Undo what the notice told of, once; ``None`` when there is no such user any more.

    The session that acted ends, its device is not trusted any more, and access tokens made in
    it or since are revoked; a link to set a new password is mailed to the account's address.
    After a change of credentials every session ends, the password is locked until the reset,
    accounts elsewhere that were linked since are unlinked, and an address that was the account's
    own when the notice was sent is so again; the account is not deleted, if that was asked for. A
    second factor is never touched.
    """
    user = User.objects.alive().select_for_update(no_key=True).filter(pk=claim.user_id).first()
    if user is None:
        return None
    if was_reported(claim):
        return Report(repeated=True)
    revoke_reset_tokens(PasswordResetToken.objects.filter(user=user), actor=None, reason=REASON)
    report = Report() if claim.notice in WITHDRAWN_ONLY else _undo(user, claim)
    audit.record(
        action=ACTION,
        target=user,
        changes={
            "notice": (None, claim.notice),
            "link": (None, digest_of(claim)),
            "issued_at": (None, audit.iso_utc(claim.issued_at)),
            "sessions_ended": (None, report.sessions),
            "tokens_revoked": (None, report.tokens),
            "accounts_unlinked": (None, report.links),
            "address_restored": (None, report.restored),
            "suspended": (None, report.suspended),
        },
    )
    return report


def _undo(user: User, claim: Claim) -> Report:
    is_change = changes_everything(claim.notice)
    sessions = UserSession.objects.filter(Q(user=user) | Q(user=None, pk=claim.session_id))
    acting = sessions.filter(pk=claim.session_id or NO_SESSION)
    everywhere = is_change or not acting.exists()
    ending = sessions if everywhere else acting
    open_ones = list(ending.filter(ended_at=None).values_list("pk", flat=True))
    report_devices(Device.objects.filter(user=user, sessions__in=acting))
    if everywhere:
        forget_trust_of(user)
    acted_in = [*open_ones, *filter(None, [claim.session_id])]
    tokens = revoke_tokens(user, made_in=acted_in, since=claim.issued_at)
    links, restored, suspended = 0, False, False
    if is_change:
        links = SocialAccount.objects.filter(
            user_id=user.pk, date_joined__gte=claim.issued_at - JUST_BEFORE
        ).delete()[0]
        restored, suspended = _give_back(user, claim)
        user.set_unusable_password()
        audit.save(user, action="lock_password")
        cancel_deletion(actor=None, user=user)
    ended = revoke_sessions(
        UserSession.objects.filter(pk__in=open_ones), reason=EndReason.SUSPICIOUS
    )
    return Report(
        sessions=ended,
        tokens=tokens,
        links=links,
        reset_mailed=start_reset(user),
        restored=restored,
        suspended=suspended,
    )


def _give_back(user: User, claim: Claim) -> tuple[bool, bool]:
    """Make the address that received the notice the account's own again.

    Answer whether that was done, and whether the account was switched off instead, because
    somebody else has the address by now: then staff have to look.
    """
    taken_over = user.email
    if claim.email.casefold() == taken_over.casefold() or not _prevails(claim):
        return False, False
    try:
        with transaction.atomic():
            own_address(user, email=claim.email, verified=True)
            user.email = claim.email
            audit.save(user, action="restore_address")
    except IntegrityError:
        user.email = taken_over
        user.is_active = False
        audit.save(user, action="suspend")
        EmailAddress.objects.filter(user_id=user.pk).update(verified=False)
        # Without the exception, whose text holds the address.
        logger.error("The address of user %s is somebody else's by now.", user.pk)  # noqa: TRY400
        return False, True
    # Without a link: two addresses would undo each other for ever.
    notify(
        user,
        Notice.EMAIL_CHANGED,
        to=[taken_over],
        can_report=False,
        old_email=taken_over,
        new_email=claim.email,
    )
    return True, False


def _prevails(claim: Claim) -> bool:
    """Whether the address may be given back: the oldest notice decides.

    Notices that were sent while somebody else held the account carry that person's address.
    Once an older notice has given the account back, they give nothing.
    """
    if not claim.may_restore:
        return False
    return not any(
        changes["address_restored"][1]
        and datetime.fromisoformat(changes["issued_at"][1]) <= claim.issued_at <= reported_at
        for changes, reported_at in _earlier_with_times(claim)
    )


def _earlier(claim: Claim) -> list[dict[str, Any]]:
    return [changes for changes, _moment in _earlier_with_times(claim)]


def _earlier_with_times(claim: Claim) -> list[tuple[dict[str, Any], datetime]]:
    """What was reported for this user within the lifetime of a link, and when."""
    events = AuditEvent.objects.filter(
        app="users",
        model="user",
        object_id=str(claim.user_id),
        action=ACTION,
        occurred_at__gte=timezone.now() - LIFETIME - LIFETIME,
    )
    return [
        (changes, moment.astimezone(UTC))
        for changes, moment in events.values_list("changes", "occurred_at")
    ]
