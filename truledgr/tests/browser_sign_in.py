"""Signs up, enrols, signs in and resets a password in Chromium: ``make test-browser``.

It is no part of ``make test``, because it needs Chromium.
"""

import re

import pytest

from truledgr.tests.browser import LOOKS, Person, clock_of_apps, launched
from truledgr.tests.flows import newest_mail
from truledgr.tests.journey import FIRST, SECOND, code_in
from users.models import User

EMAIL = "ann@browser.example"

browser = pytest.fixture(launched)
clock = pytest.fixture(clock_of_apps)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_person_gets_in_by_every_way(browser, live_server, clock, settings, look):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    ann = Person(browser, live_server.url, clock, **look)

    sign_up(ann)
    secret, codes = enrol(ann)
    ann.sign_out()
    ann.sign_in(FIRST, clock.code(secret))
    look_around(ann)
    ann.sign_out()
    ann.sign_in(FIRST, codes[0])
    User.objects.filter(username="ann").update(is_staff=True, is_superuser=True)
    assert ann.open("/admin/") == 200
    assert "Administration" in ann.page.title()
    ann.sign_out()
    reset_password(ann)
    ann.sign_in(SECOND, clock.code(secret))
    assert ann.open("/admin/") == 200

    assert ann.complaints == []


def sign_up(ann):
    ann.open("/accounts/login/")
    ann.follow("Sign up")
    ann.fill(email=EMAIL, username="ann", password1=FIRST, password2=FIRST)
    ann.press("Sign up")
    ann.fill(code=code_in(newest_mail(EMAIL)))
    ann.press("Continue")
    assert User.objects.get(username="ann").last_login


def enrol(ann):
    """Add an app; answer its secret and the backup codes."""
    ann.open("/accounts/second-factors/")
    ann.follow("Change something")
    ann.fill(password=FIRST)
    ann.press("Continue")
    ann.follow("Add an authenticator app")
    assert ann.page.locator(".qr svg").bounding_box()["width"] > 150
    secret = ann.page.locator("code.secret").inner_text()
    ann.fill(name="Phone", code=ann.clock.code(secret))
    ann.press("Confirm")
    codes = ann.page.locator("ol.codes code").all_inner_texts()
    assert len(codes) == 10
    ann.follow("I have kept them")
    return secret, codes


def look_around(ann):
    """The pages of the account, none of which is wider than the window."""
    for address in ("sessions", "devices", "tokens", "email", "3rdparty", "password/change"):
        assert ann.open(f"/accounts/{address}/") == 200
        width = ann.page.evaluate("document.documentElement.scrollWidth")
        assert width <= ann.page.viewport_size["width"], address


def reset_password(ann):
    ann.open("/accounts/login/")
    ann.follow("Forgot your password?")
    ann.fill(email=EMAIL)
    ann.press("Send the link")
    link = re.search(r"http\S+/accounts/password/reset/key/\S+", newest_mail(EMAIL)).group(0)
    ann.page.goto(link)
    ann.shoot()
    ann.fill(password1=SECOND, password2=SECOND)
    ann.press("Set password")
