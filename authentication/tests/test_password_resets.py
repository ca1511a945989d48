"""Password reset tokens: mailed, spent once, withdrawn; never a way past the second factor."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from authentication.models import PasswordResetToken
from authentication.services import accounts
from authentication.services.password_resets import (
    MOST_OPEN,
    make_reset_token,
    reset_path,
    revoke_reset_tokens,
)
from authentication.tests.account_clients import (
    CLIENTS,
    OTHER,
    Headless,
    Pages,
    is_new_password,
    link_in,
    mails_at_once,  # noqa: F401 (a fixture)
    mails_to,
    use_by,
)
from authentication.tests.people import PASSWORD, make_user
from core.models import AuditEvent
from core.tests.parallel import at_once
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mails_at_once")]

ASK = "/accounts/password/reset/"


@pytest.fixture
def user():
    return make_user(username="anna")


def ask_by(kind, email):
    if kind == "pages":
        return Pages().http.post(ASK, {"email": email})
    return Headless(kind).call("post", "auth/password/request", {"email": email})


# --- Asking ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CLIENTS)
def test_asking_mails_a_link_and_keeps_only_its_hash(kind, user):
    client = {"HTTP_USER_AGENT": "Test/1.0", "REMOTE_ADDR": "192.0.2.7"}
    if kind == "pages":
        Pages().http.post(ASK, {"email": "Anna@Example.org"}, **client)
    else:
        Headless(kind, **client).call("post", "auth/password/request", {"email": user.email})

    _path, key = link_in(mails_to(user.email)[0])
    row = PasswordResetToken.objects.get()
    secret = key.partition("-")[2]
    assert (row.user, row.email) == (user, user.email)
    assert (row.client_ip, row.user_agent) == ("192.0.2.7", "Test/1.0")
    assert row.expires_at - row.created_at == pytest.approx(
        timedelta(hours=1), abs=timedelta(seconds=2)
    )
    assert len(secret) >= 43
    assert secret not in repr(PasswordResetToken.objects.values().get())
    event = AuditEvent.objects.get(action="password_reset_requested")
    assert event.object_id == str(row.pk)
    assert secret not in str(event.changes)


@pytest.mark.parametrize("state", ["unknown", "deleted", "switched off"])
@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_6_3_8_asking_answers_alike_for_known_and_unknown_addresses(kind, state, user):
    other = make_user(username="paula")
    if state == "deleted":
        other.delete()
    elif state == "switched off":
        User.objects.filter(pk=other.pk).update(is_active=False)
    address = "nobody@example.org" if state == "unknown" else other.email

    known, unknown = ask_by(kind, user.email), ask_by(kind, address)

    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert PasswordResetToken.objects.get().user == user
    assert all("/reset/key/" not in message.body for message in mails_to(address))


def writes_of(action):
    with CaptureQueriesContext(connection) as queries:
        action()
    return sorted(re.findall(r"INSERT INTO .(\w+)", " ".join(q["sql"] for q in queries)))


def test_asvs_6_3_8_an_unknown_address_costs_the_same_writes_and_leaves_nothing(user):
    ask_by("app", "warm@example.org")
    before = AuditEvent.objects.count()

    unknown = writes_of(lambda: ask_by("app", "nobody@example.org"))

    assert AuditEvent.objects.count() == before
    assert not PasswordResetToken.objects.exists()
    assert unknown == writes_of(lambda: ask_by("app", user.email))
    assert "password_reset_tokens" in unknown


def test_of_the_open_links_of_a_user_only_the_newest_three_work(user):
    made = [make_reset_token(actor=None, user=user) for _ in range(MOST_OPEN + 2)]

    usable = PasswordResetToken.objects.usable().filter(user=user)
    assert {row.pk for row in usable} == {row.pk for row, _secret in made[-MOST_OPEN:]}
    assert AuditEvent.objects.filter(action="revoke", model="passwordresettoken").count() == 2


def test_the_address_of_a_deleted_user_belongs_to_whoever_has_it_now(user):
    user.delete()
    heir = make_user(username="heir", email=user.email, verified=False)

    ask_by("pages", user.email)

    assert PasswordResetToken.objects.get().user == heir


def test_links_in_mails_lead_to_the_public_address(user, settings):
    settings.PUBLIC_URL = "https://ledger.example.org"

    ask_by("pages", user.email)

    assert "https://ledger.example.org/accounts/password/reset/key/" in mail.outbox[0].body


# --- Using ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_link_sets_the_password_once(kind, user):
    row, secret = make_reset_token(actor=None, user=user)

    use_by(kind, user, secret)

    assert is_new_password(user)
    row.refresh_from_db()
    assert row.used_at is not None
    refused = use_by(kind, user, secret, PASSWORD)
    assert not is_new_password(user, PASSWORD)
    if kind != "pages":
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["code"] == "invalid_password_reset"


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_refused_password_does_not_use_the_link_up(kind, user):
    _row, secret = make_reset_token(actor=None, user=user)

    use_by(kind, user, secret, "short")
    use_by(kind, user, secret, user.username * 5)

    assert not is_new_password(user)
    use_by(kind, user, secret)
    assert is_new_password(user)


def test_looking_at_the_page_does_not_use_the_link_up(user, client):
    """Mail programs open links by themselves."""
    _row, secret = make_reset_token(actor=None, user=user)
    for _visit in range(3):
        client.get(reset_path(user=user, secret=secret), follow=True)

    use_by("pages", user, secret)

    assert is_new_password(user)


def spoil(how, user, row):
    if how == "revoked":
        revoke_reset_tokens(PasswordResetToken.objects.all(), actor=None, reason="A test.")
    elif how == "expired":
        PasswordResetToken.objects.update(expires_at=timezone.now())
    elif how == "a changed address":
        accounts.verify_email(user=user, email="new@example.org")
    elif how == "an address changed behind the back of the services":
        User.objects.filter(pk=user.pk).update(email="new@example.org")
    elif how == "a changed password":
        accounts.change_password(actor=user, user=user, password="some other passphrase 1")
    elif how == "a deleted user":
        user.delete()
    else:
        User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize(
    "how",
    [
        "revoked", "expired", "a changed address",
        "an address changed behind the back of the services", "a changed password",
        "a deleted user", "a user who is switched off",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", CLIENTS)
def test_a_link_that_was_overtaken_by_events_opens_nothing(kind, how, user):
    row, secret = make_reset_token(actor=None, user=user)
    spoil(how, user, row)

    use_by(kind, user, secret)

    assert not is_new_password(user)


def test_nist_4_2_1_2_a_link_is_good_for_an_hour_where_a_day_is_the_most(user):
    row, secret = make_reset_token(actor=None, user=user)
    PasswordResetToken.objects.update(expires_at=row.expires_at - timedelta(hours=1, seconds=1))

    use_by("app", user, secret)

    assert row.expires_at - row.created_at <= timedelta(hours=24)
    assert not is_new_password(user)


def test_a_link_of_somebody_else_opens_nothing(user):
    _row, secret = make_reset_token(actor=None, user=make_user(username="paula"))

    use_by("app", user, secret)
    use_by("pages", user, secret)

    assert not is_new_password(user)


@pytest.mark.parametrize("key", ["", "x", "-", "a-b", "\ud800-\ud800", "0" * 32 + "-\0", "é-é"])
def test_a_key_that_is_none_is_refused(key):
    response = Headless().call("post", "auth/password/reset", {"key": key, "password": OTHER})

    assert response.status_code == 400


def test_a_link_shows_that_the_address_is_read(user):
    make_user(username="new", verified=False)
    new = User.objects.get(username="new")
    _row, secret = make_reset_token(actor=None, user=new)

    use_by("pages", new, secret)

    assert new.emailaddress_set.get().verified
    assert Headless().sign_in(new, OTHER).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", CLIENTS)
def test_of_twelve_uses_of_one_link_at_once_exactly_one_succeeds(kind, user, settings):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "reset_password_from_key": ""}
    _row, secret = make_reset_token(actor=None, user=user)
    passwords = [f"quiet violet harbour {n:02}" for n in range(12)]
    path = None
    browsers = [Pages() for _ in passwords]
    if kind == "pages":
        # All of them stand at the form before the first one sends it.
        for browser in browsers:
            path = browser.http.get(reset_path(user=user, secret=secret))["Location"]

    def use(number):
        new = passwords[number]
        if kind == "pages":
            form = {"password1": new, "password2": new}
            return browsers[number].http.post(path, form).status_code == 302
        return "invalid_password_reset" not in use_by(kind, user, secret, new).content.decode()

    outcomes = at_once(*[lambda number=number: use(number) for number in range(12)])

    assert sorted(outcomes, key=str) == [False] * 11 + [True]
    assert is_new_password(user, passwords[outcomes.index(True)])
    assert AuditEvent.objects.filter(action="password_reset").count() == 1
    assert AuditEvent.objects.filter(action="use", model="passwordresettoken").count() == 1


def test_one_update_decides_whose_reset_it_is(user):
    """Both have found the row usable; only the first UPDATE finds it so."""
    row, _secret = make_reset_token(actor=None, user=user)
    accounts.reset_password(user=user, password=OTHER, token=row)

    with pytest.raises(Exception, match="used already"):
        accounts.reset_password(user=user, password=PASSWORD, token=row)

    assert is_new_password(user)


def test_the_database_refuses_a_token_that_is_both_used_and_revoked(user):
    row, _secret = make_reset_token(actor=None, user=user)
    now = timezone.now()

    with pytest.raises(Exception, match=r"(?i)check"), connection.cursor():
        PasswordResetToken.objects.filter(pk=row.pk).update(used_at=now, revoked_at=now)
