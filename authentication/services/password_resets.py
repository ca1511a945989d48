"""Password reset tokens: made, found, spent and withdrawn."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from authentication.mails.addresses import base_url
from authentication.models import PasswordResetToken, PasswordResetTokenQuerySet
from authentication.secrets import hash_reset_token, new_reset_token
from core import audit
from core.context import current
from core.errors import ConflictError, DomainError
from core.security_events import Kind, note
from users.models import User
from users.user_agents import LONGEST

# Three, so that neither an impatient owner nor a stranger who asks once more kills the link that
# is just being read; and no more, so that few mails open the account at a time.
MOST_OPEN = 3


@transaction.atomic
def make_reset_token(
    *, actor: User | None, user: User, action: str = "password_reset_requested"
) -> tuple[PasswordResetToken, str]:
    """Make a token for ``user``; answer its row and the token itself, which is known only now.

    It belongs to the present e-mail address and lives for ``PASSWORD_RESET_SECONDS``. Of those
    still open, the two newest stay. Raise ``DomainError`` for a user who cannot sign in.
    """
    owner = User.objects.active().select_for_update(no_key=True).filter(pk=user.pk).first()
    if owner is None:
        raise DomainError(f"{user} cannot sign in, so no link would work.", field="user")
    return _make(owner, actor=actor, action=action)


def rehearse_reset_token(*, email: str) -> None:
    """Cost what ``make_reset_token()`` costs, for an address that nobody has, and leave nothing.

    Strangers could measure the difference otherwise, and learn who has an account (ASVS 6.3.8).
    """
    nobody = User(username=email[:150], email=email)
    with transaction.atomic():
        User.objects.active().select_for_update(no_key=True).filter(pk=nobody.pk).first()
        _make(nobody, actor=None, action="password_reset_requested")
        transaction.set_rollback(True)


def _make(owner: User, *, actor: User | None, action: str) -> tuple[PasswordResetToken, str]:
    still_open = PasswordResetToken.objects.usable().filter(user=owner.pk).order_by("-id")
    superseded = list(still_open.values_list("pk", flat=True)[MOST_OPEN - 1 :])
    if superseded:
        revoke_reset_tokens(
            PasswordResetToken.objects.filter(pk__in=superseded),
            actor=actor,
            reason="Newer ones were asked for.",
        )
    secret = new_reset_token()
    context = current()
    token = PasswordResetToken(
        user_id=owner.pk,
        token_hash=hash_reset_token(secret),
        email=owner.email,
        expires_at=timezone.now() + timedelta(seconds=settings.PASSWORD_RESET_SECONDS),
        client_ip=context.client_ip,
        user_agent=context.user_agent[:LONGEST],
    )
    token.clean_fields(exclude={"user"})
    audit.save(token, action=action, actor=actor)
    return token, secret


def find_reset_token(*, user: User, secret: str) -> PasswordResetToken | None:
    """The row of a token that would set a new password for ``user`` now; it is not spent.

    One that was sent to an address that ``user`` no longer has opens nothing.
    """
    token_hash = hash_reset_token(secret)
    rows = _usable_by(user).filter(token_hash=token_hash)
    token: PasswordResetToken | None = rows.select_related("user").defer("token_hash").first()
    if token is None:
        used = PasswordResetToken.objects.filter(user=user.pk, token_hash=token_hash)
        if used.exclude(used_at=None).exists():
            note(Kind.REPLAYED_CODE, reason="passwordresettoken")
    return token


@transaction.atomic
def spend_reset_token(*, user: User, token: PasswordResetToken) -> None:
    """Use the ``token`` of ``user`` up, in the transaction that sets the password.

    One UPDATE decides, so that of many at once exactly one succeeds. Raise ``ConflictError``
    when it has been used or revoked, or has expired, meanwhile.
    """
    now = timezone.now()
    rows = _usable_by(user).filter(pk=token.pk)
    if not rows.update(used_at=now, updated_at=now):
        raise ConflictError("This link has been used already, or is no longer valid.")
    audit.record(
        action="use",
        target=token,
        changes={"used_at": (None, audit.iso_utc(now))},
        actor=user,
    )


def revoke_reset_tokens(
    rows: QuerySet[PasswordResetToken], *, actor: User | None, reason: str
) -> int:
    """Withdraw those of ``rows`` that are still usable; answer how many that were."""
    usable = PasswordResetToken.objects.usable().filter(pk__in=rows.order_by().values("pk"))
    return audit.update(
        usable,
        action="revoke",
        actor=actor,
        revoked_at=timezone.now(),
        revocation_reason=reason,
    )


def reset_path(*, user: User, secret: str) -> str:
    """The path of the page that sets a new password."""
    return reverse("account_reset_password_from_key", kwargs={"uidb36": user.pk.hex, "key": secret})


def reset_link(*, user: User, secret: str) -> str:
    """The whole address of that page, for mails and terminals: no request is needed."""
    return base_url() + reset_path(user=user, secret=secret)


def _usable_by(user: User) -> PasswordResetTokenQuerySet:
    return PasswordResetToken.objects.usable().filter(
        user=user.pk, user__is_active=True, user__is_deleted=False, email__iexact=user.email
    )
