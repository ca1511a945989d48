"""Telling those who may approve that somebody asks to join."""

from __future__ import annotations

from functools import partial

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from authentication.mails.delivery import post
from authentication.mails.letters import Letter, render
from authentication.mails.wording import Wording
from core.rates import CountingError, Rate, take
from groups.models import Group, Membership
from groups.models.membership import RUNNING
from users.models import User, UserQuerySet

MOST_TOLD = 20
# Asking, taking it back and asking again must not fill anybody's mailbox.
RATES = {"person": Rate(1, 86_400), "group": Rate(20, 3_600)}

REQUEST = Wording(
    subject=_("Somebody asks to join your group"),
    paragraphs=(
        _("Somebody asks to join the group that is named below."),
        _("Sign in, and approve or decline it in the list of the group's members."),
    ),
    after=(_("You get this mail because the group tells who runs it of each request."),),
)


def mail_request(membership: Membership) -> None:
    """Mail who may approve it, once the transaction is committed; never raises.

    At most ``MOST_TOLD`` of them, once a day for each person who asks, 20 requests an hour.
    """
    if _is_too_much(membership):
        return
    group, name = membership.group, membership.user.get_username()
    for user in approvers_of(group)[:MOST_TOLD]:
        post(partial(request_letter, group=group, username=name, to=user))


def request_letter(*, group: Group, username: str, to: User) -> Letter:
    return render(
        REQUEST,
        name="group_request",
        to=to.email,
        context={"group": group.name, "username": username},
        language=to.locale,
        user_id=str(to.pk),
    )


def approvers_of(group: Group) -> UserQuerySet:
    """The owner, and who runs the group with a role that lets them add members."""
    app, codename = "groups", "add_membership"
    running = Membership.objects.in_force().filter(
        group=group,
        rank__in=RUNNING,
        role__is_active=True,
        role__is_deleted=False,
        role__permissions__content_type__app_label=app,
        role__permissions__codename=codename,
    )
    found: UserQuerySet = User.objects.active().filter(
        Q(pk=group.owner_id) | Q(pk__in=running.order_by().values("user"))
    )
    return found.order_by("pk")


def _is_too_much(membership: Membership) -> bool:
    names = {
        "person": f"group_request:{membership.group_id}:{membership.user_id}",
        "group": f"group_request:{membership.group_id}",
    }
    try:
        return any(take(name, RATES[per]).is_over for per, name in names.items())
    except CountingError:  # nobody hears of it, and the request stands
        return True
