import factory
from django.utils import timezone

from authorization.models import RoleScope
from authorization.tests.factories import RoleFactory
from groups.models import Group, Membership
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
