from datetime import timedelta

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.utils import timezone

from authorization.backends import RoleBackend
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from users.models import User
from users.services import can_manage
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

VIEW = "users.view_user"


@pytest.fixture
def assignment():
    return RoleAssignmentFactory(role__permissions=[VIEW])


def fresh(user):
    return User.objects.get(pk=user.pk)


def test_a_role_grants_its_permissions_and_nothing_else(assignment):
    user = fresh(assignment.user)

    assert user.has_perm(VIEW)
    assert not user.has_perm("users.delete_user")
    assert user.has_perms([VIEW])
    assert user.has_module_perms("users")
    assert not user.has_module_perms("items")
    assert user.get_all_permissions() == {VIEW}


def test_the_first_check_is_one_query_and_later_ones_none(assignment, django_assert_num_queries):
    user = fresh(assignment.user)

    # 1. the permissions of all roles of the user
    with django_assert_num_queries(1):
        user.has_perm(VIEW)
        user.has_perm("items.view_item")
        user.has_module_perms("groups")


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"role__is_active": False},
        {"user__is_active": False},
    ],
)
def test_what_is_expired_or_switched_off_grants_nothing(change):
    assignment = RoleAssignmentFactory(role__permissions=[VIEW], **change)

    assert not fresh(assignment.user).has_perm(VIEW)


def test_another_holder_of_the_role_does_not_lend_an_expired_one_the_permission(assignment):
    expired = RoleAssignmentFactory(
        role=assignment.role, expires_at=timezone.now() - timedelta(days=1)
    )

    assert not fresh(expired.user).has_perm(VIEW)
    assert list(RoleBackend().with_perm(VIEW)) == [assignment.user]


def test_a_deleted_user_holds_nothing(assignment):
    assignment.user.delete()

    assert not fresh(assignment.user).has_perm(VIEW)


def test_a_change_takes_effect_on_the_next_request(assignment):
    assert fresh(assignment.user).has_perm(VIEW)

    assignment.delete()

    assert not fresh(assignment.user).has_perm(VIEW)


def test_having_been_asked_while_switched_off_does_not_hide_what_waking_up_gives():
    off = RoleAssignmentFactory(role__permissions=[VIEW], user__is_active=False).user
    assert not off.has_perm(VIEW)

    assert not can_manage(UserFactory(), off)


# --- Signing in -----------------------------------------------------------------------------

PASSWORD = "correct horse battery staple"


@pytest.fixture
def person():
    return get_user_model().objects.create_user("ann", "ann@example.org", PASSWORD)


@pytest.mark.parametrize("identifier", [{"username": "ann"}, {"email": "ANN@example.org"}])
def test_the_right_password_signs_in(person, identifier):
    assert authenticate(None, password=PASSWORD, **identifier) == person


@pytest.mark.parametrize("password", ["wrong", "", PASSWORD.upper(), f" {PASSWORD}"])
def test_any_other_password_does_not(person, password):
    assert authenticate(None, username="ann", password=password) is None


@pytest.mark.parametrize("state", ["disabled", "deleted", "unknown"])
def test_an_account_that_may_not_sign_in_answers_like_a_wrong_password(
    person, state, django_assert_num_queries
):
    if state == "disabled":
        User.objects.update(is_active=False)
    if state == "deleted":
        person.delete()
    username = "nobody" if state == "unknown" else "ann"

    # 1. the user
    with django_assert_num_queries(1):
        assert authenticate(None, username=username, password=PASSWORD) is None


def test_a_group_role_is_not_held_everywhere():
    user = UserFactory()
    RoleFactory(permissions=[VIEW])

    assert not user.has_perm(VIEW)
