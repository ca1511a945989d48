"""Accounts of people: signing up, their password, their e-mail address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from authentication.device_trust import forget_trust_of
from authentication.mails import Notice, notify
from authentication.models import PasswordResetToken
from authentication.services.password_resets import (
    make_reset_token,
    reset_link,
    revoke_reset_tokens,
    spend_reset_token,
)
from core import audit
from core.context import attributed_to
from core.errors import ConflictError
from core.models import AuditEvent
from users.email_addresses import free_address, own_address
from users.models import EndReason, User, UserSession
from users.sessions import revoke_sessions

SIGN_UP = "sign_up"  # the action in the audit trail


# --- Signing up -----------------------------------------------------------------------------


@transaction.atomic
def sign_up(*, user: User) -> None:
    """Save somebody new, who has still to verify the address; record ``sign_up``.

    A sign-up of the same address that was never finished makes way. Raise ``ValidationError``
    for bad values, ``IntegrityError`` when somebody was faster with the name or the address.
    """
    leftover = User.objects.alive().named(user.email).first()
    if leftover is not None and is_unfinished(leftover):
        with attributed_to(user):
            leftover.delete()
    free_address(user.email)
    user.full_clean(exclude=["password"], validate_unique=False, validate_constraints=False)
    audit.save(user, action=SIGN_UP, actor=user)


def has_account(email: str) -> bool:
    """Whether a sign-up with this address would be a second account of the same person."""
    holder = User.objects.alive().named(email).first()
    return holder is not None and not is_unfinished(holder)


def is_unfinished(user: User) -> bool:
    """Whether ``user`` signed up, never verified the address, and had the time to do so.

    Such an account is nothing but a claim by whoever typed the address in. It must not keep its
    owner from signing up, nor wait with a stranger's password for the owner to verify it. While
    its code can still arrive, it counts as an account.
    """
    if user.last_login is not None or user.is_staff or user.is_superuser:
        return False
    patience = timedelta(seconds=settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT)
    if timezone.now() - user.created_at < patience:
        return False
    addresses = EmailAddress.objects.filter(user=user)
    if not addresses.exists() or addresses.filter(verified=True).exists():
        return False
    # Who was added by staff, or by a program, is not a leftover of a sign-up.
    events = AuditEvent.objects.filter(app="users", model="user", object_id=str(user.pk))
    return events.filter(action=SIGN_UP).exists()


# --- The password ---------------------------------------------------------------------------


def change_password(*, actor: User, user: User, password: str, keep: UUID | None = None) -> None:
    """Set the password of ``user``; end all sessions but ``keep`` and the trust in all devices;
    withdraw reset tokens.

    Personal access tokens stay: they are separate secrets, in programs, and their owner revokes
    them one by one or by reporting a notice. Raise ``ConflictError`` when ``user`` cannot sign in.
    """
    # Before the transaction: hashing takes long, and locks would be held meanwhile.
    encoded = make_password(password)
    with transaction.atomic():
        owner = _locked(user)
        _store_password(owner, encoded, action="password_changed", actor=actor, keep=keep)
        notify(owner, Notice.PASSWORD_CHANGED)
    user.password = encoded  # the session's key is made of it


def reset_password(*, user: User, password: str, token: PasswordResetToken) -> None:
    """Spend ``token`` and set the password, both or neither; end all sessions of ``user``.

    The token came by mail, so that the address is verified by it. Raise ``ConflictError`` when
    the token is not usable any more: the password is as it was.
    """
    encoded = make_password(password)
    with transaction.atomic():
        owner = _locked(user)
        spend_reset_token(user=owner, token=token)
        _store_password(owner, encoded, action="password_reset", actor=owner, keep=None)
        own_address(owner, email=owner.email, verified=True)
        notify(owner, Notice.PASSWORD_RESET)
    user.password = encoded


def _store_password(
    owner: User, encoded: str, *, action: str, actor: User, keep: UUID | None
) -> None:
    before = audit.snapshot(owner)
    owner.password = encoded
    audit.save(owner, action=action, before=before, actor=actor)
    with attributed_to(actor):
        sessions = UserSession.objects.filter(user=owner)
        if keep is not None:
            sessions = sessions.exclude(pk=keep)
        revoke_sessions(sessions, reason=EndReason.PASSWORD_CHANGED)
    forget_trust_of(owner, actor=actor)
    revoke_reset_tokens(
        PasswordResetToken.objects.filter(user=owner),
        actor=actor,
        reason="The password was changed.",
    )


def _locked(user: User) -> User:
    owner: User | None = (
        User.objects.active().select_for_update(no_key=True).filter(pk=user.pk).first()
    )
    if owner is None:
        raise ConflictError("This account cannot be signed in to.")
    return owner


# --- The e-mail address ---------------------------------------------------------------------


def verify_email(*, user: User, email: str) -> EmailAddress:
    """Note that ``user`` has proven to read ``email``, and make it their only address.

    It replaces the one they had; both are told. Raise ``ConflictError`` when it is somebody
    else's by now, or ``user`` cannot sign in any more.
    """
    try:
        with transaction.atomic():
            return _verify_email(_locked(user), email.lower())
    except IntegrityError as error:
        raise ConflictError("Somebody else has this address by now.", field="email") from error


def _verify_email(owner: User, email: str) -> EmailAddress:
    row = own_address(owner, email=email, verified=True)
    old = owner.email
    if old.lower() == email:
        audit.record(action="email_verified", target=owner, actor=owner)
        return row
    before = audit.snapshot(owner)
    owner.email = email
    audit.save(owner, action="email_changed", before=before, actor=owner)
    _withdraw_links(owner, actor=owner)
    _tell_of_new_address(owner, old=old)
    return row


@transaction.atomic
def follow_new_address(*, actor: User, user: User, old: str) -> None:
    """What belongs to staff changing the address of ``user`` from ``old``, which is saved.

    Nobody has proven to read the new one: it is asked for a code at the next sign-in.
    """
    own_address(user, email=user.email, verified=False)
    _withdraw_links(user, actor=actor)
    _tell_of_new_address(user, old=old)


def _withdraw_links(user: User, *, actor: User) -> None:
    rows = PasswordResetToken.objects.filter(user=user)
    revoke_reset_tokens(rows, actor=actor, reason="The e-mail address was changed.")


def _tell_of_new_address(user: User, *, old: str) -> None:
    notify(user, Notice.EMAIL_CHANGED, to=[old, user.email], old_email=old, new_email=user.email)


# --- What staff and operators start ---------------------------------------------------------


@transaction.atomic
def create_admin(*, username: str, email: str) -> tuple[User, str]:
    """Make a superuser without a password; answer it and the link to set one, known only now.

    The acting context names the actor. Raise ``ValidationError`` for a bad or taken name.
    """
    user: User = User.objects.create_superuser(username, email)
    _token, secret = make_reset_token(actor=None, user=user, action="create")
    return user, reset_link(user=user, secret=secret)


@transaction.atomic
def invite(*, actor: User, user: User) -> None:
    """Mail a link to set the first password to somebody whom staff have added (ASVS 6.4.1)."""
    own_address(user, email=user.email, verified=False)
    _mail_link(actor, user, Notice.ACCOUNT_MADE)


@transaction.atomic
def send_reset_link(*, actor: User, user: User) -> None:
    """Mail a link to set a new password: staff start a reset, its owner does it (ASVS 6.4.6).

    Raise ``DomainError`` for a user who cannot sign in.
    """
    _mail_link(actor, user, Notice.RESET_LINK_BY_STAFF)


def _mail_link(actor: User, user: User, notice: Notice) -> None:
    token, secret = make_reset_token(actor=actor, user=user, action="send_reset_link")
    context: dict[str, Any] = {"url": reset_link(user=user, secret=secret)}
    notify(user, notice, to=[token.email], **context)


@transaction.atomic
def end_sessions(*, actor: User, user: User, keep: UUID | None = None) -> int:
    """End all sessions of ``user`` but ``keep``; answer how many that were."""
    rows = UserSession.objects.active().filter(user=user)
    if keep is not None:
        rows = rows.exclude(pk=keep)
    with attributed_to(actor):
        return revoke_sessions(rows, reason=EndReason.REVOKED_BY_STAFF)


@transaction.atomic
def require_second_factor(*, actor: User, user: User) -> int:
    """Ask ``user`` for a second factor from now on; end the sessions that lack one.

    Answer how many sessions that were.
    """
    users = User.objects.alive().filter(pk=user.pk)
    audit.update(users, action="require_second_factor", actor=actor, totp_required=True)
    rows = UserSession.objects.filter(user=user, verified_factor="")
    with attributed_to(actor):
        return revoke_sessions(rows, reason=EndReason.REVOKED_BY_STAFF)
