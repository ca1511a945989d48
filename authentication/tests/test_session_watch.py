"""Sessions that are used from elsewhere than they were signed in from."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core import mail
from django.test import RequestFactory
from django.utils import timezone

from authentication.middleware import SecondFactorMiddleware
from authentication.origins import MOST_COUNTRIES, countries_of, note_origin
from authentication.requirement import must_prove_again
from authentication.session_watch import watch
from authentication.tests.clients import make_app, make_backup_codes
from authentication.tests.codes import code_of
from authentication.tests.people import PASSWORD
from authentication.tests.places import (
    CHROME,
    FIREFOX,
    Traveller,
    ada,
    events,
    every_kind,
    known_places,
    subjects,
)
from core.context import context_of, entered
from users.models import EndReason, UserSession
from users.risk import Origin
from users.sessions import SessionStore
from users.tests.places import (
    ALSO_IN_LISBON,
    IN_BERLIN,
    IN_LISBON,
    IN_MADRID,
    IN_PORTO,
    IN_SINGAPORE,
    NOWHERE_KNOWN,
)

_places = pytest.fixture(known_places, autouse=True)
user = pytest.fixture(ada)
pytestmark = pytest.mark.django_db


def in_lisbon(user, kind, code=None):
    """Somebody who has signed in there, and was there until two hours ago."""
    client = Traveller(kind, IN_LISBON)
    client.sign_in(user)
    if code:
        client.enter_code(code)
    assert client.is_signed_in()
    mail.outbox.clear()
    last_used(timedelta(hours=2))
    return client


def last_used(ago):
    UserSession.objects.update(last_activity_at=timezone.now() - ago)


# --- What is no news ------------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize("ip", [IN_PORTO, ALSO_IN_LISBON, "192.0.2.11"])
def test_a_mere_change_of_address_inside_a_country_is_no_news(user, kind, ip):
    client = in_lisbon(user, kind)
    last_used(timedelta(0))

    assert client.go_to(ip).is_signed_in()

    assert mail.outbox == []
    assert UserSession.objects.get(user=user, ended_at=None).risk_score == 0


@every_kind
def test_an_address_that_nobody_knows_is_no_news_while_the_browser_is_the_same(user, kind):
    client = in_lisbon(user, kind)

    assert client.go_to(NOWHERE_KNOWN).is_signed_in()

    assert mail.outbox == []


def test_a_country_where_the_same_device_has_signed_in_before_is_no_news(user):
    client = Traveller("pages", IN_MADRID)
    client.sign_in(user)
    client.sign_out()
    client.go_to(IN_LISBON).sign_in(user)
    mail.outbox.clear()

    for ip in (IN_MADRID, IN_LISBON, IN_MADRID):
        assert client.go_to(ip).is_signed_in()

    assert mail.outbox == []


def test_a_country_where_another_device_has_signed_in_is_news_but_not_enough_to_ask(user):
    other = Traveller("app", IN_MADRID)
    other.sign_in(user)
    UserSession.objects.update(signed_in_at=timezone.now() - timedelta(days=1))
    client = in_lisbon(user, "pages")
    UserSession.objects.update(risk_score=0, risk_rules=[])

    assert client.go_to(IN_MADRID).is_signed_in()

    session = UserSession.objects.filter(user=user, ended_at=None).latest("created_at")
    assert [each["rule"] for each in session.risk_rules] == ["token_from_other_network"]
    assert not session.is_suspicious
    assert mail.outbox == []


@pytest.mark.parametrize("kind", ["browser", "app"])
def test_watching_costs_no_query_while_the_country_is_the_same(
    user, kind, django_assert_num_queries
):
    client = in_lisbon(user, kind)
    last_used(timedelta(0))

    for ip in (IN_LISBON, "192.0.2.11", IN_PORTO, ALSO_IN_LISBON):
        client.go_to(ip)
        # 1. the session with its user
        with django_assert_num_queries(1):
            client.me()


def test_going_to_and_fro_between_countries_that_are_known_costs_no_query(
    user, django_assert_num_queries
):
    client = in_lisbon(user, "app").go_to(IN_MADRID)
    client.me()
    client.step_up()

    for ip in (IN_LISBON, IN_MADRID, IN_LISBON):
        client.go_to(ip)
        with django_assert_num_queries(1):
            assert client.is_signed_in()


# --- From RISK_ASK_SCORE on: prove it once more ------------------------------------------------


@every_kind
def test_a_session_that_goes_to_a_new_country_is_held_until_its_user_steps_up(user, kind):
    client = in_lisbon(user, kind)

    refused = client.go_to(IN_MADRID).me()

    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    session = UserSession.objects.get(user=user)
    assert (session.risk_score, session.is_suspicious, session.ended_at) == (65, True, None)
    assert client.me().status_code == 403
    assert client.go_to(IN_LISBON).me().status_code == 403  # wherever it goes

    assert client.go_to(IN_MADRID).step_up().status_code in (200, 302)

    assert client.is_signed_in()
    assert client.go_to(IN_LISBON).is_signed_in()
    assert client.go_to(IN_MADRID).is_signed_in()


@every_kind
def test_who_has_a_second_factor_proves_it_again(user, kind):
    app, codes = make_app(user), make_backup_codes(user)
    client = in_lisbon(user, kind, code_of(app))
    assert UserSession.objects.get(user=user).verified_factor

    assert client.go_to(IN_MADRID).me().status_code == 403
    assert not UserSession.objects.get(user=user).verified_factor
    client.step_up()
    assert client.me().status_code == 403  # a password is not enough

    client.step_up(code=codes[0])

    assert client.is_signed_in()
    assert UserSession.objects.get(user=user).verified_factor


def test_the_owner_is_told_once_in_words(user):
    client = in_lisbon(user, "app").go_to(IN_MADRID)

    for _ in range(3):
        client.me()

    (message,) = mail.outbox
    assert message.subject == "Your account is used from another place"
    assert "Place: Madrid, ES" in message.body
    assert "another country than at the sign-in" in message.body
    assert "/accounts/not-me/" in message.body
    (event,) = events("session_held")
    assert (event["risk"], event["rules"]) == (65, "token_from_other_network, new_country")


def test_a_page_leads_to_the_proof_and_back(user):
    client = in_lisbon(user, "pages").go_to(IN_MADRID)

    answer = client.http.get("/accounts/sessions/")

    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/step-up/?next=%2Faccounts%2Fsessions%2F"
    assert client.http.get(answer["Location"]).status_code == 200


def test_a_held_session_may_still_sign_out(user):
    client = in_lisbon(user, "app").go_to(IN_MADRID)
    client.me()

    client.sign_out()

    assert UserSession.objects.get(user=user).end_reason == EndReason.SIGNED_OUT


@pytest.mark.parametrize("kind", ["browser", "app"])
def test_a_held_session_opens_no_headless_flow_either(user, kind):
    client = in_lisbon(user, kind).go_to(IN_MADRID)

    answer = client.call("get", "account/email")

    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == "step_up_required"


def test_who_has_nothing_to_prove_is_marked_and_told_and_goes_on(user):
    """They sign in through another provider, and can only do that again."""
    client = Traveller("app")
    client.token = session_of(user, password="").session_key

    assert client.go_to(IN_MADRID).is_signed_in()
    assert client.is_signed_in()

    assert UserSession.objects.get().is_suspicious
    assert subjects() == ["Your account is used from another place"]


def session_of(user, **fields):
    """A session as it is after a sign-in in Lisbon, without one."""
    user.set_password(fields.get("password") or None)
    user.save()
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "authorization.backends.RoleBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    note_origin(session, Origin(IN_LISBON, "PT", "Firefox on Linux"), is_known=True)
    session.save()
    two_hours_ago = timezone.now() - timedelta(hours=2)
    UserSession.objects.update(
        signed_in_at=two_hours_ago,
        last_activity_at=two_hours_ago,
        country="PT",
        client_ip=IN_LISBON,
    )
    return session


# --- From RISK_END_SCORE on: it ends --------------------------------------------------------


@every_kind
def test_a_stolen_key_that_is_used_far_away_a_moment_later_ends_the_session(user, kind):
    client = in_lisbon(user, kind)
    last_used(timedelta(minutes=1))

    answer = client.go_to(IN_SINGAPORE).me()

    assert answer.status_code == 401
    session = UserSession.objects.get(user=user)
    assert (session.end_reason, session.session_data) == (EndReason.SUSPICIOUS, "")
    assert (session.risk_score, session.country) == (100, "PT")
    assert not client.go_to(IN_LISBON).is_signed_in()
    (message,) = mail.outbox
    assert message.subject == "We signed out one of your sessions"
    assert "Place: Singapore, SG" in message.body
    assert len(events("session_ended")) == 1


@every_kind
def test_the_owner_signs_in_again_from_where_they_are(user, kind):
    """The one who was on both sides, through a VPN."""
    client = in_lisbon(user, kind)
    last_used(timedelta(minutes=1))
    assert client.go_to(IN_SINGAPORE).me().status_code == 401
    client.token = None

    client.sign_in(user)

    assert client.is_signed_in()


def test_a_page_says_why_one_has_to_sign_in_again(user):
    client = in_lisbon(user, "pages")
    last_used(timedelta(minutes=1))

    page = client.go_to(IN_SINGAPORE).http.get("/accounts/sessions/", follow=True)

    assert page.redirect_chain[0][0].startswith("/accounts/login/")
    assert "used from somewhere else" in page.content.decode()


@pytest.mark.parametrize("kind", ["browser", "app"])
def test_the_headless_flows_take_an_ended_session_for_none(user, kind):
    client = in_lisbon(user, kind)
    last_used(timedelta(minutes=1))

    answer = client.go_to(IN_SINGAPORE).call("get", "auth/session")

    assert answer.status_code == (410 if kind == "app" else 401)
    assert UserSession.objects.get(user=user).end_reason == EndReason.SUSPICIOUS


def test_another_session_of_the_same_person_goes_on(user):
    stolen = in_lisbon(user, "pages")
    other = Traveller("app", IN_LISBON)
    other.sign_in(user)
    last_used(timedelta(minutes=1))

    stolen.go_to(IN_SINGAPORE).me()

    assert other.is_signed_in()


def test_a_copied_cookie_in_another_browser_is_news_even_without_a_place_database(user, settings):
    settings.GEOIP_DATABASE = ""
    settings.RISK_WEIGHTS = {"token_from_other_network": 50}
    client = in_lisbon(user, "pages")
    client.http.defaults["HTTP_USER_AGENT"] = CHROME

    assert client.is_signed_in()  # the same network: a browser may pretend to be another
    assert client.go_to(IN_BERLIN).me().status_code == 403


def test_a_weight_of_nought_switches_the_watch_off(user, settings):
    settings.RISK_WEIGHTS = {**settings.RISK_WEIGHTS, "token_from_other_network": 0}
    client = in_lisbon(user, "app")
    last_used(timedelta(minutes=1))

    assert client.go_to(IN_SINGAPORE).is_signed_in()


def test_a_session_that_nobody_signed_in_to_is_not_watched(user, client):
    client.force_login(user)

    assert client.get("/api/v1/me", REMOTE_ADDR=IN_SINGAPORE).status_code == 200


held_and_ended = pytest.mark.parametrize(
    ("ip", "ended"), [(IN_MADRID, False), (IN_SINGAPORE, True)]
)


@held_and_ended
def test_it_is_the_same_in_an_event_loop(user, ip, ended):
    """The user is resolved by ``request.auser()`` there."""
    key = session_of(user, password=PASSWORD).session_key
    request = RequestFactory(REMOTE_ADDR=ip, HTTP_USER_AGENT=FIREFOX).get("/")
    request.session = SessionStore(key)

    async def answer(_request):
        return await request.auser()

    with entered(context_of(request)):
        found = async_to_sync(SecondFactorMiddleware(answer))(request)

    assert found.is_authenticated is not ended
    assert must_prove_again(found) is not ended
    assert (UserSession.objects.get().end_reason == EndReason.SUSPICIOUS) is ended


@held_and_ended
def test_of_two_requests_side_by_side_one_tells(user, ip, ended):
    key = session_of(user, password=PASSWORD).session_key
    both = [SessionStore(key), SessionStore(key)]
    request = RequestFactory(REMOTE_ADDR=ip, HTTP_USER_AGENT=FIREFOX).get("/")
    for session in both:
        assert session[SESSION_KEY]  # read before either acts

    with entered(context_of(request)):
        answers = [watch(session) for session in both]

    assert len(mail.outbox) == 1
    assert answers == [ended, ended]


def test_no_more_countries_are_remembered_than_a_session_has_room_for():
    session = {}

    for number in range(100):
        note_origin(session, Origin(IN_LISBON, f"{number:02}", ""), is_known=True)
    note_origin(session, Origin(IN_LISBON, "", ""), is_known=True)

    assert len(countries_of(session)) == MOST_COUNTRIES
    assert "99" in countries_of(session)
