import factory

from items.models import Item
from users.tests.factories import UserFactory


class ItemFactory(factory.django.DjangoModelFactory):
    """A personal item; ``owner=None, group=…`` makes it one of a group."""

    class Meta:
        model = Item

    name = factory.Sequence(lambda n: f"Item {n:03}")
    owner = factory.SubFactory(UserFactory)
