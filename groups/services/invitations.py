"""Asking somebody into a group by e-mail, whether an account goes with the address or not.

The mail brings a token that works once. What the inviter may do is asked twice: when they invite,
and again when the invitation is accepted. Nothing here tells whether an address has an account.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from authentication.secrets import hash_reset_token as hash_of
from authentication.secrets import new_reset_token as new_token
from authorization.models import Role
from core import audit
from core.errors import ConflictError, DomainError, NoSuchError, NotAllowedError, TooOftenError
from core.rates import Taken, parse_rates, take
from groups.mails import mail_invitation
from groups.models import Group, Invitation, Membership, MembershipRank
from groups.options import options_of
from groups.services.joining import admit
from groups.services.ranks import (
    Level,
    level_of_rank,
    lock_group,
    lock_user,
    refuse_above,
    refuse_giving,
    standing_of,
)
from users.models import User

RESEND_AFTER = timedelta(minutes=5)
MOST_MAILS = 5  # of one invitation
INVITE, WITHDRAW = "groups.add_invitation", "groups.delete_invitation"


class InvitationOverError(ConflictError):
    """It was accepted, declined, withdrawn or has expired; or it is void by now."""

    code = "invitation_over"


@dataclass(frozen=True, slots=True)
class Offer:
    """What an invitation would make of whoever accepts it."""

    role: Role
    rank: str
    membership_expires_at: datetime | None


# --- Inviting -------------------------------------------------------------------------------


@transaction.atomic
def invite(
    *,
    actor: User,
    group: Group,
    email: str,
    role: Role | None = None,
    rank: str = MembershipRank.MEMBER,
    membership_expires_at: datetime | None = None,
) -> Invitation:
    """Mail ``email`` a link that makes whoever opens and accepts it a member of ``group``.

    Without ``role`` it is the group's default. An expired invitation of the same address makes
    way. Raise ``NotAllowedError`` for who may not invite, or not as that; ``ConflictError`` for an
    archived group, or when the address is invited already; ``TooOftenError`` over a limit;
    ``ValidationError`` for what is no address.
    """
    group = lock_group(group, must_be_active=True)
    offer = Offer(role or options_of(group).role(), rank, membership_expires_at)
    refuse_offer(actor=actor, group=group, offer=offer)
    email = email.strip().lower()
    _make_way(actor, group, email)
    token, now = new_token(), timezone.now()
    invitation = Invitation(
        group=group,
        email=email,
        role=offer.role,
        rank=offer.rank,
        membership_expires_at=offer.membership_expires_at,
        token_hash=hash_of(token),
        expires_at=_expiry(group, now),
        sent_at=now,
        invited_by=actor,
    )
    invitation.full_clean()
    _count_mail(actor, invitation)
    audit.save(invitation, action="invite", actor=actor)
    mail_invitation(invitation=invitation, inviter=actor, token=token)
    return invitation


@transaction.atomic
def resend_invitation(*, actor: User, invitation: Invitation) -> Invitation:
    """Mail a new link; the one before does not work any more, and the time to accept starts anew.

    From now on ``actor`` is who invites. Raise as ``invite()`` does; also ``ConflictError`` for
    one that is over or was sent ``MOST_MAILS`` times, ``TooOftenError`` within ``RESEND_AFTER``.
    """
    group, row = _locked_pair(invitation, must_be_active=True)
    _refuse_over(row)
    refuse_offer(actor=actor, group=group, offer=_offer_of(row))
    if row.sent_count >= MOST_MAILS:
        raise ConflictError(
            f"It was sent {MOST_MAILS} times. Withdraw it, and ask the person in another way."
        )
    token, now = new_token(), timezone.now()
    if now < row.sent_at + RESEND_AFTER:
        wait = (row.sent_at + RESEND_AFTER - now).total_seconds()
        raise TooOftenError(f"It was just sent. Wait {wait:.0f} seconds.", wait=wait)
    _count_mail(actor, row)
    before = audit.snapshot(row)
    row.token_hash = hash_of(token)
    row.expires_at = _expiry(group, now)
    row.sent_at = now
    row.sent_count += 1
    row.invited_by = actor
    audit.save(row, action="resend", before=before, actor=actor)
    mail_invitation(invitation=row, inviter=actor, token=token)
    return row


@transaction.atomic
def withdraw_invitation(*, actor: User, invitation: Invitation) -> Invitation:
    """Take it back: its link does not work any more.

    Members withdraw what they have sent; others need ``groups.delete_invitation`` and a rank
    above the one that it offers. Raise ``NotAllowedError``, or ``ConflictError`` when it is over.
    """
    group, row = _locked_pair(invitation)
    if row.invited_by_id != actor.pk:
        standing = standing_of(actor, group)
        standing.require(WITHDRAW)
        refuse_above(standing, level_of_rank(row.rank), permission=WITHDRAW)
    if not row.is_pending:
        raise InvitationOverError(f"It is over already: it was {row.state}.")
    return _end(row, "withdraw", actor, withdrawn_at=timezone.now())


# --- Answering ------------------------------------------------------------------------------


def find_invitation(token: str) -> Invitation | None:
    """The invitation that a link leads to, in whatever state; its group may be deleted."""
    rows = Invitation.objects.select_related("group", "role", "invited_by")
    return rows.filter(token_hash=hash_of(token)).first()


@transaction.atomic
def accept_invitation(*, actor: User, token: str) -> Membership:
    """Make ``actor`` a member, once.

    Raise ``DomainError`` for a token that nobody was sent; ``InvitationOverError`` when it is
    over, or whoever sent it may not invite any more; ``ConflictError`` for a full group or who is
    a member already; ``NotAllowedError`` for who was banned.
    """
    lock_user(actor)
    group, row = _brought(token, must_be_active=True)
    inviter = _inviter_of(row)
    offer = _offer_of(row)
    try:
        refuse_offer(actor=inviter, group=group, offer=offer)
    except DomainError as error:
        raise InvitationOverError(
            "It does not hold any more: who sent it may not invite you as this now. "
            "Ask the group for a new one."
        ) from error
    membership = admit(
        group=group,
        user=actor,
        role=offer.role,
        rank=offer.rank,
        expires_at=offer.membership_expires_at,
        invited_by=inviter,
    )
    _end(row, "accept", actor, accepted_at=timezone.now(), accepted_by=actor)
    return membership


@transaction.atomic
def decline_invitation(*, token: str, actor: User | None = None) -> Invitation:
    """Say no, which takes no account: the mail brought the token. Raise as accepting does."""
    _group, row = _brought(token)
    return _end(row, "decline", actor, declined_at=timezone.now())


# --- What an inviter may offer ----------------------------------------------------------------


def refuse_offer(*, actor: User, group: Group, offer: Offer) -> None:
    """Raise unless ``actor`` may invite somebody into ``group``, which is locked, as that.

    It takes ``groups.add_invitation``, a rank above the one offered, everything that the role
    holds, and an own membership that lasts as long. Where the group lets its members invite, they
    offer the default role in the lowest rank.
    """
    standing = standing_of(actor, group)
    level = level_of_rank(offer.rank)
    if standing.may(INVITE):
        refuse_above(standing, level, permission=INVITE)
    else:
        if not options_of(group).members_may_invite or standing.level == Level.NONE:
            raise NotAllowedError("You may not invite anybody into this group.")
        if offer.rank != MembershipRank.MEMBER:
            raise NotAllowedError("Members invite members: leave the rank out.", field="rank")
        if offer.role.pk == options_of(group).role().pk:
            standing = replace(standing, held=None)  # it is the group that gives this role
        else:
            raise NotAllowedError(
                "Members invite with the default role: leave the role out.", field="role"
            )
    try:
        refuse_giving(
            standing, role=offer.role, expires_at=offer.membership_expires_at, permission=INVITE
        )
    except DomainError as error:
        if error.field == "expires_at":
            error.field = "membership_expires_at"
        raise


def _offer_of(row: Invitation) -> Offer:
    return Offer(row.role, row.rank, row.membership_expires_at)


def _expiry(group: Group, now: datetime) -> datetime:
    return now + timedelta(days=options_of(group).invitation_days)


# --- Rows and counters ------------------------------------------------------------------------


def _locked_pair(
    invitation: Invitation, *, must_be_active: bool = False
) -> tuple[Group, Invitation]:
    """Both rows under lock, the group's first, as whoever joins takes it."""
    group = lock_group(invitation.group, must_be_active=must_be_active)
    rows = Invitation.objects.select_for_update(of=("self",)).select_related("role", "invited_by")
    row = rows.get(pk=invitation.pk)
    row.group = group
    return group, row


def _brought(token: str, *, must_be_active: bool = False) -> tuple[Group, Invitation]:
    """What the token opens, under lock; the token is looked at again behind the lock."""
    found = find_invitation(token)
    if found is None:
        raise NoSuchError(
            "No invitation has this token. Copy the whole link from the mail.", field="token"
        )
    group, row = _locked_pair(found, must_be_active=must_be_active)
    if row.token_hash != hash_of(token):
        raise InvitationOverError("A newer mail has replaced this one. Use the link in that.")
    _refuse_over(row)
    if row.has_expired:
        raise InvitationOverError("It has expired. Ask the group for a new one.")
    return group, row


def _refuse_over(row: Invitation) -> None:
    if not row.is_pending:
        raise InvitationOverError(f"It is over: it was {row.state}. Ask the group for a new one.")


def _inviter_of(row: Invitation) -> User:
    """Read anew, with nothing remembered of what they may do."""
    inviter: User | None = User.objects.filter(pk=row.invited_by_id).first()
    if inviter is None:
        raise InvitationOverError("Who sent it is gone. Ask the group for a new one.")
    return inviter


def _make_way(actor: User, group: Group, email: str) -> None:
    """Withdraw an expired invitation of the address; refuse when there is one that works."""
    pending = Invitation.objects.select_for_update().pending()
    row = pending.filter(group=group, email__iexact=email).first()
    if row is None:
        return
    if not row.has_expired:
        raise ConflictError(
            "This address has been invited already. Send that invitation again, or withdraw it.",
            field="email",
        )
    _end(row, "withdraw", actor, withdrawn_at=timezone.now())


def _end(row: Invitation, action: str, actor: User | None, **fields: Any) -> Invitation:
    before = audit.snapshot(row)
    for name, value in fields.items():
        setattr(row, name, value)
    audit.save(row, action=action, before=before, actor=actor)
    return row


def _count_mail(actor: User, invitation: Invitation) -> None:
    """Count one more mail by this inviter, of this group and to this address."""
    counted_for = {
        "inviter": str(actor.pk),
        "group": str(invitation.group_id),
        "address": invitation.email.casefold(),
    }
    counted: list[Taken] = []
    for kind, key in counted_for.items():
        for rate in parse_rates(settings.INVITATION_RATE_LIMITS[kind]):
            taken = take(f"invitation_{kind}:{key}", rate)
            if taken.is_over:
                for earlier in counted:
                    earlier.give_back()
                raise TooOftenError(
                    "Too many invitations have been sent lately. Try again later.",
                    wait=taken.wait,
                )
            counted.append(taken)
