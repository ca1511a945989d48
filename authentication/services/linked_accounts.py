"""Identities at other providers: signing up with one, linking one, unlinking one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from authentication.mails import Notice, notify
from authentication.services.accounts import sign_up
from core import audit
from core.errors import ConflictError
from users.models import User


class LastWayInError(ConflictError):
    """Without this identity its owner could not sign in any more."""

    code = "last_way_in"


class LinkedElsewhereError(ConflictError):
    """The identity belongs to another account."""

    code = "connected_other"


@transaction.atomic
def sign_up_with(*, user: User, account: SocialAccount, save_rest: Callable[[], None]) -> None:
    """Create ``user``, who proved to be ``account`` at its provider.

    ``save_rest`` saves the identity and the e-mail addresses. Raise ``ValidationError`` for a
    user whom the model refuses, ``ConflictError`` when somebody was quicker with the same
    identity, username or address.
    """
    try:
        with transaction.atomic():
            sign_up(user=user)
            save_rest()
    except IntegrityError as error:
        raise ConflictError(_("Somebody was quicker. Sign in again.")) from error
    _record(actor=user, account=account, action="provider_linked")


@transaction.atomic
def free_identity(*, owner: User, provider: str, uid: str) -> None:
    """Take an identity away from ``owner``, a sign-up that was never finished and made way.

    Otherwise whoever proved to be it could never sign up with it again.
    """
    for account in SocialAccount.objects.filter(user=owner, provider=provider, uid=uid):
        _record(actor=owner, account=account, action="provider_unlinked")
        account.delete()


@transaction.atomic
def link_account(*, actor: User, account: SocialAccount, provider: str) -> None:
    """Give the unsaved identity ``account`` to ``actor``, who is told by mail.

    ``provider`` is its name for people. Raise ``LinkedElsewhereError`` when it belongs to
    somebody already.
    """
    owner = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    account.user = owner
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError as error:
        raise LinkedElsewhereError(_("This identity belongs to another account.")) from error
    _record(actor=owner, account=account, action="provider_linked")
    notify(owner, Notice.PROVIDER_LINKED, provider=provider)


@transaction.atomic
def unlink_account(*, actor: User, account: SocialAccount, providers: Mapping[str, str]) -> None:
    """Take ``account`` away from its owner, who is told by mail; nothing if it is gone already.

    ``providers`` are those that can be signed in with, and their names for people. Raise
    ``LastWayInError`` when the owner would be left without a way in; two at once cannot remove
    the last two.
    """
    owner = User.objects.select_for_update(no_key=True).get(pk=account.user_id)
    held = SocialAccount.objects.select_for_update().filter(pk=account.pk, user=owner).first()
    if held is None:
        return
    refuse_last_way_in(owner=owner, account=held, providers=providers)
    _record(actor=actor, account=held, action="provider_unlinked")
    held.delete()
    name = providers.get(account.provider, account.provider)
    notify(owner, Notice.PROVIDER_UNLINKED, provider=name)


def refuse_last_way_in(*, owner: User, account: SocialAccount, providers: Collection[str]) -> None:
    """Raise ``LastWayInError`` unless something else than ``account`` lets ``owner`` sign in.

    That is another identity at one of ``providers``, or a password together with a verified
    address, by which it can be set anew.
    """
    others = SocialAccount.objects.filter(user=owner, provider__in=providers)
    if others.exclude(pk=account.pk).exists():
        return
    if not owner.has_usable_password():
        raise LastWayInError(_("Set a password first: this is your only way to sign in."))
    if not EmailAddress.objects.filter(user=owner, verified=True).exists():
        raise LastWayInError(_("Verify an e-mail address first: this is your only way to sign in."))


def _record(*, actor: User, account: SocialAccount, action: str) -> None:
    """The trail names the provider and the subject, for whoever looks into a takeover."""
    identity = f"{account.provider}:{account.uid}"
    pair = (identity, None) if action == "provider_unlinked" else (None, identity)
    audit.record(action=action, target=account.user, changes={"identity": pair}, actor=actor)
