"""The scenarios of groups, their members and invitations; see ``service_scenarios``."""

from __future__ import annotations

from django.utils import timezone

from core.ids import uuid7
from groups.models import Membership, MembershipRank, MembershipStatus
from groups.services import groups, invitations, joining, members, ownership, places
from groups.tests.inviting import again, fresh, invited
from truledgr.tests.service_scenarios import Call
from users.tests.factories import UserFactory


def group_of(owner=None, **fields):
    owner = owner or UserFactory()
    return groups.create_group(actor=owner, name=f"Of {owner}", **fields)


def member_of(group, **fields):
    membership = members.add_member(actor=group.owner, group=group, user=UserFactory(), **fields)
    membership.user = fresh(membership.user)
    return membership


def requesting(group):
    """A membership that was asked for."""
    return Membership.objects.create(
        group=group,
        user=UserFactory(),
        role=members.default_role(group),
        status=MembershipStatus.REQUESTED,
    )


def groups_groups__create_group():
    gone = UserFactory(is_active=False)
    return Call(
        lambda a: groups.create_group(actor=a, name="Team"),
        UserFactory(),
        "create",
        lambda group: group,
        refused=lambda: groups.create_group(actor=gone, name="Team"),
    )


def groups_groups__create_group_once():
    taken = group_of()
    return Call(
        lambda a: groups.create_group_once(actor=a, key=uuid7(), name="Team")[0],
        UserFactory(),
        "create",
        lambda group: group,
        refused=lambda: groups.create_group_once(actor=UserFactory(), key=taken.pk, name="Team"),
    )


def groups_groups__update_group():
    group = group_of()
    return Call(
        lambda a: groups.update_group(actor=a, group=group, name="Other"),
        group.owner,
        "update",
        group,
    )


def groups_groups__archive_group():
    group = group_of()
    return Call(lambda a: groups.archive_group(actor=a, group=group), group.owner, "archive", group)


def groups_groups__unarchive_group():
    group = groups.archive_group(actor=(made := group_of()).owner, group=made)
    return Call(
        lambda a: groups.unarchive_group(actor=a, group=group),
        fresh(group.owner),
        "unarchive",
        group,
    )


def groups_groups__delete_group():
    group = group_of()
    return Call(lambda a: groups.delete_group(actor=a, group=group), group.owner, "delete", group)


def groups_groups__restore_group():
    group = group_of()
    groups.delete_group(actor=group.owner, group=group)
    return Call(
        lambda a: groups.restore_group(actor=a, group=group), fresh(group.owner), "restore", group
    )


def groups_joining__join_group():
    group, closed = group_of(is_open=True, is_public=True), group_of()
    return Call(
        lambda a: joining.join_group(actor=a, group=group),
        UserFactory(),
        "join",
        lambda membership: membership,
        refused=lambda: joining.join_group(actor=UserFactory(), group=closed),
    )


def groups_joining__leave_group():
    membership = member_of(group_of())
    return Call(
        lambda a: joining.leave_group(actor=a, group=membership.group),
        membership.user,
        "leave",
        membership,
    )


def groups_members__approve_request():
    membership = requesting(group := group_of())
    return Call(
        lambda a: members.approve_request(actor=a, membership=membership),
        group.owner,
        "approve",
        membership,
    )


def groups_members__decline_request():
    membership = requesting(group := group_of())
    return Call(
        lambda a: members.decline_request(actor=a, membership=membership),
        group.owner,
        "decline",
        membership,
    )


def groups_members__add_member():
    group, user = group_of(), UserFactory()
    return Call(
        lambda a: members.add_member(actor=a, group=group, user=user),
        group.owner,
        "add",
        lambda membership: membership,
    )


def groups_members__change_member():
    membership = member_of(group := group_of())
    return Call(
        lambda a: members.change_member(actor=a, membership=membership, rank=MembershipRank.ADMIN),
        group.owner,
        "update",
        membership,
    )


def groups_members__remove_member():
    membership = member_of(group := group_of())
    return Call(
        lambda a: members.remove_member(actor=a, membership=membership),
        group.owner,
        "remove",
        membership,
    )


def groups_members__ban_member():
    membership = member_of(group := group_of())
    return Call(
        lambda a: members.ban_member(
            actor=a, group=group, user=membership.user, reason="Abuse of it"
        ),
        group.owner,
        "ban",
        membership,
    )


def groups_members__unban_member():
    group = group_of()
    membership = members.ban_member(
        actor=group.owner, group=group, user=UserFactory(), reason="Abuse of it"
    )
    return Call(
        lambda a: members.unban_member(actor=a, membership=membership),
        group.owner,
        "unban",
        membership,
    )


def groups_members__remove_memberships():
    membership = member_of(group_of())
    rows = Membership.objects.filter(pk=membership.pk)
    return Call(
        lambda _a: members.remove_memberships(rows),
        None,
        "delete",
        membership,
        refuses_nothing=True,
    )


def groups_ownership__transfer_ownership():
    group = group_of()
    to = member_of(group).user
    return Call(
        lambda a: ownership.transfer_ownership(actor=a, group=group, to=to),
        group.owner,
        "transfer",
        group,
    )


def groups_ownership__make_owner():
    membership = member_of(group := group_of())
    return Call(
        lambda a: ownership.make_owner(group, membership, actor=a),
        group.owner,
        "transfer",
        group,
        refuses_nothing=True,
    )


def groups_places__seat():
    group, user = group_of(), UserFactory()
    return Call(
        lambda a: places.seat(
            group=group,
            user=user,
            role=members.default_role(group),
            rank=MembershipRank.MEMBER,
            expires_at=None,
            action="add",
            actor=a,
        ),
        group.owner,
        "add",
        lambda membership: membership,
        refuses_nothing=True,
    )


def groups_places__vacate():
    membership = member_of(group := group_of())
    return Call(
        lambda a: places.vacate(membership, status=MembershipStatus.LEFT, action="leave", actor=a),
        group.owner,
        "leave",
        membership,
        refuses_nothing=True,
    )


def groups_invitations__invite():
    group = group_of()
    return Call(
        lambda a: invitations.invite(actor=a, group=group, email="guest@example.org"),
        group.owner,
        "invite",
        lambda invitation: invitation,
    )


def groups_invitations__resend_invitation():
    invitation, _token = invited(group := group_of())
    type(invitation).objects.update(sent_at=timezone.now() - invitations.RESEND_AFTER)
    return Call(
        lambda a: invitations.resend_invitation(actor=a, invitation=again(invitation)),
        fresh(group.owner),
        "resend",
        invitation,
    )


def groups_invitations__withdraw_invitation():
    invitation, _token = invited(group := group_of())
    return Call(
        lambda a: invitations.withdraw_invitation(actor=a, invitation=invitation),
        fresh(group.owner),
        "withdraw",
        invitation,
    )


def groups_invitations__accept_invitation():
    invitation, token = invited(group_of())
    return Call(
        lambda a: invitations.accept_invitation(actor=a, token=token),
        UserFactory(),
        "accept",
        invitation,
        refused=lambda: invitations.accept_invitation(actor=UserFactory(), token="none"),
    )


def groups_invitations__decline_invitation():
    invitation, token = invited(group_of())
    return Call(
        lambda a: invitations.decline_invitation(actor=a, token=token),
        UserFactory(),
        "decline",
        invitation,
        refused=lambda: invitations.decline_invitation(token="none"),
    )


def groups_joining__admit():
    group, user = group_of(), UserFactory()
    banned = members.ban_member(
        actor=group.owner, group=group, user=UserFactory(), reason="Abuse of it"
    )

    def admit(somebody):
        return joining.admit(
            group=group,
            user=somebody,
            role=members.default_role(group),
            rank=MembershipRank.MEMBER,
            expires_at=None,
            invited_by=group.owner,
        )

    return Call(
        admit, user, "join", lambda membership: membership, refused=lambda: admit(banned.user)
    )
