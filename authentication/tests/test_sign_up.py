"""Signing up, on the pages and by both clients: codes, names, addresses that are known."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.utils import timezone

from authentication.services.password_resets import make_reset_token
from authentication.tests.account_clients import (
    CLIENTS,
    NEW,
    OTHER,
    Headless,
    code_in,
    enter,
    is_password,
    mails_at_once,  # noqa: F401 (a fixture)
    mails_to,
    problem_codes,
    sign_up,
)
from authentication.tests.people import PASSWORD, make_user
from core.models import AuditEvent
from core.tests.parallel import at_once
from users.email_addresses import own_address
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mails_at_once")]


@pytest.fixture
def user():
    return make_user(username="anna")


def age(user, **delta):
    User.objects.filter(pk=user.pk).update(created_at=timezone.now() - timedelta(**delta))


@pytest.mark.parametrize("kind", CLIENTS)
def test_signing_up_takes_a_mailed_code_and_then_signs_in(kind):
    client = CLIENTS[kind]()

    sign_up(client)
    assert not client.is_signed_in()
    enter(client, code_in(mails_to(NEW)[0]))

    assert client.is_signed_in()
    user = User.objects.get(username="new")
    row = user.emailaddress_set.get()
    assert (user.email, row.email, row.verified, row.primary) == (NEW, NEW, True, True)
    assert user.check_password(PASSWORD)
    assert (user.is_staff, user.is_superuser) == (False, False)
    assert AuditEvent.objects.get(action="sign_up").actor_id == user.pk
    assert AuditEvent.objects.filter(action="email_verified", object_id=str(user.pk)).exists()
    assert PASSWORD not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_6_3_8_a_known_address_answers_a_sign_up_like_an_unknown_one(kind, user):
    clients = [CLIENTS[kind](), CLIENTS[kind]()]

    known = sign_up(clients[0], "one", user.email)
    unknown = sign_up(clients[1], "two", NEW)

    assert (known.status_code, known.get("Location")) == (
        unknown.status_code,
        unknown.get("Location"),
    )
    if kind != "pages":
        assert plain(known) == plain(unknown)
    wrong = [enter(client, "AAAA-BBBB") for client in clients]
    assert wrong[0].status_code == wrong[1].status_code
    assert not User.objects.filter(username="one").exists()
    assert "account already" in mails_to(user.email)[0].subject
    assert is_password(user, PASSWORD)


def test_asvs_6_3_8_a_known_address_costs_the_same_hash_and_leaves_nothing(user, monkeypatch):
    hashed = []

    def encode(self, password, salt):
        hashed.append(password)
        return original(self, password, salt)

    original = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", encode)
    rows = (User.objects.count(), EmailAddress.objects.count())

    sign_up(Headless(), "one", user.email)
    known, hashed[:] = len(hashed), []

    assert (User.objects.count(), EmailAddress.objects.count()) == rows
    assert not AuditEvent.objects.filter(action="sign_up").exists()
    sign_up(Headless(), "two", NEW)
    assert known == len(hashed) == 1


def plain(response):
    """A body without what differs from one session to the next."""
    body = response.json()
    body.get("meta", {}).pop("session_token", None)
    return body


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_6_6_3_a_third_wrong_code_ends_the_verification(kind):
    client = CLIENTS[kind]()
    sign_up(client)
    code = code_in(mails_to(NEW)[0])

    for _try in range(3):
        enter(client, "AAAA-BBBB")
    enter(client, code)

    assert not client.is_signed_in()
    assert not EmailAddress.objects.get(email=NEW).verified


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_6_6_2_a_code_belongs_to_the_session_that_it_was_mailed_for(kind):
    mine, other = CLIENTS[kind](), CLIENTS[kind]()
    sign_up(mine)
    sign_up(other, "other", "other@example.org")

    enter(other, code_in(mails_to(NEW)[0]))

    assert not other.is_signed_in()
    assert not EmailAddress.objects.filter(verified=True).exists()


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_6_5_5_a_mailed_code_is_too_old_after_ten_minutes(kind, monkeypatch):
    client = CLIENTS[kind]()
    sign_up(client)
    code = code_in(mails_to(NEW)[0])
    module = "allauth.account.internal.flows.code_verification.time.time"
    later = timezone.now().timestamp() + 601
    monkeypatch.setattr(module, lambda: later)

    enter(client, code)

    assert not EmailAddress.objects.get(email=NEW).verified


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize(
    "username",
    ["ab", "a b", "a@b.example", "ann\u0430", "admin", "Root", "-anna", "x" * 65, "anna", "ANNA"],
)
def test_a_username_that_misleads_or_is_taken_is_refused(kind, username, user):
    client = CLIENTS[kind]()

    response = sign_up(client, username)

    assert response.status_code == (200 if kind == "pages" else 400)
    assert User.objects.get() == user


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_password_made_of_ones_own_name_is_refused_at_its_field(kind):
    client = CLIENTS[kind]()

    response = sign_up(client, "wilhelmina", NEW, "wilhelmina-wilhelmina")

    assert not User.objects.exists()
    if kind == "pages":
        assert "password1" in response.context["form"].errors
    else:
        assert {error["param"] for error in response.json()["errors"]} == {"password"}


@pytest.mark.parametrize("kind", CLIENTS)
def test_closed_sign_up_says_so_with_403_and_gives_no_name_away(kind, settings, user):
    settings.SIGNUP_OPEN = False
    client = CLIENTS[kind]()

    response = sign_up(client, user.username)

    assert response.status_code == 403
    assert "closed" in response.content.decode()
    if kind != "pages":
        assert problem_codes(response) == ["sign_up_closed"]
    assert User.objects.get() == user


@pytest.mark.parametrize("kind", CLIENTS)
def test_the_name_and_address_of_a_deleted_user_are_free(kind, user):
    user.delete()
    client = CLIENTS[kind]()

    sign_up(client, user.username, user.email)
    enter(client, code_in(mails_to(user.email)[0]))

    assert client.is_signed_in()
    assert User.objects.alive().get().pk != user.pk
    assert EmailAddress.objects.get(email=user.email).user.pk != user.pk


def test_a_restored_user_whose_address_somebody_else_had_verifies_it_again(user):
    user.delete()
    client = Headless()
    sign_up(client, "heir", user.email)
    enter(client, code_in(mails_to(user.email)[0]))
    heir = User.objects.alive().get()
    heir.delete()
    user.restore()
    cache.clear()  # the last code went to this address less than ten seconds ago

    response = Headless().sign_in(user)

    assert response.status_code == 401
    assert "verify_email" in response.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["pages", "app"])
def test_of_two_sign_ups_at_once_with_one_name_one_succeeds_and_the_other_is_told(kind):
    clients = [CLIENTS[kind]() for _ in range(4)]

    answers = at_once(
        *[
            lambda n=n, client=client: sign_up(client, "new", f"{n}@example.org")
            for n, client in enumerate(clients)
        ]
    )

    assert User.objects.filter(username="new").count() == 1
    assert [answer.status_code for answer in answers].count(500) == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_sign_ups_at_once_with_one_address_one_becomes_an_account():
    clients = [Headless() for _ in range(4)]

    answers = at_once(
        *[
            lambda n=n, client=client: sign_up(client, f"name{n}", NEW)
            for n, client in enumerate(clients)
        ]
    )

    assert User.objects.filter(email=NEW).count() == 1
    assert {answer.status_code for answer in answers} <= {401, 429}


# --- Sign-ups that were never finished --------------------------------------------------------


def leftover(email=NEW, **since):
    client = Headless()
    sign_up(client, "squatter", email, OTHER)
    user = User.objects.get(username="squatter")
    age(user, **(since or {"minutes": 11}))
    return client, user


def test_an_unfinished_sign_up_does_not_keep_the_owner_of_the_address_out():
    """Pre-hijacking: a stranger's password must not wait for the owner to verify the address."""
    squatter, claimed = leftover()
    old_code = code_in(mails_to(NEW)[0])
    owner = Headless()
    cache.clear()  # the last code went to this address less than ten seconds ago

    sign_up(owner, "owner", NEW)
    enter(owner, code_in(mails_to(NEW)[-1]))

    assert owner.is_signed_in()
    claimed.refresh_from_db()
    assert claimed.is_deleted
    enter(squatter, old_code)
    assert not squatter.is_signed_in()
    assert Headless().sign_in(claimed, OTHER).status_code == 400
    assert EmailAddress.objects.get(email=NEW).user.username == "owner"


def test_a_sign_up_that_is_still_going_on_is_not_pushed_aside():
    _client, claimed = leftover(minutes=5)

    sign_up(Headless(), "owner", NEW)

    claimed.refresh_from_db()
    assert not claimed.is_deleted
    assert not User.objects.filter(username="owner").exists()


@pytest.mark.parametrize("state", ["verified", "signed in", "staff", "added by a program"])
def test_only_what_is_nothing_but_a_claim_makes_way(state):
    if state == "added by a program":
        claimed = make_user(username="squatter", email=NEW, verified=False)
        age(claimed, days=1)
    else:
        _client, claimed = leftover()
    if state == "verified":
        own_address(claimed, email=NEW, verified=True)
    elif state == "signed in":
        User.objects.filter(pk=claimed.pk).update(last_login=timezone.now())
    elif state == "staff":
        User.objects.filter(pk=claimed.pk).update(is_staff=True)

    sign_up(Headless(), "owner", NEW)

    claimed.refresh_from_db()
    assert not claimed.is_deleted
    assert not User.objects.filter(username="owner").exists()


def test_the_owner_of_the_address_takes_an_unfinished_sign_up_over_by_a_reset_too():
    squatter, claimed = leftover(minutes=1)
    old_code = code_in(mails_to(NEW)[0])
    _row, secret = make_reset_token(actor=None, user=claimed)
    body = {"key": f"{claimed.pk.hex}-{secret}", "password": PASSWORD}

    Headless().call("post", "auth/password/reset", body)

    assert is_password(claimed, PASSWORD)
    assert Headless().sign_in(claimed, OTHER).status_code == 400
    enter(squatter, "AAAA-BBBB")
    assert not squatter.is_signed_in()
    assert old_code not in body["key"]
