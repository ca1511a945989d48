"""The second step of a sign-in for apps and browsers that speak the headless API."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.utils import timezone

from authentication.models import BackupCodeDevice, TOTPDevice
from authentication.tests.clients import (
    AppClient,
    BrowserClient,
    error_codes,
    make_app,
    make_backup_codes,
    pending_flows,
)
from authentication.tests.codes import code_of
from authentication.tests.people import make_user
from core.tests.parallel import at_once
from users.models import UserSession

pytestmark = pytest.mark.django_db
both_clients = pytest.mark.parametrize("client_class", [AppClient, BrowserClient])


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def app(user):
    return make_app(user)


def wrong_code_of(app):
    return f"{(int(code_of(app)) + 1) % 1_000_000:06}"


def forget_wrong_codes(device):
    type(device).objects.filter(pk=device.pk).update(
        throttling_failure_timestamp=None, throttling_failure_count=0
    )


@both_clients
def test_asvs_6_3_4_a_password_leaves_the_second_step_pending(client_class, user, app):
    client = client_class()

    response = client.enter_password(user)

    assert response.status_code == 401
    assert pending_flows(response) == ["otp"]
    assert not client.is_signed_in()


@both_clients
def test_asvs_7_2_4_the_code_signs_in_under_a_new_key(client_class, user, app):
    client = client_class()
    client.enter_password(user)
    pending = client.token or client.http.session.session_key

    response = client.call("POST", "auth/otp", {"code": code_of(app)})

    assert response.status_code == 200
    assert client.is_signed_in()
    assert (client.token or client.http.session.session_key) != pending
    old = AppClient(token=pending)
    assert not old.is_signed_in()
    assert old.call("GET", "auth/session").status_code == 410


@both_clients
def test_the_session_is_verified_by_the_device_that_was_proven(client_class, user, app):
    client_class().sign_in(user, code_of(app))

    assert UserSession.objects.get(user=user).verified_factor == app.persistent_id


def test_what_may_be_proven_is_listed_without_secrets(user, app):
    make_backup_codes(user)
    client = AppClient()
    client.enter_password(user)

    response = client.call("GET", "auth/otp")

    assert response.json()["data"] == {
        "apps": [{"id": f"app-{app.pk}", "name": "Phone"}],
        "backup_codes": True,
        "passkeys": False,
        "can_trust_device": False,  # an app without an X-Device-ID
    }


@pytest.mark.parametrize("named", ["public", "persistent"])
def test_with_several_apps_one_says_which(user, app, named):
    tablet = make_app(user, "Tablet")
    client = AppClient()
    client.enter_password(user)
    device = f"app-{tablet.pk}" if named == "public" else tablet.persistent_id

    response = client.call("POST", "auth/otp", {"code": code_of(tablet), "device": device})

    assert response.status_code == 200


def test_a_wrong_code_is_refused_with_its_reason(user, app):
    client = AppClient()
    client.enter_password(user)

    first = client.call("POST", "auth/otp", {"code": wrong_code_of(app)})
    second = client.call("POST", "auth/otp", {"code": code_of(app)})

    assert (first.status_code, error_codes(first)) == (400, ["incorrect_code"])
    assert (second.status_code, error_codes(second)) == (400, ["too_soon"])


@pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": None}, {"code": "1" * 65}])
def test_what_is_no_code_at_all_is_refused_by_its_name(user, app, body):
    client = AppClient()
    client.enter_password(user)

    response = client.call("POST", "auth/otp", body)

    assert response.status_code == 400
    assert response.json()["errors"][0]["param"] == "code"


@both_clients
def test_the_fifth_wrong_code_ends_the_pending_sign_in(client_class, user, app):
    client = client_class()
    client.enter_password(user)
    for _attempt in range(4):
        assert client.call("POST", "auth/otp", {"code": wrong_code_of(app)}).status_code == 400

    fifth = client.call("POST", "auth/otp", {"code": wrong_code_of(app)})
    forget_wrong_codes(app)
    late = client.call("POST", "auth/otp", {"code": code_of(app)})

    assert (fifth.status_code, pending_flows(fifth)) == (401, [])
    assert late.status_code == 401
    assert not client.is_signed_in()


@both_clients
def test_without_a_pending_sign_in_there_is_nothing_to_prove(client_class, user, app):
    response = client_class().call("POST", "auth/otp", {"code": code_of(app)})

    assert response.status_code == 401
    assert not UserSession.objects.filter(user=user).exists()


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_deleted": True}])
def test_an_account_that_is_switched_off_meanwhile_stays_out(user, app, change):
    client = AppClient()
    client.enter_password(user)
    if "is_deleted" in change:
        user.delete()
    else:
        type(user).objects.filter(pk=user.pk).update(**change)

    response = client.call("POST", "auth/otp", {"code": code_of(app)})

    assert response.status_code == 401
    assert not client.is_signed_in()


def test_asvs_6_5_1_a_code_works_once(user, app):
    code = code_of(app)
    AppClient().sign_in(user, code)
    client = AppClient()
    client.enter_password(user)

    assert client.call("POST", "auth/otp", {"code": code}).status_code == 400
    assert not client.is_signed_in()


def test_asvs_6_5_1_a_backup_code_works_once(user, app):
    codes = make_backup_codes(user)
    AppClient().sign_in(user, codes[0])
    client = AppClient()
    client.enter_password(user)

    assert client.call("POST", "auth/otp", {"code": codes[0]}).status_code == 400
    forget_wrong_codes(BackupCodeDevice.objects.get())
    assert client.call("POST", "auth/otp", {"code": codes[1]}).status_code == 200


def test_asvs_6_5_5_the_code_of_the_step_before_is_refused(user, app, monkeypatch):
    client = AppClient()
    client.enter_password(user)
    code = code_of(app)
    later = SimpleNamespace(time=lambda: 1_800_000_030)
    monkeypatch.setattr("authentication.models.time", later)

    assert client.call("POST", "auth/otp", {"code": code}).status_code == 400


# --- At the same moment ---------------------------------------------------------------------


def pending_clients(user, count):
    """Clients that have entered the password, whatever limits the tries of one address."""
    clients = [AppClient() for _number in range(count)]
    for client in clients:
        cache.clear()
        client.enter_password(user)
    return clients


def post_at_once(clients, codes):
    for client in clients:
        # The test client takes the error of any thread for its own; a status 500 is not mistaken.
        client.http.raise_request_exception = False

    def job(client, code):
        return lambda: client.call("POST", "auth/otp", {"code": code}).status_code

    return at_once(*[job(*pair) for pair in zip(clients, codes, strict=True)])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "backup"])
def test_asvs_6_5_1_of_twelve_uses_at_once_exactly_one_signs_in(user, app, kind):
    codes = make_backup_codes(user)
    clients = pending_clients(user, 12)
    code = code_of(app) if kind == "app" else codes[0]

    statuses = post_at_once(clients, [code] * 12)

    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 400, 401}
    assert sum(client.is_signed_in() for client in clients) == 1


@pytest.mark.django_db(transaction=True)
def test_nist_3_1_4_2_of_twelve_uses_in_one_sign_in_exactly_one_succeeds(user, app):
    (client,) = pending_clients(user, 1)
    token = client.token

    statuses = post_at_once([AppClient(token) for _number in range(12)], [code_of(app)] * 12)

    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 400, 401, 410}
    assert UserSession.objects.active().filter(user=user).count() == 1


@pytest.mark.django_db(transaction=True)
def test_nist_3_2_2_wrong_codes_at_once_over_http_are_all_counted(user, app):
    """Twenty at a time, because each needs a connection to the database of its own."""
    for _round in range(2):
        clients = pending_clients(user, 20)
        statuses = post_at_once(clients, [wrong_code_of(app)] * 20)
        assert 200 not in statuses
    clients = pending_clients(user, 10)
    post_at_once(clients, [wrong_code_of(app)] * 10)

    app.refresh_from_db()
    assert (app.throttling_failure_count, app.wrong_codes) == (50, 50)


@pytest.mark.django_db(transaction=True)
def test_five_wrong_codes_at_once_end_the_pending_sign_in(user, app):
    (client,) = pending_clients(user, 1)
    token = client.token

    post_at_once([AppClient(token) for _number in range(8)], [wrong_code_of(app)] * 8)
    TOTPDevice.objects.update(
        throttling_failure_timestamp=timezone.now() - timedelta(days=1), throttling_failure_count=1
    )
    late = AppClient(token).call("POST", "auth/otp", {"code": code_of(app)})

    assert late.status_code in (401, 410)
    assert not AppClient(token).is_signed_in()
