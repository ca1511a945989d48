"""Sends what allauth mails the way everything leaves; its notifications become notices."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone, translation

from authentication.mails.addresses import public
from authentication.mails.delivery import post
from authentication.mails.letters import Letter, one_line, render
from authentication.mails.notices import Notice, notify
from authentication.mails.reports import Claim, url_of
from authentication.mails.wording import ACCOUNT_MAILS, RESET_ASKED_FOR, Wording
from users.models import User

NOTIFICATIONS = {
    "account/email/password_changed": Notice.PASSWORD_CHANGED,
    "account/email/password_set": Notice.PASSWORD_CHANGED,
    "account/email/password_reset": Notice.PASSWORD_RESET,
    "account/email/email_changed": Notice.EMAIL_CHANGED,
    "account/email/email_confirm": Notice.EMAIL_ADDED,
    "account/email/email_deleted": Notice.EMAIL_CHANGED,
    "socialaccount/email/account_connected": Notice.PROVIDER_LINKED,
    "socialaccount/email/account_disconnected": Notice.PROVIDER_UNLINKED,
}
RESET_KEY = "account/email/password_reset_key"


class MailsOfAllauth(DefaultAccountAdapter):  # type: ignore[misc]
    """The part of the account adapter that mails."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Hand one of allauth's mails to the queue, after the commit; never raises."""
        post(lambda: self._letter(template_prefix, email, context))

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        notice = NOTIFICATIONS.get(template_prefix)
        if notice is None:
            super().send_notification_mail(template_prefix, user, context, email)
            return
        values = context or {}
        old = values.get("from_email") or values.get("deleted_email")
        new = values.get("to_email")
        to = [address for address in (old, new or user.email) if address] if old else None
        notify(user, notice, to=to, old_email=old, new_email=new, provider=values.get("provider"))

    def render_mail(
        self,
        template_prefix: str,
        email: str | list[str],
        context: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> EmailMessage:
        to = email if isinstance(email, str) else email[0]
        message = self._letter(template_prefix, to, context).message()
        message.extra_headers |= headers or {}
        return message

    def format_email_subject(self, subject: str) -> str:
        """The subject in one line; it names no site."""
        return one_line(subject)

    def get_from_email(self) -> str:
        return str(settings.DEFAULT_FROM_EMAIL)

    def _letter(self, template_prefix: str, email: str, context: dict[str, Any]) -> Letter:
        wording = ACCOUNT_MAILS.get(template_prefix) or self._foreign(
            template_prefix, email, context
        )
        request, user = allauth_context.request, context.get("user")
        values = {"username": context.get("username", "")}
        if wording.code:
            values[wording.code] = context.get(wording.code, "")
        if wording.url and context.get(wording.url):
            values[wording.url] = public(context[wording.url], request)
        is_reset = template_prefix == RESET_KEY and user is not None
        return render(
            wording,
            name=template_prefix.rpartition("/")[2],
            to=email,
            context=values,
            language=getattr(user, "locale", "") or translation.get_language() or "en",
            report_url=url_of(_reset_claim(user, email)) if is_reset else "",
            user_id=str(getattr(user, "pk", None) or ""),
            useless_after=time.time() + lifetime(template_prefix, wording),
        )

    def _foreign(self, template_prefix: str, email: str, context: dict[str, Any]) -> Wording:
        """A mail that ``wording`` does not know, in the words of its own text template."""
        values = {"email": email, "request": allauth_context.request, **context}
        message = super().render_mail(template_prefix, email, values)
        return Wording(subject=message.subject, paragraphs=tuple(message.body.split("\n\n")))


def lifetime(template_prefix: str, wording: Wording) -> float:
    """Seconds after which a mail is not worth sending: what it holds has expired."""
    if wording.code:
        return float(settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT)
    if template_prefix == RESET_KEY:
        return float(settings.PASSWORD_RESET_SECONDS)
    return 24 * 3600.0


def reset_letter(user: User, url: str) -> Letter:
    """The mail with a link to set a new password, outside of allauth's own flow."""
    return render(
        ACCOUNT_MAILS[RESET_KEY],
        name="password_reset_key",
        to=user.email,
        context={"username": user.get_username(), "password_reset_url": url},
        language=user.locale,
        report_url=url_of(_reset_claim(user, user.email)),
        user_id=str(user.pk),
        useless_after=time.time() + settings.PASSWORD_RESET_SECONDS,
    )


def _reset_claim(user: Any, email: str) -> Claim:
    return Claim(
        user_id=user.pk,
        notice=RESET_ASKED_FOR,
        session_id=None,
        email=email,
        may_restore=False,
        issued_at=timezone.now(),
    )
