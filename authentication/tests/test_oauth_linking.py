"""Linking and unlinking: by the owner only, after a step-up, and never the last way in."""

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client

from authentication.services.linked_accounts import (
    LastWayInError,
    LinkedElsewhereError,
    link_account,
    unlink_account,
)
from authentication.tests.issuer import Issuer
from authentication.tests.oauth import (
    LINKED,
    approve,
    begin,
    enter,
    events,
    link,
    set_up,
    sign_in,
    text_of,
)
from authentication.tests.people import make_user
from core.tests.parallel import at_once
from users.models import User

pytestmark = pytest.mark.django_db

NAMES = {"corp": "Corp", "partner": "Partner"}
STEP_UP = "/accounts/step-up/"


# --- Linking on the page --------------------------------------------------------------------


def test_the_owner_links_an_identity_and_signs_in_with_it(client, corp):
    user = make_user(username="ann", email="ann@work.example")
    enter(client, user)
    mail.outbox.clear()

    response = client.get(approve(begin(client, process="connect")), follow=True)

    assert response.redirect_chain == [(LINKED, 302)]
    assert "The account is linked" in text_of(response)
    assert "ann@example.org" in text_of(response)
    assert SocialAccount.objects.get().user == user
    event = events("provider_linked").get()
    assert (event.actor_id, event.changes) == (user.pk, {"identity": [None, "corp:1001"]})
    sign_in(stranger := Client())
    assert stranger.get("/api/v1/me").json()["username"] == "ann"


def test_linking_adds_no_address_and_verifies_none(client, corp):
    user = make_user(email="ann@work.example")
    enter(client, user)

    client.get(approve(begin(client, process="connect")))

    assert list(EmailAddress.objects.values_list("email", flat=True)) == ["ann@work.example"]


@pytest.mark.django_db(transaction=True)
def test_asvs_6_3_7_the_owner_is_told_of_a_link_and_of_its_end(client, corp):
    user = make_user(email="ann@work.example")
    enter(client, user)
    mail.outbox.clear()

    client.get(approve(begin(client, process="connect")))
    client.post(LINKED, {"account": SocialAccount.objects.get().pk})

    assert [message.to for message in mail.outbox] == [["ann@work.example"]] * 2


def test_linking_needs_a_recent_step_up_before_the_provider(client, corp):
    enter(client, make_user(), steps_up=False)

    response = client.post("/accounts/oidc/corp/login/?process=connect")

    assert response["Location"].startswith(STEP_UP)
    assert corp.requests == []


def test_linking_needs_a_recent_step_up_after_the_provider_too(client, corp):
    enter(client, make_user())
    callback = approve(begin(client, process="connect"))
    session = client.session
    session["stepped_up_at"] = 1.0
    session.save()

    response = client.get(callback, follow=True)

    assert "That took too long" in text_of(response)
    assert not SocialAccount.objects.exists()


def test_an_identity_of_somebody_else_stays_theirs(client, corp):
    owner = make_user(username="owner")
    link(owner)
    enter(client, make_user(username="thief", email="thief@example.org"))

    response = client.get(approve(begin(client, process="connect")), follow=True)

    assert "belongs to somebody else" in text_of(response)
    assert SocialAccount.objects.get().user == owner


def test_linking_twice_changes_nothing(client, corp):
    user = make_user()
    link(user)
    enter(client, user)

    response = client.get(approve(begin(client, process="connect")), follow=True)

    assert "linked already" in text_of(response)
    assert SocialAccount.objects.count() == 1
    assert not events("provider_linked").exists()


def test_who_is_not_signed_in_is_sent_to_sign_in_first(client, corp):
    response = client.post("/accounts/oidc/corp/login/?process=connect")

    assert response["Location"] == "/accounts/login/"
    assert client.get(LINKED)["Location"].startswith("/accounts/login/")
    assert corp.requests == []


def test_a_callback_begun_by_somebody_else_links_nothing(client, corp):
    """The attacker's identity must not end up in the victim's account."""
    attacker = Client()
    enter(attacker, make_user(username="attacker"))
    callback = approve(begin(attacker, process="connect"))
    enter(client, make_user(username="victim", email="victim@example.org"))

    response = client.get(callback)

    assert response.status_code == 401
    assert not SocialAccount.objects.exists()


def test_a_failed_link_is_no_failed_sign_in(client, corp):
    enter(client, make_user())
    corp.faults.add("wrong_key")

    response = client.get(approve(begin(client, process="connect")))

    assert response.status_code == 401
    assert "Linked accounts" in text_of(response)
    assert not events("sign_in_failed").exists()
    assert not SocialAccount.objects.exists()


# --- Unlinking on the page ------------------------------------------------------------------


def test_an_identity_is_unlinked_and_signs_nobody_in_any_more(client, corp, settings):
    user = make_user()
    identity = link(user)
    enter(client, user)
    settings.SIGNUP_OPEN = False

    response = client.post(LINKED, {"account": identity.pk}, follow=True)

    assert "not linked any more" in text_of(response)
    event = events("provider_unlinked").get()
    assert (event.actor_id, event.changes) == (user.pk, {"identity": ["corp:1001", None]})
    sign_in(stranger := Client())
    assert stranger.get("/api/v1/me").status_code == 401


def test_unlinking_needs_a_recent_step_up(client, corp):
    user = make_user()
    identity = link(user)
    enter(client, user, steps_up=False)

    response = client.post(LINKED, {"account": identity.pk})

    assert response["Location"].startswith(STEP_UP)
    assert SocialAccount.objects.exists()


def test_the_identity_of_somebody_else_cannot_be_unlinked(client, corp):
    identity = link(make_user())
    enter(client, make_user())

    response = client.post(LINKED, {"account": identity.pk})

    assert response.status_code == 200
    assert SocialAccount.objects.exists()


@pytest.mark.parametrize("key", ["", "nonsense", "0", "9" * 30, "\0"])
def test_a_key_that_is_none_unlinks_nothing(client, corp, key):
    user = make_user()
    link(user)
    enter(client, user)

    assert client.post(LINKED, {"account": key}).status_code == 200
    assert SocialAccount.objects.exists()


def test_the_last_way_in_stays(client, corp):
    user = make_user(password=None)
    identity = link(user)
    sign_in(client)

    response = client.post(LINKED, {"account": identity.pk})

    assert response.status_code == 200
    assert "Set a password first" in text_of(response)
    assert SocialAccount.objects.exists()


def test_a_password_without_a_verified_address_is_no_way_in(corp):
    user = make_user(verified=False)
    identity = link(user)

    with pytest.raises(LastWayInError, match="Verify an e-mail address"):
        unlink_account(actor=user, account=identity, providers=NAMES)


def test_an_identity_at_a_provider_that_is_gone_is_no_way_in(client, corp):
    user = make_user(password=None)
    identity = link(user)
    link(user, provider="closed-down")
    sign_in(client)

    response = client.post(LINKED, {"account": identity.pk})

    assert "only way to sign in" in text_of(response)
    assert SocialAccount.objects.count() == 2


def test_one_of_two_identities_can_go(client, settings):
    with Issuer() as corp, Issuer() as partner:
        set_up(settings, corp=corp, partner=partner)
        user = make_user(password=None)
        identity = link(user)
        link(user, provider="partner")
        sign_in(client)

        client.post(LINKED, {"account": identity.pk})

        assert SocialAccount.objects.get().provider == "partner"


def test_an_identity_at_a_provider_that_is_gone_can_still_be_seen_and_unlinked(client, corp):
    user = make_user()
    identity = link(user, provider="closed-down")
    enter(client, user)

    page = text_of(client.get(LINKED))
    client.post(LINKED, {"account": identity.pk})

    assert "closed-down" in page
    assert "not offered here any more" in page
    assert not SocialAccount.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_at_once_cannot_remove_the_last_two():
    user = make_user(password=None)
    both = [link(user), link(user, provider="partner")]

    outcomes = at_once(
        *(
            lambda identity=identity: unlink_account(
                actor=User.objects.get(pk=user.pk), account=identity, providers=NAMES
            )
            for identity in both
        )
    )

    assert SocialAccount.objects.count() == 1
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LastWayInError", "NoneType"]


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_cannot_both_get_one_identity():
    people = [make_user(), make_user()]

    def job(user):
        account = SocialAccount(provider="corp", uid="1001", extra_data={})
        return lambda: link_account(actor=user, account=account, provider="Corp")

    outcomes = at_once(*map(job, people))

    assert SocialAccount.objects.count() == 1
    assert events("provider_linked").count() == 1
    assert [type(o) for o in outcomes].count(LinkedElsewhereError) == 1
