from datetime import timedelta

import factory
from django.utils import timezone

from users.models import Device, User, UserSession


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")


class DeviceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Device

    user = factory.SubFactory(UserFactory)
    fingerprint = factory.Sequence(lambda n: f"{n:064x}")


class UserSessionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = UserSession

    key_hash = factory.Sequence(lambda n: f"{n:064x}")
    session_data = "x"
    user = factory.SubFactory(UserFactory)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=1))
    idle_expires_at = factory.SelfAttribute("expires_at")
