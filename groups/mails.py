"""What a group mails to people who are not in it, and may have no account."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from authentication.mails.addresses import base_url
from authentication.mails.delivery import post
from authentication.mails.letters import Letter, render
from authentication.mails.wording import Wording
from groups.models import Invitation
from users.models import User

INVITATION = Wording(
    subject=_("You are invited to a group"),
    paragraphs=(
        _("Somebody invites you to the group that is named below."),
        _("The link shows who invites you and as what. Nothing happens until you accept there."),
    ),
    button=_("See the invitation"),
    url="url",
    after=(
        _("The link works once. Pass it on to nobody: whoever opens it can take your place."),
        _("If you do not want this, do nothing, or choose “Decline” on that page."),
    ),
)


def mail_invitation(*, invitation: Invitation, inviter: User, token: str) -> None:
    """Send the link to the invited address once the transaction is committed; never raises.

    The words are in the inviter's language: what is known of the address must not show.
    """
    post(lambda: invitation_letter(invitation=invitation, inviter=inviter, token=token))


def invitation_letter(*, invitation: Invitation, inviter: User, token: str) -> Letter:
    return render(
        INVITATION,
        name="group_invitation",
        to=invitation.email,
        context={
            "url": url_of(token),
            "group": invitation.group.name,
            "inviter": inviter.get_username(),
            "expires": f"{invitation.expires_at:%Y-%m-%d %H:%M} UTC",
        },
        language=inviter.locale,
        useless_after=invitation.expires_at.timestamp(),
    )


def url_of(token: str) -> str:
    return base_url() + reverse("group_invitation", args=[token])
