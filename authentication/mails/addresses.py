"""Where links in mails lead: the address that people know this installation by."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from allauth.core import context as allauth_context
from django.conf import settings
from django.http import HttpRequest

LOCAL = "http://localhost:8000"


def base_url(request: HttpRequest | None = None) -> str:
    """Scheme and host without a slash: ``PUBLIC_URL``, else the request's, else this machine's.

    Without ``request`` it is the one that is being answered.

    Production always has ``PUBLIC_URL``: the host of a request is what its sender wrote.
    """
    if settings.PUBLIC_URL:
        return str(settings.PUBLIC_URL)
    request = request or allauth_context.request
    return f"{request.scheme}://{request.get_host()}" if request else LOCAL


def public(url: str, request: HttpRequest | None = None) -> str:
    """``url`` at the base URL when it is a path, or leads to the request's own host."""
    parts = urlsplit(url)
    if parts.netloc and (request is None or parts.netloc != request.get_host()):
        return url  # a front end elsewhere, by HEADLESS_FRONTEND_URLS
    return base_url(request) + urlunsplit(("", "", *parts[2:]))
