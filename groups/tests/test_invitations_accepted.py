"""Accepting an invitation: once, by who brings its token, while its inviter still may."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from authorization.models import Role
from authorization.tests.factories import RoleFactory
from core.errors import ConflictError, DomainError, NotAllowedError
from core.models import AuditEvent
from core.tests.parallel import at_once
from groups.models import Group, Invitation, Membership, MembershipStatus
from groups.services.invitations import InvitationOverError, accept_invitation, withdraw_invitation
from groups.tests.factories import MembershipFactory
from groups.tests.inviting import (
    admin_of,
    again,
    fresh,
    group_with_owner,
    invited,
    member_of,
    role,
)
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_whoever_brings_the_token_becomes_what_was_offered_once():
    group = group_with_owner()
    admin, guest = admin_of(group), UserFactory()
    invitation, token = invited(group, by=admin, role=role("group-viewer"))

    membership = accept_invitation(actor=guest, token=token)

    assert (membership.role.slug, membership.rank, membership.status) == (
        "group-viewer", "member", "active",
    )  # fmt: skip
    assert (membership.invited_by, membership.joined_at is not None) == (admin, True)
    row = again(invitation)
    assert (row.state, row.accepted_by) == ("accepted", guest)
    assert fresh(guest).has_perm("groups.view_group", group)
    event = AuditEvent.objects.get(model="invitation", action="accept")
    assert (event.actor_id, event.group_id) == (guest.pk, group.pk)
    for who in (guest, UserFactory()):
        with pytest.raises(InvitationOverError, match="accepted"):
            accept_invitation(actor=who, token=token)


@pytest.mark.parametrize("status", ["requested", "left", "invited"])
def test_who_asked_or_left_before_comes_in_by_it(status):
    group = group_with_owner()
    before = MembershipFactory(group=group, status=status, role=role())
    _row, token = invited(group)

    accept_invitation(actor=before.user, token=token)

    before.refresh_from_db()
    assert before.status == MembershipStatus.ACTIVE


def lose_right(group, admin):
    Membership.objects.filter(user=admin).update(role=role("group-member"))


def lose_rank(group, admin):
    Membership.objects.filter(user=admin).update(rank="member")


def be_removed(group, admin):
    Membership.objects.filter(user=admin).update(status="left")


def be_banned(group, admin):
    Membership.objects.filter(user=admin).update(status="banned")


def expire(group, admin):
    Membership.objects.filter(user=admin).update(expires_at=timezone.now())


def be_temporary(group, admin):
    Membership.objects.filter(user=admin).update(expires_at=timezone.now() + timedelta(days=1))


def be_switched_off(group, admin):
    admin.is_active = False
    admin.save()


def be_forgotten(group, admin):
    Invitation.objects.update(invited_by=None)


@pytest.mark.parametrize(
    "happens",
    [
        lose_right, lose_rank, be_removed, be_banned, expire, be_temporary, be_switched_off,
        be_forgotten,
    ],
    ids=lambda one: one.__name__,
)  # fmt: skip
def test_asvs_8_3_2_an_inviter_who_may_no_longer_makes_the_invitation_void(happens):
    group = group_with_owner()
    admin = admin_of(group)
    invitation, token = invited(group, by=admin)

    happens(group, admin)

    guest = UserFactory()
    with pytest.raises(InvitationOverError, match="Ask the group for a new one"):
        accept_invitation(actor=guest, token=token)
    assert not Membership.objects.filter(user=guest).exists()
    assert again(invitation).is_pending


def test_what_cannot_be_accepted():
    group = group_with_owner()
    admin, guest = admin_of(group), UserFactory()
    custom = RoleFactory(scope="group")
    banned = MembershipFactory(group=group, status="banned", role=role()).user
    tokens = {
        name: invited(group, by=by, email=f"{name}@example.org", **offer)[1]
        for name, by, offer in (
            ("expired", admin, {}),
            ("withdrawn", admin, {}),
            ("role", fresh(group.owner), {"role": custom}),
            ("good", admin, {}),
        )
    }
    rows = Invitation.objects.filter
    rows(email="expired@example.org").update(expires_at=timezone.now())
    withdraw_invitation(actor=admin, invitation=rows(email="withdrawn@example.org").get())
    Role.objects.filter(pk=custom.pk).update(
        is_deleted=True, deleted_at=timezone.now(), deletion_id=uuid4()
    )
    for token, error, who in (
        ("unknown", DomainError, guest),
        ("\ud800", DomainError, guest),
        (tokens["expired"], InvitationOverError, guest),
        (tokens["withdrawn"], InvitationOverError, guest),
        (tokens["role"], InvitationOverError, guest),
        (tokens["good"], NotAllowedError, banned),
        (tokens["good"], ConflictError, member_of(group)),
    ):
        with pytest.raises(error):
            accept_invitation(actor=who, token=token)
    Group.objects.filter(pk=group.pk).update(max_members=3, member_count=3)
    with pytest.raises(ConflictError, match="full"):
        accept_invitation(actor=guest, token=tokens["good"])
    Group.objects.filter(pk=group.pk).update(max_members=None, is_active=False)
    with pytest.raises(ConflictError, match="archived"):
        accept_invitation(actor=guest, token=tokens["good"])
    Group.objects.get(pk=group.pk).delete()
    with pytest.raises(ConflictError, match="deleted"):
        accept_invitation(actor=guest, token=tokens["good"])
    assert not Membership.objects.filter(user=guest).exists()


@pytest.mark.django_db(transaction=True)
def test_asvs_15_4_1_of_two_who_accept_one_token_at_once_one_becomes_a_member():
    group = group_with_owner()
    _row, token = invited(group)
    guests = UserFactory.create_batch(2)

    outcomes = at_once(
        *(lambda guest=guest: accept_invitation(actor=guest, token=token) for guest in guests)
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "InvitationOverError",
        "Membership",
    ]
    assert Membership.objects.filter(group=group, user__in=guests).count() == 1
    assert Group.objects.get(pk=group.pk).member_count == 2


@pytest.mark.django_db(transaction=True)
def test_asvs_15_4_1_the_last_place_goes_to_one_of_those_who_accept_at_once():
    group = group_with_owner(max_members=3)
    tokens = [invited(group, email=f"g{n}@example.org")[1] for n in range(4)]
    guests = UserFactory.create_batch(4)

    outcomes = at_once(
        *(
            lambda pair=pair: accept_invitation(actor=pair[0], token=pair[1])
            for pair in zip(guests, tokens, strict=True)
        )
    )

    names = [type(outcome).__name__ for outcome in outcomes]
    assert (names.count("Membership"), names.count("ConflictError")) == (2, 2)
    assert Group.objects.get(pk=group.pk).member_count == 3
