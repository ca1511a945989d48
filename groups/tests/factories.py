from datetime import timedelta

import factory
from django.utils import timezone

from authorization.models import Role, RoleScope
from authorization.tests.factories import RoleFactory
from groups.models import Group, Invitation, Membership
from users.models import User
from users.tests.factories import UserFactory


class GroupFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Group

    name = factory.Sequence(lambda n: f"Group {n:03}")
    slug = factory.Sequence(lambda n: f"group-{n}")
    owner = factory.SubFactory(UserFactory)


class MembershipFactory(factory.django.DjangoModelFactory):
    """An active member; ``role__permissions=[…]`` says what it may do."""

    class Meta:
        model = Membership

    group = factory.SubFactory(GroupFactory)
    user = factory.SubFactory(UserFactory)
    role = factory.SubFactory(RoleFactory, scope=RoleScope.GROUP)
    joined_at = factory.LazyFunction(timezone.now)


class InvitationFactory(factory.django.DjangoModelFactory):
    """One that is pending, whose token nobody knows."""

    class Meta:
        model = Invitation

    group = factory.SubFactory(GroupFactory)
    email = factory.Sequence(lambda n: f"guest{n}@example.org")
    role = factory.SubFactory(RoleFactory, scope=RoleScope.GROUP)
    token_hash = factory.Sequence(lambda n: f"{n:064}")
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=7))
    sent_at = factory.LazyFunction(timezone.now)
    invited_by = factory.SubFactory(UserFactory)


def owned_group(**fields):
    """A group whose owner is a member, as ``create_group()`` leaves it."""
    group = GroupFactory(member_count=1, **fields)
    member_of(group, "group-owner", rank="owner", user=group.owner)
    return group


def member_of(group, role="group-member", **fields):
    """A member with a system role, named by its slug."""
    return MembershipFactory(group=group, role=Role.objects.get(slug=role), **fields)


def anew(user):
    """The user as the next request reads them: with nothing remembered of what they may do."""
    return User.objects.get(pk=user.pk)
