"""Chromium for the tests of ``make test-browser``, whose modules make the fixtures of it.

``CHROMIUM`` names the program, and ``SHOTS`` a directory for screenshots.
"""

import os
import re
from pathlib import Path
from types import SimpleNamespace

import axe_playwright_python
import pytest
from django.core.cache import cache
from playwright.sync_api import sync_playwright

from truledgr.tests.journey import Clock

# Playwright keeps an event loop in this thread, beside which Django refuses to use the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
SHOTS = os.environ.get("SHOTS", "")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = {
    "runOnly": [
        "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice",
    ],
    "resultTypes": ["violations"],
    "preload": False,  # it would make style elements, which the policy refuses
}  # fmt: skip
# What a look can change; of everything else a page looked at once is looked at for good.
RULES_OF_LOOKS = {
    **RULES,
    "runOnly": [
        "color-contrast",
        "link-in-text-block",
        "scrollable-region-focusable",
        "target-size",
    ],
}
RUN_AXE = """rules => axe.run(rules).then(found => found.violations.flatMap(
  rule => rule.nodes.map(node => `${rule.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`)
))"""
# Chromium writes such a refusal to the console too, but not where a page only asks for reports.
REPORT = """document.addEventListener("securitypolicyviolation",
  event => console.error(`refused by the policy: ${event.violatedDirective} ${event.blockedURI}`)
)"""
LOOKS = {
    "wide and light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "narrow and dark": {"viewport": {"width": 390, "height": 800}, "color_scheme": "dark"},
}


class Person:
    """One browser and whoever sits before it; every complaint of the browser is noted."""

    def __init__(self, browser, base, clock, **look):
        self.context = browser.new_context(**look)
        self.page = self.context.new_page()
        self.base, self.clock, self.shots = base, clock, 0
        self.complaints = []
        self.page.add_init_script(REPORT)
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


def faults_of(page, rules=RULES):
    """What axe-core finds wrong with the page, and whether it is wider than the window."""
    page.evaluate(AXE)  # not by a tag, which the Content-Security-Policy would refuse
    found = page.evaluate(RUN_AXE, rules)
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > page.viewport_size["width"]:
        found.append(f"wider than the window: {width} px")
    return found


def clock_of_apps(monkeypatch):
    """The time that authenticator apps and the server go by."""
    clock = Clock()
    monkeypatch.setattr("authentication.models.time", SimpleNamespace(time=lambda: clock.now))
    return clock


def launched():
    """Chromium, for one test."""
    if not CHROMIUM.exists():
        pytest.fail(f"There is no {CHROMIUM}. Install Chromium, or name it: CHROMIUM=/path/to/it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()
