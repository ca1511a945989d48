"""Ends sessions from the page and from the admin, and looks at the analytics, in Chromium.

It is no part of ``make test``, because it needs Chromium: ``make test-browser``.
"""

import pytest
from django.core.management import call_command

from authentication.tests.people import PASSWORD, make_user
from truledgr.tests.browser import LOOKS, Person, clock_of_apps, launched
from users.models import EndReason, UserSession

LAPTOP = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
)

browser = pytest.fixture(launched)
clock = pytest.fixture(clock_of_apps)
pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(person, name):
    person.open("/accounts/login/")
    person.fill(login=name, password=PASSWORD)
    person.press("Sign in")
    return person


def is_signed_in(person):
    person.open("/accounts/sessions/")
    return "/accounts/login/" not in person.page.url


def stepped_up(person):
    person.follow("Change something")
    person.fill(password=PASSWORD)
    person.press("Continue")


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_session_is_ended_from_the_page_and_from_the_admin(
    browser, live_server, clock, settings, look
):
    # What staff need besides is tested in browser_sign_in.
    settings.STAFF_SECOND_FACTOR_REQUIRED = False
    make_user(username="ann")
    make_user(username="root", is_staff=True, is_superuser=True)
    laptop = signed_in(Person(browser, live_server.url, clock, user_agent=LAPTOP, **look), "ann")
    phone = signed_in(Person(browser, live_server.url, clock, user_agent=PHONE, **look), "ann")
    staff = signed_in(Person(browser, live_server.url, clock, user_agent=LAPTOP, **look), "root")

    laptop.open("/accounts/sessions/")
    shown = laptop.page.locator("ul.rows").first.inner_text()
    assert "Chrome 141 · Windows 10" in shown
    assert "Mobile Safari 18 · iOS 18.6" in shown
    stepped_up(laptop)
    laptop.press("End")
    assert not is_signed_in(phone)
    assert is_signed_in(laptop)

    staff.open("/admin/users/usersession/?q=ann")
    staff.page.locator("tr", has_text="Chrome 141").locator("input.action-select").check()
    staff.page.locator("select[name=action]").select_option("end_selected")
    staff.page.get_by_title("Run the selected action").click()
    staff.press("End this session")
    assert not is_signed_in(laptop)
    assert is_signed_in(staff)

    reasons = UserSession.objects.filter(user__username="ann").values_list("end_reason", flat=True)
    assert sorted(reasons) == [EndReason.REVOKED_BY_OWNER, EndReason.REVOKED_BY_STAFF]
    assert laptop.complaints == phone.complaints == staff.complaints == []


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_the_analytics_fit_the_window_and_ask_nobody_else(
    browser, live_server, clock, settings, look
):
    settings.STAFF_SECOND_FACTOR_REQUIRED = False
    call_command("seed_demo", users=20, items=20, force=True, verbosity=0)
    make_user(username="root", is_staff=True, is_superuser=True)
    staff = signed_in(Person(browser, live_server.url, clock, user_agent=LAPTOP, **look), "root")

    for query in ("", "?group_by=week", "?group_by=month"):
        assert staff.open(f"/admin/analytics/sessions/{query}") == 200
        assert staff.page.locator("svg").count() > 3
        width = staff.page.evaluate("document.documentElement.scrollWidth")
        assert width <= staff.page.viewport_size["width"], query

    assert staff.complaints == []
