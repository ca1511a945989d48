"""Whatever people do in a group, in whatever order: what always holds."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from authorization.models import Role
from core.errors import DomainError
from groups.models import Group, Membership
from groups.services import members as services
from groups.services.ownership import transfer_ownership
from groups.services.ranks import level_of, standing_of
from groups.tests.factories import owned_group
from users.models import User
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

SIZE, PLACES = 5, 4
SOMEBODY = st.integers(0, SIZE - 1)
RANKS = st.sampled_from(["member", "admin", "owner"])
ROLES = st.sampled_from(["group-owner", "group-admin", "group-member", "group-viewer"])
ENDS = st.sampled_from([None, 5, 50])  # days


class GroupMachine(RuleBasedStateMachine):
    """Five people, one of whom made an open group with four places."""

    people = None
    group = None

    def __init__(self):
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.group = owned_group(
            is_public=True, is_open=True, max_members=PLACES, owner=type(self).people[0]
        )

    def teardown(self):
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    def person(self, number):
        return User.objects.get(pk=self.people[number].pk)

    def row(self, number):
        return Membership.objects.filter(group=self.group, user=self.people[number]).first()

    def attempt(self, job, **values):
        """Do it, refused or not; a refusal must change nothing that the invariants see."""
        try:
            with transaction.atomic():
                return job(**values)
        except DomainError:
            return None

    def managed(self, actor, target, job, **values):
        membership = self.row(target)
        if membership is None:
            return None
        membership.group = Group.objects.get(pk=self.group.pk)
        above = standing_of(self.person(actor), membership.group).level
        below = level_of(membership)
        done = self.attempt(job, actor=self.person(actor), membership=membership, **values)
        if done is not None:
            assert actor != target
            assert above > below, "somebody managed a superior or an equal"
            assert level_of(done) < above, "somebody is above who granted it"
        return done

    @rule(who=SOMEBODY)
    def join(self, who):
        self.attempt(services.join_group, actor=self.person(who), group=self.group)

    @rule(who=SOMEBODY)
    def leave(self, who):
        self.attempt(services.leave_group, actor=self.person(who), group=self.group)

    @rule(actor=SOMEBODY, who=SOMEBODY, rank=RANKS, role=ROLES, days=ENDS)
    def change(self, actor, who, rank, role, days):
        end = None if days is None else timezone.now() + timedelta(days=days)
        role = Role.objects.get(slug=role)
        self.managed(actor, who, services.change_member, rank=rank, role=role, expires_at=end)

    @rule(actor=SOMEBODY, who=SOMEBODY)
    def approve(self, actor, who):
        self.managed(actor, who, services.approve_request)

    @rule(actor=SOMEBODY, who=SOMEBODY)
    def remove(self, actor, who):
        self.managed(actor, who, services.remove_member)

    @rule(actor=SOMEBODY, who=SOMEBODY)
    def ban(self, actor, who):
        self.attempt(
            services.ban_member,
            actor=self.person(actor),
            group=self.group,
            user=self.person(who),
            reason="trouble",
        )

    @rule(actor=SOMEBODY, who=SOMEBODY)
    def unban(self, actor, who):
        self.managed(actor, who, services.unban_member)

    @rule(actor=SOMEBODY, to=SOMEBODY, rank=RANKS)
    def transfer(self, actor, to, rank):
        self.attempt(
            transfer_ownership,
            actor=self.person(actor),
            group=self.group,
            to=self.person(to),
            former_rank=rank,
        )

    @rule(who=SOMEBODY)
    def expire(self, who):
        rows = Membership.objects.filter(group=self.group, user=self.people[who])
        rows.exclude(expires_at=None).update(expires_at=timezone.now() - timedelta(days=1))

    @invariant()
    def one_owner_who_is_a_member_for_good(self):
        group = Group.objects.get(pk=self.group.pk)
        own = Membership.objects.in_force().get(group=group, user=group.owner)
        assert (own.rank, own.expires_at) == ("owner", None)

    @invariant()
    def the_count_is_that_of_the_last_change_and_never_too_high(self):
        group = Group.objects.get(pk=self.group.pk)
        in_force = Membership.objects.unexpired().filter(group=group).count()
        assert in_force <= group.member_count <= PLACES
        expired = Membership.objects.filter(
            group=group, status="active", expires_at__lte=timezone.now()
        )
        assert group.member_count == in_force or expired.exists()


def test_no_sequence_of_changes_breaks_a_rule():
    GroupMachine.people = UserFactory.create_batch(SIZE)
    run_state_machine_as_test(
        GroupMachine,
        settings=settings(
            max_examples=25,
            stateful_step_count=15,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
