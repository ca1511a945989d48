"""Who may act as whom, and what it takes to begin."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import RequestFactory
from django.utils import timezone

from authentication.impersonation import sessions
from authentication.impersonation.rules import refusal_of
from authentication.tests.account_clients import mails_at_once  # noqa: F401 (a fixture)
from authentication.tests.impersonation.acting import (
    DESK,
    REASON,
    acting_as,
    browser_of,
    impersonations,
    make_desk,
    page_of,
    somebody,
    start,
    who,
)
from authentication.tests.people import make_user
from authorization.models import Role
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.errors import NotAllowedError
from core.models import AuditEvent
from users.models import User, UserSession

bob = pytest.fixture(somebody)
pytestmark = pytest.mark.django_db


# --- Who, as whom ---------------------------------------------------------------------------


def with_role(user, *permissions):
    RoleAssignmentFactory(user=user, role=RoleFactory(permissions=permissions))
    return user


def of_system_role(slug, **fields):
    user = make_user(**fields)
    RoleAssignmentFactory(user=user, role=Role.objects.get(slug=slug))
    return user


ACTORS = {
    "superuser": lambda: make_user(is_staff=True, is_superuser=True),
    "desk": make_desk,
    "administrator": lambda: of_system_role("administrator", is_staff=True),
    "administrator without the admin": lambda: of_system_role("administrator"),
    "support": lambda: of_system_role("support", is_staff=True),
    "staff": lambda: of_system_role("staff", is_staff=True),
    "auditor": lambda: of_system_role("auditor", is_staff=True),
    "plain": make_user,
    "desk, switched off": lambda: make_desk(is_active=False),
}
TARGETS = {
    "plain": make_user,
    "with a right that the desk has": lambda: with_role(make_user(), "users.view_user"),
    "with a right that the desk lacks": lambda: with_role(make_user(), "users.delete_user"),
    "staff": lambda: make_user(is_staff=True),
    "superuser": lambda: make_user(is_superuser=True),
    "administrator": lambda: of_system_role("administrator"),
    "who may act as others": lambda: with_role(make_user(), *DESK),
    "switched off": lambda: make_user(is_active=False),
    "must use a second factor": lambda: make_user(totp_required=True),
}
HARMLESS = {"plain", "with a right that the desk has", "must use a second factor"}
ALLOWED = (
    {("desk", target) for target in HARMLESS}
    | {("superuser", target) for target in HARMLESS | {"with a right that the desk lacks"}}
    | {("administrator", target) for target in HARMLESS | {"with a right that the desk lacks"}}
)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("actor", ACTORS)
def test_never_another_administrator_and_only_whom_one_could_manage(actor, target):
    refusal = refusal_of(ACTORS[actor](), TARGETS[target]())

    assert (not refusal) == ((actor, target) in ALLOWED), refusal


def test_nobody_acts_as_themselves_or_as_somebody_deleted(bob):
    desk = make_desk()
    bob.delete()

    assert refusal_of(desk, desk)
    assert refusal_of(desk, User.objects.get(pk=bob.pk))


def test_only_administrators_have_the_right_of_the_system_roles():
    having = Role.objects.filter(permissions__codename="impersonate_user", is_system=True)

    assert list(having.values_list("slug", flat=True)) == ["administrator"]


# --- What it takes --------------------------------------------------------------------------


def test_asvs_7_5_3_acting_as_somebody_takes_a_recent_step_up(bob):
    client = browser_of(make_desk(username="ann"), stepped_up=False)

    for answer in (client.get(page_of(bob)), start(client, bob)):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/step-up/?next=%2Fadmin%2Fusers%2Fuser%2F")
    assert not impersonations().exists()
    assert who(client) == "ann"


def test_the_service_asks_for_the_step_up_as_well(bob):
    desk = make_desk()
    client = browser_of(desk, stepped_up=False)
    request = RequestFactory().post("/")
    request.user, request.session = desk, client.session

    with pytest.raises(NotAllowedError, match="Prove again"):
        sessions.start(request, user=bob, reason=REASON)


@pytest.mark.parametrize(
    "reason", ["", "too short", "  short    ", "x" * 501, "nul\0 in the middle"]
)
def test_it_takes_a_reason(bob, reason):
    client = browser_of(make_desk(username="ann"))

    response = start(client, bob, reason)

    assert response.status_code == 200
    assert response.context["form"].errors["reason"]
    assert not impersonations().exists()
    assert who(client) == "ann"


def test_who_may_not_finds_no_way_there(bob):
    clerk = make_user(is_staff=True)
    RoleAssignmentFactory(user=clerk, role=RoleFactory(permissions=DESK[:2]))
    client = browser_of(clerk)

    form = client.get(f"/admin/users/user/{bob.pk}/change/")

    assert "Act as this user" not in form.content.decode()
    assert client.get(page_of(bob)).status_code == 403
    assert start(client, bob).status_code == 403


def test_the_page_of_a_user_leads_there_and_that_of_staff_does_not(bob):
    client = browser_of(make_desk())
    other = make_user(is_staff=True)

    assert page_of(bob) in client.get(f"/admin/users/user/{bob.pk}/change/").content.decode()
    assert (
        page_of(other) not in client.get(f"/admin/users/user/{other.pk}/change/").content.decode()
    )
    refused = client.get(page_of(other), follow=True)
    assert "Nobody acts as somebody who runs the installation" in refused.content.decode()


@pytest.mark.parametrize(("is_superuser", "status"), [(True, 302), (False, 302)])
def test_only_superusers_may_choose_to_change_something(bob, is_superuser, status):
    actor = make_user(is_staff=True, is_superuser=True) if is_superuser else make_desk()
    client = browser_of(actor)

    form = client.get(page_of(bob)).content.decode()
    start(client, bob, allow_changes="on")

    assert ("allow_changes" in form) == is_superuser
    assert impersonations().get().is_read_only == (not is_superuser)


# --- What it makes --------------------------------------------------------------------------


@pytest.mark.usefixtures("mails_at_once")
def test_it_makes_a_session_of_the_user_that_says_who_why_and_until_when(bob, settings):
    ann = make_desk(username="ann")
    last_login, before = bob.last_login, timezone.now()

    client = acting_as(bob, by=ann)

    row = impersonations().get()
    assert (row.user, row.impersonator, row.impersonation_reason) == (bob, ann, REASON)
    assert (row.is_read_only, row.login_method, row.is_remembered) == (True, "impersonation", False)
    limit = timedelta(seconds=settings.IMPERSONATION_SECONDS)
    assert before + limit <= row.expires_at <= timezone.now() + limit
    assert limit <= timedelta(hours=1)
    assert who(client) == "bob"
    bob.refresh_from_db()
    assert (bob.last_login, row.signed_in_at, row.verified_factor) == (last_login, None, "")
    assert UserSession.objects.active().filter(user=ann).count() == 1
    event = AuditEvent.objects.get(action="impersonation_started")
    assert (event.actor_id, event.object_id, event.via) == (ann.pk, str(bob.pk), "admin")
    assert event.changes["reason"] == [None, REASON]
    assert event.changes["session"] == [None, str(row.pk)]
    [message] = mail.outbox
    assert message.to == [bob.email]
    assert "A member of staff" in message.body
    assert "ann" not in message.body
    assert REASON not in message.body


def test_the_key_of_the_session_in_the_browser_changes(bob):
    ann = make_desk()
    client = browser_of(ann)
    own = client.cookies["sessionid"].value

    start(client, bob)

    assert client.cookies["sessionid"].value != own
    assert own not in impersonations().get().session_data


def test_a_second_factor_that_the_user_must_use_does_not_hold_staff_back(bob):
    User.objects.filter(pk=bob.pk).update(totp_required=True)

    client = acting_as(bob)

    assert who(client) == "bob"
    assert not client.get("/accounts/sessions/").wsgi_request.user.is_verified()


def test_nobody_acts_as_two_users(bob):
    ann, carol = make_desk(), make_user(username="carol")
    first = acting_as(bob, by=ann)

    second = acting_as(carol, by=ann)

    assert who(second) == "carol"
    assert impersonations(ended_at=None).get().user == carol
    assert impersonations(user=bob).get().end_reason == "impersonation_ended"
    assert who(first) != "bob"


def test_nobody_begins_from_inside(bob):
    client = acting_as(bob)

    assert start(client, make_user()).status_code == 403
    request = client.get("/accounts/sessions/").wsgi_request
    with pytest.raises(NotAllowedError, match="already"):
        sessions.start(request, user=make_user(), reason=REASON)
    assert impersonations().count() == 1
