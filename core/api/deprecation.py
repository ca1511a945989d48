"""Saying that something goes: in the answer (RFC 9745, RFC 8594) and in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.http import http_date
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.pagination import link


@dataclass(frozen=True, slots=True)
class Deprecation:
    """``since`` is when it was deprecated, ``page`` the address of what to use instead.

    From ``until`` on it may be gone; ``None`` while that is not known.
    """

    since: datetime
    page: str
    until: datetime | None = None

    def headers(self) -> dict[str, str]:
        headers = {
            "Deprecation": f"@{int(self.since.timestamp())}",
            "Link": link(self.page, rel="deprecation"),
        }
        if self.until:
            headers["Sunset"] = http_date(self.until.timestamp())
        return headers


class Deprecating:
    """A mixin for views: actions (of plain views, methods in lower case) and parameters that go.

    An answer to a deprecated action, or to a request with a deprecated parameter, says so.
    """

    deprecated_actions: Mapping[str, Deprecation] = {}
    deprecated_parameters: Mapping[str, Deprecation] = {}

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer: Response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        action = getattr(self, "action", None) or (request.method or "").lower()
        going = [self.deprecated_actions[action]] if action in self.deprecated_actions else []
        asked = request.query_params.keys() & self.deprecated_parameters.keys()
        going += [self.deprecated_parameters[name] for name in sorted(asked)]
        if going:
            headers = min(going, key=lambda one: one.since).headers()
            links = [answer.headers.get("Link", ""), headers.pop("Link")]
            answer.headers["Link"] = ", ".join(filter(None, links))
            for name, value in headers.items():
                answer.headers[name] = value
        return answer


def mark_deprecated(view: Any, operation: dict[str, Any]) -> None:
    """Say it in the operation of the OpenAPI document that is about the view's action."""
    if view.action in getattr(view, "deprecated_actions", {}):
        operation["deprecated"] = True
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in getattr(view, "deprecated_parameters", {}):
            parameter["deprecated"] = True
