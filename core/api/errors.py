"""Errors as ``application/problem+json`` (RFC 9457).

Besides the members of the RFC, each problem has a stable ``code`` for programs, ``errors`` (a
list of ``{field, code, detail}``) for bad input, and the ``request_id`` to quote to support.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from http import HTTPStatus
from itertools import islice
from math import ceil
from typing import Any

from django.core.exceptions import (
    NON_FIELD_ERRORS,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.db import IntegrityError, InterfaceError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, JsonResponse, UnreadablePostError
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import set_rollback

from core.context import current
from core.errors import (
    ConflictError,
    DomainError,
    NotAllowedError,
    StaleVersionError,
    TooOftenError,
)
from core.security_events import Kind, note

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
MOST_ERRORS = 50
RETRY_SECONDS = 5

STATUS_OF = {
    ConflictError: HTTPStatus.CONFLICT,
    StaleVersionError: HTTPStatus.PRECONDITION_FAILED,
    NotAllowedError: HTTPStatus.FORBIDDEN,
    TooOftenError: HTTPStatus.TOO_MANY_REQUESTS,
    DomainError: HTTPStatus.BAD_REQUEST,
}


class ProblemRenderer(JSONRenderer):
    media_type = CONTENT_TYPE
    format = "problem"
    ensure_ascii = True  # what a problem quotes may not be fit for UTF-8


class TooLarge(exceptions.APIException):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "The request body is too large."


class Unavailable(exceptions.APIException):
    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_code = "unavailable"
    default_detail = "The database cannot be reached. Try again in a moment."
    wait = RETRY_SECONDS


def problem(
    status: int, *, code: str, detail: str, errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """The body of a problem; ``type`` is about:blank, so ``title`` is the status phrase."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "code": code,
        "detail": detail,
        "request_id": current().request_id,
    }
    if errors:
        body["errors"] = errors
    return body


def problem_page(status: int, *, code: str, detail: str) -> JsonResponse:
    """A problem from outside DRF: an unknown URL, a refused form token, a crash."""
    response = JsonResponse(
        problem(status, code=code, detail=detail), status=status, content_type=CONTENT_TYPE
    )
    response.problem_code = code  # type: ignore[attr-defined]
    return response


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's ``EXCEPTION_HANDLER``: ``None`` for what is not the caller's doing.

    ``problem_code`` of the response tells the log what the body tells the caller.
    """
    if _is_csrf_failure(error):
        note(Kind.CSRF_FAILED, status=HTTPStatus.FORBIDDEN)
    known = _as_api_exception(error)
    if known is None:
        return None
    set_rollback()
    body = _body_of(known)
    response = Response(body, status=known.status_code, headers=_headers_of(known))
    response.problem_code = body["code"]  # type: ignore[attr-defined]
    request = context.get("request")
    if request is not None:
        request.accepted_renderer = ProblemRenderer()
        request.accepted_media_type = CONTENT_TYPE
    return response


def problem_of(error: Exception) -> dict[str, Any]:
    """The problem that ``error`` is; raise it again when it is not the caller's doing."""
    known = _as_api_exception(error)
    if known is None:
        raise error
    return _body_of(known)


def _body_of(known: exceptions.APIException) -> dict[str, Any]:
    errors = []
    if isinstance(known.detail, dict | list):
        errors = list(islice(_field_errors(known.detail), MOST_ERRORS))
    return problem(
        known.status_code,
        code=_code_of(known),
        detail=_summary(errors) if errors else str(known.detail),
        errors=errors,
    )


def _is_csrf_failure(error: Exception) -> bool:
    """DRF raises it like any other refusal, and has only these words to tell them apart."""
    return isinstance(error, exceptions.PermissionDenied) and str(error.detail).startswith(
        "CSRF Failed"
    )


def _as_api_exception(error: Exception) -> exceptions.APIException | None:  # noqa: C901, PLR0911
    if isinstance(error, exceptions.APIException):
        return error
    if isinstance(error, RequestDataTooBig):
        return TooLarge()
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return exceptions.ParseError()
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("The database failed a request.", exc_info=error)
        return Unavailable()
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, DomainError):
        return _from_domain(error)
    if isinstance(error, ValidationError):
        return exceptions.ValidationError(_named(error))
    if isinstance(error, ProtectedError | RestrictedError):
        return _conflict(str(error.args[0]))
    if isinstance(error, IntegrityError):
        # A constraint that validation could not see coming: somebody else was faster.
        return _conflict("The change collides with another one. Read the data again and retry.")
    return None


def _summary(errors: list[dict[str, str]]) -> str:
    if len(errors) == 1:
        return f"{errors[0]['field']}: {errors[0]['detail']}"
    return "The request has invalid values."


def _from_domain(error: DomainError) -> exceptions.APIException:
    status = next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)
    detail: Any = error.message
    if error.field:
        detail = {error.field: [exceptions.ErrorDetail(error.message, code=error.code)]}
    known = exceptions.APIException(detail, code=error.code)
    known.status_code = status
    known.default_code = error.code
    if isinstance(error, TooOftenError):
        known.wait = error.wait  # type: ignore[attr-defined]
    return known


def _conflict(message: str) -> exceptions.APIException:
    return _from_domain(ConflictError(message))


def _named(error: ValidationError) -> dict[str, list[exceptions.ErrorDetail]]:
    """Model validation as DRF's own: the same codes and words under the same field names."""
    by_field = error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: [error]}
    return {
        "non_field_errors" if field == NON_FIELD_ERRORS else field: [
            exceptions.ErrorDetail(message, code=entry.code or "invalid")
            for item in errors
            for entry in item.error_list
            for message in entry.messages
        ]
        for field, errors in by_field.items()
    }


def _code_of(error: exceptions.APIException) -> str:
    if isinstance(error, exceptions.ValidationError):
        return "invalid"
    codes = error.get_codes()
    return codes if isinstance(codes, str) else error.default_code


def _field_errors(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _field_errors(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(detail, list):
        for position, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            yield from _field_errors(inner, f"{path}[{position}]" if nested else path)
    else:
        code = getattr(detail, "code", "invalid")
        yield {"field": path or "non_field_errors", "code": code, "detail": str(detail)}


def _headers_of(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if auth_header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, ceil(wait)))
    return headers
