"""allauth's hooks for accounts: who signs up, and how a password or an address changes.

``AccountAdapter`` inherits them. They translate: the rules are in
``authentication.services.accounts``.
"""

from __future__ import annotations

import re
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.account.signals import email_changed, email_confirmed
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from authentication import step_up
from authentication.api.answers import is_headless, refusal
from authentication.invited import invited_email, may_sign_up
from authentication.mails.addresses import public
from authentication.reset_tokens import remembered_token
from authentication.services import accounts
from core.errors import ConflictError
from core.security_events import Kind, note
from users.email_addresses import free_address
from users.models import User

# Letters that look alike in other alphabets would let somebody pass for somebody else; staff may
# give other names. An @ would make a name look like an address, which sign-in looks up instead.
USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,63}")
# Names that people take for those who run the place.
RESERVED = frozenset(
    {
        "admin", "administrator", "root", "system", "support", "help", "security", "staff",
        "moderator", "truledgr", "postmaster", "hostmaster", "webmaster", "abuse", "noreply",
        "no-reply", "api", "www", "mail", "null", "none", "undefined", "anonymous", "me", "self",
    }
)  # fmt: skip

BEGAN_WITH = "account_began_with"  # in the session of a sign-in that is going on


class AccountFlows(DefaultAccountAdapter):  # type: ignore[misc]
    # --- Signing up -----------------------------------------------------------------------

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """By setting, or because a mail invited whoever asks: see ``authentication.invited``."""
        return may_sign_up(request)

    def is_email_verified(self, request: HttpRequest, email: str) -> bool:
        """Whoever a mail has brought here reads the address that it went to."""
        if email.lower() == invited_email(request):
            return True
        verified: bool = super().is_email_verified(request, email)
        return verified

    def clean_username(self, username: str, shallow: bool = False) -> str:  # noqa: FBT001, FBT002
        """Refuse what is taken by a live user, reserved, or easily taken for another name.

        ``shallow`` leaves out the look-up, for names that are made up one after the other.
        """
        if not USERNAME.fullmatch(username):
            raise ValidationError(
                _(
                    "Use 3 to 64 letters (a to z), digits, dots, hyphens and underscores. "
                    "Begin with a letter or digit."
                ),
                code="username_invalid",
            )
        if username.lower() in RESERVED:
            raise self.validation_error("username_blacklisted")
        if not shallow and User.objects.alive().named(username).exists():
            raise self.validation_error("username_taken")
        return username

    def clean_email(self, email: str) -> str:
        """The address in lower case. Deleted users have no claim to it from here on."""
        email = email.lower()
        free_address(email)
        return email

    def save_user(
        self,
        request: HttpRequest,
        user: User,
        form: BaseForm,
        commit: bool = True,  # noqa: FBT001, FBT002
    ) -> User:
        super().save_user(request, user, form, commit=False)
        if commit:
            accounts.sign_up(user=user)
        return user

    # --- The password ---------------------------------------------------------------------

    def set_password(self, user: User, password: str) -> None:
        """Reset it, when this request came with a reset token; else change it.

        A first password for somebody who had none needs a step-up: it is one more way in. After
        a change the session in use goes on, all others end; after a reset all of them end.
        """
        request = context.request
        token = remembered_token(user)
        if token is None:
            if not user.has_usable_password():
                step_up.require(request)
            accounts.change_password(
                actor=user, user=user, password=password, keep=request.session.row_id
            )
            return
        try:
            accounts.reset_password(user=user, password=password, token=token)
        except ConflictError:
            note(Kind.REPLAYED_CODE, reason="passwordresettoken")
            raise ImmediateHttpResponse(self._dead_link(request)) from None
        if request.user.is_authenticated:
            # Its session has just ended. Saving it would fail; nobody has signed out either.
            request.session.flush()
            request.user = AnonymousUser()

    def _dead_link(self, request: HttpRequest) -> HttpResponse:
        """What a link answers that was used or withdrawn before: the same as an unknown one."""
        message = str(self.error_messages["invalid_password_reset"])
        if is_headless(request):
            return refusal(message, code="invalid_password_reset", param="key")
        page = "account/password_reset_from_key.html"
        return render(request, page, {"token_fail": True})

    def pre_login(self, request: HttpRequest, user: User, **login: Any) -> HttpResponse | None:
        """Remember which password a sign-in began with: it may take several steps."""
        response: HttpResponse | None = super().pre_login(request, user, **login)
        if response is None:
            request.session[BEGAN_WITH] = user.get_session_auth_hash()
        return response

    def login(self, request: HttpRequest, user: User) -> None:
        """Refuse to finish a sign-in that a change of password has overtaken.

        Sessions end with the change; who stood before the second step has none to end yet.
        """
        stamp = request.session.pop(BEGAN_WITH, None)
        if stamp is not None and not constant_time_compare(stamp, user.get_session_auth_hash()):
            text = _("The password was changed in the meantime. Sign in again.")
            self.add_message(request, messages.ERROR, message=text)
            raise ImmediateHttpResponse(redirect("account_login"))
        super().login(request, user)

    def get_reset_password_from_key_url(self, key: str) -> str:
        return public(super().get_reset_password_from_key_url(key), self.request)

    # --- The e-mail address ---------------------------------------------------------------

    def can_delete_email(self, email_address: EmailAddress) -> bool:
        """Only one that is still being verified: an account without an address has no reset."""
        return not email_address.pk

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Make it the address of its user, as a right code for it was just entered."""
        user = email_address.user
        old = EmailAddress.objects.filter(user_id=user.pk).first()
        try:
            row = accounts.verify_email(user=user, email=email_address.email)
        except ConflictError:
            raise ImmediateHttpResponse(self._taken(request)) from None
        # The flow goes on with its own objects.
        email_address.pk, email_address.verified, email_address.primary = row.pk, True, True
        email_address._state.adding = False
        user.email = row.email
        email_confirmed.send(sender=EmailAddress, request=request, email_address=email_address)
        if old is not None and old.email != row.email:
            email_changed.send(
                sender=EmailAddress,
                request=request,
                user=user,
                from_email_address=old,
                to_email_address=email_address,
            )
        self.add_message(
            request,
            messages.SUCCESS,
            "account/messages/email_confirmed.txt",
            {"email": row.email},
        )
        return True

    def _taken(self, request: HttpRequest) -> HttpResponse:
        message = str(self.error_messages["email_taken"])
        if is_headless(request):
            return refusal(message, code="email_taken", param="key")
        self.add_message(request, messages.ERROR, message=message)
        signed_in = request.user.is_authenticated
        return redirect("account_email" if signed_in else "account_login")
