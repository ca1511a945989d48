"""The risk of a sign-in, and what follows from it."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core import mail
from django.core.cache import cache
from django.test import RequestFactory

from authentication import risk
from authentication.mails.wording import NOTICES
from authentication.models import PasswordResetToken
from authentication.tests.account_clients import LOGIN, OTHER, link_in
from authentication.tests.clients import make_app
from authentication.tests.codes import code_of
from authentication.tests.people import PASSWORD
from authentication.tests.places import (
    APP_ID,
    FIREFOX,
    Traveller,
    ada,
    events,
    every_kind,
    known_places,
    latest,
    rules_of,
    signed_in,
    subjects,
)
from core.context import ActingContext, entered
from users.models import Device, EndReason, UserSession
from users.tests.factories import DeviceFactory
from users.tests.places import IN_LISBON, IN_MADRID, IN_SINGAPORE

_places = pytest.fixture(known_places, autouse=True)
user = pytest.fixture(ada)
pytestmark = pytest.mark.django_db


# --- The score of a sign-in -----------------------------------------------------------------


@every_kind
def test_a_new_device_in_a_new_country_is_seen_in_the_session_the_trail_and_the_score(user, kind):
    signed_in(user, ago=timedelta(days=3))

    Traveller(kind, IN_SINGAPORE).sign_in(user)

    session = latest(user)
    assert rules_of(session) == {"new_device", "new_country"}
    assert (session.risk_score, session.is_suspicious) == (45, False)
    (event,) = events("sign_in")
    assert (event["risk"], event["rules"]) == (45, "new_country, new_device")


def test_a_known_device_at_home_is_no_risk(user):
    client = Traveller("pages", IN_LISBON)
    client.sign_in(user)
    client.sign_out()

    client.sign_in(user)

    assert UserSession.objects.filter(user=user, signed_in_at__isnull=False).count() == 2
    assert latest(user).risk_rules == []


def test_impossible_travel_needs_the_coordinates_of_both_places(user):
    client = Traveller("pages", IN_LISBON)
    client.sign_in(user)
    client.sign_out()
    UserSession.objects.update(latitude=None, longitude=None)
    client.go_to(IN_SINGAPORE).sign_in(user)
    client.sign_out()
    assert rules_of(latest(user)) == {"new_country"}

    client.go_to(IN_LISBON).sign_in(user)

    assert rules_of(latest(user)) == {"impossible_travel"}


def test_many_failures_and_a_program_add_up(user):
    client = Traveller("app", agent="python-requests/2.32.3")
    client.sign_in(user)
    client.sign_out()
    for _ in range(5):
        client.sign_in(user, "wrong and wrong again")
    cache.clear()  # five minutes later

    client.sign_in(user)

    assert rules_of(latest(user)) == {"failures_before_success", "known_bad_agent"}
    assert latest(user).is_suspicious


def test_without_a_place_database_a_sign_in_goes_through_and_place_rules_are_silent(user, settings):
    """ASVS 16.5.3: what is missing makes the score lower, and keeps nobody out."""
    signed_in(user)
    settings.GEOIP_DATABASE = "/nowhere/places.mmdb"
    client = Traveller("pages", IN_SINGAPORE)

    client.sign_in(user)

    assert client.is_signed_in()
    assert rules_of(latest(user)) == {"new_device"}
    assert latest(user).country == ""


# --- From RISK_ASK_SCORE on -----------------------------------------------------------------


@every_kind
def test_asvs_6_3_5_an_unusual_sign_in_is_told_to_its_owner_in_words(user, kind):
    signed_in(user, ago=timedelta(minutes=30))
    DeviceFactory(user=user)
    client = Traveller(kind, IN_MADRID)
    client.sign_in(user)  # known from now on
    client.sign_out()
    mail.outbox.clear()

    client.go_to(IN_SINGAPORE).sign_in(user)

    assert client.is_signed_in()
    assert (latest(user).risk_score, latest(user).is_suspicious) == (75, True)
    (message,) = mail.outbox
    assert message.subject == "Unusual sign-in to your account"
    assert "Place: Singapore, SG" in message.body
    assert "Device: Firefox 128, Linux" in message.body
    assert (
        "What stood out: too far away for the time since the last use; "
        "a country that is new to the account" in " ".join(message.body.split())
    )
    assert "/accounts/not-me/" in message.body
    for raw in ("impossible_travel", "new_country", "risk"):
        assert raw not in message.body


def test_the_owner_ends_it_with_the_link_in_that_mail(user):
    client = Traveller("pages", IN_MADRID)
    client.sign_in(user)
    client.sign_out()
    thief = client.go_to(IN_SINGAPORE)  # with a copy of everything in the browser
    thief.sign_in(user)
    assert thief.is_signed_in()

    link = re.search(r"/accounts/not-me/\S+", mail.outbox[-1].body).group(0)
    Traveller("pages", IN_MADRID).http.post(link)

    assert not thief.is_signed_in()
    assert latest(user).end_reason == EndReason.SUSPICIOUS


def test_asked_again_is_who_reaches_the_first_threshold(user, settings):
    signed_in(user)
    request = RequestFactory().get("/", headers={"X-Device-ID": APP_ID})
    request.user = AnonymousUser()
    with entered(ActingContext(client_ip=IN_SINGAPORE, user_agent=FIREFOX)):
        score = risk.facts_of(request, user)[1].score
        assert score == 45
        assert not risk.must_ask_again(request, user)

        settings.RISK_ASK_SCORE = score

        assert risk.must_ask_again(request, user)


# --- From RISK_END_SCORE on -----------------------------------------------------------------


@pytest.fixture
def busy(user):
    """Somebody who has just been in Lisbon: whoever is in Singapore with a new device has 95."""
    signed_in(user, ago=timedelta(minutes=5))
    return user


@every_kind
def test_a_password_alone_is_stopped_and_leaves_a_trace_but_no_session(busy, kind):
    client = Traveller(kind, IN_SINGAPORE)

    client.sign_in(busy)

    assert not client.is_signed_in()
    session = latest(busy)
    assert (session.end_reason, session.session_data) == (EndReason.SUSPICIOUS, "")
    assert (session.risk_score, session.is_suspicious) == (95, True)
    assert (session.country, session.city) == ("SG", "Singapore")
    assert session.signed_in_at is not None
    assert not Device.objects.filter(user=busy).exists()
    assert events("sign_in") == []
    (event,) = events("sign_in_stopped")
    assert event["risk"] == 95
    busy.refresh_from_db()
    assert busy.last_login is None


def test_the_page_says_what_happened_and_a_headless_flow_has_a_code_for_it(busy):
    page = Traveller("pages", IN_SINGAPORE).http.post(
        LOGIN, {"login": "ada", "password": PASSWORD}, follow=True
    )
    assert "too unusual" in page.content.decode()
    assert page.redirect_chain == [(LOGIN, 302)]

    for kind in ("browser", "app"):
        answer = Traveller(kind, IN_SINGAPORE).sign_in(busy)
        assert answer.status_code == 401
        (error,) = answer.json()["errors"]
        assert error["code"] == "sign_in_stopped"
        assert "mail" in error["message"]


@every_kind
def test_trying_once_more_is_no_way_in(busy, kind):
    client = Traveller(kind, IN_SINGAPORE)
    for _ in range(3):
        client.sign_in(busy)

    assert not client.is_signed_in()
    assert {row.risk_score for row in UserSession.objects.exclude(end_reason="")} == {95}


@every_kind
def test_the_owner_gets_in_by_the_link_in_the_mail_without_anybodys_help(busy, kind):
    client = Traveller(kind, IN_SINGAPORE)
    client.sign_in(busy)
    (message,) = mail.outbox
    assert message.to == [busy.email]
    assert message.subject == "We stopped a sign-in to your account"
    path, _key = link_in(message)

    page = client.http.get(path, follow=True)
    form_path = page.redirect_chain[-1][0] if page.redirect_chain else path
    client.http.post(form_path, {"password1": OTHER, "password2": OTHER})
    client.sign_in(busy, OTHER)

    assert client.is_signed_in()
    assert latest(busy).is_suspicious
    assert "Unusual sign-in to your account" in subjects()


def test_a_stranger_who_knows_the_old_password_does_not_get_in_after_the_reset(busy):
    thief, owner = Traveller("app", IN_SINGAPORE), Traveller("pages", IN_LISBON)
    thief.sign_in(busy)
    path, _key = link_in(mail.outbox[0])
    page = owner.http.get(path, follow=True)
    owner.http.post(page.redirect_chain[-1][0], {"password1": OTHER, "password2": OTHER})

    thief.sign_in(busy)

    assert not thief.is_signed_in()


@every_kind
def test_a_second_factor_is_never_stopped_only_marked_and_told(busy, kind):
    app = make_app(busy)
    client = Traveller(kind, IN_SINGAPORE)

    client.sign_in(busy)
    client.enter_code(code_of(app))

    assert client.is_signed_in()
    assert (latest(busy).risk_score, latest(busy).is_suspicious) == (95, True)
    assert subjects() == ["Unusual sign-in to your account"]
    assert events("sign_in_stopped") == []


def test_who_must_set_a_second_factor_up_is_stopped_before_they_can(busy):
    """Or whoever has the password would be the one who sets it up."""
    busy.totp_required = True
    busy.save()
    client = Traveller("pages", IN_SINGAPORE)

    client.sign_in(busy)

    assert client.http.get("/accounts/enrol/").status_code == 302
    assert len(events("sign_in_stopped")) == 1
    assert not busy.totpdevice_set.exists()


def test_the_mail_can_be_reported_and_then_the_password_is_locked(busy):
    Traveller("app", IN_SINGAPORE).sign_in(busy)
    link = re.search(r"/accounts/not-me/\S+", mail.outbox[0].body).group(0)

    Traveller("pages", IN_LISBON).http.post(link)

    busy.refresh_from_db()
    assert not busy.has_usable_password()


def test_of_many_stopped_sign_ins_three_an_hour_are_told(busy):
    for _ in range(5):
        Traveller("app", IN_SINGAPORE).sign_in(busy)

    assert len(events("sign_in_stopped")) == 5
    assert len(mail.outbox) == PasswordResetToken.objects.count() == 3
    assert PasswordResetToken.objects.usable().count() == 3


def test_rules_that_are_switched_off_stop_nobody(busy, settings):
    settings.RISK_WEIGHTS = {}
    client = Traveller("app", IN_SINGAPORE)

    client.sign_in(busy)

    assert client.is_signed_in()
    assert latest(busy).risk_score == 0


def test_every_notice_of_a_risk_says_what_to_do_if_it_was_the_owner():
    for name in ("suspicious_sign_in", "sign_in_stopped", "session_held", "session_ended"):
        words = " ".join(str(paragraph) for paragraph in NOTICES[name].paragraphs)
        assert "If " in words
        assert "you" in words
        assert NOTICES[name].report


# --- A trusted device ------------------------------------------------------------------------


def test_a_trusted_device_is_asked_for_the_code_again_from_an_unusual_place(user):
    app = make_app(user)
    client = Traveller("pages", IN_LISBON)
    client.sign_in(user)
    client.http.post("/accounts/otp/", {"code": code_of(app), "trust_device": "on"})
    client.sign_out()
    client.sign_in(user)
    assert client.is_signed_in()  # at home the password is enough
    client.sign_out()

    answer = client.go_to(IN_SINGAPORE).sign_in(user)

    assert answer["Location"] == "/accounts/otp/"
    assert not client.is_signed_in()
