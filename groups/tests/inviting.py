"""Groups with people in them, and the mails that invite more."""

import re

from django.core import mail

from authorization.models import Role
from groups.models import Invitation, MembershipRank
from groups.services.invitations import invite
from groups.tests.factories import GroupFactory, MembershipFactory
from users.models import User
from users.tests.factories import UserFactory

GUEST = "guest@example.org"


def role(slug="group-member"):
    return Role.objects.alive().get(slug=slug)


def fresh(user):
    """Somebody as the next request reads them."""
    return User.objects.get(pk=user.pk)


def group_with_owner(**fields):
    group = GroupFactory(**fields)
    member_of(group, user=group.owner, rank=MembershipRank.OWNER, role=role("group-owner"))
    return group


def member_of(group, **fields):
    """A user who is an active member, by default a plain one."""
    fields = {"user": UserFactory(), "role": role(), **fields}
    return fresh(MembershipFactory(group=group, **fields).user)


def admin_of(group, **fields):
    return member_of(group, rank=MembershipRank.ADMIN, role=role("group-admin"), **fields)


def invited(group=None, *, by=None, email=GUEST, **fields):
    """An invitation, and the token that its mail brought."""
    group = group or group_with_owner()
    invitation = invite(actor=by or fresh(group.owner), group=group, email=email, **fields)
    return invitation, token_in(mail.outbox[-1])


def token_in(message):
    return re.search(r"/accounts/invitations/([^/\s]+)/", message.body).group(1)


def again(invitation):
    return Invitation.objects.get(pk=invitation.pk)
