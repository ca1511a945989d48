"""Signs up, enrols, signs in and resets a password in Chromium: ``make test-browser``.

It is no part of ``make test``, because it needs Chromium; ``CHROMIUM`` names the program, and
``SHOTS`` a directory for screenshots.
"""

import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from playwright.sync_api import sync_playwright

from truledgr.tests.flows import newest_mail
from truledgr.tests.journey import FIRST, SECOND, Clock, code_in
from users.models import User

# Playwright keeps an event loop in this thread, beside which Django refuses to use the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
SHOTS = os.environ.get("SHOTS", "")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
EMAIL = "ann@browser.example"

pytestmark = pytest.mark.django_db(transaction=True)


class Person:
    """One browser and whoever sits before it; every complaint of the browser is noted."""

    def __init__(self, browser, base, clock, **look):
        self.context = browser.new_context(**look)
        self.page = self.context.new_page()
        self.base, self.clock, self.shots = base, clock, 0
        self.complaints = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._note_request)

    def _note(self, message):
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def _note_request(self, request):
        if not request.url.startswith((self.base, "data:")):
            self.complaints.append(f"asked elsewhere: {request.url}")

    def open(self, address):
        response = self.page.goto(f"{self.base}{address}")
        self.shoot()
        return response.status

    def fill(self, **fields):
        for name, value in fields.items():
            self.page.locator(f"[name={name}]").fill(value)

    def press(self, name):
        cache.clear()  # limits are tested elsewhere; this goes faster than people do
        self.page.get_by_role("button", name=name, exact=True).click()
        self.page.wait_for_load_state()
        self.shoot()

    def follow(self, name):
        self.page.get_by_role("link", name=name, exact=True).first.click()
        self.page.wait_for_load_state()
        self.shoot()

    def shoot(self):
        self.shots += 1
        if SHOTS:
            name = f"{self.shots:02d}-{self.page.url.removeprefix(self.base).strip('/')}"
            path = Path(SHOTS) / re.sub(r"\W+", "-", name)
            self.page.screenshot(path=f"{path}.png", full_page=True)

    def heading(self):
        return self.page.locator("h1").inner_text()

    def sign_in(self, password, code):
        self.open("/accounts/login/")
        self.fill(login="ann", password=password)
        self.press("Sign in")
        assert self.heading() == "Second step"
        self.fill(code=code)
        self.press("Continue")

    def sign_out(self):
        self.open("/accounts/logout/")
        self.press("Sign out")


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("authentication.models.time", SimpleNamespace(time=lambda: clock.now))
    return clock


@pytest.fixture
def browser():
    if not CHROMIUM.exists():
        pytest.fail(f"There is no {CHROMIUM}. Install Chromium, or name it: CHROMIUM=/path/to/it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.mark.parametrize(
    "look",
    [
        {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
        {"viewport": {"width": 390, "height": 800}, "color_scheme": "dark"},
    ],
    ids=["wide and light", "narrow and dark"],
)
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
    assert ann.page.title().startswith("Administration")
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
