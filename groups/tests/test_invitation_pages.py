"""The page behind the link of an invitation, and what it opens for people without an account."""

import logging
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone

from authentication.tests.people import PASSWORD, make_user
from core.models import AuditEvent
from groups.models import Group, Invitation, Membership
from groups.services.invitations import withdraw_invitation
from groups.tests.inviting import GUEST, again, fresh, group_with_owner, invited, member_of
from users.models import SessionActivity, User, UserSession

pytestmark = pytest.mark.django_db

SIGN_UP = "/accounts/signup/"


@pytest.fixture
def group():
    return group_with_owner(name="Rowing <club>", description="Boats & oars")


def page_of(token):
    return f"/accounts/invitations/{token}/"


def sign_up(client, address, email=GUEST, username="guest"):
    form = {"username": username, "email": email, "password1": PASSWORD, "password2": PASSWORD}
    return client.post(address, form)


def test_opening_the_link_shows_what_is_offered_and_changes_nothing(client, group):
    _row, token = invited(group)
    before = Invitation.objects.values().get()
    sessions = UserSession.objects.count()

    for method in (client.get, client.head, client.options):
        method(page_of(token))
    response = client.get(page_of(token))

    body = response.content.decode()
    for shown in ("Rowing &lt;club&gt;", group.owner.username, "Group member", GUEST, "Decline"):
        assert shown in body
    assert "<button" in body
    assert 'value="accept"' not in body  # not before signing in
    assert Invitation.objects.values().get() == before
    assert UserSession.objects.count() == sessions
    assert response["Referrer-Policy"] == "same-origin"
    assert "no-store" in response["Cache-Control"]


def test_asvs_14_2_1_the_token_is_in_no_log_trail_or_activity(
    client, group, caplog, activity, settings
):
    _row, token = invited(group)
    user = make_user()
    client.force_login(user)
    strict = Client(enforce_csrf_checks=True)

    with caplog.at_level(logging.DEBUG):
        client.get(page_of(token))
        strict.post(page_of(token), {"answer": "decline"})
        client.post(page_of(token), {"answer": "nonsense"})
        client.get(f"/accounts/login/?next={page_of(token)}")
        client.post(page_of(token), {"answer": "accept"})
        client.get(page_of(token))
        client.get(page_of("x" * 43))

    kept = [caplog.text, str(list(SessionActivity.objects.values()))]
    kept += [str(list(AuditEvent.objects.values())), str(list(UserSession.objects.values()))]
    assert not [where for where in kept if token in where]


def test_who_is_signed_in_accepts_or_declines_by_a_button(client, group):
    user = make_user()
    client.force_login(user)
    one, token = invited(group)
    two, other = invited(group_with_owner(name="Chess"))

    body = client.get(page_of(token)).content.decode()
    joined = client.post(page_of(token), {"answer": "accept"}, follow=True)
    declined = client.post(page_of(other), {"answer": "decline"}, follow=True)
    repeated = Client().get(page_of(token))

    assert f"You are signed in as {user.username}" in body
    assert "You have joined Rowing" in joined.content.decode()
    assert "Declined" in declined.content.decode()
    assert Membership.objects.filter(user=user).get().group == group
    assert (again(one).state, again(two).state) == ("accepted", "declined")
    assert repeated.status_code == 404
    assert "accepted already" in repeated.content.decode()


def test_an_answer_takes_a_form_token_and_a_stranger_is_led_to_sign_in_and_back(group):
    invitation, token = invited(group)

    forged = Client(enforce_csrf_checks=True).post(page_of(token), {"answer": "decline"})
    led = Client().post(page_of(token), {"answer": "accept"})

    assert forged.status_code == 403
    assert again(invitation).is_pending
    where = urlsplit(led["Location"])
    assert (where.path, parse_qs(where.query)) == ("/accounts/login/", {"next": [page_of(token)]})


@pytest.mark.parametrize("ended", ["expired", "withdrawn", "archived", "deleted", "unknown"])
def test_a_link_that_does_not_work_any_more_says_why(client, group, ended):
    invitation, token = invited(group)
    if ended == "expired":
        Invitation.objects.update(expires_at=timezone.now())
    elif ended == "withdrawn":
        withdraw_invitation(actor=fresh(group.owner), invitation=invitation)
    elif ended == "archived":
        Group.objects.update(is_active=False)
    elif ended == "deleted":
        group.delete()
    else:
        token = "nobody-was-sent-this"
    client.force_login(make_user())

    page = client.get(page_of(token))
    answer = client.post(page_of(token), {"answer": "accept"})

    assert (page.status_code, answer.status_code) == (404, 409)
    for response in (page, answer):
        assert "does not work" in response.content.decode()
        assert group.name not in response.content.decode()
    assert not Membership.objects.exclude(user=group.owner).exists()


def test_a_refusal_says_what_is_in_the_way(client, group):
    _row, token = invited(group)
    client.force_login(member_of(group))

    answer = client.post(page_of(token), {"answer": "accept"})

    assert answer.status_code == 409
    assert "member already" in answer.content.decode()


# --- Without an account -----------------------------------------------------------------------


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
def test_an_invitation_opens_the_sign_up_and_proves_the_address(client, group, settings, is_open):
    settings.SIGNUP_OPEN = is_open
    _row, token = invited(group)

    led = client.post(page_of(token), {"answer": "sign_up"})
    form = client.get(led["Location"]).content.decode()
    mails = len(mail.outbox)
    signed_up = sign_up(client, led["Location"])
    back = client.get(signed_up["Location"]).content.decode()
    client.post(page_of(token), {"answer": "accept"})

    assert f'value="{GUEST}"' in form
    assert (signed_up.status_code, signed_up["Location"]) == (302, page_of(token))
    assert "You are signed in as guest" in back
    assert len(mail.outbox) == mails  # no code is asked for
    user = User.objects.get(username="guest")
    assert EmailAddress.objects.get(user=user).verified
    assert Membership.objects.get(user=user).group == group


def test_closed_sign_up_opens_for_exactly_the_invited_address(client, group, settings):
    settings.SIGNUP_OPEN = False
    invitation, token = invited(group)
    assert client.get(SIGN_UP).status_code == 403
    client.post(page_of(token), {"answer": "sign_up"})

    other = sign_up(client, SIGN_UP, email="other@example.org")
    elsewhere = sign_up(Client(), SIGN_UP)
    withdraw_invitation(actor=fresh(group.owner), invitation=invitation)
    too_late = sign_up(client, SIGN_UP)

    assert other.status_code == 200
    assert "use that one" in other.content.decode()
    assert (elsewhere.status_code, too_late.status_code) == (403, 403)
    assert not User.objects.filter(username="guest").exists()


def test_another_address_than_the_invited_one_is_proved_by_a_code(client, group):
    _row, token = invited(group)
    led = client.post(page_of(token), {"answer": "sign_up"})

    sign_up(client, led["Location"], email="other@example.org")

    row = EmailAddress.objects.get(email="other@example.org")
    assert not row.verified
    assert mail.outbox[-1].to == ["other@example.org"]
    assert not EmailAddress.objects.filter(email=GUEST).exists()


def test_a_dead_link_opens_no_sign_up(client, group, settings):
    settings.SIGNUP_OPEN = False
    _row, token = invited(group)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    led = client.post(page_of(token), {"answer": "sign_up"})

    assert led["Location"] == page_of(token)
    assert client.get(SIGN_UP).status_code == 403


def test_an_address_with_an_account_is_told_by_mail_and_the_page_does_not_tell(client, group):
    make_user(username="anna", email=GUEST)
    _row, token = invited(group)
    led = client.post(page_of(token), {"answer": "sign_up"})

    answer = sign_up(client, led["Location"])

    assert answer.status_code == 302
    assert "account already" in mail.outbox[-1].subject
    assert User.objects.filter(email=GUEST).count() == 1
