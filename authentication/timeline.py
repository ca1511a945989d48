"""The security timeline of an account: what the audit trail says of it, for its owner.

An allow-list: only the events named here, and only about the account itself and what belongs to
it. What staff did is told without saying which of them, or from where.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authentication.models import APIToken, BackupCodeDevice, PasswordResetToken, TOTPDevice
from authentication.passkeys.credentials import Passkey
from authentication.session_words import method_in_words
from core.models import AuditEvent
from users.models import Device, EndReason, User, UserSession

MOST_OBJECTS = 500  # of each kind: the newest
APP, PASSKEY, CODES = "totpdevice", "webauthncredential", "backupcodedevice"
# Ends that their owner, the clock or a sign-out brought are no events of the trail.
UNRECORDED_ENDS = ("", EndReason.SIGNED_OUT, EndReason.EXPIRED)

KINDS: dict[str, str | Promise] = {
    "sign_in": gettext_lazy("Sign-ins"),
    "failure": gettext_lazy("What was refused"),
    "factor": gettext_lazy("Second factors"),
    "password": gettext_lazy("Password"),
    "email": gettext_lazy("E-mail address"),
    "provider": gettext_lazy("Linked accounts"),
    "token": gettext_lazy("Access tokens"),
    "device": gettext_lazy("Devices"),
    "session": gettext_lazy("Sessions"),
    "account": gettext_lazy("Account"),
    "staff": gettext_lazy("Staff acting as you"),
}

# kind, model and action of each event that is shown, and its words
EVENTS: dict[tuple[str, str, str], str | Promise] = {
    ("sign_in", "user", "sign_in"): gettext_lazy("Signed in"),
    ("sign_in", "user", "sign_out"): gettext_lazy("Signed out"),
    ("sign_in", "user", "step_up"): gettext_lazy("Proved again who it is"),
    ("failure", "user", "sign_in_failed"): gettext_lazy("A sign-in failed"),
    ("failure", "user", "sign_in_stopped"): gettext_lazy("An unusual sign-in was stopped"),
    ("failure", "user", "second_factor_failed"): gettext_lazy("A passkey was refused"),
    ("failure", APP, "second_factor_failed"): gettext_lazy("A code was refused"),
    ("failure", CODES, "second_factor_failed"): gettext_lazy("A backup code was refused"),
    ("failure", APP, "factor_locked"): gettext_lazy("Locked after too many wrong codes"),
    ("failure", CODES, "factor_locked"): gettext_lazy("Locked after too many wrong codes"),
    ("factor", APP, "factor_unlocked"): gettext_lazy("Unlocked"),
    ("factor", CODES, "factor_unlocked"): gettext_lazy("Unlocked"),
    ("factor", APP, "confirm"): gettext_lazy("Authenticator app added"),
    ("factor", APP, "rename"): gettext_lazy("Authenticator app renamed"),
    ("factor", APP, "delete"): gettext_lazy("Authenticator app removed"),
    ("factor", PASSKEY, "create"): gettext_lazy("Passkey added"),
    ("factor", PASSKEY, "rename"): gettext_lazy("Passkey renamed"),
    ("factor", PASSKEY, "delete"): gettext_lazy("Passkey removed"),
    ("factor", CODES, "replace_codes"): gettext_lazy("New backup codes made"),
    ("factor", CODES, "backup_code_used"): gettext_lazy("A backup code was used"),
    ("factor", CODES, "delete"): gettext_lazy("Backup codes removed"),
    ("factor", "user", "require_second_factor"): gettext_lazy("A second factor is required"),
    ("password", "user", "password_changed"): gettext_lazy("Password changed"),
    ("password", "user", "password_reset"): gettext_lazy("Password reset"),
    ("password", "user", "lock_password"): gettext_lazy("Password locked"),
    ("password", "user", "unlock"): gettext_lazy("Password unlocked"),
    ("password", "passwordresettoken", "password_reset_requested"): gettext_lazy(
        "A link to set a new password was asked for"
    ),
    ("password", "passwordresettoken", "send_reset_link"): gettext_lazy(
        "Staff sent a link to set a new password"
    ),
    ("email", "user", "email_verified"): gettext_lazy("E-mail address verified"),
    ("email", "user", "email_changed"): gettext_lazy("E-mail address changed"),
    ("email", "user", "restore_address"): gettext_lazy("E-mail address restored"),
    ("provider", "user", "provider_linked"): gettext_lazy("Account elsewhere linked"),
    ("provider", "user", "provider_unlinked"): gettext_lazy("Account elsewhere unlinked"),
    ("token", "apitoken", "create"): gettext_lazy("Access token made"),
    ("token", "apitoken", "update"): gettext_lazy("Access token changed"),
    ("token", "apitoken", "extend"): gettext_lazy("Access token extended"),
    ("token", "apitoken", "revoke"): gettext_lazy("Access token revoked"),
    ("device", "device", "update"): gettext_lazy("Device renamed"),
    ("device", "device", "trust"): gettext_lazy("Device trusted"),
    ("device", "device", "distrust"): gettext_lazy("Device not trusted any more"),
    ("device", "device", "end_trust"): gettext_lazy("Device not trusted any more"),
    ("device", "device", "report"): gettext_lazy("Device reported"),
    ("session", "usersession", "revoke"): gettext_lazy("Session ended"),
    ("session", "user", "session_held"): gettext_lazy("A session was used from elsewhere"),
    ("account", "user", "sign_up"): gettext_lazy("Signed up"),
    ("account", "user", "create"): gettext_lazy("Account made"),
    ("account", "user", "update"): gettext_lazy("Account changed"),
    ("account", "user", "verify"): gettext_lazy("Identity confirmed"),
    ("account", "user", "unverify"): gettext_lazy("Confirmation of the identity withdrawn"),
    ("account", "user", "suspend"): gettext_lazy("Account switched off"),
    ("account", "user", "reported_not_me"): gettext_lazy("A notice was answered: not me"),
    ("account", "user", "reported_device"): gettext_lazy("A device was reported as not yours"),
    ("account", "user", "export"): gettext_lazy("Personal data exported"),
    ("account", "user", "ask_for_deletion"): gettext_lazy("Deletion of the account asked for"),
    ("account", "user", "cancel_deletion"): gettext_lazy("Deletion of the account called off"),
    ("account", "user", "refuse_deletion"): gettext_lazy("Deletion of the account refused"),
    ("staff", "user", "impersonation_started"): gettext_lazy("Staff began to act as you"),
    ("staff", "user", "impersonation_ended"): gettext_lazy("Staff stopped acting as you"),
}
WORDS = {(model, action): (kind, words) for (kind, model, action), words in EVENTS.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, as the owner of the account is told it."""

    id: int
    occurred_at: datetime
    kind: str
    action: str
    words: str
    subject: str  # what it was done to or by: a device's name, the method of a sign-in
    reason: str
    by: str  # you, staff or nobody known
    ip: str | None
    agent: str
    outcome: str


def timeline_of(user: User, *, kind: str = "") -> QuerySet[AuditEvent]:
    """The events of the account of ``user``, of one of ``KINDS`` or all.

    Before the rows are read, a query for each table of things that belong to the account, and
    one for those of them that are gone.
    """
    wanted = Q(pk=None)
    objects = _objects_of(user)
    for model, keys in objects.items():
        actions = [a for (k, m, a) in EVENTS if m == model and kind in ("", k)]
        if actions and keys:
            wanted |= Q(model=model, object_id__in=keys, action__in=actions)
    return AuditEvent.objects.filter(wanted)


def _objects_of(user: User) -> dict[str, list[str]]:
    """Model to keys of what belongs to the account, as the trail names them."""
    sessions = UserSession.objects.filter(user=user).exclude(end_reason__in=UNRECORDED_ENDS)
    found: dict[str, QuerySet[Any]] = {
        "usersession": sessions,
        "device": Device.objects.filter(user=user),
        "apitoken": APIToken.objects.filter(user=user),
        "passwordresettoken": PasswordResetToken.objects.filter(user=user),
        APP: TOTPDevice.objects.filter(user=user, confirmed=True),
        PASSKEY: Passkey.objects.filter(user=user, confirmed=True),
        CODES: BackupCodeDevice.objects.filter(user=user),
    }
    objects = {}
    for model, rows in found.items():
        keys = rows.order_by("-pk").values_list("pk", flat=True)[:MOST_OBJECTS]
        objects[model] = [str(key) for key in keys]
    # A factor that was removed has left its first event, which its owner alone can have made.
    made = AuditEvent.objects.filter(
        actor=user, model__in=[APP, PASSKEY, CODES], action__in=["confirm", "create"]
    ).order_by("-id")
    for model, key, action, changes in made.values_list("model", "object_id", "action", "changes")[
        :MOST_OBJECTS
    ]:
        owner = (changes.get("user") or [None, None])[1]
        if action == "confirm" or (model != APP and owner == str(user.pk)):
            objects[model].append(key)
    return {"user": [str(user.pk)], **objects}


def entry_of(event: AuditEvent, user: User) -> Entry:
    kind, words = WORDS[event.model, event.action]
    after = {name: pair[1] for name, pair in event.changes.items()}
    by = _by(event, user, kind)
    is_staff = by == "staff"
    return Entry(
        id=event.pk,
        occurred_at=event.occurred_at,
        kind=kind,
        action=event.action,
        words=str(words),
        subject=_subject_of(event, after),
        reason=_reason_of(event, after),
        by=by,
        ip=None if is_staff else event.client_ip,
        agent="" if is_staff else str(after.get("agent") or ""),
        outcome="failure" if kind == "failure" else "success",
    )


def _by(event: AuditEvent, user: User, kind: str) -> str:
    """Whose doing it was; of a refusal nobody knows, even where a password was right."""
    if event.on_behalf_of_id is not None or event.actor_id not in (None, user.pk):
        return "staff"
    return "you" if event.actor_id == user.pk and kind != "failure" else ""


def _subject_of(event: AuditEvent, after: dict[str, Any]) -> str:
    if event.model == "user":
        return method_in_words(str(after.get("method") or ""))
    return "" if event.model in ("usersession", "passwordresettoken") else event.object_label


def _reason_of(event: AuditEvent, after: dict[str, Any]) -> str:
    reason = str(after.get("reason") or after.get("end_reason") or "")
    if event.model == "usersession":
        return str(dict(EndReason.choices).get(reason, reason))
    return str(REASONS.get(reason, reason))


REASONS: dict[str, str | Promise] = {
    "wrong_password": gettext_lazy("wrong password"),
    "no_password": gettext_lazy("the account has no password"),
    "locked": gettext_lazy("too many wrong passwords before"),
    "disabled_account": gettext_lazy("the account is switched off"),
}


def whose_words(by: str) -> str:
    """For a page."""
    return {"you": _("by you"), "staff": _("by staff")}.get(by, "")
