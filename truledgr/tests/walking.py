"""A person who looks at every page twice over: wide and narrow, light and dark."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.test.signals import template_rendered

from truledgr.tests.browser import LOOKS, RULES, RULES_OF_LOOKS, Person, faults_of

TEMPLATES = Path(settings.BASE_DIR) / "truledgr" / "templates"


# Swagger UI makes its markup and its colours itself.
OF_OTHERS = "/api/docs/"
# What Chromium says of a page that is an error on purpose.
REFUSED = "Failed to load resource: the server responded with a status of"


class Walk(Person):
    """``faults`` says of each fault where it was found; ``pages`` what was looked at."""

    def __init__(self, browser, base, clock=None):
        self.faults = defaultdict(list)
        self.pages = []
        self.expected = 200
        super().__init__(browser, base, clock)

    def enter(self, client):
        """Take over the session of a test client."""
        name = settings.SESSION_COOKIE_NAME
        cookie = {"name": name, "value": client.cookies[name].value, "url": self.base}
        self.context.add_cookies([cookie])

    def shoot(self):
        """Look at the page that is open now, in every look."""
        where = self.page.url.removeprefix(self.base)
        self.pages.append(where)
        for look, options in LOOKS.items():
            self.page.set_viewport_size(options["viewport"])
            self.page.emulate_media(color_scheme=options["color_scheme"], reduced_motion="reduce")
            rules = RULES if look == "wide and light" else RULES_OF_LOOKS
            found = [] if where.startswith(OF_OTHERS) else faults_of(self.page, rules)
            for fault in found:
                self.faults[f"{fault} ({look})"].append(where)
            super().shoot()
        for complaint in self.complaints:
            if not complaint.startswith(f"error: {REFUSED} {self.expected} "):
                self.faults[complaint].append(where)
        self.complaints.clear()

    def open(self, address, status=200):
        """Open a page that is expected to answer ``status``."""
        self.expected = status
        found = super().open(address)
        if found != status:
            self.faults[f"answered {found} in place of {status}"].append(address)

    def report(self):
        return "\n".join(
            f"{len(places)} times {fault}\n    {' '.join(places[:4])}"
            for fault, places in sorted(self.faults.items())
        )


@contextmanager
def templates_rendered():
    """The names of the templates that are rendered meanwhile, by whatever thread."""
    names = set()

    def note(sender, template, **kwargs):
        names.add(template.name)

    template_rendered.connect(note)
    try:
        yield names
    finally:
        template_rendered.disconnect(note)


def own_templates():
    """The names of this project's own templates."""
    return {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html")}
