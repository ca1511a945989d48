"""Somebody has taken an account over and changed its address: the owner wins by a report."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from authentication.mails import Notice, notify
from authentication.tests.not_me import (
    MINE,
    PASSWORD,
    link_to,
    mailed_link,
    make_anna,
    open_sessions,
    reports,
)
from users.email_addresses import own_address
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

THEIRS, THIRD = "eve@evil.example", "eve2@evil.example"


@pytest.fixture
def anna():
    return make_anna()


def change_address(user, new):
    """What whoever holds the account does; answer the links that the two addresses are sent."""
    old = user.email
    user.email = new
    user.save()
    own_address(user, email=new, verified=True)
    mail.outbox.clear()
    notify(user, Notice.EMAIL_CHANGED, to=[old, new])
    links = {message.to[0]: mailed_link(message) for message in mail.outbox}
    mail.outbox.clear()
    return links


def assert_belongs_to(user, email):
    user.refresh_from_db()
    rows = EmailAddress.objects.filter(user=user).values_list("email", "verified", "primary")
    assert (user.email, list(rows)) == (email, [(email, True, True)])


def test_the_old_address_gets_the_account_back_and_the_link_to_set_a_password(anna, client):
    links = change_address(anna, THEIRS)

    client.post(links[MINE])

    assert_belongs_to(anna, MINE)
    resets = [m.to for m in mail.outbox if "password/reset/key" in m.body]
    assert resets == [[MINE]]


def test_the_new_address_is_told_without_a_link_to_undo_that(anna, client):
    links = change_address(anna, THEIRS)

    client.post(links[MINE])

    (told,) = [m for m in mail.outbox if m.to == [THEIRS]]
    assert "not-me" not in told.body


def test_an_earlier_notice_gives_the_address_back_too(anna, client):
    earlier = link_to(anna, Notice.PASSWORD_CHANGED)
    change_address(anna, THEIRS)

    client.post(earlier)

    assert_belongs_to(anna, MINE)


def test_the_new_address_gains_nothing_by_reporting(anna, client):
    links = change_address(anna, THEIRS)

    client.post(links[THEIRS])
    assert_belongs_to(anna, THEIRS)
    client.post(links[MINE])

    assert_belongs_to(anna, MINE)


def test_notices_that_were_sent_to_the_new_address_do_not_win_the_account_back(anna, client):
    links = change_address(anna, THEIRS)
    while_theirs = link_to(anna, Notice.PASSWORD_CHANGED)
    client.post(links[MINE])
    mail.outbox.clear()

    client.post(while_theirs)

    assert_belongs_to(anna, MINE)
    assert {m.to[0] for m in mail.outbox} == {MINE}


def test_moving_on_to_a_third_address_and_reporting_that_first_does_not_help(anna, client):
    first = change_address(anna, THEIRS)
    second = change_address(anna, THIRD)

    client.post(second[THEIRS])
    assert_belongs_to(anna, THEIRS)
    client.post(first[MINE])
    assert_belongs_to(anna, MINE)
    client.post(second[THIRD])

    assert_belongs_to(anna, MINE)


def test_later_notices_count_again_after_the_account_was_given_back(anna, client):
    client.post(change_address(anna, THEIRS)[MINE])
    anna.refresh_from_db()

    client.post(change_address(anna, THIRD)[MINE])

    assert_belongs_to(anna, MINE)


def test_the_old_password_and_the_thieves_session_open_nothing_after_the_report(anna, client):
    thief = Client()
    thief.force_login(anna)
    links = change_address(anna, THEIRS)

    client.post(links[MINE])

    assert thief.get("/accounts/email/").status_code == 302
    for login in ("anna", MINE, THEIRS):
        answer = thief.post("/accounts/login/", {"login": login, "password": PASSWORD})
        assert answer.status_code == 200
        assert "_auth_user_id" not in thief.session
    mail.outbox.clear()
    thief.post("/accounts/password/reset/", {"email": THEIRS})
    assert not [m for m in mail.outbox if "password/reset/key" in m.body]


def test_when_the_old_address_is_somebody_elses_by_now_the_account_is_switched_off(
    anna, client, caplog
):
    links = change_address(anna, THEIRS)
    UserFactory(email=MINE)

    response = client.post(links[MINE])

    anna.refresh_from_db()
    assert not anna.is_active
    assert open_sessions(anna) == set()
    assert "is switched off" in response.content.decode()
    assert reports(anna)[0]["suspended"] == [None, True]
    assert MINE not in caplog.text
