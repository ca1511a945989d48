"""What holds however many do it at the same moment."""

from functools import partial

import pytest

from core.errors import ConflictError, NotAllowedError
from core.models import AuditEvent
from core.tests.parallel import at_once
from groups.models import Group, Membership
from groups.services.groups import create_group
from groups.services.members import change_member, join_group, leave_group
from groups.services.ownership import transfer_ownership
from groups.tests.factories import anew, member_of, owned_group
from users.models import User
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_forty_joins_at_once_on_ten_places_admit_exactly_ten():
    group = owned_group(is_public=True, is_open=True, max_members=11)
    people = [User(username=f"p{n}", email=f"p{n}@example.com") for n in range(40)]
    User.objects.bulk_create(people)

    joins = [partial(join_group, actor=user, group=group) for user in people]
    outcomes = at_once(*joins, connected=False)

    joined = [outcome for outcome in outcomes if isinstance(outcome, Membership)]
    full = [outcome for outcome in outcomes if isinstance(outcome, ConflictError)]
    assert (len(joined), len(full)) == (10, 30), outcomes
    assert Membership.objects.in_force().filter(group=group).count() == 11
    assert Group.objects.get(pk=group.pk).member_count == 11


def test_two_owners_who_leave_at_once_leave_one():
    group = owned_group()
    second = member_of(group, "group-owner", rank="owner").user

    outcomes = at_once(
        partial(leave_group, actor=group.owner, group=group),
        partial(leave_group, actor=second, group=group),
    )

    refused = [outcome for outcome in outcomes if outcome is not None]
    assert [type(outcome) for outcome in refused] == [ConflictError]
    left = Group.objects.get(pk=group.pk)
    assert Membership.objects.in_force().get(group=group).user == left.owner
    assert left.member_count == 1


def test_of_two_hand_overs_at_once_one_counts():
    group = owned_group()
    former = group.owner
    heirs = [member_of(group).user for _ in range(2)]

    outcomes = at_once(
        *(partial(transfer_ownership, actor=anew(former), group=group, to=heir) for heir in heirs)
    )

    refused = [outcome for outcome in outcomes if not isinstance(outcome, Group)]
    assert [type(outcome) for outcome in refused] == [NotAllowedError]
    assert Group.objects.get(pk=group.pk).owner in heirs


def test_an_owner_who_is_demoted_while_they_promote_does_one_or_the_other():
    group = owned_group()
    second = member_of(group, "group-owner", rank="owner")
    member = member_of(group, "group-member")

    at_once(
        partial(change_member, actor=group.owner, membership=second, rank="member"),
        partial(change_member, actor=second.user, membership=member, rank="admin"),
    )

    second.refresh_from_db()
    member.refresh_from_db()
    assert second.rank == "member"
    promoted = AuditEvent.objects.filter(object_id=str(member.pk), action="update")
    demoted = AuditEvent.objects.get(object_id=str(second.pk), action="update")
    assert all(event.pk < demoted.pk for event in promoted)
    assert promoted.count() == (member.rank == "admin")


def test_groups_of_one_name_made_at_once_have_slugs_of_their_own():
    people = UserFactory.create_batch(4)

    at_once(*[partial(create_group, actor=user, name="Crew") for user in people])

    slugs = sorted(Group.objects.values_list("slug", flat=True))
    assert slugs == ["crew", "crew-2", "crew-3", "crew-4"]
