"""Security notices: what somebody should hear of, whoever did it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from allauth.account.models import EmailAddress
from allauth.core import context as allauth_context
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from authentication.mails.delivery import post
from authentication.mails.letters import Letter, render
from authentication.mails.reports import Claim, url_of
from authentication.mails.wording import NOTICES
from core.context import Via, current
from users.models import User, UserSession
from users.user_agents import describe

SENT = "_notices"  # on the request: what it has told of already


class Notice(models.TextChoices):
    """What a notice is about; ``wording.NOTICES`` has the words for each."""

    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    PASSWORD_RESET = "password_reset"  # noqa: S105
    EMAIL_CHANGED = "email_changed"
    EMAIL_ADDED = "email_added"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    BACKUP_CODE_USED = "backup_code_used"
    BACKUP_CODES_REPLACED = "backup_codes_replaced"
    NEW_DEVICE = "new_device"
    PROVIDER_LINKED = "provider_linked"
    PROVIDER_UNLINKED = "provider_unlinked"
    FACTOR_LOCKED = "factor_locked"
    WRONG_CODES = "wrong_codes"
    WRONG_PASSWORDS = "wrong_passwords"
    RESET_LINK_BY_STAFF = "reset_link_by_staff"
    ACCOUNT_MADE = "account_made"
    SUSPICIOUS_SIGN_IN = "suspicious_sign_in"
    SIGN_IN_STOPPED = "sign_in_stopped"
    SESSION_HELD = "session_held"
    SESSION_ENDED = "session_ended"
    IMPERSONATED = "impersonated"
    DATA_EXPORTED = "data_exported"
    DELETION_ASKED = "deletion_asked"
    DELETION_CANCELLED = "deletion_cancelled"
    DELETION_REFUSED = "deletion_refused"
    ACCOUNT_CLOSED = "account_closed"


# Told once a request, under whichever of the two names comes first.
SAME_EVENT = {Notice.PASSWORD_RESET: Notice.PASSWORD_CHANGED}


@dataclass(frozen=True, slots=True)
class Occasion:
    """What is known of who acted, at the moment of ``notify()``."""

    at: datetime
    session_id: UUID | None
    details: dict[str, Any]


def notify(
    user: User,
    notice: Notice,
    *,
    to: Sequence[str] | None = None,
    session: UserSession | None = None,
    can_report: bool = True,
    **context: Any,
) -> None:
    """Tell ``user`` of ``notice`` by mail once the transaction is committed; never raises.

    It goes to the verified primary address, or to each of ``to``; of ``EMAIL_CHANGED`` to the
    old address and to the new one. ``session`` is the one that acted, by default that of the
    request. The mail shows those of ``context`` that ``wording.DETAILS`` names, such as
    ``name="My phone"``, ``provider="Google"`` or ``codes_left=3``, and leads to ``url``. Without
    ``can_report`` it has no link to say "this was not me".
    """
    occasion = _occasion(user, session)
    request = allauth_context.request
    for address in dict.fromkeys(to or [""]):

        def make(address: str = address) -> Letter | None:
            address = address or primary_address(user)
            if not address or _was_told(request, user, notice, address):
                return None
            return _letter(user, notice, address, occasion, context, can_report=can_report)

        post(make)


def primary_address(user: User) -> str:
    """Where notices go: the verified primary address; of those who have none, the only one."""
    row = EmailAddress.objects.filter(user_id=user.pk, primary=True, verified=True).first()
    return row.email if row else user.email


def _letter(
    user: User,
    notice: Notice,
    address: str,
    occasion: Occasion,
    context: dict[str, Any],
    *,
    can_report: bool,
) -> Letter:
    claim = Claim(
        user_id=user.pk,
        notice=notice.value,
        session_id=occasion.session_id,
        email=address,
        may_restore=_may_restore(user, notice, address),
        issued_at=occasion.at,
    )
    return render(
        NOTICES[notice.value],
        name=notice.value,
        to=address,
        context={
            "username": user.get_username(),
            **occasion.details,
            **_place(occasion.session_id),
            **context,
            "provider": _provider_name(context.get("provider")),
        },
        language=user.locale,
        report_url=url_of(claim) if can_report else "",
        user_id=str(user.pk),
    )


def _may_restore(user: User, notice: Notice, address: str) -> bool:
    """Whether the address was the account's own before what the notice tells of."""
    if notice != Notice.EMAIL_CHANGED:
        return True
    present = User.objects.filter(pk=user.pk).values_list("email", flat=True).first() or ""
    return address.casefold() != present.casefold()


def _occasion(user: User, session: UserSession | None) -> Occasion:
    """Time, address and device of who acts; of staff or a command neither address nor device."""
    acting, now = current(), timezone.now()
    details: dict[str, Any] = {"time": f"{now:%Y-%m-%d %H:%M} UTC", **_local(user, now)}
    actor = acting.actor()
    if actor is not None and actor.pk != user.pk:
        return Occasion(now, None, details | {"by": _("A member of staff")})
    if acting.via == Via.COMMAND:
        return Occasion(now, None, details | {"by": _("The operator of the server")})
    details["ip"] = acting.client_ip
    details["device"] = device_text(acting.user_agent)
    return Occasion(now, session.pk if session else acting.session_id(), details)


def device_text(user_agent: str) -> str:
    """Such as "Firefox 128, Windows 10"; empty when nothing is known."""
    agent = describe(user_agent)
    return ", ".join(filter(None, [agent.browser, agent.os]))


def _provider_name(provider: Any) -> str:
    """Of allauth's provider, or of the id of one: "Google"."""
    name = str(getattr(provider, "name", provider) or "")
    return name[:1].upper() + name[1:]


def _local(user: User, now: datetime) -> dict[str, str]:
    """The time where the user is, when that is known and not UTC."""
    try:
        local = now.astimezone(ZoneInfo(user.timezone))
    except (KeyError, ValueError, OSError):
        return {}
    if user.timezone == "UTC":
        return {}
    return {"local_time": f"{local:%Y-%m-%d %H:%M} ({user.timezone})"}


def _place(session_id: UUID | None) -> dict[str, str]:
    if session_id is None:
        return {}
    row = UserSession.objects.filter(pk=session_id).values_list("city", "country").first()
    return {"place": ", ".join(filter(None, row or ()))}


def _was_told(request: Any, user: User, notice: Notice, address: str) -> bool:
    """Whether this request has told of it: allauth's flows and our services both do."""
    if request is None:
        return False
    told = request.__dict__.setdefault(SENT, set())
    key = (user.pk, SAME_EVENT.get(notice, notice), address.casefold())
    if key in told:
        return True
    told.add(key)
    return False
