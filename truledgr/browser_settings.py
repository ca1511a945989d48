"""What browsers are told: what our pages may load, and which other pages may call the API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from csp.constants import NONE, SELF

from truledgr.environment import Environment

# The pages, cookies and forms of this site stay its own.
CORS_URLS_REGEX = r"^/api/"
# Tokens travel in headers that a program sets; cookies are for the pages of this site alone.
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
CORS_ALLOW_HEADERS = (
    "authorization", "content-type", "if-match", "if-none-match", "x-device-id", "x-device-trust",
    "x-email-verification-key", "x-password-reset-key", "x-request-id", "x-session-token",
)  # fmt: skip
CORS_EXPOSE_HEADERS = (
    "Deprecation", "ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After",
    "Sunset", "X-Request-ID",
)  # fmt: skip
CORS_PREFLIGHT_MAX_AGE = 7_200  # seconds: Chromium keeps no answer for longer


def cors_allowed_origins(env: Environment, *, production: bool) -> list[str]:
    """Whose pages may call the API with a token; nobody's when the variable is empty."""
    return env.origins("CORS_ALLOWED_ORIGINS", needs_https=production)


def content_security_policy(*, providers: Iterable[str]) -> dict[str, Any]:
    """The strict policy of every page; ``providers`` are the origins that sign people in."""
    return {
        "DIRECTIVES": {
            "default-src": [SELF],
            "img-src": [SELF, "data:"],
            "object-src": [NONE],
            "base-uri": [SELF],
            # A sign-in form is sent here and answered with a redirect to the provider.
            "form-action": [SELF, *providers],
            "frame-ancestors": [NONE],
        },
    }
