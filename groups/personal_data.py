"""The personal data in the tables of groups, and what keeps their owners from leaving."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower
from django.dispatch import receiver
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.personal_data import (
    DELETE,
    Apply,
    Keep,
    Obstacle,
    PersonalRows,
    account_closing,
    register,
)
from groups.models import (
    Group,
    GroupQuerySet,
    Invitation,
    InvitationQuerySet,
    Membership,
    MembershipStatus,
)
from groups.services.members import remove_memberships
from users.models import User

MOST_NAMED = 20
NOBODY = Keep("The key leads to a row that says nothing of whose it was.")


def groups_of_nobody_else(user: User) -> GroupQuerySet:
    """The groups that ``user`` owns and no other live user is an active member of."""
    return Group.objects.filter(~_needed_by_others(user), owner=user)


def _needed_by_others(user: User) -> Q:
    others = Membership.objects.filter(
        group=OuterRef("pk"), status=MembershipStatus.ACTIVE, user__is_deleted=False
    )
    return Q(Exists(others.exclude(user=user))) | Q(is_system=True)


@receiver(account_closing, sender=User, dispatch_uid="groups.owned_groups")
def owned_groups(user: User, **_signal: Any) -> list[Obstacle]:
    """Live groups that cannot go with their owner: other people belong to them."""
    staying = Group.objects.alive().filter(_needed_by_others(user), owner=user)
    text = _(
        "You own the group “%(name)s”, which other people need. Hand it over to one of them first: "
        "POST /api/v1/groups/%(id)s/transfer."
    )
    return [
        Obstacle(code="owns_group", detail=text % {"name": name, "id": key})
        for name, key in staying.order_by("name", "pk").values_list("name", "pk")[:MOST_NAMED]
    ]


def _remove_groups(user: User) -> int:
    going = groups_of_nobody_else(user)
    count = going.count()
    remove_memberships(Membership.objects.filter(group__in=list(going)))
    going.hard_delete()
    return count


def _leave(user: User) -> int:
    return remove_memberships(Membership.objects.filter(user=user))


def _invitations_of(user: User) -> InvitationQuerySet:
    """Those that ``user`` accepted, and those to an address that they have proved to read.

    Another address may be somebody else's: anybody can type one into an account.
    """
    addresses = EmailAddress.objects.filter(user_id=user.pk, verified=True)
    lower = [email.lower() for email in addresses.values_list("email", flat=True)]
    return Invitation.objects.annotate(lower_email=Lower("email")).filter(
        Q(accepted_by=user) | Q(lower_email__in=lower)
    )


register(
    PersonalRows(
        name="groups",
        says=gettext_lazy("The groups that you own."),
        model=Group,
        through=("owner",),
        fields=(
            "id",
            "name",
            "slug",
            "description",
            "group_type",
            "is_public",
            "is_open",
            "is_active",
            "member_count",
            "max_members",
            "tags",
            "settings",
            "is_deleted",
            "deleted_at",
            "created_at",
            "updated_at",
        ),
        closing=Apply(_remove_groups, "deleted for good, unless others belong to them"),
    ),
    PersonalRows(
        name="memberships",
        says=gettext_lazy("The groups that you belong to or were asked into, and your role there."),
        model=Membership,
        through=("user",),
        fields=(
            "group",
            "group__name",
            "role__slug",
            "rank",
            "status",
            "joined_at",
            "expires_at",
            "created_at",
            "updated_at",
        ),
        closing=Apply(_leave, "deleted"),
    ),
    PersonalRows(
        name="groups_made",
        says="A group that they made is its owner's.",
        model=Group,
        through=("created_by",),
        closing=NOBODY,
    ),
    PersonalRows(
        name="invitations",
        says=gettext_lazy("The groups that asked you in by e-mail, and what became of that."),
        model=Invitation,
        through=("accepted_by",),
        rows=_invitations_of,
        fields=(
            "group__name",
            "role__slug",
            "rank",
            "membership_expires_at",
            "expires_at",
            "sent_at",
            "sent_count",
            "accepted_at",
            "declined_at",
            "withdrawn_at",
            "created_at",
            "updated_at",
        ),
        closing=DELETE,
    ),
    PersonalRows(
        name="invitations_sent",
        says="Whom they invited by e-mail is about others; once they are gone it is void.",
        model=Invitation,
        through=("invited_by",),
        closing=NOBODY,
    ),
    PersonalRows(
        name="members_let_in",
        says="Whom they let into a group is about others.",
        model=Membership,
        through=("invited_by", "granted_by"),
        closing=NOBODY,
    ),
)
