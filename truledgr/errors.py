"""What Django answers where no view does: problems under /api/, pages elsewhere."""

from __future__ import annotations

import logging
import sys
from http import HTTPStatus
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template import loader
from django.urls import resolve
from django.utils.encoding import iri_to_uri
from django.views import csrf, defaults
from django.views.decorators.csrf import csrf_exempt

from core.api.errors import Unavailable, problem_page
from core.context import current, entered
from core.security_events import Kind, note
from truledgr.log_context import ACTING

logger = logging.getLogger(__name__)

CRASH = "Something went wrong on our side. Quote the request id when you report it."
AWAY = Unavailable.default_detail


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        detail = "The request cannot be understood."
        return problem_page(400, code="bad_request", detail=detail)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        detail = "You may not do this."
        return problem_page(403, code="permission_denied", detail=detail)
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return problem_page(404, code="not_found", detail="Nothing is here.")
    return defaults.page_not_found(request, exception)


@csrf_exempt
def unknown_api_url(request: HttpRequest) -> HttpResponse:
    """Answer what no route matches; lead a path to its one form, with or without a last slash."""
    path = request.path_info
    twin = path.removesuffix("/") if path.endswith("/") else f"{path}/"
    if resolve(twin).func != unknown_api_url:
        query = request.META.get("QUERY_STRING", "")
        target = iri_to_uri(twin) + (f"?{query}" if query else "")
        return HttpResponseRedirect(target, status=HTTPStatus.PERMANENT_REDIRECT)
    return problem_page(404, code="not_found", detail="Nothing is here.")


def server_error(request: HttpRequest) -> HttpResponse:
    """What is nobody's doing: 503 while the database is away, else 500. It never fails itself."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        response = _failed(request, 503, code=Unavailable.default_code, detail=AWAY)
        response.headers["Retry-After"] = str(Unavailable.wait)
        return response
    return _failed(request, 500, code="error", detail=CRASH)


def last_resort(request: HttpRequest) -> HttpResponse:
    """The answer where even the middleware or the page of an error has failed: no template."""
    if _is_api(request):
        with entered(getattr(request, ACTING, None) or current()):  # its body names the request
            response: HttpResponse = problem_page(500, code="error", detail=CRASH)
    else:
        response = HttpResponse(f"{CRASH}\n", status=500, content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    if request_id := getattr(request, "request_id", ""):
        response.headers["X-Request-ID"] = request_id
    closers: list[Any] = response._resource_closers  # type: ignore[attr-defined]  # noqa: SLF001
    closers.append(request.close)  # as Django's own handler does
    return response


def _failed(request: HttpRequest, status: int, *, code: str, detail: str) -> HttpResponse:
    if _is_api(request):
        return problem_page(status, code=code, detail=detail)
    # Not the request itself: its user or session may be what failed.
    shown = {
        "request": {"request_id": getattr(request, "request_id", "")},
        "is_database_away": code == Unavailable.default_code,
    }
    try:
        return HttpResponse(loader.get_template(f"{status}.html").render(shown), status=status)
    except Exception:
        logger.exception("The page of an error failed.")
        return HttpResponse(f"{detail}\n", status=status, content_type="text/plain; charset=utf-8")


def csrf_failure(request: HttpRequest, reason: str = "", **kwargs: Any) -> HttpResponse:
    note(Kind.CSRF_FAILED, reason=reason, status=HTTPStatus.FORBIDDEN)
    if _is_api(request):
        return problem_page(403, code="csrf_failed", detail=reason)
    return csrf.csrf_failure(request, reason, **kwargs)
