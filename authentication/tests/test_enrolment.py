"""Setting up a second factor: the first one during a sign-in, further ones in a session."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.html import escape

from authentication.models import BackupCodeDevice, TOTPDevice
from authentication.tests.clients import (
    ENROL,
    FACTORS,
    LOGIN,
    AppClient,
    BrowserClient,
    error_codes,
    make_app,
    pending_flows,
)
from authentication.tests.codes import code_of
from authentication.tests.people import PASSWORD, make_user
from core.models import AuditEvent
from core.tests.parallel import at_once
from users.models import UserSession

pytestmark = pytest.mark.django_db
both_clients = pytest.mark.parametrize("client_class", [AppClient, BrowserClient])


@pytest.fixture
def member():
    """Somebody who must use a second factor and has none."""
    return make_user(totp_required=True)


@pytest.fixture
def person():
    return make_user()


def enter_password(client, user, **extra):
    return client.post(LOGIN, {"login": user.username, "password": PASSWORD, **extra})


# --- During a sign-in -----------------------------------------------------------------------


@both_clients
def test_asvs_6_3_3_who_must_have_a_factor_is_held_until_there_is_one(client_class, member):
    client = client_class()

    response = client.enter_password(member)

    assert response.status_code == 401
    assert pending_flows(response) == ["enrol"]
    assert not client.is_signed_in()


@pytest.mark.parametrize("required", [True, False])
def test_asvs_6_3_3_staff_must_have_one_where_the_setting_says_so(settings, required):
    settings.STAFF_SECOND_FACTOR_REQUIRED = required
    client = AppClient()

    client.enter_password(make_user(is_staff=True))

    assert client.is_signed_in() is not required


@both_clients
def test_the_first_code_ends_the_sign_in_with_ten_backup_codes(client_class, member):
    client = client_class()
    client.enter_password(member)
    offered = client.call("GET", "auth/enrol").json()["data"]
    device = TOTPDevice.objects.get()

    response = client.call("POST", "auth/enrol", {"code": code_of(device), "name": "Phone"})

    assert response.status_code == 200
    codes = response.json()["data"]["backup_codes"]
    assert len(set(codes)) == 10
    assert client.is_signed_in()
    device.refresh_from_db()
    assert (device.confirmed, device.name, device.secret) == (True, "Phone", offered["secret"])
    assert offered["otpauth_url"] == device.config_url
    assert UserSession.objects.get(user=member).verified_factor == device.persistent_id
    assert AppClient().sign_in(member, codes[7]).is_signed_in()


def test_a_wrong_first_code_takes_nothing_into_use(member):
    client = AppClient()
    client.enter_password(member)
    device = TOTPDevice.objects.get()

    response = client.call("POST", "auth/enrol", {"code": code_of(device, steps=3)})

    assert (response.status_code, error_codes(response)) == (400, ["incorrect_code"])
    device.refresh_from_db()
    assert not device.confirmed
    assert not client.is_signed_in()
    assert not BackupCodeDevice.objects.exists()


def test_each_pending_sign_in_has_a_secret_of_its_own(member):
    one, other = AppClient(), AppClient()
    for client in (one, other):
        client.enter_password(member)

    first = one.call("GET", "auth/enrol").json()["data"]
    second = other.call("GET", "auth/enrol").json()["data"]

    assert first["secret"] != second["secret"]
    assert first["id"] != second["id"]


def test_what_is_confirmed_first_ends_the_other_pending_sign_ins(member):
    owner, other = AppClient(), AppClient()
    for client in (owner, other):
        client.enter_password(member)
    mine, theirs = TOTPDevice.objects.order_by("id")

    assert owner.call("POST", "auth/enrol", {"code": code_of(mine)}).status_code == 200
    late = other.call("POST", "auth/enrol", {"code": code_of(theirs)})

    assert (late.status_code, pending_flows(late)) == (401, [])
    assert not other.is_signed_in()
    theirs.refresh_from_db()
    assert not theirs.confirmed


@pytest.mark.django_db(transaction=True)
def test_of_first_factors_confirmed_at_once_one_is_taken_into_use(member):
    clients = [AppClient() for _number in range(6)]
    for client in clients:
        client.enter_password(member)
        client.http.raise_request_exception = False
    codes = [code_of(device) for device in TOTPDevice.objects.order_by("id")]

    def job(client, code):
        return lambda: client.call("POST", "auth/enrol", {"code": code}).status_code

    statuses = at_once(*[job(*pair) for pair in zip(clients, codes, strict=True)])

    assert sorted(statuses) == [200, 401, 401, 401, 401, 401]
    assert TOTPDevice.objects.filter(confirmed=True).count() == 1


def test_the_page_shows_secret_and_qr_code_and_goes_on_to_where_one_was_going(client, member):
    response = enter_password(client, member, next="/accounts/email/")
    assert response["Location"] == ENROL
    page = client.get(ENROL)
    device = TOTPDevice.objects.get()

    done = client.post(ENROL, {"code": code_of(device)})

    assert device.secret in page.content.decode()
    assert "<svg" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert done.status_code == 200
    assert done.context["continue_url"] == "/accounts/email/"
    assert len(done.context["codes"]) == 10
    assert all(escape(code) in done.content.decode() for code in done.context["codes"])
    assert "no-store" in done["Cache-Control"]
    assert client.get("/accounts/email/").status_code == 200


def test_the_page_tells_what_is_wrong_with_a_code(client, member):
    enter_password(client, member)

    response = client.post(ENROL, {"code": "000"})

    assert response.status_code == 200
    assert response.context["form"].errors["code"]
    assert client.get("/api/v1/me").status_code in (401, 403)


def test_cancelling_starts_the_sign_in_over(client, member):
    enter_password(client, member)

    assert client.post(ENROL, {"cancel": "1"})["Location"] == LOGIN
    assert client.get(ENROL)["Location"] == LOGIN


def test_the_page_is_nothing_for_strangers(client):
    assert client.get(ENROL)["Location"] == LOGIN


def test_an_account_that_is_switched_off_meanwhile_stays_out(member):
    client = AppClient()
    client.enter_password(member)
    device = TOTPDevice.objects.get()
    type(member).objects.update(is_active=False)

    response = client.call("POST", "auth/enrol", {"code": code_of(device)})

    assert response.status_code == 401
    device.refresh_from_db()
    assert not device.confirmed


# --- In a session ---------------------------------------------------------------------------


@both_clients
def test_asvs_7_5_1_adding_a_factor_needs_a_step_up(client_class, person):
    client = client_class().sign_in(person)

    refused = client.call("POST", "account/second-factors", {"name": "Phone"})

    assert refused.status_code == 401
    assert refused.json()["meta"]["is_authenticated"] is True
    assert not TOTPDevice.objects.exists()


@both_clients
def test_asvs_7_2_4_confirming_a_factor_rotates_the_session_and_verifies_it(client_class, person):
    client = client_class().sign_in(person).step_up()
    before = client.token or client.http.session.session_key
    started = client.call("POST", "account/second-factors", {"name": "Phone"}).json()["data"]
    device = TOTPDevice.objects.get()

    response = client.call(
        "POST", f"account/second-factors/{started['id']}", {"code": code_of(device)}
    )

    body = response.json()["data"]
    assert response.status_code == 200
    assert (body["factor"]["name"], len(body["backup_codes"])) == ("Phone", 10)
    assert (client.token or client.http.session.session_key) != before
    assert client.is_signed_in()
    assert not AppClient(token=before).is_signed_in()
    assert UserSession.objects.active().get(user=person).verified_factor == device.persistent_id


def test_nist_4_1_2_1_a_second_factor_is_not_added_by_a_session_without_the_first(person):
    unverified = AppClient().sign_in(person).step_up()
    make_app(person)

    response = unverified.call("POST", "account/second-factors", {"name": "Thief"})

    assert response.status_code == 401
    assert TOTPDevice.objects.count() == 1


def test_nist_4_1_2_1_the_owner_is_told_elsewhere_of_a_new_factor(
    person, mailoutbox, django_capture_on_commit_callbacks
):
    client = AppClient().sign_in(person).step_up()
    client.call("POST", "account/second-factors", {"name": "My phone"})
    device = TOTPDevice.objects.get()

    with django_capture_on_commit_callbacks(execute=True):
        client.call("POST", f"account/second-factors/app-{device.pk}", {"code": code_of(device)})

    (mail,) = mailoutbox
    assert mail.to == [person.email]
    assert "My phone" in mail.body
    assert device.secret not in mail.body


def test_a_further_factor_brings_no_further_backup_codes(person):
    app = make_app(person)
    BackupCodeDevice.objects.create(user=person, name="Backup codes").replace_codes()
    client = AppClient().sign_in(person, code_of(app))
    TOTPDevice.objects.update(last_step=0)
    client.step_up(code=code_of(app))
    client.call("POST", "account/second-factors", {})
    tablet = TOTPDevice.objects.get(confirmed=False)

    response = client.call(
        "POST", f"account/second-factors/app-{tablet.pk}", {"code": code_of(tablet)}
    )

    assert response.json()["data"]["backup_codes"] == []
    assert TOTPDevice.objects.filter(user=person, confirmed=True).count() == 2


def test_nobody_confirms_what_somebody_else_has_started(person):
    device = make_app(make_user(), confirmed=False)
    client = AppClient().sign_in(person).step_up()

    response = client.call(
        "POST", f"account/second-factors/app-{device.pk}", {"code": code_of(device)}
    )

    assert response.status_code == 404
    device.refresh_from_db()
    assert not device.confirmed


def test_an_enrolment_that_was_given_up_is_not_confirmed_later_and_disappears(person):
    client = AppClient().sign_in(person).step_up()
    client.call("POST", "account/second-factors", {})
    device = TOTPDevice.objects.get()
    TOTPDevice.objects.update(created_at=timezone.now() - timedelta(minutes=16))

    late = client.call("POST", f"account/second-factors/app-{device.pk}", {"code": code_of(device)})
    client.call("POST", "account/second-factors", {})

    assert late.status_code == 409
    assert list(TOTPDevice.objects.values_list("confirmed", flat=True)) == [False]
    assert not TOTPDevice.objects.filter(pk=device.pk).exists()


def test_there_are_ten_apps_at_most(person):
    apps = [make_app(person, f"App {number}") for number in range(10)]
    client = AppClient().sign_in(person, code_of(apps[0]))
    TOTPDevice.objects.update(last_step=0)
    client.step_up(code=code_of(apps[0]))

    response = client.call("POST", "account/second-factors", {})

    assert response.status_code == 409
    assert TOTPDevice.objects.count() == 10


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "n" * 65])
def test_a_name_that_cannot_be_kept_is_refused(person, name):
    client = AppClient().sign_in(person).step_up()

    response = client.call("POST", "account/second-factors", {"name": name})

    assert response.status_code == 400
    assert not TOTPDevice.objects.exists()


def test_the_page_in_a_session_asks_for_a_step_up_first_and_comes_back(client, person):
    enter_password(client, person)

    refused = client.get(ENROL)
    stepped_up = client.post(refused["Location"], {"password": PASSWORD})
    page = client.get(stepped_up["Location"])
    device = TOTPDevice.objects.get()
    again = client.get(ENROL)
    done = client.post(ENROL, {"code": code_of(device), "name": "Phone"})

    assert refused["Location"].startswith("/accounts/step-up/?next=")
    assert stepped_up["Location"] == ENROL
    assert device.secret in page.content.decode()
    assert device.secret in again.content.decode()
    assert len(done.context["codes"]) == 10
    assert done.context["continue_url"] == FACTORS
    assert client.get(FACTORS).status_code == 200


def test_nist_4_1_every_factor_ever_bound_stays_in_the_trail_with_time_and_address(person):
    client = AppClient().sign_in(person).step_up()
    client.call("POST", "account/second-factors", {"name": "Phone"})
    device = TOTPDevice.objects.get()
    path = f"account/second-factors/app-{device.pk}"
    client.call("POST", path, {"code": code_of(device)})
    client.call("PATCH", path, {"name": "Old phone"})
    client.call("DELETE", path)

    events = AuditEvent.objects.filter(model="totpdevice", object_id=str(device.pk))
    assert list(events.order_by("id").values_list("action", "client_ip", "actor")) == [
        (action, "127.0.0.1", person.pk) for action in ("create", "confirm", "rename", "delete")
    ]
    removed = events.get(action="delete").changes
    assert removed["user"] == [str(person.pk), None]
    assert removed["created_at"][0] is not None
    assert device.secret not in str(list(AuditEvent.objects.values()))
