"""Reading what the headless flows are sent, as strictly as the rest of the API does."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from io import BytesIO
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError, ValidationError

from authentication.api.answers import refusal, refusals
from core.api.parsers import StrictJSONParser


class Strict:
    """Refuses a body that nothing could be done with; allauth's own refusal says nothing.

    400 with ``parse_error`` for what is no JSON object, ``invalid`` for a field that no database
    could hold; 405 with ``method_not_allowed``.
    """

    request: HttpRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not hasattr(self, (request.method or "").lower()):
            return self.http_method_not_allowed(request)
        # The session of an app is on the request only while its view runs.
        request.acting_session = request.session  # type: ignore[attr-defined]
        try:
            response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        except (ImmediateHttpResponse, RecursionError):
            errors = list(flaws_of(request.body))
            if not errors:
                raise
            return refusals(errors)
        return response

    def handle_input(self, data: Any) -> HttpResponseBase | None:
        """Called after whoever may not use the view has been turned away."""
        if errors := list(flaws_of(self.request.body)):
            return refusals(errors)
        response: HttpResponseBase | None = super().handle_input(data)  # type: ignore[misc]
        return response

    def http_method_not_allowed(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> JsonResponse:
        message = _("%s is not possible here.") % request.method
        status = HTTPStatus.METHOD_NOT_ALLOWED
        response = refusal(message, code="method_not_allowed", status=status)
        response.headers["Allow"] = ", ".join(self._allowed_methods())  # type: ignore[attr-defined]
        return response


def flaws_of(body: bytes) -> Iterator[dict[str, str]]:
    """What is wrong with a body, as allauth spells errors; nothing when it can be read."""
    if not body:
        return
    try:
        value = StrictJSONParser().parse(BytesIO(body))
    except ParseError as error:
        yield {"message": str(error.detail), "code": "parse_error"}
    except ValidationError as error:
        flaws: Any = error.detail
        for name, messages in flaws.items():
            yield {"message": str(messages[0]), "code": "invalid", "param": name}
    else:
        if not isinstance(value, dict):
            yield {"message": _("The body is no JSON object."), "code": "parse_error"}
