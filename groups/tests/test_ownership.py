"""Who answers for a group: always one, and handed over in one step."""

from datetime import timedelta

import pytest
from django.utils import timezone

from authorization.models import Role
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.errors import ConflictError, DomainError, NotAllowedError
from core.models import AuditEvent
from groups.models import Group, Membership
from groups.services.members import leave_group
from groups.services.ownership import transfer_ownership
from groups.tests.factories import GroupFactory, anew, member_of, owned_group
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def days(number):
    return timezone.now() + timedelta(days=number)


def owner_of(group):
    return Group.objects.get(pk=group.pk).owner


def rank_of(group, user):
    return Membership.objects.get(group=group, user=user).rank


def holder_of_everything():
    permissions = [
        f"{permission.content_type.app_label}.{permission.codename}"
        for permission in Role.objects.get(slug="group-owner").permissions.select_related(
            "content_type"
        )
    ]
    return RoleAssignmentFactory(role=RoleFactory(permissions=permissions)).user


def test_a_group_is_handed_over_in_one_step():
    group = owned_group()
    former, heir = group.owner, member_of(group, "group-viewer", expires_at=days(1))

    changed = transfer_ownership(actor=former, group=group, to=heir.user)

    heir.refresh_from_db()
    assert (changed.owner, changed.version, changed.member_count) == (heir.user, 2, 2)
    assert (heir.rank, heir.role.slug, heir.expires_at) == ("owner", "group-owner", None)
    assert rank_of(group, former) == "owner"
    event = AuditEvent.objects.get(action="transfer")
    assert event.changes["owner"] == [str(former.pk), str(heir.user_id)]
    with pytest.raises(NotAllowedError):
        transfer_ownership(actor=anew(former), group=group, to=former)


@pytest.mark.parametrize(
    ("rank", "role"), [("admin", "group-admin"), ("member", "group-viewer"), ("owner", None)]
)
def test_the_former_owner_stays_as_what_the_caller_says(rank, role):
    group = owned_group(settings={"default_role": "group-viewer"})
    heir = member_of(group).user

    transfer_ownership(actor=group.owner, group=group, to=heir, former_rank=rank)

    former = Membership.objects.get(group=group, user=group.owner)
    assert (former.rank, former.role.slug) == (rank, role or "group-owner")
    assert not anew(group.owner).has_perm("groups.delete_group", group) or rank == "owner"


def test_an_owner_who_was_no_member_becomes_one():
    group = GroupFactory()
    heir = member_of(group).user

    transfer_ownership(actor=group.owner, group=group, to=heir)

    assert rank_of(group, group.owner) == "owner"
    assert Group.objects.get(pk=group.pk).member_count == 2


def test_only_the_owner_or_who_may_do_all_of_it_everywhere_hands_over():
    group = owned_group()
    second = member_of(group, "group-owner", rank="owner").user
    heir = member_of(group).user
    some = RoleAssignmentFactory(role=RoleFactory(permissions=["groups.change_group"])).user

    for actor in (second, heir, some, UserFactory()):
        with pytest.raises(NotAllowedError):
            transfer_ownership(actor=actor, group=group, to=heir)
    staff = holder_of_everything()
    member_of(group, user=staff)
    with pytest.raises(NotAllowedError, match="themselves"):
        transfer_ownership(actor=staff, group=group, to=staff)

    assert transfer_ownership(actor=staff, group=group, to=heir).owner == heir


def test_the_new_owner_is_an_active_member_with_an_account():
    group = owned_group()
    closed, off = member_of(group).user, member_of(group).user
    closed.delete()
    off.is_active = False
    off.save()

    for to in (
        UserFactory(),
        closed,
        off,
        group.owner,
        member_of(group, expires_at=days(-1)).user,
        member_of(group, status="requested", joined_at=None).user,
        member_of(group, status="banned").user,
    ):
        with pytest.raises(ConflictError):
            transfer_ownership(actor=group.owner, group=group, to=to)
    with pytest.raises(DomainError, match="rank"):
        heir = member_of(group).user
        transfer_ownership(actor=group.owner, group=group, to=heir, former_rank="king")
    assert owner_of(group) == group.owner


def test_the_only_owner_does_not_leave():
    group = owned_group()
    member_of(group, "group-owner", rank="owner", expires_at=days(-1))  # an owner no more
    member_of(group, "group-owner", rank="owner", expires_at=days(1))  # not for good
    member_of(group, "group-owner", rank="owner", status="left")
    member_of(group, "group-owner", rank="admin")
    gone = member_of(group, "group-owner", rank="owner").user
    gone.delete()

    with pytest.raises(ConflictError, match="Hand it over"):
        leave_group(actor=group.owner, group=group)

    assert owner_of(group) == group.owner


def test_when_the_owner_leaves_the_longest_standing_other_one_takes_over():
    group = owned_group()
    second = member_of(group, "group-viewer", rank="owner", joined_at=days(-5))
    member_of(group, "group-owner", rank="owner", joined_at=days(-1))

    leave_group(actor=group.owner, group=group)

    second.refresh_from_db()
    assert owner_of(group) == second.user
    assert second.role.slug == "group-owner"
    assert Membership.objects.get(group=group, user=group.owner).status == "left"
    assert Group.objects.get(pk=group.pk).member_count == 2
    assert not anew(group.owner).has_perm("groups.view_group", group)


def test_an_owner_who_is_no_member_hands_over_by_leaving():
    group = GroupFactory()
    second = member_of(group, "group-owner", rank="owner").user

    leave_group(actor=group.owner, group=group)

    assert owner_of(group) == second
