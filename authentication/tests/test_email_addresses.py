"""Changing the e-mail address: User.email and allauth's rows say the same, whatever happens."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError

from authentication.models import PasswordResetToken
from authentication.services import accounts
from authentication.services.password_resets import make_reset_token
from authentication.tests.account_clients import (
    CLIENTS,
    EMAIL,
    NEW,
    Headless,
    add_address,
    code_in,
    enter,
    mails_at_once,  # noqa: F401 (a fixture)
    mails_to,
    problem_codes,
    step_up,
)
from authentication.tests.people import PASSWORD, make_user
from core.models import AuditEvent
from users.email_addresses import own_address
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mails_at_once")]


@pytest.fixture
def user():
    return make_user(username="anna")


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_new_address_counts_once_its_code_is_entered(kind, user, monkeypatch):
    client = CLIENTS[kind]()
    client.sign_in(user)
    step_up(client, monkeypatch)
    make_reset_token(actor=None, user=user)

    add_address(client, "Anna2@Example.org")
    user.refresh_from_db()
    assert user.email == "anna@example.org"
    enter(client, code_in(mails_to("anna2@example.org")[0]))

    user.refresh_from_db()
    assert user.email == "anna2@example.org"
    row = EmailAddress.objects.get(user=user)
    assert (row.email, row.verified, row.primary) == ("anna2@example.org", True, True)
    event = AuditEvent.objects.get(action="email_changed")
    assert event.changes == {"email": ["anna@example.org", "anna2@example.org"]}
    assert event.actor_id == user.pk
    token = PasswordResetToken.objects.get()
    assert token.revocation_reason == "The e-mail address was changed."
    for address in ("anna@example.org", "anna2@example.org"):
        told = [m for m in mails_to(address) if "address was changed" in m.subject]
        assert len(told) == 1
    assert client.is_signed_in()


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_7_5_1_a_change_of_address_needs_a_step_up(kind, user, monkeypatch):
    client = CLIENTS[kind]()
    client.sign_in(user)
    monkeypatch.setattr("authentication.step_up.is_recent", lambda _request: False)

    response = add_address(client, "anna2@example.org")

    assert response.status_code in {302, 401}
    assert not mails_to("anna2@example.org")


@pytest.mark.parametrize("kind", CLIENTS)
def test_the_address_of_somebody_else_is_not_taken_over(kind, user, monkeypatch):
    other = make_user(username="paula")
    client = CLIENTS[kind]()
    client.sign_in(user)
    step_up(client, monkeypatch)

    add_address(client, other.email)
    enter(client, code_in(mails_to(other.email)[0]))

    user.refresh_from_db()
    assert user.email == "anna@example.org"
    assert EmailAddress.objects.get(email=other.email).user == other


@pytest.mark.parametrize("kind", CLIENTS)
def test_an_address_that_somebody_else_has_unverified_is_refused_not_a_fault(
    kind, user, monkeypatch
):
    """Added by staff: the model knows the address, allauth does not."""
    client = CLIENTS[kind]()
    client.sign_in(user)
    step_up(client, monkeypatch)
    add_address(client, NEW)
    User.objects.create_user("paula", NEW)

    response = enter(client, code_in(mails_to(NEW)[0]))

    assert response.status_code in {200, 302, 400}
    user.refresh_from_db()
    assert user.email == "anna@example.org"
    if kind != "pages":
        assert problem_codes(response) == ["email_taken"]


@pytest.mark.parametrize("kind", CLIENTS)
def test_the_address_of_a_deleted_user_can_be_taken(kind, user, monkeypatch):
    gone = make_user(username="paula")
    gone.delete()
    client = CLIENTS[kind]()
    client.sign_in(user)
    step_up(client, monkeypatch)

    add_address(client, gone.email)
    enter(client, code_in(mails_to(gone.email)[0]))

    user.refresh_from_db()
    assert user.email == gone.email


@pytest.mark.parametrize("kind", CLIENTS)
def test_nobody_is_left_without_an_address(kind, user, monkeypatch):
    client = CLIENTS[kind]()
    client.sign_in(user)
    step_up(client, monkeypatch)

    if kind == "pages":
        client.http.post(EMAIL, {"email": user.email, "action_remove": ""})
    else:
        client.call("delete", "account/email", {"email": user.email})

    user.refresh_from_db()
    assert user.email == "anna@example.org"
    assert EmailAddress.objects.get(user=user).email == "anna@example.org"


def test_createsuperuser_vouches_for_the_address(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    gone = make_user(username="gone", email="root@example.org")
    gone.delete()

    call_command("createsuperuser", username="root", email="Root@example.org", interactive=False)

    root = User.objects.get(username="root")
    row = EmailAddress.objects.get(user=root)
    assert (row.email, row.verified, row.primary) == ("root@example.org", True, True)
    assert Headless().sign_in(root).status_code == 200


def test_two_users_never_have_one_verified_address(user):
    other = make_user(username="paula")

    with pytest.raises(IntegrityError):
        own_address(other, email=user.email, verified=True)


def test_a_user_who_was_added_without_an_address_row_verifies_at_the_first_sign_in():
    person = User.objects.create_user("program", "program@example.org", PASSWORD)
    client = Headless()

    client.sign_in(person)
    enter(client, code_in(mails_to(person.email)[0]))

    assert client.is_signed_in()
    assert EmailAddress.objects.get(user=person).verified


def test_staff_changing_an_address_makes_it_unverified(user):
    root = make_user(username="root", is_superuser=True)
    make_reset_token(actor=None, user=user)
    User.objects.filter(pk=user.pk).update(email="moved@example.org")
    user.refresh_from_db()

    accounts.follow_new_address(actor=root, user=user, old="anna@example.org")

    row = EmailAddress.objects.get(user=user)
    assert (row.email, row.verified) == ("moved@example.org", False)
    assert PasswordResetToken.objects.get().revoked_at is not None
    assert [m.to for m in mail.outbox] == [["anna@example.org"], ["moved@example.org"]]
