"""Devices that skip the second factor for a while: how trust is given, used and ended."""

from datetime import timedelta
from hashlib import sha256

import pytest
from django.conf import settings as project_settings
from django.core.signing import Signer
from django.test import Client, RequestFactory
from django.utils import timezone

from authentication.device_trust import distrust, forget_trust_of, is_trusted
from authentication.models import TOTPDevice
from authentication.services.accounts import change_password
from authentication.services.second_factors import remove_factor
from authentication.tests.clients import LOGIN, OTP, make_app
from authentication.tests.codes import code_of
from authentication.tests.people import PASSWORD, make_user
from authentication.tests.trusting import COOKIE
from core.context import ActingContext, entered
from core.models import AuditEvent
from users.models import Device, EndReason, UserSession

user, phone = map(pytest.fixture, (make_user, make_app))
pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
NEWER_FIREFOX = FIREFOX.replace("128.0", "141.0")
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)


class Browser:
    """One browser on the pages; ``forget_session()`` is closing and opening it again."""

    def __init__(self, agent=FIREFOX):
        self.http = Client(headers={"User-Agent": agent})

    def enter_password(self, user):
        return self.http.post(LOGIN, {"login": user.username, "password": PASSWORD})

    def enter_code(self, phone, **form):
        # One code is accepted once: as if some time had gone by.
        TOTPDevice.objects.filter(pk=phone.pk).update(last_step=-1)
        return self.http.post(OTP, {"code": code_of(phone), **form})

    def sign_in(self, user, phone, **form):
        self.enter_password(user)
        return self.enter_code(phone, **form)

    def forget_session(self):
        self.http.cookies.pop("sessionid")

    def is_signed_in(self):
        return self.http.get("/api/v1/me").status_code == 200

    def passes(self, user):
        """Whether a password alone signs in."""
        self.forget_session()
        response = self.enter_password(user)
        assert response.status_code == 302
        return response["Location"] != OTP and self.is_signed_in()


@pytest.fixture
def trusted(user, phone):
    """A browser that its owner has asked not to be asked for codes on."""
    browser = Browser()
    browser.sign_in(user, phone, trust_device="on")
    assert COOKIE in browser.http.cookies
    return browser


def trust_events(action):
    return AuditEvent.objects.filter(model="device", action=action)


# --- Giving it ------------------------------------------------------------------------------


def test_a_trusted_browser_is_not_asked_for_a_code(user, trusted):
    assert trusted.passes(user)


def test_a_browser_is_asked_again_when_its_owner_did_not_ask_for_trust(user, phone):
    browser = Browser()
    browser.sign_in(user, phone)

    assert COOKIE not in browser.http.cookies
    assert not browser.passes(user)


def test_the_page_offers_it_for_the_days_of_the_setting(user, phone, settings):
    settings.DEVICE_TRUST_DAYS = 7
    browser = Browser()
    browser.enter_password(user)

    assert b"on this device for 7 days" in browser.http.get(OTP).content


@pytest.mark.parametrize("why", ["must use one", "setting"])
def test_nobody_who_must_use_a_second_factor_is_offered_trust(user, phone, settings, why):
    if why == "setting":
        settings.DEVICE_TRUST_DAYS = 0
    else:
        type(user).objects.update(totp_required=True)
    browser = Browser()
    browser.enter_password(user)

    assert b"trust_device" not in browser.http.get(OTP).content
    browser.enter_code(phone, trust_device="on")
    assert browser.is_signed_in()
    assert COOKIE not in browser.http.cookies
    assert not Device.objects.exclude(trusted_until=None).exists()


def test_the_row_holds_the_hash_of_a_secret_of_256_bits_and_the_days(user, trusted, settings):
    value, _colon, _signature = trusted.http.cookies[COOKIE].value.rpartition(":")
    device = Device.objects.get(user=user)

    assert len(value) == 43
    assert device.trust_secret_hash == sha256(value.encode()).hexdigest()
    days = device.trusted_until - timezone.now()
    assert timedelta(days=29) < days <= timedelta(days=settings.DEVICE_TRUST_DAYS)
    events = list(AuditEvent.objects.values_list("changes", flat=True))
    assert value not in str(events)


def test_the_cookie_is_for_this_host_and_no_script_for_as_long_as_the_trust(trusted):
    morsel = trusted.http.cookies[COOKIE]

    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Lax", "/")
    assert morsel["domain"] == ""
    assert morsel["max-age"] == 30 * 24 * 3600


def test_trust_is_recorded_with_its_end(user, trusted):
    [event] = trust_events("trust")

    assert event.actor_id == user.pk
    assert event.changes["trusted_until"][0] is None
    assert event.changes.keys() == {"trusted_until"}


def test_a_wrong_code_gives_no_trust(user, phone):
    browser = Browser()
    browser.enter_password(user)
    browser.http.post(OTP, {"code": "000000", "trust_device": "on"})

    assert COOKIE not in browser.http.cookies
    assert not trust_events("trust").exists()


# --- Using it -------------------------------------------------------------------------------


def test_the_password_is_still_asked_for(user, trusted):
    trusted.forget_session()

    trusted.http.post(LOGIN, {"login": user.username, "password": "not it at all, sorry"})

    assert not trusted.is_signed_in()


def test_a_session_let_pass_has_no_verified_factor_and_steps_up_with_a_code(user, phone, trusted):
    trusted.passes(user)
    session = UserSession.objects.filter(user=user).latest("id")

    assert session.verified_factor == ""
    assert session.device == Device.objects.get()
    page = trusted.http.get("/accounts/step-up/").content
    assert b'name="code"' in page
    refused = trusted.http.post(f"/accounts/sessions/{session.pk}/end/")
    assert refused["Location"].startswith("/accounts/step-up/")


@pytest.mark.parametrize("change", ["signature", "value", "unsigned", "other salt"])
def test_a_trust_cookie_of_ones_own_making_passes_nobody(user, trusted, change):
    cookie = trusted.http.cookies[COOKIE].value
    value, _colon, signature = cookie.rpartition(":")
    trusted.http.cookies[COOKIE] = {
        "signature": cookie[:-2] + ("aa" if cookie[-2:] != "aa" else "bb"),
        "value": f"{'A' * 43}:{signature}",
        "unsigned": value,
        "other salt": Signer(salt="elsewhere").sign(value),
    }[change]

    assert not trusted.passes(user)


def test_the_trust_cookie_is_worth_nothing_without_the_device_cookie(user, trusted):
    del trusted.http.cookies[project_settings.DEVICE_COOKIE_NAME]

    assert not trusted.passes(user)


def test_both_cookies_in_another_kind_of_browser_pass_nobody(user, trusted):
    thief = Browser(CHROME)
    thief.http.cookies = trusted.http.cookies.copy()

    assert not thief.passes(user)
    assert trusted.passes(user)


def test_an_updated_browser_keeps_its_trust(user, trusted):
    updated = Browser(NEWER_FIREFOX)
    updated.http.cookies = trusted.http.cookies.copy()

    assert updated.passes(user)
    assert Device.objects.get().browser == "Firefox 141"


def test_trust_ends_by_itself(user, trusted):
    Device.objects.update(trusted_until=timezone.now())

    assert not trusted.passes(user)


def test_who_must_use_a_second_factor_by_now_is_asked_although_trusted_before(user, trusted):
    type(user).objects.update(totp_required=True)

    assert not trusted.passes(user)


def test_a_risk_that_asks_again_outweighs_trust(user, trusted, monkeypatch):
    monkeypatch.setattr("authentication.stages.must_ask_again", lambda *_who: True)

    assert not trusted.passes(user)


def test_people_who_share_a_browser_trust_it_each_for_themselves(user, phone, trusted):
    other = make_user()
    others_phone = make_app(other)

    assert not trusted.passes(other)
    trusted.enter_code(others_phone, trust_device="on")
    assert trusted.passes(other)
    assert trusted.passes(user)

    forget_trust_of(other)

    assert not trusted.passes(other)
    assert trusted.passes(user)


def test_a_browser_keeps_the_secrets_of_its_latest_five_users(user, trusted):
    for _each in range(5):
        other = make_user()
        trusted.forget_session()
        trusted.sign_in(other, make_app(other), trust_device="on")

    assert trusted.http.cookies[COOKIE].value.count(".") == 4
    assert not trusted.passes(user)
    assert trusted.passes(other)


def test_the_secret_from_before_is_dead_once_the_device_is_trusted_anew(user, phone, trusted):
    before = trusted.http.cookies.copy()
    forget_trust_of(user)
    trusted.forget_session()
    trusted.sign_in(user, phone, trust_device="on")
    old = Browser()
    old.http.cookies = before

    assert not old.passes(user)
    assert trusted.passes(user)


def test_the_check_is_one_query_and_none_without_a_secret(user, trusted, django_assert_num_queries):
    def asked_of(**cookies):
        request = RequestFactory().get("/", headers={"User-Agent": FIREFOX})
        request.COOKIES = cookies
        with entered(ActingContext(user_agent=FIREFOX)):
            return is_trusted(request, user)

    cookies = {name: morsel.value for name, morsel in trusted.http.cookies.items()}
    # 1. the device  2. whether a role asks for a second factor
    with django_assert_num_queries(2):
        assert asked_of(**cookies)
    with django_assert_num_queries(0):
        assert not asked_of(device=cookies["device"])


# --- Ending it ------------------------------------------------------------------------------


def by_removing_a_factor(user, phone):
    second = make_app(user, "Tablet")
    remove_factor(actor=user, device=second)


def by_the_owner(user, phone):
    assert distrust(actor=user, device=Device.objects.get())


@pytest.mark.parametrize("end", [by_removing_a_factor, by_the_owner])
def test_trust_is_over_after(user, phone, trusted, end):
    end(user, phone)

    assert not trusted.passes(user)


def test_a_change_of_password_ends_the_trust_in_every_device(user, phone, trusted):
    change_password(actor=user, user=user, password="quiet violet harbour lanterns")

    assert not Device.objects.exclude(trusted_until=None).exists()
    assert trust_events("distrust").count() == 1
    trusted.forget_session()
    answer = trusted.http.post(
        LOGIN, {"login": user.username, "password": "quiet violet harbour lanterns"}
    )
    assert answer["Location"] == OTP


def test_a_new_factor_leaves_trust_as_it_is(user, trusted):
    make_app(user, "Tablet")

    assert trusted.passes(user)


def test_a_sign_in_whose_trust_is_ended_half_way_is_thrown_out(user, trusted, monkeypatch):
    """After the stage has let it pass, and before it is over."""

    def report_meanwhile(request, owner):
        Device.objects.update(reported_at=timezone.now(), trusted_until=None, trust_secret_hash="")
        return False

    monkeypatch.setattr("authentication.flows.sign_ins.remember_if_asked", report_meanwhile)
    trusted.forget_session()

    trusted.enter_password(user)

    assert not trusted.is_signed_in()
    session = UserSession.objects.filter(user=user).latest("id")
    assert session.end_reason == EndReason.REVOKED_BY_OWNER
