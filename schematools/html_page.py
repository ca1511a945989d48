"""Writes the schema as one HTML page that needs no network and allows none."""

import base64
import hashlib
import html
import json
from pathlib import Path

from schematools.files import ENCODING, MARKDOWN_MARKER
from schematools.json_document import document
from schematools.model import Schema

ASSETS = Path(__file__).parent / "static"
STYLE = "schematools/schema.css"
SCRIPTS = tuple(  # in the order in which they need each other
    f"schematools/{name}.js"
    for name in (
        "vendor/dagre-3.1.3.min",
        "elements",
        "schema",
        "view",
        "layout",
        "cards",
        "lines",
        "camera",
        "diagram",
        "prose",
        "panel",
        "sidebar",
        "page",
    )
)
WITHOUT_SCRIPTS = (
    "This page draws the schema with JavaScript, which is switched off here. "
    "The pages that <code>generate_erd</code> writes in Markdown say the same in text."
)

PAGE = """\
<!doctype html>{marker}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body class="st-page">
<div class="st" id="schematools"><noscript>{without_scripts}</noscript></div>
<script type="application/json" id="schematools-data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def render(schema: Schema, *, title: str) -> str:
    """Return the whole page; it holds its styles, its scripts and the schema's document."""
    style = _read(STYLE)
    script = "\n;\n".join(_read(name) for name in SCRIPTS)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    return PAGE.format(
        marker=MARKDOWN_MARKER,
        policy=policy,
        title=html.escape(title),
        style=style,
        script=script,
        data=_embedded(document(schema, title=title)),
        without_scripts=WITHOUT_SCRIPTS,
    )


def _embedded(data: object) -> str:
    """Return JSON that ends no script; on lines of their own, so that a change is a short diff."""
    text = json.dumps(data, indent=0, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _read(name: str) -> str:
    return (ASSETS / name).read_text(encoding=ENCODING)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode(ENCODING)).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
