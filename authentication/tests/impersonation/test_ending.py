"""How acting as somebody ends, and what is left of the member of staff then."""

from datetime import timedelta

import pytest
from django.utils import timezone

from authentication.tests.impersonation.acting import (
    STOP,
    acting_as,
    browser_of,
    impersonations,
    make_desk,
    somebody,
    start,
    who,
)
from authentication.tests.people import make_user
from authorization.models import RoleAssignment
from core.models import AuditEvent
from core.tests.parallel import at_once
from users.models import EndReason, User, UserSession
from users.sessions import SessionStore, revoke_sessions

bob = pytest.fixture(somebody)
pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return make_desk(username="ann")


def is_over():
    row = impersonations().get()
    return row.end_reason == EndReason.IMPERSONATION_ENDED and row.session_data == ""


def test_the_button_leads_back_to_ones_own_session(ann, bob):
    client = browser_of(ann)
    own = client.cookies["sessionid"].value
    start(client, bob)

    response = client.post(STOP, follow=True)

    assert response.redirect_chain == [(f"/admin/users/user/{bob.pk}/change/", 302)]
    assert "You act as yourself again" in response.content.decode()
    assert (who(client), client.cookies["sessionid"].value) == ("ann", own)
    assert is_over()
    event = AuditEvent.objects.get(action="impersonation_ended")
    assert (event.actor_id, event.on_behalf_of_id) == (ann.pk, bob.pk)
    assert event.object_id == str(bob.pk)


def test_stopping_twice_is_stopping_once(ann, bob):
    client = acting_as(bob, by=ann)
    key = client.cookies["sessionid"].value
    client.post(STOP)

    again = client.post(STOP)
    client.cookies["sessionid"] = key
    late = client.post(STOP)

    assert (again.status_code, again["Location"]) == (302, "/")
    assert late["Location"].startswith("/accounts/login/")
    assert AuditEvent.objects.filter(action="impersonation_ended").count() == 1


def test_the_button_is_no_link(bob):
    assert acting_as(bob).get(STOP).status_code == 405


def test_the_limit_leads_back_too(ann, bob):
    client = acting_as(bob, by=ann)
    past = timezone.now() - timedelta(seconds=1)
    impersonations().update(expires_at=past)

    page = client.get("/accounts/sessions/", follow=True)

    assert "The time is up" in page.content.decode()
    assert who(client) == "ann"
    assert is_over()
    assert AuditEvent.objects.get(action="impersonation_ended").actor_id == ann.pk


def test_what_was_asked_for_past_the_limit_is_not_done_as_oneself(ann, bob):
    client = acting_as(bob, by=ann)
    impersonations().update(expires_at=timezone.now())

    answer = client.post("/api/v1/items", {"name": "Pot"}, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (401, "impersonation_ended")
    assert who(client) == "ann"


def test_once_it_is_tidied_up_there_is_no_way_back(ann, bob):
    client = acting_as(bob, by=ann)
    impersonations().update(expires_at=timezone.now())
    SessionStore.clear_expired()

    assert who(client) == ""
    assert client.get("/accounts/sessions/").status_code == 302


def end_own_session(ann, bob):
    own = UserSession.objects.filter(user=ann, impersonator=None)
    revoke_sessions(own, reason=EndReason.REVOKED_BY_OWNER)


def switch_off(ann, bob):
    User.objects.filter(pk=ann.pk).update(is_active=False)


def delete(ann, bob):
    ann.delete()


def take_the_right(ann, bob):
    RoleAssignment.objects.filter(user=ann).delete()


def take_the_admin(ann, bob):
    User.objects.filter(pk=ann.pk).update(is_staff=False)


def promote_the_user(ann, bob):
    User.objects.filter(pk=bob.pk).update(is_staff=True)


def switch_the_user_off(ann, bob):
    User.objects.filter(pk=bob.pk).update(is_active=False)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (end_own_session, ""),
        (switch_off, ""),
        (delete, ""),
        (take_the_right, "ann"),
        (take_the_admin, "ann"),
        (promote_the_user, "ann"),
        (switch_the_user_off, "ann"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_the_next_request_ends_what_may_not_go_on(ann, bob, change, left):
    client = acting_as(bob, by=ann)
    change(ann, bob)

    answer = client.get("/api/v1/items")

    assert (answer.status_code, answer.json()["code"]) == (401, "impersonation_ended")
    assert is_over()
    assert AuditEvent.objects.get(action="impersonation_ended").actor_id == ann.pk
    assert who(client) == left


def test_changes_end_when_their_permission_is_lost(bob):
    root = make_user(username="root", is_staff=True, is_superuser=True)
    client = acting_as(bob, by=root, allow_changes="on")
    desk = make_desk()
    User.objects.filter(pk=root.pk).update(is_superuser=False)
    RoleAssignment.objects.filter(user=desk).update(user=root)

    answer = client.post("/api/v1/items", {"name": "Pot"}, content_type="application/json")

    assert answer.json()["code"] == "impersonation_ended"
    assert who(client) == "root"


def test_the_user_can_end_it_and_staff_sign_in_again(ann, bob):
    client = acting_as(bob, by=ann)

    revoke_sessions(UserSession.objects.filter(user=bob), reason=EndReason.REVOKED_BY_OWNER)

    assert who(client) == ""
    assert UserSession.objects.active().get().user == ann


@pytest.mark.parametrize("how", ["page", "admin", "flow"])
def test_signing_out_ends_both(ann, bob, how):
    client = acting_as(bob, by=ann)

    if how == "page":
        client.post("/accounts/logout/")
    elif how == "admin":
        client.post("/admin/logout/")
    else:
        client.delete("/api/auth/browser/v1/auth/session")

    assert who(client) == ""
    assert is_over()
    assert not UserSession.objects.active().exclude(user=None).exists()
    event = AuditEvent.objects.get(action="sign_out")
    assert (event.actor_id, event.on_behalf_of_id) == (ann.pk, None)


# --- Races ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_starting_twice_at_once_leaves_one():
    ann, bob = make_desk(username="ann"), make_user(username="bob")
    browsers = [browser_of(ann)]
    browsers += [type(browsers[0])() for _n in range(3)]
    for other in browsers[1:]:
        other.cookies["sessionid"] = browsers[0].cookies["sessionid"].value

    answers = at_once(*[lambda c=client: start(c, bob).status_code for client in browsers])

    # 400: what it began was ended by another before it was stored in the browser.
    assert answers.count(302) >= 1
    assert set(answers) <= {302, 400}
    assert impersonations(ended_at=None).count() == 1
    assert impersonations().count() == 4
    assert AuditEvent.objects.filter(action="impersonation_ended").count() == 3


@pytest.mark.django_db(transaction=True)
def test_stopping_twice_at_once_records_one_end():
    ann, bob = make_desk(username="ann"), make_user(username="bob")
    first = acting_as(bob, by=ann)
    others = [type(first)() for _n in range(3)]
    for other in others:
        other.cookies["sessionid"] = first.cookies["sessionid"].value

    at_once(*[lambda c=client: c.post(STOP).status_code for client in (first, *others)])

    assert AuditEvent.objects.filter(action="impersonation_ended").count() == 1
    assert is_over()
    assert UserSession.objects.active().get().user == ann


@pytest.mark.django_db(transaction=True)
def test_the_limit_passing_while_somebody_stops_records_one_end():
    ann, bob = make_desk(username="ann"), make_user(username="bob")
    client = acting_as(bob, by=ann)
    other = type(client)()
    other.cookies["sessionid"] = client.cookies["sessionid"].value

    def pass_limit():
        impersonations().filter(ended_at=None).update(expires_at=timezone.now())
        return other.get("/api/v1/me").status_code

    at_once(lambda: client.post(STOP).status_code, pass_limit)

    assert AuditEvent.objects.filter(action="impersonation_ended").count() == 1
    assert is_over()
