"""A mail that invites opens the sign-up for its address, through other providers and apps too."""

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from authentication import invited
from authentication.tests.account_clients import Headless, sign_up
from authentication.tests.oauth import is_signed_in, sign_in
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def brought(monkeypatch, settings):
    """Sign-up is closed; the mail to this address has brought every session here."""
    settings.SIGNUP_OPEN = False

    def by(email):
        monkeypatch.setattr(invited, "_readers", [lambda _request: email])

    return by


def test_another_provider_signs_the_invited_address_up_and_no_other(corp, brought):
    brought("other@example.org")
    sign_in(Client())
    assert not User.objects.exists()

    brought(corp.person["email"].upper())
    browser = Client()
    sign_in(browser)

    assert is_signed_in(browser)
    assert EmailAddress.objects.get().verified


@pytest.mark.parametrize("kind", ["browser", "app"])
def test_the_headless_flows_sign_the_invited_address_up_and_no_other(kind, brought):
    brought("new@example.org")

    refused = sign_up(Headless(kind), "one", "other@example.org")
    client = Headless(kind)
    made = sign_up(client, "two", "new@example.org")

    assert (refused.status_code, made.status_code) == (400, 200)
    assert refused.json()["errors"][0]["code"] == "email_not_invited"
    assert client.is_signed_in()
    assert list(User.objects.values_list("username", flat=True)) == ["two"]
