"""What each mail says. Text and HTML are made of the same words, so that they cannot differ.

Sentences hold nothing that somebody typed: names, addresses and the like stand in the list of
details below them, each on a line of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise

RESET_ASKED_FOR = "password_reset_asked_for"  # may be reported like a notice
IGNORE = _("If that was not you, you need not do anything: without this mail nothing happens.")


@dataclass(frozen=True, slots=True)
class Wording:
    """One mail. ``url`` and ``code`` name the value in its context that holds them."""

    subject: Words
    paragraphs: tuple[Words, ...]
    button: Words = ""
    url: str = ""
    code: str = ""
    after: tuple[Words, ...] = ()
    report: Words = ""


# What the list of details shows, in this order, when the context of the mail has it.
DETAILS: dict[str, Words] = {
    "username": _("Username"),
    "name": _("Name"),
    "group": _("Group"),
    "inviter": _("Invited by"),
    "expires": _("Works until"),
    "factor": _("Second factor"),
    "provider": _("Account at"),
    "old_email": _("Old address"),
    "new_email": _("New address"),
    "count": _("Wrong codes"),
    "left": _("Backup codes left"),
    "codes_left": _("Backup codes left"),
    "due": _("Deleted on"),
    "reasons": _("What stood out"),
    "by": _("Done by"),
    "time": _("When"),
    "local_time": _("Your time"),
    "device": _("Device"),
    "place": _("Place"),
    "ip": _("Network address"),
}
# Those that hold what somebody chose freely.
NAMES = frozenset({"username", "name", "group", "inviter", "factor", "provider", "device", "place"})

WAS_NOT_ME = _(
    "If this was not you, say so. It signs out every session, locks the password and mails you "
    "a link to set a new one."
)
WAS_NOT_ME_SESSION = _(
    "If this was not you, say so. It ends that session and mails you a link to set a new password."
)
KEEP_MINE = _(
    "If this was not you, say so. It keeps the account, signs out every session, locks the "
    "password and mails you a link to set a new one."
)
WITHDRAW = _("If you do not want this, say so, and the link stops working.")

NOTICES: dict[str, Wording] = {
    "password_changed": Wording(
        subject=_("Your password was changed"),
        paragraphs=(_("The password of your account was changed."),),
        report=WAS_NOT_ME,
    ),
    "password_reset": Wording(
        subject=_("Your password was reset"),
        paragraphs=(_("A new password was set with a link that was mailed to you."),),
        report=WAS_NOT_ME,
    ),
    "email_changed": Wording(
        subject=_("Your e-mail address was changed"),
        paragraphs=(
            _("The e-mail address of your account was changed."),
            _("This is sent to the old address and to the new one."),
        ),
        report=WAS_NOT_ME,
    ),
    "email_added": Wording(
        subject=_("An e-mail address was added"),
        paragraphs=(_("An e-mail address was added to your account."),),
        report=WAS_NOT_ME,
    ),
    "factor_added": Wording(
        subject=_("A second factor was added"),
        paragraphs=(_("Your account can now be signed in to with a further second factor."),),
        report=WAS_NOT_ME,
    ),
    "factor_removed": Wording(
        subject=_("A second factor was removed"),
        paragraphs=(_("A second factor was removed from your account."),),
        report=WAS_NOT_ME,
    ),
    "backup_code_used": Wording(
        subject=_("A backup code was used"),
        paragraphs=(
            _("One of your backup codes was used as the second step of a sign-in."),
            _("It does not work again. Make new codes before the last one is gone."),
        ),
        report=WAS_NOT_ME_SESSION,
    ),
    "backup_codes_replaced": Wording(
        subject=_("Your backup codes were replaced"),
        paragraphs=(_("New backup codes were made. The old ones do not work any more."),),
        report=WAS_NOT_ME,
    ),
    "new_device": Wording(
        subject=_("New sign-in to your account"),
        paragraphs=(_("Your account was signed in to from a device that it did not know."),),
        report=WAS_NOT_ME_SESSION,
    ),
    "provider_linked": Wording(
        subject=_("A way to sign in was linked"),
        paragraphs=(_("Your account can now be signed in to with an account elsewhere."),),
        report=WAS_NOT_ME,
    ),
    "provider_unlinked": Wording(
        subject=_("A way to sign in was unlinked"),
        paragraphs=(_("An account elsewhere does not sign in to your account any more."),),
        report=WAS_NOT_ME,
    ),
    "factor_locked": Wording(
        subject=_("Too many wrong tries: locked"),
        paragraphs=(
            _("Too many wrong passwords or codes were entered for your account."),
            _("What was tried is locked, so that nobody gets in by guessing."),
        ),
        report=WAS_NOT_ME,
    ),
    "wrong_codes": Wording(
        subject=_("Wrong codes after the right password"),
        paragraphs=(
            _("Somebody entered the right password of your account, and then wrong codes."),
            _("They did not get in. If it was not you, they know your password."),
        ),
        report=WAS_NOT_ME_SESSION,
    ),
    "wrong_passwords": Wording(
        subject=_("Signed in after several wrong passwords"),
        paragraphs=(
            _("Somebody entered the right password of your account, after several wrong ones."),
            _("If it was not you, they have guessed it."),
        ),
        report=WAS_NOT_ME_SESSION,
    ),
    "suspicious_sign_in": Wording(
        subject=_("Unusual sign-in to your account"),
        paragraphs=(
            _("Your account was signed in to, and something about it is not as usual."),
            _("If it was you, all is well, and you need not do anything."),
        ),
        report=WAS_NOT_ME_SESSION,
    ),
    "sign_in_stopped": Wording(
        subject=_("We stopped a sign-in to your account"),
        paragraphs=(
            _("Somebody signed in to your account with the right password or by another provider."),
            _("It was so unusual that we did not let them in."),
            _("If it was you, set a new password with this link. Then you can sign in."),
        ),
        button=_("Set a new password"),
        url="url",
        after=(_("To get in without this, set up a second factor once you are signed in."),),
        report=WAS_NOT_ME,
    ),
    "session_held": Wording(
        subject=_("Your account is used from another place"),
        paragraphs=(
            _("Something that is signed in to your account was used far from where it began."),
            _("If that was you, prove once more who you are where we ask for it, and go on."),
        ),
        report=WAS_NOT_ME_SESSION,
    ),
    "session_ended": Wording(
        subject=_("We signed out one of your sessions"),
        paragraphs=(
            _("It was used from two places that are too far apart for one person."),
            _("If both were you, through a VPN for example, sign in again: nothing else is lost."),
        ),
        report=WAS_NOT_ME_SESSION,
    ),
    "reset_link_by_staff": Wording(
        subject=_("A link to set a new password"),
        paragraphs=(
            _("A member of staff has started a password reset for your account."),
            _("Nobody but you sets the password, and nobody will ask you for it."),
        ),
        button=_("Set a new password"),
        url="url",
        report=WITHDRAW,
    ),
    "impersonated": Wording(
        subject=_("A member of staff is looking into your account"),
        paragraphs=(
            _("A member of staff has opened your account to see what you see, to help you."),
            _("It ends by itself within the hour. They can neither see nor change your password."),
            _("If you did not expect this, ask whoever runs this service."),
        ),
    ),
    "account_made": Wording(
        subject=_("Your account"),
        paragraphs=(_("An account was made for you. Set a password to sign in."),),
        button=_("Set a password"),
        url="url",
        report=WITHDRAW,
    ),
    "data_exported": Wording(
        subject=_("Your data was exported"),
        paragraphs=(_("A copy of everything that is kept about you was downloaded."),),
        report=WAS_NOT_ME,
    ),
    "deletion_asked": Wording(
        subject=_("Your account will be deleted"),
        paragraphs=(
            _("You asked for the deletion of your account. It cannot be brought back afterwards."),
            _("Until then everything works as before, and you can change your mind."),
        ),
        button=_("Keep my account"),
        url="url",
        report=KEEP_MINE,
    ),
    "deletion_cancelled": Wording(
        subject=_("Your account stays"),
        paragraphs=(_("The deletion of your account was cancelled. Nothing was deleted."),),
        report=WAS_NOT_ME,
    ),
    "deletion_refused": Wording(
        subject=_("Your account could not be deleted"),
        paragraphs=(
            _("The day has come on which your account was to be deleted, but others need it."),
            _("The page says what is in the way. Put it right, then ask for the deletion again."),
        ),
        button=_("See what is in the way"),
        url="url",
        report=WAS_NOT_ME,
    ),
    "account_closed": Wording(
        subject=_("Your account is deleted"),
        paragraphs=(
            _("Your account and the data in it were deleted for good."),
            _("This is the last mail to you. Your username and this address are free again."),
            _("If you did not ask for this, write to the people who run the site."),
        ),
    ),
}

# By allauth's own names. What it calls a notification leaves as a notice: see allauth_mails.
ACCOUNT_MAILS: dict[str, Wording] = {
    "account/email/email_confirmation_signup": Wording(
        subject=_("Your code to finish signing up"),
        paragraphs=(_("Enter this code on the page where you are signing up."),),
        code="code",
        button=_("Confirm the address"),
        url="activate_url",
        after=(_("The code works once, and for a few minutes."), IGNORE),
    ),
    "account/email/email_confirmation": Wording(
        subject=_("Your code to confirm this address"),
        paragraphs=(_("Enter this code on the page that asks for it."),),
        code="code",
        button=_("Confirm the address"),
        url="activate_url",
        after=(_("The code works once, and for a few minutes."), IGNORE),
    ),
    "account/email/login_code": Wording(
        subject=_("Your code to sign in"),
        paragraphs=(_("Enter this code on the page where you are signing in."),),
        code="code",
        after=(_("The code works once, and for a few minutes."), IGNORE),
    ),
    "account/email/password_reset_key": Wording(
        subject=_("Set a new password"),
        paragraphs=(_("Somebody, probably you, asked for a link to set a new password."),),
        button=_("Set a new password"),
        url="password_reset_url",
        after=(_("The link works once, and for a short time. Pass it on to nobody."), IGNORE),
        report=WITHDRAW,
    ),
    "account/email/password_reset_code": Wording(
        subject=_("Your code to set a new password"),
        paragraphs=(_("Enter this code on the page where you are setting a new password."),),
        code="code",
        after=(_("The code works once, and for a few minutes."), IGNORE),
    ),
    "account/email/unknown_account": Wording(
        subject=_("There is no account with this address"),
        paragraphs=(
            _("Somebody, probably you, tried to get into an account with this e-mail address."),
            _("There is none. Perhaps you used another address."),
        ),
        button=_("Sign up"),
        url="signup_url",
        after=(IGNORE,),
    ),
    "account/email/account_already_exists": Wording(
        subject=_("You have an account already"),
        paragraphs=(
            _("Somebody, probably you, tried to sign up with this e-mail address."),
            _("It has an account already. If you have forgotten the password, set a new one."),
        ),
        button=_("Set a new password"),
        url="password_reset_url",
        after=(IGNORE,),
    ),
}
