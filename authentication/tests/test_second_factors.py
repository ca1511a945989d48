"""Looking after second factors: list, rename, remove, backup codes; what removing one does."""

import pytest

from authentication.models import BackupCodeDevice, TOTPDevice
from authentication.services import second_factors as services
from authentication.services.second_factors import LastFactorError, remove_factor
from authentication.tests.clients import (
    FACTORS,
    LOGIN,
    OTP,
    STEP_UP,
    AppClient,
    BrowserClient,
    error_codes,
    make_app,
    make_backup_codes,
)
from authentication.tests.codes import code_of
from authentication.tests.people import PASSWORD, make_user
from core.models import AuditEvent
from users.models import EndReason, UserSession

pytestmark = pytest.mark.django_db
both_clients = pytest.mark.parametrize("client_class", [AppClient, BrowserClient])
ROUTE = "account/second-factors"


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def app(user):
    return make_app(user)


@pytest.fixture
def codes(user):
    return make_backup_codes(user)


def stepped_up(user, app, client_class=AppClient):
    """A client that is signed in and has stepped up by the app, whose codes are unused again."""
    client = client_class().sign_in(user, code_of(app))
    TOTPDevice.objects.update(last_step=0)
    client.step_up(code=code_of(app))
    TOTPDevice.objects.update(last_step=0)
    return client


# --- The list -------------------------------------------------------------------------------


@both_clients
def test_the_list_has_what_is_in_use_and_no_secret(client_class, user, app, codes):
    make_app(user, "Unfinished", confirmed=False)
    make_app(make_user(), "Somebody else's")
    client = client_class().sign_in(user, code_of(app))

    response = client.call("GET", ROUTE)

    data = response.json()["data"]
    assert [(row["id"], row["type"], row["name"]) for row in data["factors"]] == [
        (f"app-{app.pk}", "app", "Phone")
    ]
    assert (data["backup_codes_left"], data["is_required"]) == (10, False)
    assert app.secret not in response.content.decode()
    assert not [code for code in codes if code in response.content.decode()]


def test_strangers_have_no_factors(client):
    assert AppClient().call("GET", ROUTE).status_code == 401
    assert client.get(FACTORS)["Location"].startswith(LOGIN)


# --- Renaming -------------------------------------------------------------------------------


@both_clients
def test_an_app_is_renamed(client_class, user, app):
    client = stepped_up(user, app, client_class)

    response = client.call("PATCH", f"{ROUTE}/app-{app.pk}", {"name": " Work phone "})

    assert response.json()["data"]["factor"]["name"] == "Work phone"
    event = AuditEvent.objects.get(action="rename")
    assert event.changes == {"name": ["Phone", "Work phone"]}


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_asvs_7_5_1_changes_need_a_step_up(user, app, method):
    client = AppClient().sign_in(user, code_of(app))

    response = client.call(method, f"{ROUTE}/app-{app.pk}", {"name": "x"})

    assert response.status_code == 401
    app.refresh_from_db()
    assert app.name == "Phone"


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "POST"])
@pytest.mark.parametrize("key", ["app-{other}", "app-0", "passkey-{app}", "{app}", "backup-1", "x"])
def test_what_is_not_ones_own_is_unknown(user, app, method, key):
    other = make_app(make_user())
    client = stepped_up(user, app)
    path = f"{ROUTE}/{key.format(app=app.pk, other=other.pk)}"

    response = client.call(method, path, {"name": "x", "code": "123456"})

    assert response.status_code == 404
    assert TOTPDevice.objects.filter(name="Phone").count() == 2


# --- Removing -------------------------------------------------------------------------------


@both_clients
def test_asvs_6_5_6_removing_a_factor_unverifies_its_sessions_at_once_and_ends_none(
    client_class, user, app
):
    tablet = make_app(user, "Tablet")
    by_tablet = AppClient()
    by_tablet.enter_password(user)
    by_tablet.call("POST", "auth/otp", {"code": code_of(tablet), "device": f"app-{tablet.pk}"})
    client = stepped_up(user, app, client_class)
    by_app = AppClient().sign_in(user, code_of(app))
    verified = UserSession.objects.active().filter(user=user)
    assert set(verified.values_list("verified_factor", flat=True)) == {
        app.persistent_id, tablet.persistent_id,
    }  # fmt: skip

    assert client.call("DELETE", f"{ROUTE}/app-{tablet.pk}").status_code == 200

    states = sorted(UserSession.objects.values_list("verified_factor", "ended_at"))
    assert states == [("", None), (app.persistent_id, None), (app.persistent_id, None)]
    assert by_tablet.is_signed_in()  # it has no need of a factor
    assert by_app.is_signed_in()
    assert client.call("POST", f"{ROUTE}/backup-codes").status_code == 200


def test_asvs_6_5_6_a_session_that_must_have_a_factor_is_held_when_it_is_removed(app, user):
    type(user).objects.update(totp_required=True)
    tablet = make_app(user, "Tablet")
    by_tablet = AppClient()
    by_tablet.enter_password(user)
    by_tablet.call("POST", "auth/otp", {"code": code_of(tablet), "device": f"app-{tablet.pk}"})
    assert by_tablet.is_signed_in()

    stepped_up(user, app).call("DELETE", f"{ROUTE}/app-{tablet.pk}")

    held = by_tablet.request("GET", "/api/v1/me")
    assert (held.status_code, held.json()["code"]) == (403, "second_factor_required")
    by_tablet.step_up(code=code_of(app))
    assert by_tablet.is_signed_in()


def test_removing_the_factor_in_use_holds_the_own_session_until_another_is_proven(user, app):
    type(user).objects.update(totp_required=True)
    tablet = make_app(user, "Tablet")
    client = stepped_up(user, app)

    assert client.call("DELETE", f"{ROUTE}/app-{app.pk}").status_code == 200

    assert not client.is_signed_in()
    assert client.call("DELETE", f"{ROUTE}/app-{tablet.pk}").status_code == 401
    client.step_up(code=code_of(tablet))
    assert client.is_signed_in()


def test_asvs_7_4_3_other_sessions_end_with_a_change_when_that_is_asked_for(user, app):
    other = AppClient().sign_in(user, code_of(app))
    TOTPDevice.objects.update(last_step=0)
    client = stepped_up(user, app)

    client.call("DELETE", f"{ROUTE}/app-{app.pk}", {"end_other_sessions": True})

    assert client.is_signed_in()
    assert not other.is_signed_in()
    ended = UserSession.objects.exclude(ended_at=None).get()
    assert (ended.user, ended.end_reason) == (user, EndReason.REVOKED_BY_OWNER)


def test_the_backup_codes_go_with_the_last_factor(user, app, codes):
    client = stepped_up(user, app)

    client.call("DELETE", f"{ROUTE}/app-{app.pk}")

    assert not BackupCodeDevice.objects.exists()
    assert AppClient().sign_in(user).is_signed_in()


def test_the_backup_codes_stay_while_another_factor_does(user, app, codes):
    make_app(user, "Tablet")
    client = stepped_up(user, app)

    client.call("DELETE", f"{ROUTE}/app-{app.pk}")

    assert BackupCodeDevice.objects.get().unused == 10


@both_clients
def test_the_last_factor_stays_while_its_owner_must_have_one(client_class, user, app, codes):
    type(user).objects.update(totp_required=True)
    client = stepped_up(user, app, client_class)

    response = client.call("DELETE", f"{ROUTE}/app-{app.pk}")

    assert (response.status_code, error_codes(response)) == (409, ["last_factor"])
    assert client.is_signed_in()
    assert BackupCodeDevice.objects.exists()


def test_nobody_removes_the_last_factor_that_they_must_have_by_any_way(user, app):
    type(user).objects.update(totp_required=True)
    user.refresh_from_db()

    with pytest.raises(LastFactorError):
        remove_factor(actor=user, device=app)


def test_staff_remove_the_last_factor_of_who_has_lost_it(client, user, app, codes):
    type(user).objects.update(totp_required=True)
    session = AppClient().sign_in(user, codes[0])
    staff = make_user(is_staff=True, is_superuser=True)
    client.force_login(staff)

    client.post(f"/admin/authentication/totpdevice/{app.pk}/delete/", {"post": "yes"})

    assert not TOTPDevice.objects.exists()
    assert not BackupCodeDevice.objects.exists()
    assert not session.is_signed_in()
    event = AuditEvent.objects.get(action="delete", model="totpdevice")
    assert event.actor == staff


def test_staff_unlock_the_factors_of_others_in_the_admin(client, user, app):
    TOTPDevice.objects.update(throttling_failure_count=100)
    client.force_login(make_user(is_staff=True, is_superuser=True))

    client.post(
        "/admin/authentication/totpdevice/", {"action": "unlock", "_selected_action": [app.pk]}
    )

    app.refresh_from_db()
    assert not app.is_locked


def test_the_owner_is_told_of_a_removed_factor(user, app, monkeypatch):
    told = []
    monkeypatch.setattr(services, "notify", lambda _user, notice, **_words: told.append(notice))

    stepped_up(user, app).call("DELETE", f"{ROUTE}/app-{app.pk}")

    assert told == [services.Notice.FACTOR_REMOVED]


# --- Backup codes ---------------------------------------------------------------------------


@both_clients
def test_new_backup_codes_are_shown_once_and_end_the_old_ones(client_class, user, app, codes):
    client = stepped_up(user, app, client_class)

    response = client.call("POST", f"{ROUTE}/backup-codes")
    new = response.json()["data"]["backup_codes"]

    assert len(set(new)) == 10
    assert "no-store" in response["Cache-Control"] or "no-cache" in response["Cache-Control"]
    assert not set(new) & set(codes)
    late = AppClient()
    late.enter_password(user)
    assert late.call("POST", "auth/otp", {"code": codes[0]}).status_code == 400
    BackupCodeDevice.objects.update(throttling_failure_count=0)
    assert late.call("POST", "auth/otp", {"code": new[0]}).status_code == 200
    assert not [code for code in new if code in client.call("GET", ROUTE).content.decode()]


def test_asvs_6_5_2_of_backup_codes_only_salted_slow_hashes_are_kept(user, app):
    new = stepped_up(user, app).call("POST", f"{ROUTE}/backup-codes").json()["data"]["backup_codes"]

    row = BackupCodeDevice.objects.values().get()
    trail = str(list(AuditEvent.objects.values()))
    assert len(row["salt"]) == 32
    assert {len(entry["hash"]) for entry in row["codes"]} == {64}
    for code in new:
        assert code not in str(row)
        assert code not in trail


def test_asvs_6_5_3_ten_sets_of_backup_codes_have_no_code_twice(user, app):
    client = stepped_up(user, app)

    sets = [
        client.call("POST", f"{ROUTE}/backup-codes").json()["data"]["backup_codes"]
        for _set in range(10)
    ]

    assert len({code for codes in sets for code in codes}) == 100


def test_asvs_6_5_4_a_backup_code_has_80_random_bits(user, app):
    (code, *_others) = (
        stepped_up(user, app).call("POST", f"{ROUTE}/backup-codes").json()["data"]["backup_codes"]
    )

    characters = code.replace("-", "")
    assert len(characters) * 5 == 80
    assert set(characters) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_there_are_no_backup_codes_without_something_that_they_stand_in_for(user):
    client = AppClient().sign_in(user).step_up()

    assert client.call("POST", f"{ROUTE}/backup-codes").status_code == 409
    assert not BackupCodeDevice.objects.exists()


# --- The pages ------------------------------------------------------------------------------


def sign_in(client, user, app):
    client.post(LOGIN, {"login": user.username, "password": PASSWORD})
    client.post(OTP, {"code": code_of(app)})
    TOTPDevice.objects.update(last_step=0)


def step_up(client, app):
    response = client.post(STEP_UP, {"password": PASSWORD, "code": code_of(app)})
    assert response.status_code == 302
    TOTPDevice.objects.update(last_step=0)


def test_the_page_lists_and_offers_changes_only_after_a_step_up(client, user, app, codes):
    sign_in(client, user, app)

    before = client.get(FACTORS).content.decode()
    step_up(client, app)
    after = client.get(FACTORS).content.decode()

    assert "Phone" in before
    assert "10 codes are left" in before
    assert "Remove" not in before
    assert "Remove" in after
    assert app.secret not in after


def test_on_the_page_one_renames_removes_and_makes_codes(client, user, app, codes):
    sign_in(client, user, app)
    step_up(client, app)

    client.post(f"{FACTORS}app-{app.pk}/rename/", {"name": "Old phone"})
    assert "Old phone" in client.get(FACTORS).content.decode()
    shown = client.post(f"{FACTORS}backup-codes/")
    assert len(shown.context["codes"]) == 10
    client.post(f"{FACTORS}app-{app.pk}/remove/")
    assert not TOTPDevice.objects.exists()


@pytest.mark.parametrize("action", ["app-{pk}/rename/", "app-{pk}/remove/", "backup-codes/"])
def test_asvs_7_5_1_the_page_changes_nothing_without_a_step_up(client, user, app, codes, action):
    sign_in(client, user, app)

    response = client.post(FACTORS + action.format(pk=app.pk), {"name": "x"})

    assert response["Location"].startswith(STEP_UP)
    assert TOTPDevice.objects.get().name == "Phone"
    assert not AuditEvent.objects.filter(action="replace_codes").exists()


def test_the_page_tells_why_the_last_factor_stays(client, user, app):
    type(user).objects.update(totp_required=True)
    sign_in(client, user, app)
    step_up(client, app)

    page = client.post(f"{FACTORS}app-{app.pk}/remove/", follow=True).content.decode()

    assert "add another one first" in page
    assert TOTPDevice.objects.exists()


def test_a_factor_of_somebody_else_is_not_on_any_page(client, user, app):
    other = make_app(make_user())
    sign_in(client, user, app)
    step_up(client, app)

    assert client.post(f"{FACTORS}app-{other.pk}/remove/").status_code == 404
    assert TOTPDevice.objects.filter(pk=other.pk).exists()
