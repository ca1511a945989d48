"""What is noted of requests and sign-ins, of whom, and what is not."""

from contextlib import nullcontext
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client, RequestFactory
from django.utils.functional import SimpleLazyObject

from authentication.tests.clients import AppClient
from authentication.tests.people import make_user
from core.context import ActingContext, entered
from users.activity import flush, record_event
from users.activity.middleware import caller_of
from users.models import ActivityType, SessionActivity, UserSession
from users.sessions import SessionStore
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ME = "/api/v1/me"


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def newest(activity):
    return activity.last()


def test_a_request_is_noted_by_its_route_and_never_by_its_path(activity):
    user = UserFactory()
    client = signed_in(user)

    client.get("/api/v1/items/019a0000-0000-7000-8000-000000000000?token=secret")

    row = newest(activity)
    assert (row.activity_type, row.method, row.status) == (ActivityType.REQUEST, "GET", 400)
    assert row.route == "item-detail"
    assert row.user == user
    assert row.session_id == UserSession.objects.get().pk
    assert row.client_ip == "127.0.0.1"
    assert row.extra == {}
    assert row.duration_ms is not None
    stored = str(SessionActivity.objects.values().get())
    assert "secret" not in stored
    assert "019a0000" not in stored


def test_a_request_is_found_by_the_id_on_its_answer(activity):
    response = Client().get(ME, headers={"X-Request-ID": "asked-by-somebody"})

    assert response.headers["X-Request-ID"] == newest(activity).request_id == "asked-by-somebody"


def test_a_path_that_leads_nowhere_is_noted_without_it(activity):
    Client().get("/api/v1/what-somebody-typed")

    assert (newest(activity).route, newest(activity).status) == ("unknown", 404)


def test_pages_are_not_noted_but_counted(activity):
    client = signed_in(make_user(is_staff=True, is_superuser=True))

    assert client.get("/admin/").status_code == 200
    client.get("/static/admin/css/base.css")

    assert not activity.exists()
    assert UserSession.objects.get().request_count == 1


def test_every_request_of_a_session_is_counted(activity):
    client = signed_in(UserFactory())

    for _ in range(3):
        client.get(ME)

    assert activity.count() == UserSession.objects.get().request_count == 3


def test_counting_does_not_keep_a_session_alive(activity):
    client = signed_in(UserFactory())
    before = UserSession.objects.values("last_activity_at", "idle_expires_at", "updated_at").get()

    client.get(ME)

    after = UserSession.objects.values("last_activity_at", "idle_expires_at", "updated_at").get()
    assert after == before


def test_an_app_is_noted_with_the_session_of_its_token(activity):
    user = UserFactory()
    token = signed_in(user).session.session_key

    Client().get(ME, headers={"X-Session-Token": token})

    row = newest(activity)
    assert (row.user, row.session_id, row.status) == (user, UserSession.objects.get().pk, 200)


def test_an_app_is_noted_with_its_session_in_the_flows_of_signing_in_too(activity):
    user = make_user()
    app = AppClient()
    app.sign_in(user)

    app.call("GET", "auth/session")

    row = newest(activity)
    assert (row.user, row.session_id, row.status) == (user, UserSession.objects.get().pk, 200)
    assert row.route == "headless:app:account:current_session"


def test_an_access_token_has_a_user_and_no_session(activity, api_of):
    user = UserFactory()

    api_of(user).get(ME)

    assert (newest(activity).user, newest(activity).session) == (user, None)


def test_a_token_is_not_noted_with_the_session_of_somebody_else(activity, api_of):
    user, other = UserFactory.create_batch(2)
    client = api_of(user)
    client.cookies = signed_in(other).cookies

    client.get(ME)

    assert (newest(activity).user, newest(activity).session) == (user, None)


def test_nobody_is_noted_as_nobody(activity):
    Client().get(ME)

    row = newest(activity)
    assert (row.user, row.session, row.status) == (None, None, 401)


def test_who_asks_is_not_looked_up_for_the_note(django_assert_num_queries):
    request = RequestFactory().get(ME)
    request.session = SessionStore(signed_in(UserFactory()).session.session_key)
    request.user = SimpleLazyObject(lambda: pytest.fail("looked up"))

    with django_assert_num_queries(0):
        assert caller_of(request) == (None, None)


def test_a_session_without_a_user_is_not_named():
    request = RequestFactory().get(ME)
    request.session = SessionStore()
    request.session["cart"] = 1
    request.session.create()

    assert caller_of(request) == (None, None)


def test_asynchronous_requests_are_noted_alike(activity):
    user = UserFactory()

    async def ask():
        client = AsyncClient()
        await client.aforce_login(user)
        return await client.get(ME)

    assert async_to_sync(ask)().status_code == 200
    row = newest(activity)
    assert (row.user, row.session_id) == (user, UserSession.objects.get().pk)


# --- Sign-in events -------------------------------------------------------------------------


@pytest.fixture
def context():
    with entered(ActingContext(request_id="request-1", client_ip="192.0.2.7")) as context:
        yield context


def test_an_event_is_noted_with_its_request(activity, context):
    user, session_id = UserFactory(), uuid4()

    record_event(ActivityType.SIGN_IN, user_id=user.pk, session_id=session_id)
    flush()

    row = newest(activity)
    assert (row.user, row.session_id) == (user, session_id)
    assert (row.activity_type, row.client_ip, row.request_id, row.route) == (
        "sign_in", "192.0.2.7", "request-1", "",
    )  # fmt: skip


def test_an_event_keeps_the_details_that_are_allowed_and_no_others(activity, context):
    record_event(
        ActivityType.SIGN_IN_FAILED,
        user_id=None,
        session_id=None,
        extra={
            "reason": "wrong_password", "known_device": False, "agent": "x" * 300 + "\0",
            "username": "what they typed", "password": "hunter2",
        },
    )  # fmt: skip
    flush()

    assert newest(activity).extra == {
        "reason": "wrong_password", "known_device": False, "agent": "x" * 200,
    }  # fmt: skip


def test_an_event_waits_for_nothing(activity, context, django_assert_num_queries):
    with django_assert_num_queries(0):
        record_event(ActivityType.SIGN_OUT, user_id=uuid4(), session_id=None)


def test_a_request_that_is_not_noted_costs_and_keeps_nothing(settings, django_assert_num_queries):
    settings.ACTIVITY_ON = False
    client = signed_in(UserFactory())

    # 1. the session with its user
    with django_assert_num_queries(1):
        client.get(ME)
    record_event(ActivityType.SIGN_OUT, user_id=None, session_id=None)
    flush()

    assert not SessionActivity.objects.exists()


@pytest.mark.parametrize("is_synchronous", [False, True])
def test_a_request_waits_for_its_note_only_when_asked_to(
    activity, settings, monkeypatch, is_synchronous, django_assert_num_queries
):
    settings.ACTIVITY_SYNC = is_synchronous
    monkeypatch.setattr("users.activity.buffer.threading.Thread.start", lambda _thread: None)
    client = signed_in(UserFactory())

    # 1. the session with its user; with ACTIVITY_SYNC more
    expected = nullcontext() if is_synchronous else django_assert_num_queries(1)
    with expected:
        client.get(ME)

    assert activity.count() == is_synchronous
