""" "This was not me": what a report undoes, for whom, and how often."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client
from django.utils import timezone

from authentication.mails import Notice
from authentication.mails.reports import Claim
from authentication.mails.wording import RESET_ASKED_FOR
from authentication.models import APIToken, PasswordResetToken, TOTPDevice
from authentication.services.api_tokens import create_api_token
from authentication.services.not_me import changes_everything, report_not_me
from authentication.services.password_resets import make_reset_token
from authentication.tests.not_me import (
    MINE,
    PASSWORD,
    link_to,
    mailed_reset,
    make_anna,
    open_sessions,
    reports,
)
from core.context import ActingContext, entered
from core.models import AuditEvent
from core.security_events import Kind
from core.tests.parallel import at_once
from users.models import Device, EndReason, User
from users.tests.factories import DeviceFactory, UserFactory, UserSessionFactory

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "another horse staples batteries"
CHANGES = [notice for notice in Notice if changes_everything(notice)]
SIGN_INS = [Notice.NEW_DEVICE, Notice.BACKUP_CODE_USED, Notice.WRONG_CODES]


@pytest.fixture
def anna():
    return make_anna()


def state_of(user):
    """Everything that a report may change."""
    user = User.objects.get(pk=user.pk)
    return (
        user.password,
        user.email,
        user.is_active,
        open_sessions(user),
        list(APIToken.objects.order_by("pk").values_list("pk", "revoked_at")),
        list(PasswordResetToken.objects.order_by("pk").values_list("pk", "revoked_at")),
        list(Device.objects.order_by("pk").values_list("pk", "trusted_until", "reported_at")),
        list(EmailAddress.objects.order_by("pk").values_list("email", "verified")),
        AuditEvent.objects.exclude(action__in=Kind.values).count(),
    )


# --- The page -------------------------------------------------------------------------------


@pytest.mark.parametrize("notice", [*Notice, RESET_ASKED_FOR])
def test_opening_a_link_changes_nothing_so_that_mail_scanners_do_no_harm(notice, anna, client):
    UserSessionFactory(user=anna)
    make_reset_token(actor=None, user=anna)
    link, before = link_to(anna, notice), state_of(anna)

    responses = [client.get(link), client.head(link), client.get(link)]

    assert [r.status_code for r in responses] == [200, 200, 200]
    assert 'method="post"' in responses[0].content.decode()
    assert state_of(anna) == before
    assert mail.outbox == []


def test_the_page_works_signed_out_is_not_kept_and_tells_nothing_of_the_account(anna, client):
    response = client.get(link_to(anna, Notice.NEW_DEVICE))

    body = response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert body.count("<h1") == 1
    assert "anna" not in body
    assert " style=" not in body
    assert "unsafe" not in response["Content-Security-Policy"]


def test_a_report_needs_a_csrf_token(anna):
    client, link = Client(enforce_csrf_checks=True), link_to(anna, Notice.NEW_DEVICE)
    before = state_of(anna)

    assert client.post(link).status_code == 403
    assert state_of(anna) == before

    form = client.get(link).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form).group(1)
    assert client.post(link, {"csrfmiddlewaretoken": token}).status_code == 200


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_is_forged_or_old_does_nothing(method, anna, client):
    old = link_to(anna, Notice.NEW_DEVICE, issued_at=timezone.now() - timedelta(days=8))
    before = state_of(anna)

    for link in (old, "/accounts/not-me/gAAAAAnonsense/", old.replace("gAAAAA", "gAAAAB")):
        response = getattr(client, method)(link)
        assert response.status_code == 404
        assert "does not work" in response.content.decode()
    assert state_of(anna) == before


def test_a_link_of_a_deleted_user_does_nothing(anna, client):
    link = link_to(anna, Notice.NEW_DEVICE)
    anna.delete()

    assert client.post(link).status_code == 404
    assert mail.outbox == []


def test_the_page_is_limited_for_each_network(anna, client):
    link = link_to(anna, Notice.NEW_DEVICE)
    answers = [client.post(link).status_code for _try in range(31)]

    assert answers == [200] * 30 + [429]
    assert client.get(link).status_code == 429
    assert client.get(link, REMOTE_ADDR="198.51.100.9").status_code == 200


def test_a_session_that_lacks_its_second_factor_may_report(anna, client, settings):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    anna.is_staff = True
    anna.save()
    client.force_login(anna)

    assert client.get(link_to(anna, Notice.NEW_DEVICE)).status_code == 200


# --- After a sign-in ------------------------------------------------------------------------


@pytest.mark.parametrize("notice", SIGN_INS)
def test_nist_4_6_a_report_of_a_sign_in_ends_that_session_and_no_other(notice, anna, client):
    mine = UserSessionFactory(user=anna)
    eves = UserSessionFactory(user=anna, session_data="x")

    response = client.post(link_to(anna, notice, session_id=eves.pk))

    assert response.status_code == 200
    assert open_sessions(anna) == {mine.pk}
    eves.refresh_from_db()
    assert (eves.end_reason, eves.session_data) == (EndReason.SUSPICIOUS, "")
    anna.refresh_from_db()
    assert anna.check_password(PASSWORD)


def test_a_pending_sign_in_ends_too(anna, client):
    """Three wrong codes come from a session that is nobody's yet."""
    pending = UserSessionFactory(user=None)

    client.post(link_to(anna, Notice.WRONG_CODES, session_id=pending.pk))

    pending.refresh_from_db()
    assert pending.ended_at is not None


@pytest.mark.parametrize("notice", SIGN_INS)
def test_when_the_session_is_unknown_every_session_ends(notice, anna, client):
    UserSessionFactory.create_batch(3, user=anna)

    client.post(link_to(anna, notice))

    assert open_sessions(anna) == set()


def test_a_session_of_somebody_else_is_never_ended(anna, client):
    other = UserSessionFactory(user=UserFactory())

    client.post(link_to(anna, Notice.NEW_DEVICE, session_id=other.pk))

    other.refresh_from_db()
    assert other.ended_at is None


def test_the_device_that_acted_is_reported_and_not_trusted_any_more(anna, client):
    until = timezone.now() + timedelta(days=30)
    eves, mine = (
        DeviceFactory(user=anna, trusted_until=until, trust_secret_hash="h" * 64) for _ in range(2)
    )
    session = UserSessionFactory(user=anna, device=eves)

    client.post(link_to(anna, Notice.NEW_DEVICE, session_id=session.pk))

    eves.refresh_from_db()
    mine.refresh_from_db()
    assert eves.reported_at is not None
    assert (eves.trusted_until, eves.trust_secret_hash) == (None, "")
    assert (mine.reported_at, mine.trusted_until) == (None, until)


def test_tokens_made_in_that_session_or_since_are_revoked_and_older_ones_stay(anna, client):
    eves = UserSessionFactory(user=anna)
    old, _secret = create_api_token(actor=anna, user=anna, name="old")
    with entered(ActingContext(actor=lambda: anna, session_id=lambda: eves.pk)):
        made_in_it, _secret = create_api_token(actor=anna, user=anna, name="before the notice")
    link = link_to(anna, Notice.NEW_DEVICE, session_id=eves.pk)
    since, _secret = create_api_token(actor=anna, user=anna, name="after the notice")

    client.post(link)

    revoked = APIToken.objects.exclude(revoked_at=None)
    assert set(revoked.values_list("pk", flat=True)) == {made_in_it.pk, since.pk}
    old.refresh_from_db()
    assert old.is_usable


# --- After a change of credentials ----------------------------------------------------------


@pytest.mark.parametrize("notice", CHANGES)
def test_nist_4_6_a_report_of_a_change_ends_every_session_and_locks_the_password(
    notice, anna, client
):
    sessions = UserSessionFactory.create_batch(3, user=anna)
    DeviceFactory(user=anna, trusted_until=timezone.now(), trust_secret_hash="h" * 64)

    client.post(link_to(anna, notice, session_id=sessions[0].pk))

    anna.refresh_from_db()
    assert open_sessions(anna) == set()
    assert not anna.has_usable_password()
    assert not Device.objects.exclude(trusted_until=None).exists()


def test_a_report_mails_a_link_by_which_the_owner_sets_a_new_password(anna, client):
    client.post(link_to(anna, Notice.PASSWORD_CHANGED))

    (message,) = mail.outbox
    assert message.to == [MINE]
    page = client.get(mailed_reset(message), follow=True)
    form = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    client.post(page.redirect_chain[-1][0], form)
    anna.refresh_from_db()
    assert anna.check_password(NEW_PASSWORD)


def test_a_reset_that_somebody_else_had_started_is_withdrawn(anna, client):
    theirs, _secret = make_reset_token(actor=None, user=anna)

    client.post(link_to(anna, Notice.NEW_DEVICE))

    theirs.refresh_from_db()
    assert theirs.revoked_at is not None
    assert PasswordResetToken.objects.usable().count() == 1


def test_an_account_elsewhere_that_was_linked_since_is_unlinked(anna, client):
    SocialAccount.objects.create(user=anna, provider="google", uid="mine")
    SocialAccount.objects.update(date_joined=timezone.now() - timedelta(days=1))
    SocialAccount.objects.create(user=anna, provider="github", uid="eves")

    client.post(link_to(anna, Notice.PROVIDER_LINKED))

    assert [row.uid for row in SocialAccount.objects.all()] == ["mine"]


def test_a_report_never_removes_a_second_factor(anna, client):
    """Whoever reads the mailbox would switch it off."""
    TOTPDevice.objects.create(user=anna, name="Phone", confirmed=True)

    client.post(link_to(anna, Notice.FACTOR_ADDED))

    assert TOTPDevice.objects.filter(user=anna, confirmed=True).count() == 1


@pytest.mark.parametrize(
    "notice", [RESET_ASKED_FOR, Notice.RESET_LINK_BY_STAFF, Notice.ACCOUNT_MADE]
)
def test_a_reset_nobody_wanted_is_withdrawn_and_nothing_else_happens(notice, anna, client):
    session = UserSessionFactory(user=anna)
    make_reset_token(actor=None, user=anna)

    client.post(link_to(anna, notice))

    anna.refresh_from_db()
    assert not PasswordResetToken.objects.usable().exists()
    assert anna.check_password(PASSWORD)
    assert open_sessions(anna) == {session.pk}
    assert mail.outbox == []


# --- Once -----------------------------------------------------------------------------------


def test_a_link_works_once_and_says_so(anna, client):
    link = link_to(anna, Notice.PASSWORD_CHANGED)
    client.post(link)
    UserSessionFactory(user=anna)
    before = state_of(anna)

    again = client.post(link)

    assert "Already reported" in again.content.decode()
    assert "Already reported" in client.get(link).content.decode()
    assert state_of(anna) == before
    assert len(mail.outbox) == 1


def test_another_spelling_of_a_link_is_the_same_link(anna, client):
    """The last character of base64 has bits that nothing reads."""
    link = link_to(anna, Notice.PASSWORD_CHANGED)
    client.post(link)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    answers = [
        client.get(link[:-2] + letter + "/", REMOTE_ADDR=f"198.51.100.{number}")
        for number, letter in enumerate(letters)
    ]

    accepted = [answer for answer in answers if answer.status_code == 200]
    assert accepted
    assert all("Already reported" in answer.content.decode() for answer in accepted)


def test_a_report_is_in_the_audit_trail(anna, client):
    sessions = UserSessionFactory.create_batch(2, user=anna)
    link = link_to(anna, Notice.PASSWORD_CHANGED, session_id=sessions[0].pk)

    client.post(link)

    (changes,) = reports(anna)
    assert changes["notice"] == [None, "password_changed"]
    assert changes["sessions_ended"] == [None, 2]
    assert link.split("/")[3] not in str(changes)
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"reported_not_me", "revoke", "lock_password"} <= actions


@pytest.mark.django_db(transaction=True)
def test_of_many_reports_at_once_one_counts(anna):
    UserSessionFactory(user=anna)
    claim = Claim(anna.pk, "password_changed", None, MINE, True, datetime.now(UTC))

    outcomes = at_once(*[lambda: report_not_me(claim=claim) for _ in range(6)])

    assert sorted(outcome.repeated for outcome in outcomes) == [False] + [True] * 5
    assert len(reports(anna)) == 1
    assert PasswordResetToken.objects.count() == 1
