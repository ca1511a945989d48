"""What follows a password reset, and what owners see of the links that were asked for."""

import pytest

from authentication.models import PasswordResetToken, TOTPDevice
from authentication.services.password_resets import make_reset_token
from authentication.tests.account_clients import (
    CLIENTS,
    OTHER,
    Headless,
    is_new_password,
    mails_at_once,  # noqa: F401 (a fixture)
    mails_to,
    use_by,
)
from authentication.tests.codes import code_of
from authentication.tests.people import PASSWORD, make_user
from core.models import AuditEvent
from users.models import EndReason, UserSession

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mails_at_once")]

OWN = "/api/v1/me/password-resets"


@pytest.fixture
def user():
    return make_user(username="anna")


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_7_4_3_a_reset_ends_every_session(kind, user):
    before = {name: make() for name, make in CLIENTS.items()}
    for client in before.values():
        client.sign_in(user)
    assert all(client.is_signed_in() for client in before.values())
    _row, secret = make_reset_token(actor=None, user=user)

    use_by(kind, user, secret)

    assert not any(client.is_signed_in() for client in before.values())
    ended = UserSession.objects.filter(user=user)
    assert {row.end_reason for row in ended} == {EndReason.PASSWORD_CHANGED}
    assert AuditEvent.objects.filter(action="revoke", model="usersession").count() == 3


@pytest.mark.parametrize("kind", CLIENTS)
def test_who_is_signed_in_while_resetting_is_signed_out_too(kind, user):
    client = CLIENTS[kind]()
    client.sign_in(user)
    _row, secret = make_reset_token(actor=None, user=user)

    response = use_by(kind, user, secret, client=client)

    assert response.status_code in {302, 401}
    assert is_new_password(user)
    assert not client.is_signed_in()
    assert UserSession.objects.get(user=user).end_reason == EndReason.PASSWORD_CHANGED


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_reset_does_not_sign_in(kind, user):
    _row, secret = make_reset_token(actor=None, user=user)
    client = CLIENTS[kind]()

    use_by(kind, user, secret, client=client)

    assert not client.is_signed_in()


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_6_4_3_a_reset_does_not_get_past_the_second_factor(kind, user):
    TOTPDevice.objects.create(user=user, name="Phone")
    _row, secret = make_reset_token(actor=None, user=user)
    client = CLIENTS[kind]()

    use_by(kind, user, secret, client=client)
    response = client.sign_in(user, OTHER)

    assert not client.is_signed_in()
    if kind == "pages":
        assert response["Location"] == "/accounts/otp/"
    else:
        pending = [f["id"] for f in response.json()["data"]["flows"] if f.get("is_pending")]
        assert (response.status_code, pending) == (401, ["otp"])
    app = TOTPDevice.objects.get()
    if kind == "pages":
        client.http.post("/accounts/otp/", {"code": code_of(app)})
        assert client.is_signed_in()


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_sign_in_that_was_waiting_for_its_code_ends_with_the_old_password(kind, user):
    """Whoever knew the old password is not let in by a code that they get hold of later."""
    app = TOTPDevice.objects.create(user=user, name="Phone")
    thief = CLIENTS[kind]()
    thief.sign_in(user)
    _row, secret = make_reset_token(actor=None, user=user)
    use_by("app", user, secret)

    if kind == "pages":
        thief.http.post("/accounts/otp/", {"code": code_of(app)})
    else:
        thief.call("post", "auth/otp", {"code": code_of(app)})

    assert not thief.is_signed_in()
    assert not UserSession.objects.filter(user=user).exists()


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_sign_in_that_no_change_overtakes_is_finished_by_its_code(kind, user):
    app = TOTPDevice.objects.create(user=user, name="Phone")
    client = CLIENTS[kind]()
    client.sign_in(user)

    if kind == "pages":
        client.http.post("/accounts/otp/", {"code": code_of(app)})
    else:
        client.call("post", "auth/otp", {"code": code_of(app)})

    assert client.is_signed_in()


def test_a_reset_withdraws_the_other_links_and_is_recorded_without_secrets(user):
    _old, other = make_reset_token(actor=None, user=user)
    _row, secret = make_reset_token(actor=None, user=user)

    use_by("app", user, secret)
    use_by("app", user, other, PASSWORD)

    assert is_new_password(user)
    event = AuditEvent.objects.get(action="password_reset")
    assert (event.actor_id, event.object_id) == (user.pk, str(user.pk))
    assert event.changes == {"password": ["[redacted]", "[redacted]"]}
    everything = str(list(AuditEvent.objects.values()))
    for word in (secret, other, OTHER, user.password):
        assert word not in everything
    withdrawn = PasswordResetToken.objects.exclude(revoked_at=None).get()
    assert withdrawn.revocation_reason == "The password was changed."
    assert "was reset" in mails_to(user.email)[-1].subject


def test_a_reset_lets_the_owner_sign_in_at_once_after_wrong_passwords(user):
    for _try in range(6):
        Headless().sign_in(user, "wrong")
    _row, secret = make_reset_token(actor=None, user=user)

    use_by("app", user, secret)

    assert Headless().sign_in(user, OTHER).status_code == 200


# --- Their owner ----------------------------------------------------------------------------


def test_owners_see_their_resets_and_nothing_that_opens_one(user, django_assert_num_queries):
    client = Headless("browser")
    client.sign_in(user)
    make_reset_token(actor=None, user=make_user(username="paula"))
    rows = [make_reset_token(actor=None, user=user)[0] for _ in range(3)]

    # 1. session with user  2. the page itself
    with django_assert_num_queries(2):
        response = client.http.get(OWN)

    results = response.json()["results"]
    assert [row["id"] for row in results] == [str(row.pk) for row in reversed(rows)]
    assert results[0].keys() == {
        "id", "email", "created_at", "expires_at", "used_at", "revoked_at",
        "revocation_reason", "client_ip", "user_agent",
    }  # fmt: skip


def test_the_list_comes_in_pages(user):
    client = Headless("browser")
    client.sign_in(user)
    for _ in range(3):
        make_reset_token(actor=None, user=user)

    first = client.http.get(f"{OWN}?page_size=2").json()

    assert len(first["results"]) == 2
    assert len(client.http.get(first["next"]).json()["results"]) == 1


def test_owners_revoke_their_own_and_nobody_elses(user):
    client = Headless("app")
    client.sign_in(user)
    mine, secret = make_reset_token(actor=None, user=user)
    other, _secret = make_reset_token(actor=None, user=make_user(username="paula"))
    token = {"X-Session-Token": client.token}

    answers = [client.http.delete(f"{OWN}/{row.pk}", headers=token) for row in (mine, other)]

    assert [answer.status_code for answer in answers] == [204, 404]
    use_by("app", user, secret)
    assert not is_new_password(user)
    mine.refresh_from_db()
    other.refresh_from_db()
    assert mine.revocation_reason == "Revoked by its owner."
    assert other.revoked_at is None
    assert AuditEvent.objects.get(action="revoke").actor_id == user.pk


def test_a_used_link_stays_used_when_its_owner_revokes_it(user):
    row, secret = make_reset_token(actor=None, user=user)
    use_by("app", user, secret)
    client = Headless("browser")
    client.sign_in(user, OTHER)

    response = client.http.delete(f"{OWN}/{row.pk}")

    row.refresh_from_db()
    assert (response.status_code, row.revoked_at) == (204, None)
