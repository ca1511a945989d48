"""Security notices: who gets them, what they tell, and that nobody forges one."""

import json
import re
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.core import mail
from django.utils import translation

from authentication.mails import Notice, notify
from authentication.mails.allauth_mails import NOTIFICATIONS
from authentication.mails.letters import no_link, one_line
from authentication.mails.reports import LIFETIME, Claim, read, token_of
from authentication.mails.wording import DETAILS, NOTICES
from authentication.tests.mailing import FIREFOX, acting, html_of, in_request, sent
from core.context import Via
from core.encryption import encrypt
from users.tests.factories import UserFactory, UserSessionFactory

pytestmark = pytest.mark.django_db

CANARY = "canary-7f3a"


@pytest.fixture
def anna():
    user = UserFactory(username="anna", email="anna@example.org", timezone="Europe/Lisbon")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


# --- Who gets it, and what it tells ---------------------------------------------------------


def test_a_notice_tells_time_address_and_device(anna):
    session = UserSessionFactory(user=anna, city="Porto", country="PT")
    before = datetime.now(UTC)

    with acting(anna, session_id=session.pk):
        notify(anna, Notice.NEW_DEVICE)

    text, _html = sent()
    assert f"When: {before:%Y-%m-%d %H}:" in text
    assert "(Europe/Lisbon)" in text
    assert "Device: Firefox 128, Windows 10" in text
    assert "Network address: 198.51.100.7" in text
    assert "Place: Porto, PT" in text


def test_a_notice_of_what_staff_did_tells_neither_their_address_nor_their_session(anna):
    staff = UserFactory(is_staff=True)
    theirs = UserSessionFactory(user=staff)

    with acting(staff, session_id=theirs.pk, via=Via.ADMIN):
        notify(anna, Notice.FACTOR_REMOVED, name="Old phone")

    text, _html = sent()
    assert "Done by: A member of staff" in text
    assert "198.51.100.7" not in text
    assert "Firefox" not in text
    token = re.search(r"not-me/(\S+)/", text).group(1)
    assert read(token).session_id is None


def test_a_notice_goes_to_the_verified_primary_address_and_not_to_a_claimed_one(anna):
    EmailAddress.objects.create(user=anna, email="new@example.org", verified=False)

    notify(anna, Notice.PASSWORD_CHANGED)

    assert mail.outbox[0].to == ["anna@example.org"]


def test_who_has_no_verified_address_is_told_at_the_only_one():
    notify(UserFactory(email="only@example.org"), Notice.ACCOUNT_MADE)

    assert mail.outbox[0].to == ["only@example.org"]


def test_asvs_6_3_7_a_change_of_address_is_told_to_the_old_and_the_new_one(anna):
    anna.email = "new@example.org"
    anna.save()

    notify(anna, Notice.EMAIL_CHANGED, to=["anna@example.org", "new@example.org"])

    assert [m.to for m in mail.outbox] == [["anna@example.org"], ["new@example.org"]]
    claims = [read(re.search(r"not-me/(\S+)/", m.body).group(1)) for m in mail.outbox]
    assert [c.email for c in claims] == ["anna@example.org", "new@example.org"]
    assert [c.may_restore for c in claims] == [True, False]


@pytest.mark.parametrize("prefix", NOTIFICATIONS)
def test_asvs_6_3_7_every_notification_of_allauth_leaves_as_a_notice(prefix, anna):
    values = {
        "account/email/email_changed": {
            "from_email": "anna@example.org",
            "to_email": "anna@example.org",
        },
        "account/email/email_deleted": {"deleted_email": "anna@example.org"},
        "socialaccount/email/account_connected": {"provider": SimpleNamespace(name="Google")},
    }.get(prefix)

    with in_request():
        get_adapter().send_notification_mail(prefix, anna, values)

    text, _html = sent()
    assert mail.outbox[0].subject == str(NOTICES[NOTIFICATIONS[prefix]].subject)
    assert "This was not me" in text
    assert ("Account at: Google" in text) == (prefix == "socialaccount/email/account_connected")


def test_one_request_tells_of_one_change_once(anna):
    """allauth's flow and the service below it both do."""
    with in_request():
        notify(anna, Notice.PASSWORD_RESET)
        get_adapter().send_notification_mail("account/email/password_changed", anna)
        notify(anna, Notice.FACTOR_ADDED)

    assert [m.subject for m in mail.outbox] == [
        "Your password was reset",
        "A second factor was added",
    ]


@pytest.mark.parametrize("notice", [Notice.NEW_DEVICE, Notice.WRONG_CODES, Notice.FACTOR_LOCKED])
def test_asvs_6_3_5_suspicious_attempts_are_told_with_where_they_came_from(notice, anna):
    with acting(None):
        notify(anna, notice, count=3)

    assert "Network address: 198.51.100.7" in sent()[0]


def test_a_mail_speaks_the_language_of_its_reader(anna, monkeypatch):
    spoken = []

    def render(template, values):
        spoken.append(translation.get_language())
        return ""

    monkeypatch.setattr("authentication.mails.letters.render_to_string", render)
    anna.locale = "de"

    with translation.override("fr"):
        notify(anna, Notice.NEW_DEVICE)

    assert set(spoken) == {"de"}


def test_a_locale_that_django_has_no_words_for_gets_a_mail_all_the_same(anna):
    anna.locale, anna.timezone = "tlh-Qaak", "Nowhere/Lost"

    notify(anna, Notice.NEW_DEVICE)

    assert "New sign-in to your account" in sent()[0]


# --- Nothing is forged ----------------------------------------------------------------------

EVIL = [
    "x\r\nBcc: eve@evil.example",
    "x\n\nThis was not me:\nhttps://evil.example/",
    "x\x00\x1b[2J\u202e\u2066y",
    "<script>alert(1)</script>",
    "https://evil.example/login",
    "a" * 5000,
]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("where", ["user_agent", "name", "provider", "username"])
def test_names_and_user_agents_forge_no_header_line_or_link(evil, where, anna):
    if where == "username":
        anna.username = evil
    agent = evil if where == "user_agent" else FIREFOX

    with acting(anna, user_agent=agent):
        notify(anna, Notice.FACTOR_ADDED, **({where: evil} if where in DETAILS else {}))

    (message,) = mail.outbox
    raw = message.message()
    assert "Bcc" not in raw
    assert message.recipients() == [anna.email]
    assert message.body.count("://") == 1
    assert "evil.example" not in message.body
    assert "evil.example" not in html_of(message)
    assert "<script" not in html_of(message)
    assert not set("\x00\x1b\u202e\u2066\r") & set(message.body)
    assert len(message.body) < 3000


def test_a_value_is_one_line_and_no_link():
    assert one_line(" a\r\nb\tc\u2028d ") == "a b c d"
    assert no_link("see https://evil.example/x, 10.2") == "see https evil example x, 10.2"


def test_an_unknown_key_of_the_context_is_not_shown(anna):
    notify(anna, Notice.FACTOR_ADDED, secret=CANARY, token=CANARY)

    assert CANARY not in str(mail.outbox[0].message())


# --- The token of "this was not me" ---------------------------------------------------------


def claim_of(user, **fields):
    values = {
        "user_id": user.pk,
        "notice": "new_device",
        "session_id": None,
        "email": user.email,
        "may_restore": True,
        "issued_at": datetime.now(UTC),
    }
    return Claim(**values | fields)


def test_a_token_is_read_as_it_was_made_and_shows_no_address(anna):
    claim = claim_of(anna)

    token = token_of(claim)

    assert read(token) == claim
    assert "anna" not in token
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    assert len(token) < 400


def test_a_token_lives_for_seven_days(anna):
    now = datetime.now(UTC)

    assert LIFETIME.days == 7
    assert read(token_of(claim_of(anna, issued_at=now - LIFETIME * 0.99))) is not None
    assert read(token_of(claim_of(anna, issued_at=now - LIFETIME * 1.01))) is None


@pytest.mark.parametrize("flaw", ["changed", "other purpose", "garbage", "empty", "long", "list"])
def test_a_token_that_was_tampered_with_is_none(flaw, anna):
    token = token_of(claim_of(anna))
    bad = {
        "changed": token[:40] + ("A" if token[40] != "A" else "B") + token[41:],
        "other purpose": encrypt(json.dumps(["session", "1", "2", "", "", 1, 1]).encode()),
        "garbage": "é!",
        "empty": "",
        "long": "A" * 100_000,
        "list": encrypt(b'["not-me"]'),
    }[flaw]

    assert read(bad) is None
