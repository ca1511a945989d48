"""Owners ask for the end of their account, and may change their mind."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from django.utils import timezone

from authentication.mails.reports import read
from authentication.personal_data.closing import (
    CannotCloseError,
    ask_for_deletion,
    cancel_deletion,
    close_due_accounts,
)
from authentication.services.not_me import report_not_me
from authorization.models import Role, RoleAssignment
from core.context import ActingContext, entered
from core.errors import ConflictError, DomainError, NotAllowedError
from core.models import AuditEvent
from groups.models import Group
from groups.tests.factories import GroupFactory, MembershipFactory
from truledgr.tests.closing import annika, bobolink, fresh, make_due, supporter
from users.models import User

staff, ann, bob = map(pytest.fixture, (supporter, annika, bobolink))
pytestmark = pytest.mark.django_db

DELETION, PAGE = "/api/v1/me/deletion", "/accounts/data/"


def ask(client, username):
    return client.post(DELETION, {"username": username}, content_type="application/json")


# --- Asking for it --------------------------------------------------------------------------


def test_a_deletion_is_due_after_the_grace_period_and_told_by_mail(ann):
    client = ann.client()

    response = ask(client, "annika")

    assert response.status_code == 202
    due = fresh(ann.user).deletion_due_at
    grace = timedelta(days=settings.ACCOUNT_DELETION_GRACE_DAYS)
    assert abs(due - timezone.now() - grace) < timedelta(minutes=1)
    assert response.json()["due_at"] == due.isoformat().replace("+00:00", "Z")
    [message] = mail.outbox
    assert message.to == [ann.words["email"]]
    assert f"Deleted on: {due:%Y-%m-%d %H:%M} UTC" in message.body
    assert PAGE in message.body
    assert AuditEvent.objects.get(action="ask_for_deletion").changes["deletion_due_at"][0] is None


def test_asking_again_moves_nothing(ann):
    first = ask_for_deletion(actor=ann.user, username="annika")

    assert ask_for_deletion(actor=fresh(ann.user), username="annika") == first
    assert len(mail.outbox) == 1


def test_meanwhile_everything_works_and_pages_say_so(ann):
    client = ann.client()
    due = ask_for_deletion(actor=ann.user, username="annika")

    assert client.get("/api/v1/me").status_code == 200
    says = f"account is deleted on {due:%Y-%m-%d}"
    assert f"This {says}." in client.get("/accounts/sessions/").content.decode()
    own_page = client.get(PAGE).content.decode()
    assert f"The {says}" in own_page
    assert "This account is deleted" not in own_page


def test_a_cancelled_deletion_leaves_everything_as_it_was(ann):
    client = ann.client()
    ask(client, "annika")

    assert client.delete(DELETION).status_code == 204

    assert fresh(ann.user).deletion_due_at is None
    assert mail.outbox[-1].subject == "Your account stays"
    assert client.get(DELETION).json()["due_at"] is None
    assert close_due_accounts() == []
    assert not fresh(ann.user).is_deleted
    assert AuditEvent.objects.filter(action="cancel_deletion").exists()


def test_cancelling_nothing_tells_nobody(ann):
    assert ann.client().delete(DELETION).status_code == 204
    assert not mail.outbox


def test_the_page_asks_and_cancels(ann):
    client = ann.client()

    asked = client.post(f"{PAGE}delete/", {"username": "annika"}, follow=True)
    assert "will be deleted on" in asked.content.decode()
    kept = client.post(f"{PAGE}keep/", follow=True)

    assert "Your account stays." in kept.content.decode()
    assert fresh(ann.user).deletion_due_at is None


@pytest.mark.parametrize("typed", ["", "Annika", "annik", "bobolink", "a\0"])
def test_another_name_confirms_nothing(ann, typed):
    client = ann.client()

    response = ask(client, typed)
    page = client.post(f"{PAGE}delete/", {"username": typed}, follow=True)

    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "username"
    assert "This is not your username." in page.content.decode()
    assert fresh(ann.user).deletion_due_at is None


@pytest.mark.parametrize(
    "body", ["{}", "[]", "{", '{"username": 1}', '{"username": "annika", "when": "now"}']
)
def test_a_bad_body_is_refused(ann, body):
    response = ann.client().generic("POST", DELETION, body, "application/json")

    assert response.status_code == 400
    assert fresh(ann.user).deletion_due_at is None


def test_asvs_7_5_3_a_deletion_needs_a_recent_step_up_and_keeping_does_not(ann):
    client = Client()
    client.force_login(ann.user)

    refused = ask(client, "annika")
    page = client.post(f"{PAGE}delete/", {"username": "annika"})
    ask_for_deletion(actor=ann.user, username="annika")

    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    assert page["Location"].startswith("/accounts/step-up/")
    assert client.delete(DELETION).status_code == 204


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_access_token_neither_asks_nor_cancels(ann, api_of, method):
    response = getattr(api_of(ann.user), method)(DELETION)

    assert (response.status_code, response.json()["code"]) == (403, "session_required")


def test_staff_who_act_as_somebody_neither_ask_nor_cancel(ann, staff):
    with entered(ActingContext(actor=lambda: ann.user, impersonator=lambda: staff)):
        with pytest.raises(NotAllowedError):
            ask_for_deletion(actor=ann.user, username="annika")
        with pytest.raises(NotAllowedError):
            cancel_deletion(actor=ann.user, user=ann.user)


def test_whoever_says_that_was_not_me_keeps_the_account(ann):
    ask_for_deletion(actor=ann.user, username="annika")
    token = mail.outbox[0].body.partition("/accounts/not-me/")[2].split("/")[0]

    report_not_me(claim=read(token))

    assert fresh(ann.user).deletion_due_at is None
    assert not fresh(ann.user).has_usable_password()


# --- What is in the way ---------------------------------------------------------------------


def test_who_owns_a_group_with_others_hands_it_over_first(ann, bob):
    group = GroupFactory(owner=ann.user, name="Rowing club")
    bob.join(group)
    client = ann.client()

    refused = ask(client, "annika")

    assert (refused.status_code, refused.json()["code"]) == (409, "account_has_obstacles")
    assert "“Rowing club”" in refused.json()["detail"]
    assert ann.words["group"] not in refused.json()["detail"]
    [obstacle] = client.get(DELETION).json()["obstacles"]
    assert obstacle["code"] == "owns_group"
    assert "“Rowing club”" in client.get(PAGE).content.decode()
    Group.objects.filter(pk=group.pk).update(owner=bob.user)
    assert ask(client, "annika").status_code == 202


@pytest.mark.parametrize("status", ["left", "invited", "requested"])
def test_who_is_not_in_a_group_keeps_nobody(ann, bob, status):
    group = GroupFactory(owner=ann.user)
    membership = MembershipFactory(group=group, user=bob.user, status=status)

    ask_for_deletion(actor=ann.user, username="annika")

    assert membership.group.owner_id == ann.user.pk


def test_a_member_who_is_deleted_keeps_nobody(ann, bob):
    bob.join(GroupFactory(owner=ann.user))
    bob.delete()

    ask_for_deletion(actor=ann.user, username="annika")


def make_administrator(user, *, by):
    if by == "superuser":
        User.objects.filter(pk=user.pk).update(is_superuser=True)
    else:
        role = Role.objects.get(slug="administrator")
        RoleAssignment.objects.create(user=user, role=role)


@pytest.mark.parametrize("other_by", ["superuser", "role"])
@pytest.mark.parametrize("by", ["superuser", "role"])
def test_the_last_administrator_stays(ann, bob, by, other_by):
    make_administrator(ann.user, by=by)

    with pytest.raises(CannotCloseError, match="last administrator"):
        ask_for_deletion(actor=fresh(ann.user), username="annika")

    make_administrator(bob.user, by=other_by)
    ask_for_deletion(actor=fresh(ann.user), username="annika")
    with pytest.raises(CannotCloseError, match="last administrator"):
        ask_for_deletion(actor=fresh(bob.user), username="bobolink")


@pytest.mark.parametrize("change", [{"is_active": False}, {"deletion_due_at": timezone.now()}])
def test_an_administrator_who_cannot_help_does_not_count(ann, bob, change):
    make_administrator(ann.user, by="superuser")
    make_administrator(bob.user, by="superuser")
    User.objects.filter(pk=bob.user.pk).update(**change)

    with pytest.raises(CannotCloseError, match="last administrator"):
        ask_for_deletion(actor=fresh(ann.user), username="annika")


def test_every_obstacle_is_named_at_once(ann, bob):
    bob.join(GroupFactory(owner=ann.user, name="One"))
    bob.join(GroupFactory(owner=ann.user, name="Two"))
    make_administrator(ann.user, by="superuser")

    with pytest.raises(CannotCloseError) as refusal:
        ask_for_deletion(actor=fresh(ann.user), username="annika")

    assert [obstacle.code for obstacle in refusal.value.obstacles] == [
        "owns_group",
        "owns_group",
        "last_administrator",
    ]


def test_what_comes_in_the_way_later_withdraws_the_request_and_is_told(ann, bob):
    make_due(ann.user)
    bob.join(GroupFactory(owner=ann.user, name="Rowing club"))
    make_due(bob.user)

    done = {closed.username: closed.refused for closed in close_due_accounts()}

    assert "Rowing club" in done["annika"]
    assert done["bobolink"] == ""
    user = fresh(ann.user)
    assert (user.deletion_due_at, user.is_deleted, user.anonymised_at) == (None, False, None)
    told = {message.to[0]: message.subject for message in mail.outbox}
    assert told[ann.words["email"]] == "Your account could not be deleted"
    assert close_due_accounts() == []


# --- Cost -----------------------------------------------------------------------------------


def test_the_state_is_read_in_a_fixed_number_of_queries(ann, bob, django_assert_num_queries):
    for _time in range(3):
        bob.join(GroupFactory(owner=ann.user))
    client = ann.client()

    # 1. session and user  2. groups in the way  3. whether the user is an administrator
    with django_assert_num_queries(3):
        response = client.get(DELETION)

    assert len(response.json()["obstacles"]) == 3


def test_a_domain_error_is_what_the_services_raise(ann):
    with pytest.raises(DomainError, match="not your username"):
        ask_for_deletion(actor=ann.user, username="x")
    ann.delete()
    with pytest.raises(ConflictError, match="has been deleted"):
        cancel_deletion(actor=None, user=ann.user)
