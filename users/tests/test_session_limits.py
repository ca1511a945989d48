"""When sessions end by themselves, for browsers and apps; what "remember me" makes of it."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.utils import timezone

from users.models import EndReason, UserSession
from users.sessions import SessionStore, remember
from users.tasks import end_expired_sessions
from users.tests.factories import UserFactory, UserSessionFactory

pytestmark = pytest.mark.django_db

ME = "/api/v1/me"
LIMITS = {"idle_expires_at": "SESSION_IDLE_SECONDS", "expires_at": "SESSION_COOKIE_AGE"}
REMEMBERED = {
    "idle_expires_at": "SESSION_REMEMBERED_IDLE_SECONDS",
    "expires_at": "SESSION_REMEMBERED_SECONDS",
}
MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["cookie", "X-Session-Token"])
def ask(request):
    """Ask who one is, as a browser or as an app; answer the status."""
    browser = Client()
    browser.force_login(UserFactory())
    if request.param == "cookie":
        return lambda: browser.get(ME).status_code
    token = browser.session.session_key
    return lambda: Client().get(ME, headers={"X-Session-Token": token}).status_code


def age(by):
    """Let the session be unused for so long."""
    row = UserSession.objects.get()
    moments = ("expires_at", "idle_expires_at", "last_activity_at")
    UserSession.objects.update(**{name: getattr(row, name) - by for name in moments})


def seconds_left(name):
    return (getattr(UserSession.objects.get(), name) - timezone.now()).total_seconds()


def test_asvs_7_3_1_a_session_ends_when_it_is_not_used(ask, settings):
    assert ask() == 200

    age(timedelta(seconds=settings.SESSION_IDLE_SECONDS))

    assert ask() == 401


def test_asvs_7_3_1_use_keeps_it_alive(ask, settings):
    nearly = timedelta(seconds=settings.SESSION_IDLE_SECONDS) - MINUTE
    for _ in range(3):
        age(nearly)
        assert ask() == 200

    age(nearly + 2 * MINUTE)

    assert ask() == 401


def test_asvs_7_3_2_a_session_ends_however_much_it_is_used(ask, settings):
    hour = timedelta(minutes=50)
    hours = timedelta(seconds=settings.SESSION_COOKIE_AGE) // hour
    for _ in range(hours):
        age(hour)
        assert ask() == 200

    age(hour)

    assert ask() == 401


def test_use_is_written_once_a_minute_and_once_for_requests_side_by_side(
    ask, django_assert_num_queries
):
    age(2 * MINUTE)
    # 1. the session with its user  2. its last use
    with django_assert_num_queries(2):
        ask()
    # 1. the session with its user
    with django_assert_num_queries(1):
        ask()


# --- Remembered -----------------------------------------------------------------------------


@pytest.fixture
def store():
    store = SessionStore()
    store["color"] = "green"
    store.create()
    return store


@pytest.mark.parametrize("limit", LIMITS)
def test_asvs_7_3_2_a_remembered_session_has_longer_limits_and_still_two(store, settings, limit):
    assert seconds_left(limit) == pytest.approx(getattr(settings, LIMITS[limit]), abs=5)

    remember(store)
    store.save()

    assert UserSession.objects.get().is_remembered
    longer = getattr(settings, REMEMBERED[limit])
    assert seconds_left(limit) == pytest.approx(longer, abs=5)
    again = SessionStore(store.session_key)
    again.cycle_key()
    again.save()
    assert seconds_left(limit) == pytest.approx(longer, abs=5)
    UserSession.objects.update(**{limit: timezone.now()})
    assert SessionStore(again.session_key).load() == {}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_session_that_is_no_longer_remembered_has_the_usual_limits(store, settings, limit):
    remember(store)
    store.save()

    again = SessionStore(store.session_key)
    remember(again, is_remembered=False)
    again.save()

    assert not UserSession.objects.get().is_remembered
    assert seconds_left(limit) == pytest.approx(getattr(settings, LIMITS[limit]), abs=5)


def test_use_of_a_remembered_session_pushes_its_own_idle_limit_out(store, settings):
    remember(store)
    store.save()
    age(timedelta(days=6))

    assert SessionStore(store.session_key).load()

    longer = settings.SESSION_REMEMBERED_IDLE_SECONDS
    assert seconds_left("idle_expires_at") == pytest.approx(longer, abs=5)


def test_a_new_session_can_be_remembered_from_the_start(settings):
    store = SessionStore()
    remember(store)
    store.create()

    assert UserSession.objects.get().is_remembered
    longer = settings.SESSION_REMEMBERED_SECONDS
    assert seconds_left("expires_at") == pytest.approx(longer, abs=5)


def test_the_cookie_goes_with_the_browser_unless_the_session_is_remembered(store, settings):
    assert store.get_expire_at_browser_close()
    assert async_to_sync(store.aget_expire_at_browser_close)()

    remember(store)

    assert not store.get_expire_at_browser_close()
    assert not async_to_sync(store.aget_expire_at_browser_close)()
    assert store.get_expiry_age() == settings.SESSION_REMEMBERED_SECONDS


def test_allauths_own_mark_for_the_browser_leaves_the_limits(store, settings):
    store.set_expiry(0)
    store.cycle_key()

    usual = settings.SESSION_COOKIE_AGE
    assert seconds_left("expires_at") == pytest.approx(usual, abs=5)


def test_an_end_that_is_set_survives_a_rotation(store):
    store.set_expiry(timezone.now() + timedelta(minutes=30))

    store.cycle_key()
    store.save()

    assert seconds_left("expires_at") == pytest.approx(30 * 60, abs=5)


# --- What has passed a limit ----------------------------------------------------------------


@pytest.mark.parametrize("first", LIMITS)
def test_a_session_ended_when_its_first_limit_passed_not_when_that_was_noticed(first):
    now = timezone.now()
    earlier, later = now - timedelta(hours=5), now - timedelta(hours=3)
    moments = dict.fromkeys(LIMITS, later) | {first: earlier}
    session = UserSessionFactory(**moments)

    end_expired_sessions.call()

    session.refresh_from_db()
    assert (session.ended_at, session.end_reason) == (earlier, EndReason.EXPIRED)
    assert session.session_data == ""


def test_an_impersonation_that_ran_out_says_so():
    past = timezone.now() - MINUTE
    session = UserSessionFactory(
        expires_at=past, impersonator=UserFactory(), impersonation_reason="A ticket"
    )

    SessionStore.clear_expired()

    session.refresh_from_db()
    assert session.end_reason == EndReason.IMPERSONATION_ENDED


def test_a_session_past_a_limit_is_not_saved_again(store):
    UserSession.objects.update(idle_expires_at=timezone.now())

    with pytest.raises(UpdateError):
        store.save()


def test_the_asynchronous_methods_do_the_same():
    past = timezone.now() - MINUTE
    session = UserSessionFactory(expires_at=past)

    async_to_sync(SessionStore.aclear_expired)()

    session.refresh_from_db()
    assert session.end_reason == EndReason.EXPIRED


def test_a_session_lasted_from_its_sign_in_to_its_last_use():
    now = timezone.now()
    session = UserSessionFactory(signed_in_at=now - MINUTE, last_activity_at=now)

    assert session.duration == MINUTE
    assert UserSessionFactory().duration is None
