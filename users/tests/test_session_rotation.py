"""Rotation keeps one row, ending reaches it whatever its key is, and nothing brings it back."""

from threading import Event
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import connection, transaction
from django.test import Client

from authentication.models import TOTPDevice
from authentication.tests.clients import AppClient, make_app
from authentication.tests.codes import NOW, code_of
from authentication.tests.people import PASSWORD, make_user
from authorization.backends import RoleBackend
from core.tests.one_engine import on
from core.tests.parallel import at_once
from users.models import EndReason, UserSession
from users.session_user import handing_over, take_over
from users.sessions import SessionStore, end_sessions, hash_key, revoke_sessions
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ME = "/api/v1/me"
NEW_PASSWORD = "quiet violet harbour lanterns"


@pytest.fixture
def store():
    store = SessionStore()
    store[SESSION_KEY] = str(UserFactory().pk)
    store.create()
    return store


def ended(reason=EndReason.REVOKED_BY_OWNER):
    return end_sessions(UserSession.objects.all(), reason=reason)


# --- After each kind of rotation ------------------------------------------------------------


def sign_in(app):
    app.sign_in(app.user)


def step_up(app):
    sign_in(app)
    app.step_up()


def change_password(app):
    step_up(app)
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert app.call("POST", "account/password/change", body).status_code == 200


def sign_in_with_code(app):
    app.sign_in(app.user, code_of(make_app(app.user)))


def enrol(app):
    """Confirming a factor verifies the session that it is confirmed in."""
    step_up(app)
    started = app.call("POST", "account/second-factors", {"name": "Phone"}).json()["data"]
    code = code_of(TOTPDevice.objects.get())
    answer = app.call("POST", f"account/second-factors/{started['id']}", {"code": code})
    assert answer.status_code == 200


@pytest.mark.parametrize("rotate", [sign_in, sign_in_with_code, step_up, change_password, enrol])
def test_a_session_is_one_row_and_is_ended_by_it_after_a_rotation(rotate, monkeypatch):
    monkeypatch.setattr("authentication.models.time", SimpleNamespace(time=lambda: NOW))
    app = AppClient()
    app.user = make_user()
    rotate(app)
    assert app.is_signed_in()

    [session] = UserSession.objects.filter(user=app.user)
    assert session.key_hash == hash_key(app.token)
    assert UserSession.objects.filter(user=None, ended_at=None).count() == 0
    revoke_sessions(UserSession.objects.filter(pk=session.pk), reason=EndReason.REVOKED_BY_OWNER)

    assert not app.is_signed_in()


# --- Ended meanwhile ------------------------------------------------------------------------


def test_a_session_that_was_ended_is_not_rotated_into_a_new_one(store):
    loaded = SessionStore(store.session_key)
    loaded.load()
    loaded["color"] = "green"
    ended()

    with pytest.raises(SessionInterrupted):
        loaded.cycle_key()

    assert UserSession.objects.get().end_reason == EndReason.REVOKED_BY_OWNER


def test_the_second_of_two_rotations_makes_no_copy(store):
    one, other = SessionStore(store.session_key), SessionStore(store.session_key)
    for session in (one, other):
        session["color"] = "green"

    one.cycle_key()
    with pytest.raises(SessionInterrupted):
        other.cycle_key()

    assert UserSession.objects.get().key_hash == hash_key(one.session_key)


def test_signing_out_ends_a_session_that_another_request_has_rotated(store):
    here, there = SessionStore(store.session_key), SessionStore(store.session_key)
    assert here.row_id == there.row_id
    there.cycle_key()

    here.flush()

    assert UserSession.objects.get().end_reason == EndReason.SIGNED_OUT
    assert SessionStore(there.session_key).load() == {}


@pytest.mark.django_db(transaction=True)
def test_of_parallel_rotations_one_wins_and_no_row_is_orphaned(store):
    sessions = [SessionStore(store.session_key) for _ in range(6)]
    for session in sessions:
        session["color"] = "green"

    outcomes = at_once(*[session.cycle_key for session in sessions])

    [winner] = [n for n, outcome in enumerate(outcomes) if outcome is None]
    assert sum(isinstance(outcome, SessionInterrupted) for outcome in outcomes) == 5
    assert UserSession.objects.get().key_hash == hash_key(sessions[winner].session_key)


@on("postgresql")  # SQLite has one writer at a time
@pytest.mark.parametrize("how", ["save", "cycle_key"])
@pytest.mark.django_db(transaction=True)
def test_a_request_that_saves_while_its_session_is_ended_does_not_bring_it_back(store, how):
    is_ended, is_saving = Event(), Event()

    def end():
        with transaction.atomic():
            ended()
            is_ended.set()
            is_saving.wait(5)
            with connection.cursor() as cursor:
                # The other one waits for the row by now, or comes later: both end alike.
                cursor.execute("SELECT pg_sleep(0.1)")

    def save():
        session = SessionStore(store.session_key)
        session["color"] = "green"
        is_ended.wait(5)
        is_saving.set()
        getattr(session, how)()

    _none, outcome = at_once(end, save)

    assert isinstance(outcome, UpdateError | SessionInterrupted)
    row = UserSession.objects.get()
    assert (row.end_reason, row.session_data) == (EndReason.REVOKED_BY_OWNER, "")


# --- Its user -------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_deleted": True}])
@pytest.mark.parametrize("kind", ["cookie", "X-Session-Token"])
def test_asvs_7_4_2_a_user_who_may_not_sign_in_is_nobody_at_once(kind, change):
    user = UserFactory()
    client = Client()
    client.force_login(user)
    token = client.session.session_key
    if kind == "X-Session-Token":
        client, headers = Client(), {"X-Session-Token": token}
    else:
        headers = {}
    assert client.get(ME, headers=headers).status_code == 200

    if "is_deleted" in change:
        user.delete()
    else:
        type(user).objects.update(**change)

    assert client.get(ME, headers=headers).status_code == 401


def test_another_password_hash_ends_the_session_though_its_user_was_read_with_it():
    user = UserFactory()
    client = Client()
    client.force_login(user)
    type(user).objects.update(password="another hash")

    assert client.get(ME).status_code == 401
    assert UserSession.objects.get().ended_at is not None


def test_the_user_who_was_read_is_handed_over_once(store, django_assert_num_queries):
    session = SessionStore(store.session_key)
    user_id = UUID(session[SESSION_KEY])
    backend = RoleBackend()

    with handing_over(session):
        with django_assert_num_queries(0):
            first = backend.get_user(user_id)
        # 1. the user, as they are by now
        with django_assert_num_queries(1):
            second = backend.get_user(user_id)

    assert first == second
    assert first is not second


def test_nobody_is_handed_over_for_somebody_else(store):
    session, other = SessionStore(store.session_key), UserFactory()
    session.load()

    with handing_over(session):
        assert RoleBackend().get_user(other.pk) == other
    assert take_over(UUID(store[SESSION_KEY])) is None


def test_a_session_of_nobody_hands_over_nobody():
    store = SessionStore()
    store["color"] = "green"
    store.create()

    again = SessionStore(store.session_key)

    assert again["color"] == "green"
    assert again.preloaded_user is None
