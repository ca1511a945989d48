"""What a sign-in notes of where it comes from, and what is known when its risk is assessed."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils import timezone

from authentication import risk
from authentication.services.second_factors import remove_factor
from authentication.tests.account_clients import LOGIN
from authentication.tests.clients import make_app
from authentication.tests.codes import code_of
from authentication.tests.people import make_user
from authentication.tests.places import (
    APP_ID,
    CHROME,
    FIREFOX,
    Traveller,
    ada,
    events,
    every_kind,
    known_places,
    latest,
    signed_in,
)
from core.context import ActingContext, entered
from core.models import AuditEvent
from users.models import ActivityType, EndReason, UserSession
from users.risk.gathering import FAILED, MOST_EVENTS, MOST_SIGN_INS, gather
from users.tests.factories import UserSessionFactory
from users.tests.places import IN_LISBON, IN_MADRID, SINGAPORE

_places = pytest.fixture(known_places, autouse=True)
user = pytest.fixture(ada)
pytestmark = pytest.mark.django_db


# --- What is recorded -----------------------------------------------------------------------


@every_kind
def test_a_sign_in_notes_where_it_comes_from_and_with_what(user, kind):
    Traveller(kind, IN_LISBON).sign_in(user)

    session = latest(user)
    assert (session.client_ip, session.country, session.city) == (IN_LISBON, "PT", "Lisbon")
    assert (session.latitude, session.longitude) == pytest.approx((38.7167, -9.1333))
    assert (session.device_type, session.browser, session.os) == ("desktop", "Firefox 128", "Linux")
    assert session.user_agent == FIREFOX
    assert session.signed_in_at == session.last_activity_at
    assert session.login_method == "password"
    assert (session.risk_score, session.risk_rules, session.is_suspicious) == (0, [], False)


def test_country_and_city_are_those_of_the_sign_in_and_the_address_that_of_the_last_use(user):
    client = Traveller("pages", IN_LISBON)
    client.sign_in(user)
    UserSession.objects.update(last_activity_at=timezone.now() - timedelta(hours=1))

    assert client.go_to("192.0.2.200").is_signed_in()

    session = latest(user)
    assert (session.client_ip, session.city) == ("192.0.2.200", "Lisbon")


def test_a_page_opened_in_one_browser_and_signed_in_to_with_another_names_the_second(user):
    client = Traveller("pages", IN_MADRID, agent=CHROME)
    client.http.get(LOGIN)

    client.http.defaults["HTTP_USER_AGENT"] = FIREFOX
    client.go_to(IN_LISBON).sign_in(user)

    assert (latest(user).browser, latest(user).city) == ("Firefox 128", "Lisbon")


@pytest.mark.parametrize(
    ("is_staff", "following", "method"),
    [(True, "/admin/", "admin"), (True, "/", "password"), (False, "/admin/", "password")],
)
def test_who_of_the_staff_comes_from_the_admin_has_the_method_admin(
    user, is_staff, following, method
):
    user.is_staff = is_staff
    user.save()

    Traveller("pages").sign_in(user, next=following)

    assert latest(user).login_method == method
    (event,) = events("sign_in")
    assert event["method"] == method
    assert event.get("proven_by") == ("password" if method == "admin" else None)


def test_the_method_admin_outlasts_the_second_step_and_not_the_sign_in(user):
    user.is_staff = True
    user.save()
    app = make_app(user)
    client = Traveller("pages")

    client.sign_in(user, next="/admin/")
    client.enter_code(code_of(app))

    assert latest(user).login_method == "admin"
    assert "sign_in_began_at_admin" not in client.http.session


@every_kind
def test_sign_ins_failures_and_sign_outs_are_activities(user, kind, monkeypatch):
    noted = []
    monkeypatch.setattr(
        "authentication.sign_ins.record_event",
        lambda kind, **details: noted.append((kind, details)),
    )
    client = Traveller(kind, IN_LISBON)

    client.sign_in(user, "not the password at all")
    client.sign_in(user)
    session = latest(user)
    client.sign_out()

    assert [kind for kind, _details in noted] == [
        ActivityType.SIGN_IN_FAILED, ActivityType.SIGN_IN, ActivityType.SIGN_OUT
    ]  # fmt: skip
    failed, done, out = (details for _kind, details in noted)
    assert failed["extra"]["reason"] == "wrong_password"
    assert (done["user_id"], done["session_id"]) == (user.pk, session.pk)
    assert done["extra"]["method"] == "password"
    assert (out["user_id"], out["session_id"]) == (user.pk, session.pk)


def test_asvs_16_2_5_a_failure_under_an_unknown_name_is_an_activity_without_it(monkeypatch):
    noted = []
    monkeypatch.setattr(
        "authentication.sign_ins.record_event", lambda _kind, **details: noted.append(details)
    )
    typed = "my-secret-passphrase-in-the-wrong-field"

    Traveller("pages").http.post(LOGIN, {"login": typed, "password": "wrong"})

    assert noted[0]["user_id"] is None
    assert typed not in str(noted)


# --- What is known: gathering ---------------------------------------------------------------


def gathered(user, ip=IN_LISBON, *, is_known_device=False):
    with entered(ActingContext(client_ip=ip, user_agent=FIREFOX)):
        return gather(user, is_known_device=is_known_device)


@pytest.mark.parametrize("size", [0, 3, MOST_SIGN_INS + 20])
def test_what_is_known_is_two_queries_however_much_there_is(user, size, django_assert_num_queries):
    for number in range(size):
        signed_in(user, ago=timedelta(hours=number))
    client = Traveller("pages")
    for _ in range(min(size, 4)):
        client.sign_in(user, "not the password at all")

    # 1. the latest sign-ins  2. the latest events
    with django_assert_num_queries(2):
        facts = gathered(user)

    assert sum(facts.hours) == min(size, MOST_SIGN_INS)
    assert facts.failures == min(size, 4)


def test_the_first_sign_in_of_an_account_knows_nothing(user):
    facts = gathered(user)

    assert (facts.has_history, facts.countries, facts.last_seen) == (False, frozenset(), None)


def test_sign_ins_that_were_stopped_and_those_of_staff_set_no_habit(user):
    signed_in(user, SINGAPORE, end_reason=EndReason.SUSPICIOUS, ended_at=timezone.now(),
              session_data="")  # fmt: skip
    signed_in(user, SINGAPORE, impersonator=make_user(), impersonation_reason="A question")
    UserSessionFactory(user=user, country="SG")  # never finished
    signed_in(make_user(), SINGAPORE)

    facts = gathered(user)

    assert (facts.has_history, facts.countries, facts.last_seen) == (False, frozenset(), None)


def test_failures_count_since_the_last_sign_in_and_for_a_day(user):
    client = Traveller("pages")
    client.sign_in(user, "wrong and wrong again")
    client.sign_in(user)
    client.sign_out()
    client.sign_in(user, "wrong and wrong again")
    client.sign_in(user, "wrong and wrong again")

    assert gathered(user).failures == 2


def test_more_events_than_are_read_do_no_harm(user):
    AuditEvent.objects.bulk_create(
        AuditEvent(
            occurred_at=timezone.now(), action=FAILED, via="web", app="users", model="user",
            object_id=str(user.pk), row_hash="0" * 64,
        )
        for _ in range(MOST_EVENTS + 50)
    )  # fmt: skip

    assert gathered(user).failures == MOST_EVENTS


@pytest.mark.parametrize("by", ["owner", "staff"])
def test_a_removed_second_factor_is_known_whoever_removed_it(user, by):
    app = make_app(user)
    assert gathered(user).factor_removed_at is None

    remove_factor(actor=user if by == "owner" else make_user(), device=app)

    assert gathered(user).factor_removed_at is not None


def test_the_whole_assessment_is_three_queries_and_made_once_a_request(
    user, django_assert_num_queries
):
    request = RequestFactory().get("/", headers={"X-Device-ID": APP_ID})
    request.user = AnonymousUser()

    # 1. the device  2. the latest sign-ins  3. the latest events
    with django_assert_num_queries(3):
        risk.must_ask_again(request, user)
        risk.must_stop(request, user)
        risk.facts_of(request, user)
