"""The badge that tells one installation from another."""

import pytest

from truledgr.environment_badge import badge_of
from truledgr.tests.test_settings import manage
from users.tests.factories import UserFactory


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("development", "development"), ("Staging", "trial"), ("qa-2", "trial"),
        ("Production EU", "production"), ("Lisbon", "other"),
    ],
)  # fmt: skip
def test_the_kind_follows_the_first_word_of_the_name(name, kind):
    badge = badge_of(name)

    assert (badge.name, badge.kind) == (name, kind)


def test_an_installation_without_a_name_has_no_badge():
    assert badge_of("") is None


def test_a_name_that_is_none_is_refused():
    refused = manage("check", ENVIRONMENT_NAME="<b>staging</b>")

    assert "ENVIRONMENT_NAME: is '<b>staging</b>'. Set something like staging." in refused.stderr


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["/admin/", "/accounts/login/", "/accounts/sessions/"])
def test_title_and_header_show_it(client, settings, url):
    settings.STAFF_SECOND_FACTOR_REQUIRED = False
    settings.ENVIRONMENT_NAME = "Staging 2"
    if "login" not in url:
        client.force_login(UserFactory(is_staff=True))

    page = client.get(url).content.decode()

    assert "<title>[Staging 2] " in page
    assert page.count('class="environment environment-trial"') == 1
    assert "truledgr/environment.css" in page


@pytest.mark.django_db
def test_without_a_name_nothing_is_shown(client, settings):
    settings.ENVIRONMENT_NAME = ""

    page = client.get("/accounts/login/").content.decode()

    assert "environment" not in page
    assert "<title>Sign in" in page
