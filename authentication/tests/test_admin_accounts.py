"""What staff do for accounts in the admin, and what they cannot."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.urls import reverse

from authentication.models import PasswordResetToken, TOTPDevice
from authentication.services.password_resets import make_reset_token
from authentication.tests.account_clients import (
    OTHER,
    Headless,
    is_new_password,
    link_in,
    mails_at_once,  # noqa: F401 (a fixture)
    mails_to,
    use_by,
)
from authentication.tests.people import make_user
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.models import AuditEvent
from users.models import EndReason, User, UserSession
from users.tests.test_admin import FRONT_DESK, filled, make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mails_at_once")]

LIST = "/admin/users/user/"
ACTIONS = ["send_reset_link", "end_all_sessions", "unlock_account", "require_second_factor"]
DESK = [*FRONT_DESK, "users.change_usersession"]


@pytest.fixture
def user():
    return make_user(username="anna")


@pytest.fixture
def clerk(client):
    clerk = make_staff(*DESK, username="clerk")
    client.force_login(clerk)
    return clerk


def page(user):
    return reverse("admin:users_user_change", args=[user.pk])


def button(user, name):
    return reverse("admin:users_user_account_action", args=[user.pk, name])


def act(client, how, name, *users):
    """Confirm an action, by the button of each user's page or for all of them in the list."""
    if how == "button":
        return [client.post(button(user, name), follow=True) for user in users][-1]
    keys = [str(user.pk) for user in users]
    data = {"action": name, "_selected_action": keys, "confirmed": "yes"}
    return client.post(LIST, data, follow=True)


both_ways = pytest.mark.parametrize("how", ["button", "list"])


@both_ways
def test_asvs_6_4_6_staff_send_a_link_and_never_set_or_see_a_password(client, clerk, user, how):
    form = client.get(page(user)).content.decode()

    response = act(client, how, "send_reset_link", user)

    assert 'type="password"' not in form
    assert user.password not in form
    assert client.get(f"{LIST}{user.pk}/password/").status_code in {302, 404}
    message = mails_to(user.email)[0]
    _path, key = link_in(message)
    secret = key.partition("-")[2]
    body = response.content.decode()
    assert f"sent to {user.email}" in body
    assert secret not in body
    row = PasswordResetToken.objects.get()
    event = AuditEvent.objects.get(action="send_reset_link")
    assert (event.actor_id, event.object_id, event.via) == (clerk.pk, str(row.pk), "admin")
    assert secret not in str(event.changes)
    assert user.check_password("correct horse battery staple")
    use_by("pages", user, secret)
    assert is_new_password(user)


@both_ways
def test_asvs_7_4_5_staff_end_all_sessions_of_somebody(client, clerk, user, how):
    sessions = [Headless("app"), Headless("browser")]
    for session in sessions:
        session.sign_in(user)

    response = act(client, how, "end_all_sessions", user)

    assert not any(session.is_signed_in() for session in sessions)
    rows = UserSession.objects.filter(user=user)
    assert {row.end_reason for row in rows} == {EndReason.REVOKED_BY_STAFF}
    assert "2 sessions were ended" in response.content.decode()
    events = AuditEvent.objects.filter(action="revoke", model="usersession")
    assert {event.actor_id for event in events} == {clerk.pk}
    assert client.get(LIST).status_code == 200


@both_ways
def test_staff_keep_the_session_that_they_are_working_in(client, clerk, how):
    phone = Headless("app")
    phone.http.force_login(clerk)
    phone.token = phone.http.cookies.pop("sessionid").value

    act(client, how, "end_all_sessions", clerk)

    assert not phone.is_signed_in()
    assert client.get(LIST).status_code == 200


@both_ways
def test_staff_unlock_somebody(client, clerk, user, how):
    for _try in range(7):
        Headless().sign_in(user, "wrong")
    assert Headless().sign_in(user).status_code == 400
    TOTPDevice.objects.create(user=user, name="Phone", throttling_failure_count=100)

    response = act(client, how, "unlock_account", user)

    assert "second factor unlocked" in response.content.decode()
    assert not TOTPDevice.objects.get().is_locked
    assert "otp" in Headless().sign_in(user).content.decode()
    assert AuditEvent.objects.get(action="unlock").actor_id == clerk.pk


def test_unlocking_who_is_not_locked_says_so_and_records_nothing(client, clerk, user):
    response = act(client, "button", "unlock_account", user)

    assert "Nothing was locked" in response.content.decode()
    assert not AuditEvent.objects.filter(action="unlock").exists()


@both_ways
def test_staff_require_a_second_factor(client, clerk, user, how):
    phone = Headless("app")
    phone.sign_in(user)
    app = TOTPDevice.objects.create(user=make_user(username="safe"), name="Phone")
    verified = UserSession.objects.create(
        user=app.user,
        key_hash="0" * 64,
        session_data="x",
        expires_at=UserSession.objects.first().expires_at,
        idle_expires_at=UserSession.objects.first().expires_at,
        verified_factor=app.persistent_id,
    )

    act(client, how, "require_second_factor", user, app.user)

    user.refresh_from_db()
    verified.refresh_from_db()
    assert user.totp_required
    assert not phone.is_signed_in()
    assert verified.ended_at is None
    event = AuditEvent.objects.get(action="require_second_factor", object_id=str(user.pk))
    assert event.actor_id == clerk.pk
    assert event.changes == {"totp_required": [False, True]}


@pytest.mark.parametrize("name", ACTIONS)
def test_nothing_is_done_before_it_is_confirmed(client, clerk, user, name):
    Headless().sign_in(user)
    first = client.get(button(user, name))
    data = {"action": name, "_selected_action": [str(user.pk)]}
    second = client.post(LIST, data)

    for response in (first, second):
        body = response.content.decode()
        assert response.status_code == 200
        assert user.username in body
        assert body.count("<h1>") == 1
        assert "csrfmiddlewaretoken" in body
    user.refresh_from_db()
    assert not PasswordResetToken.objects.exists()
    assert not user.totp_required
    assert UserSession.objects.get(user=user).ended_at is None


@pytest.mark.parametrize("name", ACTIONS)
@both_ways
def test_nobody_acts_on_who_holds_more_rights(client, clerk, how, name):
    boss = make_user(username="boss", is_staff=True)
    RoleAssignmentFactory(user=boss, role=RoleFactory(permissions=["users.view_user"]))
    root = make_user(username="root", is_superuser=True)
    RoleAssignmentFactory(user=boss, role=RoleFactory(permissions=["items.delete_item"]))
    Headless().sign_in(boss)

    for target in (boss, root):
        response = act(client, how, name, target)
        assert response.status_code == (403 if how == "button" else 200)

    boss.refresh_from_db()
    assert not PasswordResetToken.objects.exists()
    assert not boss.totp_required
    assert UserSession.objects.get(user=boss).ended_at is None


@pytest.mark.parametrize("name", ACTIONS)
def test_who_may_only_look_has_no_buttons_and_no_actions(client, user, name):
    client.force_login(make_staff("users.view_user"))

    body = client.get(page(user)).content.decode()
    response = client.post(button(user, name))
    act(client, "list", name, user)

    assert f"{user.pk}/account/" not in body
    assert name not in client.get(LIST).content.decode()
    assert response.status_code == 403
    assert not PasswordResetToken.objects.exists()


def test_a_button_of_nothing_is_not_found(client, clerk, user):
    assert client.get(button(user, "set-password")).status_code == 404


@pytest.mark.parametrize("state", ["deleted", "switched off"])
def test_a_closed_account_is_sent_no_link(client, clerk, user, state):
    if state == "deleted":
        user.delete()
    else:
        User.objects.filter(pk=user.pk).update(is_active=False)

    act(client, "button", "send_reset_link", user)

    assert not mail.outbox
    assert not PasswordResetToken.objects.exists()


# --- Adding, and changing the address ---------------------------------------------------------


def test_asvs_6_4_1_who_is_added_by_staff_gets_a_link_that_works_once(client, clerk):
    client.post(f"{LIST}add/", filled(User(username="new", email="New@example.org")))

    new = User.objects.get(username="new")
    message = mails_to(new.email)[0]
    secret = link_in(message)[1].partition("-")[2]
    assert not new.has_usable_password()
    assert "new" in message.body
    assert not EmailAddress.objects.get(user=new).verified
    use_by("pages", new, secret)
    assert is_new_password(new)
    assert Headless().sign_in(new, OTHER).status_code == 200
    use_by("pages", new, secret, "another quiet harbour")
    assert is_new_password(new)


def test_who_was_added_by_staff_can_ask_for_another_link(client, clerk):
    client.post(f"{LIST}add/", filled(User(username="new", email="new@example.org")))
    mail.outbox.clear()

    Headless().call("post", "auth/password/request", {"email": "new@example.org"})

    assert re.search(r"/reset/key/\S+", mail.outbox[0].body)


def test_staff_changing_an_address_makes_it_unverified_and_tells_both(client, clerk, user):
    make_reset_token(actor=None, user=user)

    client.post(page(user), filled(user, email="moved@example.org"))

    user.refresh_from_db()
    row = EmailAddress.objects.get(user=user)
    assert (user.email, row.email, row.verified) == ("moved@example.org",) * 2 + (False,)
    assert PasswordResetToken.objects.get().revocation_reason == "The e-mail address was changed."
    assert [m.to for m in mail.outbox] == [["anna@example.org"], ["moved@example.org"]]
    event = AuditEvent.objects.get(action="update", object_id=str(user.pk))
    assert event.changes == {"email": ["anna@example.org", "moved@example.org"]}


def test_a_change_of_something_else_leaves_the_address_as_it_was(client, clerk, user):
    client.post(page(user), filled(user, first_name="Anna"))

    assert EmailAddress.objects.get(user=user).verified
    assert not mail.outbox


# --- The list of links ------------------------------------------------------------------------


def test_staff_revoke_links_of_those_they_may_manage(client, user):
    clerk = make_staff(
        "authentication.view_passwordresettoken", "authentication.change_passwordresettoken"
    )
    client.force_login(clerk)
    root = make_user(username="root", is_superuser=True)
    mine, secret = make_reset_token(actor=None, user=user)
    theirs, _secret = make_reset_token(actor=None, user=root)
    keys = [str(mine.pk), str(theirs.pk)]

    listed = client.get("/admin/authentication/passwordresettoken/").content.decode()
    client.post(
        "/admin/authentication/passwordresettoken/",
        {"action": "revoke", "_selected_action": keys},
    )

    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert user.email in listed
    assert mine.token_hash not in listed
    assert mine.revocation_reason == "Revoked by staff."
    assert theirs.revoked_at is None
    use_by("app", user, secret)
    assert not is_new_password(user)
