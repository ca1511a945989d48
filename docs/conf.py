"""The site of the documentation: `make docs-site` builds it into site/.

The pages are plain Markdown that a forge shows as well. What only the site needs is added here:
the navigation, and the drawing of diagrams.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any, ClassVar

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

project = "TruLedgr"
author = "TruLedgr"
html_title = "TruLedgr"
root_doc = "docs/index"
# The source directory is that of the project, so that links between README and docs/ are checked.
include_patterns = [
    "docs/**", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "schematools/README.md",
]  # fmt: skip
exclude_patterns = [
    ".*", "node_modules", "site", "staticfiles", "**/__pycache__", "bench", "core", "users",
    "authentication", "authorization", "groups", "items", "truledgr", "schematools/[!R]*",
]  # fmt: skip
extensions = ["myst_parser"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

html_theme = "furo"
html_static_path = ["_static", "../node_modules/mermaid/dist/mermaid.min.js"]
templates_path = ["_templates"]
html_css_files = ["site.css"]
html_additional_pages = {"index": "to_docs.html"}
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # fetched, which browsers refuse on pages from a disk
html_theme_options = {"navigation_with_keys": False}
pygments_style = "friendly"
pygments_dark_style = "monokai"

# What stands beside every page: in each part the pages named first, then all others by name.
PARTS = {
    "For staff": ("docs/staff/tutorial", "docs/staff/*"),
    "For programs": ("docs/api/tutorial", "docs/api/*"),
    "For who runs it": ("docs/operations/deploy", "docs/operations/*"),
    "For developers": (
        "docs/developer/tutorial", "CONTRIBUTING", "docs/developer/how-to-*",
        "schematools/README", "docs/developer/database-overview", "docs/developer/database/README",
        "docs/developer/modules/README", "docs/developer/decisions/README", "docs/developer/*",
    ),
    "Reference": ("docs/reference/*", "README", "CHANGELOG"),
}  # fmt: skip
ANCHOR = re.compile(r'<a id="([\w.-]+)">')  # as generate_erd writes it
LISTS = ("docs/developer/database", "docs/developer/modules", "docs/developer/decisions")


def navigation(pages: tuple[str, ...], caption: str = "") -> str:
    entries = "\n".join(f"/{page}" for page in pages)
    options = ":hidden:\n:glob:" + (f"\n:caption: {caption}" if caption else "")
    return f"\n\n```{{toctree}}\n{options}\n\n{entries}\n```\n"


def add_navigation(_app: Sphinx, page: str, source: list[str]) -> None:
    if page == root_doc:
        source[0] += "".join(navigation(pages, part) for part, pages in PARTS.items())
    for directory in LISTS:
        if page == f"{directory}/README":
            source[0] += navigation((f"{directory}/*",))


def declare_anchors(app: Sphinx, tree: nodes.document) -> None:
    """Tell the check of links of anchors in HTML; it knows those of headings."""
    known = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for raw in tree.findall(nodes.raw):
        for name in ANCHOR.findall(raw.astext()):
            known[name] = (raw.line or 0, name, "")


class Mermaid(SphinxDirective):
    """A diagram: its text, which `diagrams.js` replaces by the drawing."""

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        text = escape("\n".join(self.content))
        return [nodes.raw("", f'<pre class="mermaid">{text}</pre>', format="html")]


def add_drawing(
    app: Sphinx, _page: str, _template: str, context: dict[str, Any], _tree: nodes.document | None
) -> None:
    """Three megabytes of JavaScript, on the pages that draw something."""
    if '<pre class="mermaid">' in context.get("body", ""):
        app.add_js_file("mermaid.min.js")
        app.add_js_file("diagrams.js")


def setup(app: Sphinx) -> None:
    app.add_directive("mermaid", Mermaid)
    app.connect("source-read", add_navigation)
    app.connect("doctree-read", declare_anchors)
    app.connect("html-page-context", add_drawing)
