"""What people do with their own devices, through the API and on the pages."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from authentication.device_trust import forget_trust_of, hash_of
from authentication.models import APIToken, PasswordResetToken
from authentication.services.api_tokens import create_api_token
from authentication.services.devices import report_device
from authentication.services.password_resets import make_reset_token
from authentication.tests.account_clients import step_up
from authentication.tests.clients import AppClient, make_app
from authentication.tests.codes import code_of
from authentication.tests.people import PASSWORD, make_user
from authentication.tests.trusting import App
from core.models import AuditEvent
from core.tests.parallel import at_once
from users.models import Device, EndReason, UserSession
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

DEVICES = "/api/v1/me/devices"
PAGE = "/accounts/devices/"
HERE, THERE = "2f7b1c9e-58aa-4c0e-9d35-0f6f2f0f8f11", "9c41e0d2-77b3-4a55-8e02-c1de5f6ab730"


@pytest.fixture
def user():
    return make_user()


def app_of(user, device=HERE, code=None):
    client = App(device=device)
    return client.sign_in(user, code)


def device_of(client):
    rows = client.request("GET", DEVICES).json()["results"]
    return next(row for row in rows if row["is_current"])


def make_device(user, **fields):
    return Device.objects.create(user=user, fingerprint="f" * 64, **fields)


def make_trusted(user, **fields):
    until = timezone.now() + timedelta(days=3)
    hashed = hash_of("s" * 43)
    return make_device(user, trusted_until=until, trust_secret_hash=hashed, **fields)


# --- Seeing and naming them -----------------------------------------------------------------


def test_each_device_is_listed_and_this_one_is_marked_without_what_it_is_known_by(user):
    make_trusted(user, name="Old laptop")
    client = app_of(user)

    rows = client.request("GET", DEVICES).json()["results"]

    assert [(row["title"], row["is_current"], row["is_trusted"]) for row in rows] == [
        ("Unknown device", True, False),
        ("Old laptop", False, True),
    ]
    assert not {"fingerprint", "trust_secret_hash"} & rows[0].keys()


def test_the_list_costs_the_same_however_many_rows(user, django_assert_num_queries, api_of):
    api = api_of(user)
    api.get(DEVICES)
    for number in range(4):
        Device.objects.create(user=user, fingerprint=str(number) * 64)

    # 1. the token with its owner  2. the page; a token comes from no device
    with django_assert_num_queries(2):
        assert len(api.get(DEVICES).json()["results"]) == 4


def test_a_device_is_renamed_and_that_is_recorded(user, api_of):
    device = make_device(user)

    response = api_of(user).patch(f"{DEVICES}/{device.pk}", {"name": "Laptop"}, format="json")

    assert response.json()["title"] == "Laptop"
    assert AuditEvent.objects.get(model="device", action="update").changes == {
        "name": ["", "Laptop"]
    }


@pytest.mark.parametrize("body", [{}, {"name": 7}, {"name": "x" * 101}, {"trusted_until": "x"}])
def test_nothing_but_a_name_is_written(user, api_of, body):
    device = make_device(user, name="Laptop")

    assert api_of(user).patch(f"{DEVICES}/{device.pk}", body, format="json").status_code == 400
    device.refresh_from_db()
    assert device.name == "Laptop"


@pytest.mark.parametrize(
    ("method", "path"),
    [("patch", ""), ("post", "/trust"), ("delete", "/trust"), ("post", "/not-me")],
)
def test_somebody_elses_device_is_404_and_stays_as_it_is(user, api_of, method, path):
    device = make_trusted(UserFactory())
    before = Device.objects.values().get()

    response = getattr(api_of(user), method)(f"{DEVICES}/{device.pk}{path}", {"name": "Mine"})

    assert response.status_code == 404
    assert Device.objects.values().get() == before


@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", ""), ("POST", "/trust"), ("DELETE", "/trust"), ("POST", "/not-me")],
)
def test_each_change_needs_a_recent_step_up(user, method, path):
    device = make_trusted(user)

    response = app_of(user).request(method, f"{DEVICES}/{device.pk}{path}", {"name": "Mine"})

    assert response.json()["code"] == "step_up_required"
    assert Device.objects.filter(pk=device.pk, name="", reported_at=None).exists()


def test_a_token_is_held_to_its_scopes(user, api_of):
    device = make_trusted(user)
    reader = api_of(user, scopes=["users.view_device"])

    assert reader.get(DEVICES).status_code == 200
    assert reader.delete(f"{DEVICES}/{device.pk}/trust").status_code == 403
    device.refresh_from_db()
    assert device.trusted_until


# --- Trust ----------------------------------------------------------------------------------


def test_an_app_trusts_its_device_from_within_a_session(user):
    phone = make_app(user)
    client = app_of(user, code=code_of(phone))
    type(phone).objects.update(last_step=-1)
    client.step_up(code=code_of(phone))

    answer = client.request("POST", f"{DEVICES}/{device_of(client)['id']}/trust")

    assert answer.status_code == 200, answer.content
    assert answer.json()["is_trusted"]
    assert answer["Cache-Control"] == "no-store"
    assert App(answer.json()["secret"]).enter_password(user).status_code == 200


@pytest.mark.parametrize("why", ["other device", "no factor", "must use one", "token", "reported"])
def test_no_other_device_is_trusted(user, api_of, monkeypatch, why):
    if why != "no factor":
        phone = make_app(user)
    client = app_of(user, code=None if why == "no factor" else code_of(phone))
    step_up(client, monkeypatch)
    pk = device_of(client)["id"]
    if why == "other device":
        pk = make_device(user).pk
    if why == "must use one":
        type(user).objects.update(totp_required=True)
    if why == "reported":
        Device.objects.update(reported_at=timezone.now())
    caller = api_of(user) if why == "token" else None

    path = f"{DEVICES}/{pk}/trust"
    response = caller.post(path) if caller else client.request("POST", path)

    assert response.status_code == 409
    assert response.json()["code"] == "no_device_trust"
    assert not Device.objects.exclude(trusted_until=None).exists()


def test_its_owner_takes_trust_away_and_once_more_changes_nothing(user, api_of):
    device, api = make_trusted(user), api_of(user)

    assert [api.delete(f"{DEVICES}/{device.pk}/trust").status_code for _ in "ab"] == [204, 204]
    device.refresh_from_db()
    assert (device.trusted_until, device.trust_secret_hash) == (None, "")
    assert AuditEvent.objects.filter(action="distrust").count() == 1


# --- "This wasn't me" -----------------------------------------------------------------------


@pytest.fixture
def stranger(user):
    """Somebody with the password, on a device of their own, who made themselves a token."""
    client = app_of(user, THERE).step_up()
    made = client.request("POST", "/api/v1/me/tokens", {"name": "keep"})
    assert made.status_code == 201
    mail.outbox.clear()
    return client


def test_a_report_ends_what_the_device_has_and_starts_a_reset(user, stranger):
    theirs = device_of(stranger)["id"]
    _token, harmless = create_api_token(actor=user, user=user, name="mine, from before")
    make_reset_token(actor=None, user=user)
    here = app_of(user).step_up()
    mail.outbox.clear()

    answer = here.request("POST", f"{DEVICES}/{theirs}/not-me")

    assert answer.json() == {"sessions": 1, "tokens": 1, "reset_mailed": True}
    assert not stranger.is_signed_in()
    assert here.is_signed_in()
    reported = Device.objects.get(pk=theirs)
    assert reported.reported_at
    assert reported.trusted_until is None
    ended = UserSession.objects.get(device=reported)
    assert ended.end_reason == EndReason.SUSPICIOUS
    assert APIToken.objects.get(name="keep").revoked_at
    assert APIToken.objects.get(name="mine, from before").revoked_at is None
    assert harmless
    assert [message.to for message in mail.outbox] == [[user.email]]
    assert "/accounts/password/reset/key/" in mail.outbox[0].body
    assert PasswordResetToken.objects.usable().filter(user=user).count() == 1  # the mailed one
    [event] = AuditEvent.objects.filter(action="reported_device")
    assert event.changes["sessions_ended"] == [None, 1]


def test_the_device_in_use_and_one_reported_before_are_refused(user, stranger):
    here = app_of(user).step_up()
    theirs = device_of(stranger)["id"]
    own = device_of(here)["id"]

    assert here.request("POST", f"{DEVICES}/{own}/not-me").status_code == 409
    assert here.request("POST", f"{DEVICES}/{theirs}/not-me").status_code == 200
    assert here.request("POST", f"{DEVICES}/{theirs}/not-me").status_code == 409
    assert len(mail.outbox) == 2  # of the new device that is in use, and of the reset
    assert here.is_signed_in()


# --- The page -------------------------------------------------------------------------------


@pytest.fixture
def browser(user, monkeypatch):
    client = Client()
    client.post("/accounts/login/", {"login": user.username, "password": PASSWORD})
    step_up(client, monkeypatch)
    return client


def test_the_page_says_what_is_trusted_and_until_when(user, browser):
    device = make_trusted(user, name="Laptop")

    page = browser.get(PAGE).content.decode()

    assert f"Not asked for a code until {device.trusted_until:%Y-%m-%d}." in page
    assert "This wasn&#x27;t me" in page or "This wasn't me" in page


def test_the_page_takes_trust_away(user, browser):
    device = make_trusted(user)

    response = browser.post(f"{PAGE}{device.pk}/distrust/", follow=True)

    assert "asked for a code again" in response.content.decode()
    device.refresh_from_db()
    assert device.trusted_until is None


def test_the_page_reports_a_device(user, browser, stranger):
    theirs = Device.objects.get(pk=device_of(stranger)["id"])

    response = browser.post(f"{PAGE}{theirs.pk}/not-me/", follow=True)

    assert "its 1 session is ended" in response.content.decode()
    assert not stranger.is_signed_in()


@pytest.mark.parametrize("path", ["rename/", "distrust/", "not-me/"])
def test_the_page_knows_no_device_of_others(user, browser, path):
    device = make_trusted(UserFactory())

    assert browser.post(f"{PAGE}{device.pk}/{path}", {"name": "x"}).status_code == 404
    device.refresh_from_db()
    assert (device.name, device.reported_at) == ("", None)
    assert device.trusted_until


# --- Races ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_two_reports_at_once_one_does_something():
    user = make_user()
    device = make_device(user)

    outcomes = at_once(*[lambda: report_device(actor=user, device=device, this=None)] * 3)

    assert sorted(type(each).__name__ for each in outcomes) == [
        "ConflictError", "ConflictError", "DeviceReport",
    ]  # fmt: skip
    assert PasswordResetToken.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(4))
def test_no_session_outlives_a_report_of_the_device_that_it_was_let_pass_on(turn):
    """Sign-ins on a trusted device while its owner reports it: all of them are over then."""
    user = make_user()
    phone = make_app(user)
    app = App()
    app.enter_password(user)
    answer = app.call("POST", "auth/otp", {"code": code_of(phone), "trust_device": True})
    secret = answer.json()["data"]["device_trust"]["secret"]
    device = Device.objects.get()
    clients = [App(secret) for _each in range(3)]

    at_once(
        lambda: report_device(actor=user, device=device, this=None),
        *[lambda client=client: client.enter_password(user) for client in clients],
    )

    assert not any(client.is_signed_in() for client in clients)
    assert not app.is_signed_in()
    assert Device.objects.get().reported_at


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(3))
def test_trust_asked_for_while_all_trust_ends_is_recorded_in_one_order(turn):
    """Either the trust came first and is gone, or it came last and stands: never half of it."""
    user = make_user()
    phone = make_app(user)
    app = App()
    app.enter_password(user)

    def prove():
        return app.call("POST", "auth/otp", {"code": code_of(phone), "trust_device": True})

    answer, _ended = at_once(prove, lambda: forget_trust_of(user))

    assert answer.status_code == 200
    device = Device.objects.get()
    actions = AuditEvent.objects.filter(model="device").order_by("id").values_list("action")
    last = [action for (action,) in actions][-1]
    assert (last == "trust") == (device.trusted_until is not None)
    assert AppClient().enter_password(user).status_code == 401
