"""What somebody tries once more, or makes up, is an event beside the failure that it is."""

from http import HTTPStatus

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.test import Client

from authentication.models import TOTPDevice
from authentication.services.password_resets import make_reset_token
from authentication.services.second_factors import check_code, ensure_backup_codes
from authentication.tests.account_clients import (
    CLIENTS,
    LOGIN,
    Headless,
    is_new_password,
    link_in,
    mails_at_once,  # noqa: F401 (a fixture)
    use_by,
)
from authentication.tests.codes import code_of
from authentication.tests.oauth import approve, begin, is_signed_in, link
from authentication.tests.people import PASSWORD, make_user
from core.errors import ConflictError
from core.models import AuditEvent
from core.security_events import Kind

pytestmark = pytest.mark.django_db


def events(kind):
    return [
        {name: after for name, (_before, after) in event.changes.items()}
        for event in AuditEvent.objects.filter(action=kind.value)
    ]


@pytest.fixture
def user():
    return make_user(username="ada")


@pytest.fixture
def app(user):
    return TOTPDevice.objects.create(user=user, name="Phone")


# --- Codes and links that were used -----------------------------------------------------------


def test_asvs_16_3_3_a_code_of_an_app_that_was_used_is_an_event(user, app, caplog):
    code = code_of(app)
    assert check_code(user=user, code=code).device == app

    assert check_code(user=user, code=code).device is None

    assert [event["reason"] for event in events(Kind.REPLAYED_CODE)] == ["totpdevice"]
    assert code not in caplog.text


def test_asvs_16_3_3_a_backup_code_that_was_used_is_an_event(user, app):
    codes = ensure_backup_codes(actor=user, user=user)
    check_code(user=user, code=codes[0])

    assert check_code(user=user, code=codes[0]).device is None

    assert [event["reason"] for event in events(Kind.REPLAYED_CODE)] == ["backupcodedevice"]


@pytest.mark.parametrize("code", ["000000", "aaaa-aaaa-aaaa-aaaa"])
def test_a_wrong_code_is_no_replay(user, app, code):
    ensure_backup_codes(actor=user, user=user)

    check_code(user=user, code=code)

    assert events(Kind.REPLAYED_CODE) == []
    assert AuditEvent.objects.filter(action="second_factor_failed").exists()


def test_asvs_16_3_3_a_replay_over_http_names_route_and_caller(user, app):
    first, second = Client(), Client(REMOTE_ADDR="192.0.2.9")
    for client in (first, second):
        client.post(LOGIN, {"login": "ada", "password": PASSWORD})
        client.post("/accounts/otp/", {"code": code_of(app)})

    [event] = AuditEvent.objects.filter(action="replayed_code")
    assert event.client_ip == "192.0.2.9"
    assert event.changes["route"][1] == "account_otp"
    assert not is_signed_in(second)


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_16_3_3_a_reset_link_that_was_used_is_an_event(user, kind):
    _row, secret = make_reset_token(actor=None, user=user)
    use_by(kind, user, secret)
    assert events(Kind.REPLAYED_CODE) == []

    use_by(kind, user, secret, password="something else entirely")

    assert is_new_password(user)
    assert {event["reason"] for event in events(Kind.REPLAYED_CODE)} == {"passwordresettoken"}
    assert secret not in str(AuditEvent.objects.values())


def test_asvs_16_3_3_the_slower_of_two_uses_of_a_link_is_an_event(user, monkeypatch):
    _row, secret = make_reset_token(actor=None, user=user)

    def overtaken(*, user, token):
        raise ConflictError("Somebody was faster.")

    monkeypatch.setattr("authentication.services.accounts.spend_reset_token", overtaken)
    use_by("app", user, secret)

    assert [event["reason"] for event in events(Kind.REPLAYED_CODE)] == ["passwordresettoken"]


def test_a_made_up_reset_link_is_no_replay(user):
    use_by("pages", user, "x" * 43)

    assert events(Kind.REPLAYED_CODE) == []


# --- States, cookies and links that nobody here made --------------------------------------------


@pytest.mark.parametrize("state", ["foreign", "made_up", "none"])
def test_asvs_16_3_3_a_foreign_state_is_an_event(corp, state):
    mallory, victim = Client(), Client()
    back = approve(begin(mallory))
    if state != "foreign":
        base = back.partition("?")[0]
        back = f"{base}?code=x" + ("&state=made-up" if state == "made_up" else "")

    victim.get(back)

    assert not is_signed_in(victim)
    assert [event["reason"] for event in events(Kind.TAMPERED_STATE)] == ["oauth_state"]


def test_a_right_state_with_a_wrong_answer_is_no_tampering(corp, client):
    corp.faults.add("wrong_nonce")

    client.get(approve(begin(client)))

    assert events(Kind.TAMPERED_STATE) == []
    assert AuditEvent.objects.filter(action="sign_in_failed").exists()


def test_asvs_16_3_3_a_forged_device_cookie_is_an_event(user):
    client = Client()
    client.cookies[django_settings.DEVICE_COOKIE_NAME] = "somebody:else"

    client.post(LOGIN, {"login": "ada", "password": PASSWORD})

    assert [event["reason"] for event in events(Kind.TAMPERED_STATE)] == ["device_cookie"]


def test_asvs_16_3_3_a_forged_link_of_a_mail_is_an_event(client):
    answer = client.get("/accounts/not-me/gAAAAABforged/")

    assert answer.status_code == HTTPStatus.NOT_FOUND
    [event] = events(Kind.TAMPERED_STATE)
    assert event["reason"] == "not_me_link"
    assert "forged" not in str(AuditEvent.objects.values())


# --- 16.3.1: each outcome of authentication, once -----------------------------------------------


def actions():
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def test_asvs_16_3_1_a_wrong_code_and_a_right_one_are_one_event_each(user, app):
    client = Client()
    client.post(LOGIN, {"login": "ada", "password": PASSWORD})
    before = len(actions())

    client.post("/accounts/otp/", {"code": "000000"})
    assert actions()[before:] == ["second_factor_failed"]

    other = Client()
    other.post(LOGIN, {"login": "ada", "password": PASSWORD})
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    other.post("/accounts/otp/", {"code": code_of(app)})
    assert actions().count("sign_in") == 1


def test_asvs_16_3_1_a_sign_in_through_a_provider_is_one_event(corp, client):
    link(make_user())

    client.get(approve(begin(client)))

    [event] = AuditEvent.objects.filter(action="sign_in")
    assert event.changes["method"] == [None, "oauth:corp"]
    assert AuditEvent.objects.filter(action="sign_in_failed").count() == 0


@pytest.mark.usefixtures("mails_at_once")
def test_asvs_16_3_1_a_reset_is_one_event_for_asking_and_one_for_using(user):
    client = Client()
    client.post("/accounts/password/reset/", {"email": user.email})
    assert actions().count("password_reset_requested") == 1

    use_by("pages", user, link_in(mail.outbox[-1])[1].partition("-")[2])

    assert is_new_password(user)
    assert actions().count("use") == 1


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_16_3_1_a_sign_out_is_one_event(user, kind):
    client = CLIENTS[kind]()
    client.sign_in(user)

    if kind == "pages":
        client.http.post("/accounts/logout/")
    else:
        client.call("delete", "auth/session")

    assert actions().count("sign_out") == 1


def test_asvs_16_3_1_a_refusal_by_a_limit_is_one_event(user, settings):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login_failed": "2/m/ip"}
    program = Headless("app")

    for _ in range(5):
        program.sign_in(user, password="not the password")

    assert actions().count("sign_in_failed") == 2
    assert actions().count("sign_in_refused") == 1
    assert events(Kind.RATE_LIMITED) == []
