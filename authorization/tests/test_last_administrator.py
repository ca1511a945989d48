"""Somebody always stays who may do everything."""

from contextlib import suppress
from functools import partial
from threading import Barrier, BrokenBarrierError

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from authorization.models import Role, RoleAssignment
from authorization.services.administrators import is_needed, keeping_an_administrator
from authorization.services.assignments import assign_role, change_assignment, revoke_role
from authorization.system_roles import sync_system_roles
from authorization.tests.factories import RoleAssignmentFactory
from core.errors import ConflictError, NotAllowedError
from core.tests.parallel import at_once
from users.models import User
from users.tests.factories import UserFactory

TOMORROW = timezone.now() + timezone.timedelta(days=1)


def administrator(**fields):
    role = Role.objects.get(slug="administrator")
    return RoleAssignmentFactory(role=role, user=UserFactory(is_staff=True), **fields)


def fresh(user):
    return User.objects.get(pk=user.pk)


def before_either_commits(*jobs):
    """The jobs, each waiting for the others to have got as far before it commits, if they can."""
    both = Barrier(len(jobs))

    def waiting(job):
        with transaction.atomic():
            job()
            with suppress(BrokenBarrierError):  # the other one is kept out, as it should be
                both.wait(timeout=0.3)

    return [partial(waiting, job) for job in jobs]


@pytest.mark.django_db
@pytest.mark.parametrize("other", [None, "asleep", "expired", "leaving", "for a time"])
def test_the_last_administrator_is_neither_revoked_nor_given_an_end(other):
    """Not even by themselves as superuser would; others that cannot help do not count."""
    actor = administrator(expires_at=TOMORROW).user  # may do everything, but not for good
    last = administrator()
    if other is not None:
        another = administrator(
            expires_at={"expired": timezone.now(), "for a time": TOMORROW}.get(other)
        )
        User.objects.filter(pk=another.user_id).update(
            is_active=other != "asleep",
            deletion_due_at=timezone.now() if other == "leaving" else None,
        )

    for act in (
        lambda: revoke_role(actor=actor, assignment=last),
        lambda: change_assignment(actor=actor, assignment=last, expires_at=TOMORROW),
        lambda: assign_role(actor=actor, user=last.user, role=last.role, expires_at=TOMORROW),
    ):
        with pytest.raises(ConflictError, match="Make somebody else"):
            act()
    assert RoleAssignment.objects.get(pk=last.pk).expires_at is None
    assert is_needed(last.user)
    assert not is_needed(actor)


@pytest.mark.django_db
def test_one_of_two_can_go():
    actor, other = administrator(), administrator()

    revoke_role(actor=fresh(actor.user), assignment=other)

    assert is_needed(actor.user)
    UserFactory(is_superuser=True)
    assert not is_needed(actor.user)


@pytest.mark.django_db
@pytest.mark.parametrize("door", ["change", "delete", "delete several"])
def test_the_last_administrator_is_not_switched_off_in_the_admin(client, door):
    client.force_login(administrator(expires_at=TOMORROW).user)
    last = administrator().user
    page = reverse("admin:users_user_change", args=[last.pk])
    form = {
        "username": last.username,
        "email": last.email,
        "locale": "en",
        "timezone": "UTC",
        "role_assignments-TOTAL_FORMS": 0,
        "role_assignments-INITIAL_FORMS": 0,
    }

    match door:
        case "change":  # with "active" unchecked
            response = client.post(page, form, follow=True)
        case "delete":
            address = reverse("admin:users_user_delete", args=[last.pk])
            response = client.post(address, {"post": "yes"}, follow=True)
        case _:
            rows = {"action": "delete_selected", "_selected_action": [last.pk], "post": "yes"}
            response = client.post(reverse("admin:users_user_changelist"), rows, follow=True)

    assert "Make somebody else an administrator first." in response.content.decode()
    last.refresh_from_db()
    assert (last.is_active, last.is_deleted) == (True, False)


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_revoke_each_other_at_once_one_stays():
    sync_system_roles()
    first, second = administrator(), administrator()

    actors = [fresh(first.user), fresh(second.user)]
    outcomes = at_once(
        *before_either_commits(
            lambda: revoke_role(actor=actors[0], assignment=second),
            lambda: revoke_role(actor=actors[1], assignment=first),
        )
    )

    assert RoleAssignment.objects.in_force().filter(role__slug="administrator").count() == 1
    assert [type(outcome) for outcome in outcomes if outcome is not None] in (
        [NotAllowedError],
        [ConflictError],
    )


@pytest.mark.django_db(transaction=True)
def test_of_two_superusers_who_are_switched_off_at_once_one_stays():
    sync_system_roles()
    people = [UserFactory(is_superuser=True), UserFactory(is_superuser=True)]

    def switch_off(user):
        with keeping_an_administrator():
            User.objects.filter(pk=user.pk).update(is_active=False)

    at_once(*before_either_commits(*(partial(switch_off, user) for user in people)))

    assert User.objects.active().filter(is_superuser=True).count() == 1
