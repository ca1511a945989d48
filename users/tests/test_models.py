import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from core.models import AuditEvent
from users.models import User
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_a_user_made_without_a_password_has_none():
    user = User.objects.create_user("ann", "ann@example.org")

    assert not user.has_usable_password()


def test_making_a_user_is_recorded_without_the_password():
    User.objects.create_user("ann", "ann@example.org", "a long enough password")

    event = AuditEvent.objects.get(model="user")
    assert event.changes["password"] == [None, "[redacted]"]
    assert "long enough" not in str(event.changes)


@pytest.mark.parametrize("identifier", ["ann", "ANN", "ann@example.org", "Ann@Example.ORG"])
def test_a_user_is_found_by_name_or_address_whatever_the_case(identifier):
    user = UserFactory(username="Ann", email="ann@example.org")

    assert User.objects.named(identifier).get() == user


def test_a_taken_address_is_a_clear_error_on_the_field_level():
    UserFactory(email="ann@example.org")

    with pytest.raises(ValidationError, match="e-mail address already exists"):
        User.objects.create_user("other", "ANN@example.org")


def test_a_natural_key_never_finds_a_deleted_user():
    UserFactory(username="ann").delete()

    with pytest.raises(User.DoesNotExist):
        User.objects.get_by_natural_key("ann")


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(ValidationError, match="not a time zone"):
        UserFactory.build(timezone="Mars/Olympus").full_clean(exclude=["password"])


def test_the_database_refuses_a_verification_without_its_moment():
    with pytest.raises(IntegrityError), transaction.atomic():
        UserFactory(is_verified=True)


def test_a_user_has_neither_groups_nor_permissions_of_its_own():
    names = {field.name for field in User._meta.get_fields()}

    assert not names & {"groups", "user_permissions"}
