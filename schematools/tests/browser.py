"""Uses the page as people do, in Chromium: ``python -m schematools.tests.browser [directory]``.

It is run by hand, because it needs ``playwright``, which the project does not. ``CHROMIUM`` names
the browser and ``AXE`` a copy of axe-core's ``axe.min.js``, without which accessibility is not
checked.
Screenshots go to the directory. It says what it checked and fails at what is wrong.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from schematools.html_page import render
from schematools.markup import anchor
from schematools.tests.samples import QUOTED, awkward, from_database, large

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
AXE = os.environ.get("AXE", "")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SLOWEST = 2000  # milliseconds until a thousand tables are there
WIDE, NARROW = (1440, 900), (400, 800)

# Pairs of cards that overlap, and lines that pass over a card which is not at one of their ends.
OVERLAPS = """() => {
  const inner = (box) => ({l: box.left + 1, r: box.right - 1, t: box.top + 1, b: box.bottom - 1});
  const cards = [...document.querySelectorAll('.st-card-edge')]
    .map((edge) => inner(edge.getBoundingClientRect()));
  const inside = (card, x, y) => x > card.l && x < card.r && y > card.t && y < card.b;
  let cardPairs = 0;
  cards.forEach((a, i) => cards.slice(i + 1).forEach((b) => {
    if (a.l < b.r && b.l < a.r && a.t < b.b && b.t < a.b) cardPairs += 1;
  }));
  let crossed = 0;
  for (const way of document.querySelectorAll('.st-lines .st-line-way')) {
    const matrix = way.getScreenCTM();
    const length = way.getTotalLength();
    const point = (at) => way.getPointAtLength(at).matrixTransform(matrix);
    const near = [point(0), point(length)];
    const ends = cards.filter((card) => near.some(({x, y}) =>
      x > card.l - 4 && x < card.r + 4 && y > card.t - 4 && y < card.b + 4));
    for (let at = 0; at <= length; at += 6) {
      const {x, y} = point(at);
      if (cards.some((card) => !ends.includes(card) && inside(card, x, y))) { crossed += 1; break; }
    }
  }
  return {cards: cards.length, cardPairs, crossed};
}"""


class Visit:
    """A page in a window of its own, where whatever goes wrong is written down."""

    def __init__(self, browser, path, *, fragment="", size=WIDE, scheme="light"):
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
        )
        self.context.set_offline(True)
        self.page = self.context.new_page()
        self.complaints = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda _: self.complaints.append("a dialog opened"))
        self.page.on("request", self._note_request)
        start = time.monotonic()
        self.page.goto(f"{path.as_uri()}{fragment}")
        self.page.wait_for_selector(".st-card")
        self.milliseconds = (time.monotonic() - start) * 1000

    def _note_request(self, request):
        if not request.url.startswith(("file:", "data:")):
            self.complaints.append(f"asked for {request.url}")

    def text(self, selector):
        return self.page.inner_text(selector)

    def close(self):
        assert self.complaints == [], self.complaints
        self.context.close()


def check_contents(visit):
    assert visit.page.evaluate("document.compatMode") == "CSS1Compat"
    assert "15 tables" not in visit.text(".st-caption")
    found = visit.page.evaluate(OVERLAPS)
    assert found["cardPairs"] == 0, found
    assert found["crossed"] == 0, found
    return found


def check_ids(visit):
    """Links to a table are the same in Markdown and here."""
    for name in (QUOTED, "customer", "a.b", "größe", ""):
        found = visit.page.evaluate("(name) => schematools.anchor('table', name)", name)
        assert found == anchor(name)


def check_printing(visit):
    """The drawing fits on paper, and afterwards it is where it was."""
    picture, layer = visit.page.locator(".st-picture"), visit.page.locator(".st-picture > g")
    before = layer.get_attribute("transform")
    visit.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert picture.get_attribute("viewBox")
    visit.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert (picture.get_attribute("viewBox"), layer.get_attribute("transform")) == (None, before)


def check_search(visit):
    page = visit.page
    page.keyboard.press("/")
    page.keyboard.type("tier")
    assert visit.text(".st-found") == "1 table"
    assert "column tier" in visit.text(".st-tables")
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash === '#table-customer'")
    assert "customer" in visit.text(".st-panel h2")
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    assert page.input_value("#st-search") == ""
    page.keyboard.type("o")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.matches('.st-tables a')")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "st-search"
    page.keyboard.type("nothing like this")
    assert visit.text(".st-found") == "Nothing found"
    page.keyboard.press("Escape")


def check_places(visit):
    page = visit.page
    page.click(".st-modules a:has-text('Shop')")
    page.wait_for_function("location.hash === '#module-shop'")
    assert visit.text(".st-caption").startswith("Shop: 2 tables")
    page.locator(".st-card[data-to='table-customer'] .st-card-head").click()
    page.wait_for_function("location.hash === '#table-customer'")
    assert page.locator(".st-selected").count() == 1
    assert "references" in visit.text(".st-panel").lower()
    page.click(".st-views a:has-text('neighbours')")
    page.wait_for_function("location.hash === '#table-customer~1'")
    assert visit.text(".st-caption").startswith("customer and ")
    page.reload()
    page.wait_for_selector(".st-card")
    assert visit.text(".st-caption").startswith("customer and ")
    page.go_back()
    page.wait_for_function("location.hash === '#table-customer'")
    assert visit.text(".st-caption").startswith("Shop: 2 tables")
    page.go_back()
    page.wait_for_function("location.hash === '#module-shop'")
    page.go_forward()
    page.wait_for_function("location.hash === '#table-customer'")


def check_detail_and_zoom(visit):
    page = visit.page
    rows = {}
    for name in ("Names", "Keys", "Columns"):
        page.click(f".st-tools button:has-text('{name}')")
        rows[name] = page.locator(".st-row").count()
    assert 0 == rows["Names"] < rows["Keys"] < rows["Columns"], rows
    layer = page.locator(".st-picture > g")
    page.focus(".st-stage")
    before = layer.get_attribute("transform")
    page.keyboard.press("ArrowLeft")
    moved = layer.get_attribute("transform")
    page.keyboard.press("+")
    page.wait_for_timeout(400)
    zoomed = layer.get_attribute("transform")
    assert len({before, moved, zoomed}) == 3
    box = page.locator(".st-stage").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 120)
    page.mouse.down()
    page.mouse.move(box["x"] + 360, box["y"] + 160, steps=4)
    page.mouse.up()
    page.mouse.wheel(0, 240)
    assert layer.get_attribute("transform") != zoomed


def check_theme(visit):
    page = visit.page
    page.click(".st-theme")
    page.click(".st-theme")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    page.wait_for_selector(".st-card")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.querySelector('.st')).colorScheme") == "dark"


def check_accessibility(visit):
    """Ask axe-core, which is put in from outside past the page's own policy."""
    if not AXE:
        return "not checked"
    source = Path(AXE).read_text(encoding="utf-8")
    visit.page.evaluate(f"() => {{ {source}\n; window.axe = window.axe || axe; }}")
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    result = visit.page.evaluate("(rules) => axe.run(document, rules)", rules)
    found = [
        f"{one['id']}: {one['nodes'][0]['html'][:120]} {one['nodes'][0]['failureSummary'][:200]}"
        for one in result["violations"]
    ]
    assert found == [], "\n".join(found)
    return f"{len(result['passes'])} rules passed"


def run(browser, directory):
    samples = {"awkward": awkward(), "database": from_database(), "large": large(1000)}
    paths = {name: directory / f"{name}.html" for name in samples}
    for name, schema in samples.items():
        paths[name].write_text(render(schema, title=f"{name} <b>&"), encoding="utf-8")

    visit = Visit(browser, paths["awkward"])
    yield "no overlaps", check_contents(visit)
    for check in (
        check_ids,
        check_printing,
        check_search,
        check_places,
        check_detail_and_zoom,
        check_theme,
    ):
        yield check.__name__, check(visit)
    visit.close()

    for scheme in ("light", "dark"):
        for size in (WIDE, NARROW):
            for name, fragment in (("awkward", "#table-customer"), ("database", "")):
                visit = Visit(browser, paths[name], fragment=fragment, size=size, scheme=scheme)
                visit.page.wait_for_timeout(400)
                shot = directory / f"{name}-{size[0]}-{scheme}.png"
                visit.page.screenshot(path=shot)
                yield f"axe-core, {shot.stem}", check_accessibility(visit)
                visit.close()

    visit = Visit(browser, paths["large"])
    assert visit.milliseconds < SLOWEST, visit.milliseconds
    yield "a thousand tables", f"there after {visit.milliseconds:.0f} ms"
    visit.page.locator(".st-card").first.click()
    visit.page.wait_for_function("location.hash.startsWith('#module-')")
    yield "a module of them", visit.page.evaluate(OVERLAPS)
    visit.close()


def main():
    given = sys.argv[1:]
    directory = Path(given[0] if given else tempfile.mkdtemp()).absolute()
    directory.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, result in run(browser, directory):
            sys.stdout.write(f"{name}: {'ok' if result is None else result}\n")
        browser.close()
    sys.stdout.write(f"Screenshots are in {directory}.\n")


if __name__ == "__main__":
    main()
