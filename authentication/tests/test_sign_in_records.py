"""What a sign-in, a failed one and a sign-out leave behind, and that ended sessions are dead."""

import re
from http import HTTPStatus

import pytest
from django.contrib.auth.signals import user_logged_in
from django.core import mail
from django.test import Client

from authentication.models import TOTPDevice
from authentication.tests.account_clients import (
    CLIENTS,
    LOGIN,
    Headless,
    Pages,
    code_in,
    mails_at_once,  # noqa: F401 (a fixture)
)
from authentication.tests.codes import code_of
from authentication.tests.people import PASSWORD, make_user
from authorization.tests.factories import RoleAssignmentFactory
from core.models import AuditEvent
from groups.tests.factories import GroupFactory
from users.models import Device, EndReason, User, UserSession
from users.sessions import SessionStore

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
APP_ID = "2f7b1c9e-58aa-4c0e-9d35-0f6f2f0f8f11"
WRONG = "not the password at all"


def events(action):
    return list(AuditEvent.objects.filter(action=action).order_by("id"))


def details(event):
    return {name: after for name, (_before, after) in event.changes.items()}


@pytest.fixture
def user():
    return make_user(username="ada")


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_16_3_1_a_sign_in_is_recorded_once_with_who_where_and_how(user, kind):
    CLIENTS[kind]().sign_in(user)

    event, session = events("sign_in")[0], UserSession.objects.get(user=user)
    assert len(events("sign_in")) == 1
    assert (event.actor_id, event.object_id) == (user.pk, str(user.pk))
    assert (event.session_id, event.client_ip) == (session.pk, "127.0.0.1")
    assert event.request_id
    assert details(event)["method"] == session.login_method == "password"
    assert details(event)["factor"] is None
    user.refresh_from_db()
    assert user.last_login == session.last_activity_at


def test_asvs_16_2_1_the_event_names_the_browser(user):
    client = Client(headers={"User-Agent": FIREFOX})

    client.post(LOGIN, {"login": "ada", "password": PASSWORD})

    assert details(events("sign_in")[0])["agent"] == "Firefox 128 on Linux"


def test_asvs_16_3_1_the_second_factor_is_named_and_nothing_is_recorded_before_it(user):
    app = TOTPDevice.objects.create(user=user, name="Phone")
    client = Client()
    client.post(LOGIN, {"login": "ada", "password": PASSWORD})
    assert events("sign_in") == []
    assert not Device.objects.exists()

    client.post("/accounts/otp/", {"code": code_of(app)})

    assert details(events("sign_in")[0])["factor"] == "authentication.totpdevice"
    assert Device.objects.get().user == user


def test_the_session_in_the_row_is_the_one_with_the_new_key(user):
    client = Client()
    client.get(LOGIN)

    client.post(LOGIN, {"login": "ada", "password": PASSWORD})

    session = UserSession.objects.get(user=user)
    assert SessionStore(client.session.session_key).row_id == session.pk
    assert session.device == Device.objects.get()


def test_what_a_program_does_is_no_sign_in(user):
    Client().force_login(user)

    assert events("sign_in") == []
    assert not Device.objects.exists()


def test_only_one_receiver_writes_the_last_sign_in(user, django_assert_max_num_queries):
    assert "update_last_login" not in str(user_logged_in.receivers)
    client = Client()
    # 1. a user by name, 2. again and its password, 3. to 5. its verified address and factors,
    # then session, device, last sign-in, event and session again, each with a savepoint at most.
    with django_assert_max_num_queries(25) as queries:
        client.post(LOGIN, {"login": "ada", "password": PASSWORD})

    updates = [query["sql"] for query in queries if 'UPDATE "users"' in query["sql"]]
    assert len(updates) == 1


# --- New devices ----------------------------------------------------------------------------


def test_the_first_sign_in_of_all_mails_nobody(user, mails_at_once):  # noqa: F811
    Pages().sign_in(user)

    assert mail.outbox == []


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_6_3_5_a_sign_in_from_a_new_device_is_mailed_once(user, mails_at_once, kind):  # noqa: F811
    Pages().sign_in(user)
    client = CLIENTS[kind]()
    if kind == "app":
        client.http.defaults["HTTP_X_DEVICE_ID"] = APP_ID

    client.sign_in(user)
    told = len(mail.outbox)
    client.call("delete", "auth/session") if kind != "pages" else client.http.post(
        "/accounts/logout/"
    )
    client.token = None
    client.sign_in(user)

    assert client.is_signed_in()
    assert (told, len(mail.outbox)) == (1, 1)
    assert mail.outbox[0].to == [user.email]
    assert Device.objects.filter(user=user).count() == 2


def test_asvs_6_3_5_an_app_that_hides_which_it_is_is_new_every_time(user, mails_at_once):  # noqa: F811
    Pages().sign_in(user)

    for _ in range(2):
        Headless("app").sign_in(user)

    assert len(mail.outbox) == 2
    assert UserSession.objects.filter(user=user, device=None).count() == 2


# --- Failures -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({}, "wrong_password"),
        ({"is_active": False}, "disabled_account"),
        ({"password": "!"}, "no_password"),
    ],
)
def test_asvs_16_3_1_a_failed_sign_in_is_recorded_with_its_reason(user, state, reason):
    User.objects.update(**state)

    Client().post(LOGIN, {"login": "ada", "password": WRONG})

    event = events("sign_in_failed")[0]
    assert (event.object_id, event.actor_id) == (str(user.pk), None)
    assert details(event)["reason"] == reason


def test_asvs_16_2_5_what_was_typed_as_an_unknown_name_is_nowhere(db, caplog, django_db_blocker):
    typed = "my-secret-passphrase-in-the-wrong-field"

    Client().post(LOGIN, {"login": typed, "password": WRONG})

    event = events("sign_in_failed")[0]
    assert (event.object_id, event.object_label, event.actor_id) == ("", "", None)
    assert details(event)["reason"] == "unknown_account"
    assert typed not in str(AuditEvent.objects.values())
    assert typed not in caplog.text


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_right_password_of_a_closed_account_leaves_no_session(user, kind):
    User.objects.update(is_active=False)

    client = CLIENTS[kind]()
    client.sign_in(user)

    assert not client.is_signed_in()
    assert events("sign_in") == []


@pytest.mark.parametrize("change", ["disable", "delete", None])
def test_a_sign_in_that_is_half_done_ends_with_the_account(change, mails_at_once):  # noqa: F811
    """Stopped at the address that is still to be verified, then switched off."""
    user = make_user(username="ada", verified=False)
    client = Headless("app")
    assert client.sign_in(user).status_code == HTTPStatus.UNAUTHORIZED
    code = code_in(mail.outbox[-1])
    if change == "disable":
        User.objects.update(is_active=False)
    elif change == "delete":
        user.delete()

    client.call("post", "auth/email/verify", {"key": code})

    assert client.is_signed_in() is (change is None)
    assert len(events("sign_in")) == (change is None)


# --- Ends -----------------------------------------------------------------------------------


def leave(client):
    if isinstance(client, Pages):
        return client.http.post("/accounts/logout/")
    return client.call("delete", "auth/session")


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_7_4_1_signing_out_kills_the_session_everywhere(user, kind):
    client = CLIENTS[kind]()
    client.sign_in(user)
    assert client.is_signed_in()
    token = getattr(client, "token", None)
    cookies = client.http.cookies.copy()

    leave(client)

    ended = UserSession.objects.get(user=user)
    assert (ended.end_reason, ended.session_data) == (EndReason.SIGNED_OUT, "")
    event = events("sign_out")[0]
    assert (event.actor_id, event.session_id) == (user.pk, ended.pk)
    again = Client()
    again.cookies = cookies
    headers = {"X-Session-Token": token} if token else {}
    assert again.get("/api/v1/me", headers=headers).status_code == HTTPStatus.UNAUTHORIZED
    flows = "app" if token else "browser"
    answer = again.get(f"/api/auth/{flows}/v1/auth/session", headers=headers)
    assert answer.status_code == (HTTPStatus.GONE if token else HTTPStatus.UNAUTHORIZED)


@pytest.mark.parametrize("change", ["disable", "delete"])
@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_7_4_2_a_closed_account_loses_every_session_and_token_at_once(
    user, api_of, kind, change
):
    client, token = CLIENTS[kind](), api_of(user)
    client.sign_in(user)
    assert client.is_signed_in()
    assert token.get("/api/v1/me").status_code == HTTPStatus.OK

    if change == "disable":
        User.objects.filter(pk=user.pk).update(is_active=False)
    else:
        user.delete()

    assert token.get("/api/v1/me").status_code == HTTPStatus.UNAUTHORIZED
    headers = {"X-Session-Token": client.token} if getattr(client, "token", None) else {}
    assert client.http.get("/api/v1/me", headers=headers).status_code == HTTPStatus.UNAUTHORIZED
    flows = "app" if headers else "browser"
    session = client.http.get(f"/api/auth/{flows}/v1/auth/session", headers=headers)
    assert session.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.GONE)


@pytest.mark.parametrize("token", ["", "a" * 32, "A" * 32, "a" * 4_000, "ä" * 32, "null"])
def test_asvs_7_2_1_a_made_up_session_token_is_401_with_a_challenge(token):
    answer = Client().get("/api/v1/me", HTTP_X_SESSION_TOKEN=token)

    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert answer["WWW-Authenticate"]


def test_asvs_7_2_1_an_altered_session_token_is_401(user):
    client = Headless("app")
    client.sign_in(user)
    for altered in (client.token[:-1], client.token + "a", client.token.upper()):
        answer = Client().get("/api/v1/me", headers={"X-Session-Token": altered})
        assert answer.status_code == HTTPStatus.UNAUTHORIZED


def test_asvs_7_2_2_each_sign_in_has_a_token_of_its_own(user):
    tokens = set()
    for _ in range(3):
        client = Headless("app")
        client.sign_in(user)
        tokens.add(client.token)

    assert len(tokens) == 3


def test_asvs_7_2_3_a_session_key_has_more_than_128_random_bits():
    keys = {SessionStore()._get_new_session_key() for _ in range(1_000)}

    assert len(keys) == 1_000
    assert all(re.fullmatch(r"[a-z0-9]{32}", key) for key in keys)  # 165 bits
    assert len(set("".join(keys))) == 36


def test_of_cookie_and_token_the_token_counts(user, api_of):
    other = make_user(username="grace")
    client = Client()
    client.force_login(user)
    token = Headless("app")
    token.sign_in(other)

    answer = client.get("/api/v1/me", headers={"X-Session-Token": token.token})

    assert answer.json()["username"] == "grace"


@pytest.mark.parametrize("kind", ["browser", "app", "token"])
def test_who_am_i_is_one_query_however_one_asks(user, api_of, kind, django_assert_num_queries):
    headers = {}
    if kind == "token":
        client = api_of(user)
        client.get("/api/v1/me")  # notes its use, once a minute
    else:
        flows = Headless(kind)
        flows.sign_in(user)
        client = flows.http
        headers = {"X-Session-Token": flows.token} if flows.token else {}

    # 1. the session, or the token, together with its user
    with django_assert_num_queries(1):
        client.get("/api/v1/me", headers=headers)


@pytest.mark.parametrize("kind", ["browser", "app", "token"])
def test_asvs_8_3_2_a_role_that_ends_is_gone_with_the_next_request(user, api_of, kind):
    assignment = RoleAssignmentFactory(user=user, role__permissions=["groups.view_group"])
    group, headers = GroupFactory(), {}
    if kind == "token":
        client = api_of(user)
    else:
        flows = Headless(kind)
        flows.sign_in(user)
        client = flows.http
        headers = {"X-Session-Token": flows.token} if flows.token else {}
    url = f"/api/v1/groups/{group.pk}"
    before = client.get(url, headers=headers).status_code

    assignment.delete()

    assert before == HTTPStatus.OK
    assert client.get(url, headers=headers).status_code == HTTPStatus.NOT_FOUND


def test_asvs_8_3_3_a_token_has_no_right_that_its_owner_lacks(user, api_of):
    group = GroupFactory()
    client = api_of(user, scopes=["groups.view_group"])

    assert client.get(f"/api/v1/groups/{group.pk}").status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("kind", ["browser", "app", "token"])
def test_nist_5_1_only_cookies_need_a_form_token(user, api_of, kind):
    headers = {}
    if kind == "token":
        client = api_of(user)
        client.handler.enforce_csrf_checks = True
    else:
        flows = Headless(kind)
        flows.sign_in(user)
        client = flows.http
        client.handler.enforce_csrf_checks = True
        headers = {"X-Session-Token": flows.token} if flows.token else {}
    change = {"first_name": "Ada"}

    answer = client.patch("/api/v1/me", change, content_type="application/json", headers=headers)
    if kind == "token":
        answer = client.patch("/api/v1/me", change, format="json")

    expected = HTTPStatus.FORBIDDEN if kind == "browser" else HTTPStatus.OK
    assert answer.status_code == expected
