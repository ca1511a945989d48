"""The start page of the admin and its palette, by keyboard, in Chromium: ``make test-browser``."""

import pytest

from authentication.tests.people import PASSWORD, make_user
from groups.tests.factories import GroupFactory
from items.tests.factories import ItemFactory
from truledgr import checkup
from truledgr.checkup import Finding, Status
from truledgr.tests.browser import LOOKS, Person, clock_of_apps, faults_of, launched
from users.tests.factories import UserSessionFactory

browser = pytest.fixture(launched)
clock = pytest.fixture(clock_of_apps)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=LOOKS.values(), ids=LOOKS)
def ann(request, browser, live_server, clock, settings):
    """A superuser, signed in."""
    settings.DEBUG = True
    settings.ENVIRONMENT_NAME = "staging"
    user = make_user(username="ann", is_staff=True, is_superuser=True)
    GroupFactory(name="Rowing club", slug="rowing-club", owner=user, created_by=user)
    ItemFactory(owner=user).delete()
    UserSessionFactory(user=user, is_suspicious=True)
    return signed_in(browser, live_server, clock, **request.param)


def signed_in(browser, live_server, clock, **look):
    person = Person(browser, live_server.url, clock, **look)
    person.open("/accounts/login/")
    person.fill(login="ann", password=PASSWORD)
    person.press("Sign in")
    return person


def test_the_start_page(ann):
    assert ann.open("/admin/") == 200
    assert ann.page.title().startswith("[staging] ")
    assert ann.page.locator("#tl-state").inner_text() == "All is well"
    assert faults_of(ann.page) == []

    checkup.note([Finding("drift.column-missing", Status.FAILED, "users has no name.", "migrate")])
    ann.open("/admin/")

    assert ann.page.locator("#tl-state").inner_text() == "1 thing needs attention"
    assert faults_of(ann.page) == []
    assert ann.complaints == []


def test_the_palette_without_a_mouse(ann):
    ann.open("/admin/")
    page = ann.page
    field, options = page.locator("#tl-palette input"), page.locator("#tl-palette [role=option]")
    chosen = page.locator("#tl-palette [aria-selected=true]")

    page.locator("#site-name a").focus()
    page.keyboard.press("Control+k")
    options.first.wait_for()
    assert faults_of(page) == []
    page.keyboard.type("rowing")
    group = options.filter(has_text="Rowing club")
    group.wait_for()
    assert page.get_by_role("status").inner_text() == "1 result"
    assert field.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    assert faults_of(page) == []
    ann.shoot()
    page.keyboard.press("Escape")
    assert not field.is_visible()
    assert page.evaluate("document.activeElement.closest('#site-name') !== null")

    page.locator("#tl-find").press("Enter")
    options.first.wait_for()
    page.keyboard.type("add ")
    options.first.filter(has_text="Add ").wait_for()
    first = chosen.inner_text()
    page.keyboard.press("ArrowDown")
    assert chosen.inner_text() != first
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert chosen.inner_text() == options.last.inner_text()
    field.fill("qqqq")
    page.get_by_text("Nothing found").wait_for()
    field.fill("rowing")
    group.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/groups/group/**")
    assert ann.complaints == []


def test_signing_out_by_the_palette(ann):
    ann.open("/admin/")
    ann.page.keyboard.press("Control+k")
    option = ann.page.get_by_role("option", name="Sign out", exact=True)
    option.scroll_into_view_if_needed()
    option.click()
    ann.page.wait_for_url(lambda url: not url.endswith("/admin/"))
    ann.open("/admin/")

    assert "/accounts/login/" in ann.page.url
    assert ann.complaints == []


def test_without_a_script_the_button_leads_to_a_page(browser, live_server, clock):
    make_user(username="ann", is_staff=True, is_superuser=True)
    person = signed_in(browser, live_server, clock, java_script_enabled=False)
    person.open("/admin/")

    person.page.locator("#tl-find").click()
    person.page.locator("main [name=q]").fill("ann")
    person.press("Find")

    assert person.page.get_by_role("link", name="ann", exact=True).is_visible()
    assert person.complaints == []
