"""The second step of a sign-in: what a password alone does not open."""

import time

import pytest
from django.utils import timezone

from authentication.models import BackupCodeDevice, TOTPDevice
from authentication.tests.clients import make_app
from authentication.tests.codes import code_of
from authentication.tests.people import PASSWORD, make_user

pytestmark = pytest.mark.django_db

LOGIN, OTP, ADMIN, ME = "/accounts/login/", "/accounts/otp/", "/admin/", "/api/v1/me"


def make_admin(**fields):
    return make_user(is_staff=True, is_superuser=True, **fields)


def make_backup_codes(user, **fields):
    device = BackupCodeDevice(user=user, name="Backup codes", **fields)
    device.save()
    return device.replace_codes()


def wrong_code_of(app):
    return f"{(int(code_of(app)) + 1) % 1_000_000:06}"


def enter_password(client, user, **extra):
    return client.post(LOGIN, {"login": user.username, "password": PASSWORD, **extra})


def is_signed_in(client):
    return client.get(ADMIN).status_code == 200 and client.get(ME).status_code == 200


def forget_wrong_codes(device):
    """As if the waiting time after a wrong code were over."""
    type(device).objects.filter(pk=device.pk).update(
        throttling_failure_timestamp=None, throttling_failure_count=0
    )


@pytest.fixture
def user():
    return make_admin()


@pytest.fixture
def app(user):
    return make_app(user)


@pytest.mark.parametrize("factor", [make_app, make_backup_codes])
def test_a_password_alone_opens_nothing_for_who_has_a_second_factor(client, user, factor):
    factor(user)

    response = enter_password(client, user, next=ADMIN)

    assert response["Location"] == OTP
    assert client.get(ADMIN).status_code == 302
    assert client.get(ME).status_code in (401, 403)
    assert "_auth_user_id" not in client.session
    assert client.get(OTP).status_code == 200


def test_without_a_second_factor_the_password_is_enough(client, user):
    enter_password(client, user)

    assert is_signed_in(client)


@pytest.mark.parametrize("factor", [make_app, make_backup_codes])
def test_an_unconfirmed_factor_does_not_ask(client, user, factor):
    factor(user, confirmed=False)

    enter_password(client, user)

    assert is_signed_in(client)


def test_the_right_code_signs_in_verified_and_leads_to_where_one_was_going(client, user, app):
    enter_password(client, user, next="/admin/items/item/")

    response = client.post(OTP, {"code": code_of(app)})

    assert response["Location"] == "/admin/items/item/"
    assert is_signed_in(client)
    request = client.get(ADMIN).wsgi_request
    assert request.user == user
    assert request.user.is_verified()
    assert request.user.otp_device == app.persistent_id


def test_the_session_key_changes_with_the_sign_in(client, user, app):
    enter_password(client, user)
    pending = client.session.session_key

    client.post(OTP, {"code": code_of(app)})

    assert client.session.session_key != pending


def test_a_code_may_be_typed_as_the_app_shows_it(client, user, app):
    enter_password(client, user)
    code = code_of(app)

    client.post(OTP, {"code": f" {code[:3]} {code[3:]} "})

    assert is_signed_in(client)


def test_a_code_works_once(client, user, app):
    code = code_of(app)
    enter_password(client, user)
    client.post(OTP, {"code": code})
    client.post("/admin/logout/")
    enter_password(client, user)

    response = client.post(OTP, {"code": code})

    assert response.status_code == 200
    assert "used already" in response.content.decode()
    assert not is_signed_in(client)


def test_a_backup_code_works_once(client, user, app):
    codes = make_backup_codes(user)
    for code, expected in ((codes[0].upper(), True), (codes[0], False), (codes[1], True)):
        forget_wrong_codes(BackupCodeDevice.objects.get())
        enter_password(client, user)
        client.post(OTP, {"code": code})

        assert is_signed_in(client) is expected
        client.post("/admin/logout/")
        client.cookies.clear()


@pytest.mark.parametrize("steps", [-2, -1, 1, 2])
def test_a_code_of_another_time_step_is_refused(client, user, app, steps):
    code = code_of(app, steps=steps)
    enter_password(client, user)

    client.post(OTP, {"code": code})

    assert not is_signed_in(client)


@pytest.mark.parametrize("code", ["", " ", "12345", "1234567", "١٢٣٤٥٦", "a" * 64, "a" * 65, "\0"])
def test_what_is_no_code_is_refused_with_a_message(client, user, app, code):
    make_backup_codes(user)
    enter_password(client, user)

    response = client.post(OTP, {"code": code})

    assert response.status_code == 200
    assert response.context["form"].errors["code"]
    assert not is_signed_in(client)


def test_somebody_elses_code_is_refused(client, user, app):
    other = make_app(make_admin())
    enter_password(client, user)

    client.post(OTP, {"code": code_of(other), "app": other.persistent_id})

    assert not is_signed_in(client)


def test_the_fifth_wrong_code_ends_the_pending_sign_in(client, user, app):
    enter_password(client, user)
    for _attempt in range(4):
        assert client.post(OTP, {"code": wrong_code_of(app)}).status_code == 200

    fifth = client.post(OTP, {"code": wrong_code_of(app)})
    forget_wrong_codes(app)
    late = client.post(OTP, {"code": code_of(app)})

    assert fifth["Location"] == LOGIN
    assert late["Location"] == LOGIN
    assert "Too many wrong codes" in client.get(LOGIN).content.decode()
    assert not is_signed_in(client)


def test_after_five_wrong_codes_a_new_sign_in_starts_from_none(client, user, app):
    enter_password(client, user)
    for _attempt in range(5):
        client.post(OTP, {"code": wrong_code_of(app)})
    forget_wrong_codes(app)
    enter_password(client, user)

    client.post(OTP, {"code": code_of(app)})

    assert is_signed_in(client)


def test_wrong_codes_make_the_next_try_wait_even_in_another_browser(client, user, app):
    enter_password(client, user)
    client.post(OTP, {"code": wrong_code_of(app)})
    later = timezone.now() + timezone.timedelta(seconds=60)
    TOTPDevice.objects.filter(pk=app.pk).update(
        throttling_failure_count=7, throttling_failure_timestamp=later
    )
    client.cookies.clear()
    enter_password(client, user)

    response = client.post(OTP, {"code": code_of(app)})

    assert "Too soon after a wrong code" in response.content.decode()
    assert not is_signed_in(client)


def test_a_wrong_code_of_an_app_slows_down_no_other_factor(client, user, app):
    tablet = make_app(user, "Tablet")
    codes = make_backup_codes(user)
    enter_password(client, user)

    client.post(OTP, {"code": wrong_code_of(app), "app": app.persistent_id})

    app.refresh_from_db()
    tablet.refresh_from_db()
    assert (app.throttling_failure_count, tablet.throttling_failure_count) == (1, 0)
    client.post(OTP, {"code": codes[0]})
    assert is_signed_in(client)


def test_with_several_apps_one_chooses(client, user, app):
    tablet = make_app(user, "Tablet")
    enter_password(client, user)

    page = client.get(OTP).content.decode()
    client.post(OTP, {"code": code_of(tablet), "app": tablet.persistent_id})

    assert "Tablet" in page
    assert is_signed_in(client)
    app.refresh_from_db()
    assert app.throttling_failure_count == 0


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_deleted": True}])
def test_an_account_that_is_switched_off_meanwhile_stays_out(client, user, app, change):
    enter_password(client, user)
    if "is_deleted" in change:
        user.delete()
    else:
        type(user).objects.filter(pk=user.pk).update(**change)

    response = client.post(OTP, {"code": code_of(app)})

    assert response["Location"] == LOGIN
    assert "_auth_user_id" not in client.session


def test_a_factor_that_is_removed_meanwhile_does_not_open_the_door(client, user, app):
    enter_password(client, user)
    app.delete()

    response = client.get(OTP)

    assert response["Location"] == LOGIN
    assert not is_signed_in(client)
    enter_password(client, user)
    assert is_signed_in(client)


def test_cancelling_goes_back_to_the_first_step(client, user, app):
    enter_password(client, user)

    response = client.post(OTP, {"cancel": "1"})

    assert response["Location"] == LOGIN
    assert client.get(LOGIN).status_code == 200
    assert client.get(OTP)["Location"] == LOGIN


def test_the_page_is_for_pending_sign_ins_only(client, user, app):
    assert client.get(OTP)["Location"] == LOGIN
    assert client.post(OTP, {"code": code_of(app)})["Location"] == LOGIN
    assert not is_signed_in(client)


def test_a_pending_sign_in_runs_out(client, user, app, settings, monkeypatch):
    enter_password(client, user)
    now = time.time()
    monkeypatch.setattr("allauth.account.internal.stagekit.time.time", lambda: now + 901)

    response = client.get(OTP)

    assert response["Location"] == LOGIN


def test_the_page_asks_browsers_not_to_keep_it(client, user, app):
    enter_password(client, user)

    assert "no-store" in client.get(OTP)["Cache-Control"]
