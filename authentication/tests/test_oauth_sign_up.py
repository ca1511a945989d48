"""Signing up through another provider, in a browser."""

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client

from authentication.tests.oauth import (
    approve,
    begin,
    change,
    events,
    is_signed_in,
    link,
    sign_in,
    text_of,
)
from authentication.tests.people import make_user
from core.tests.parallel import at_once
from users.models import User

pytestmark = pytest.mark.django_db


def test_a_new_identity_signs_up_with_an_address_that_a_trusted_issuer_verified(client, corp):
    corp.person |= {
        "preferred_username": "ann", "given_name": "Ann", "family_name": "Lee", "locale": "pt",
    }  # fmt: skip

    sign_in(client)

    user = User.objects.get()
    assert is_signed_in(client)
    assert (user.username, user.email) == ("ann", "ann@example.org")
    assert (user.first_name, user.last_name) == ("Ann", "Lee")
    assert not user.has_usable_password()
    address = EmailAddress.objects.get(user=user)
    assert (address.email, address.verified, address.primary) == ("ann@example.org", True, True)
    assert events("sign_up").get().actor_id == user.pk
    linked = events("provider_linked").get()
    assert linked.changes == {"identity": [None, "corp:1001"]}
    assert linked.object_id == str(user.pk)


def test_the_word_of_an_issuer_that_is_not_trusted_does_not_verify_an_address(
    client, corp, settings
):
    change(settings, trust_email=False)

    response = sign_in(client)

    assert not is_signed_in(client)
    assert response["Location"] == "/accounts/confirm-email/"
    assert not EmailAddress.objects.get().verified
    assert mail.outbox[-1].to == ["ann@example.org"]


@pytest.mark.parametrize("claim", ["false", "yes", 1, None, ["true"]])
def test_only_a_clear_yes_verifies_an_address(client, corp, claim):
    corp.person["email_verified"] = claim

    sign_in(client)

    assert not is_signed_in(client)
    assert not EmailAddress.objects.get().verified


def test_an_address_that_only_userinfo_tells_is_taken_from_there(client, corp):
    corp.faults.add("no_email_in_token")

    sign_in(client)

    assert User.objects.get().email == "ann@example.org"
    assert corp.requests[-1][0] == "/userinfo"


@pytest.mark.parametrize("fault", ["userinfo_of_another", "userinfo_error"])
def test_userinfo_about_somebody_else_is_refused(client, corp, fault):
    corp.faults |= {"no_email_in_token", fault}

    assert sign_in(client).status_code == 401
    assert not User.objects.exists()


def test_a_username_that_is_taken_is_made_unique(client, corp):
    make_user(username="Ann")
    corp.person = {
        "sub": "2", "email": "a@example.org", "email_verified": True, "preferred_username": "ann",
    }  # fmt: skip

    sign_in(client)

    assert is_signed_in(client)
    assert client.get("/api/v1/me").json()["username"].lower() != "ann"


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("given_name", "A\nB\x7f\u202e"), ("given_name", "x" * 500), ("given_name", {"a": 1}),
        ("preferred_username", "<b>" * 200), ("preferred_username", ["x"]), ("name", 5),
        ("preferred_username", "admin"),
    ],
)  # fmt: skip
def test_strange_names_do_no_harm(client, corp, claim, value):
    corp.person[claim] = value

    sign_in(client)

    user = User.objects.get()
    assert is_signed_in(client)
    user.full_clean(exclude=["password"])
    assert user.username != "admin"
    assert "\u202e" not in user.first_name


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_claims_that_no_database_stores_are_refused(client, corp, value):
    corp.person["given_name"] = value

    assert sign_in(client).status_code == 401
    assert not User.objects.exists()


def test_a_long_subject_is_still_one_identity(client, corp):
    corp.person["sub"] = "s" * 255

    sign_in(client)
    client.post("/accounts/logout/")
    sign_in(client)

    assert is_signed_in(client)
    assert User.objects.count() == 1


def test_without_an_address_a_form_asks_for_one_and_a_code_proves_it(client, corp):
    corp.person = {"sub": "1001", "name": "Ann Lee"}

    response = sign_in(client)
    page = client.get(response["Location"])
    done = client.post(
        response["Location"], {"username": "ann", "email": "Ann@Example.org"}, follow=True
    )

    assert response["Location"] == "/accounts/3rdparty/signup/"
    assert "Finish signing up" in text_of(page)
    assert done.redirect_chain[-1][0] == "/accounts/confirm-email/"
    assert not is_signed_in(client)
    assert not EmailAddress.objects.get().verified
    assert User.objects.get().first_name == "Ann"


def test_the_form_does_not_give_a_known_address_away(client, corp):
    make_user(email="ann@example.org")
    corp.person = {"sub": "1001"}
    form = {"username": "bob"}

    sign_in(client)
    known = client.post("/accounts/3rdparty/signup/", form | {"email": "ann@example.org"})
    sign_in(other := Client())
    unknown = other.post("/accounts/3rdparty/signup/", form | {"email": "new@example.org"})

    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert SocialAccount.objects.count() == 1


def test_the_address_of_a_deleted_account_is_free(client, corp):
    make_user(email="ann@example.org").delete()

    response = sign_in(client)
    client.post(response["Location"], {"username": "ann2", "email": "ann@example.org"})

    assert User.objects.alive().get().email == "ann@example.org"
    assert is_signed_in(client)


def test_who_chooses_another_address_in_the_form_has_that_one_alone_unverified(client, corp):
    make_user(email="ann@example.org").delete()

    response = sign_in(client)
    client.post(response["Location"], {"username": "ann2", "email": "boss@example.org"})

    assert not is_signed_in(client)
    user = User.objects.alive().get()
    assert user.email == "boss@example.org"
    rows = EmailAddress.objects.filter(user=user).values_list("email", "verified")
    assert list(rows) == [("boss@example.org", False)]


def test_an_identity_whose_sign_up_made_way_can_sign_up_again(client, corp, settings):
    """Somebody else has signed up with the address before its owner entered the code."""
    change(settings, trust_email=False)
    sign_in(client)
    User.objects.get().delete()

    change(settings, trust_email=True)
    corp.person["email"] = "ann@elsewhere.example"
    sign_in(Client())

    assert SocialAccount.objects.get().user == User.objects.alive().get()
    assert events("provider_unlinked").count() == 1


def test_closed_sign_up_is_closed_for_other_providers_too(client, corp, settings):
    settings.SIGNUP_OPEN = False

    response = sign_in(client)

    assert "closed" in text_of(response)
    assert not User.objects.exists()
    assert not is_signed_in(client)


def test_closed_sign_up_lets_those_in_who_have_an_account(client, corp, settings):
    settings.SIGNUP_OPEN = False
    link(make_user())

    sign_in(client)

    assert is_signed_in(client)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("subjects", [("1001", "1001"), ("1001", "1002")])
def test_two_first_sign_ins_at_once_make_one_account(corp, subjects):
    """By the same identity twice, or by two that claim the same address."""
    jobs = []
    for subject in subjects:
        corp.person = corp.person | {"sub": subject}
        browser = Client()
        callback = approve(begin(browser))
        jobs.append(lambda browser=browser, callback=callback: browser.get(callback))

    outcomes = at_once(*jobs)

    assert {type(outcome).__name__ for outcome in outcomes} == {"HttpResponseRedirect"} or {
        outcome.status_code for outcome in outcomes
    } == {302, 401}
    assert User.objects.count() == SocialAccount.objects.count() == 1


def test_a_failed_sign_up_leaves_nothing_behind(client, corp, monkeypatch):
    def fails(**_event):
        raise ValueError("no trail, no write")

    monkeypatch.setattr("authentication.services.linked_accounts._record", fails)
    client.raise_request_exception = False

    sign_in(client)

    assert not User.objects.exists()
    assert not SocialAccount.objects.exists()
    assert not EmailAddress.objects.exists()
