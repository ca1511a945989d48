"""The API as pages to click through, for developers: what a browser is shown while DEBUG is on.

DRF's own pages need inline styles and scripts, which the Content-Security-Policy refuses, and forms
for every write: the OpenAPI page has those. These have neither, and no script at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.template import loader
from django.utils.html import escape, smart_urlquote
from django.utils.safestring import SafeString, mark_safe
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer

INDENT = 2


class PageRenderer(BrowsableAPIRenderer):
    """An answer as JSON on a page, with links to the addresses in it."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> SafeString:
        context = dict(renderer_context or {})
        request, response = context["request"], context["response"]
        text = JSONRenderer().render(data, renderer_context={"indent": INDENT}).decode()
        shown = {
            "view_name": context["view"].get_view_name(),
            "response": response,
            "headers": sorted(response.headers.items()),
            "body": with_links(text),
        }
        return loader.render_to_string("api_page.html", shown, request=request._request)


def with_links(text: str) -> SafeString:
    """JSON, escaped, in which each text that is an address leads there."""
    lines: list[str] = []
    for line in text.split("\n"):
        start, quote, rest = line.partition('"http')
        address, end_quote, end = rest.partition('"')
        if not (quote and end_quote) or not address.startswith(("://", "s://")):
            lines.append(escape(line))
            continue
        url = f"http{address}"
        link = f'<a href="{escape(smart_urlquote(url))}">{escape(url)}</a>'
        lines.append(f"{escape(start)}&quot;{link}&quot;{escape(end)}")
    return mark_safe("\n".join(lines))  # noqa: S308 (each part is escaped)
