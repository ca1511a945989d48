"""What Django answers where no view does: problems under /api/, pages elsewhere."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import resolve
from django.utils.encoding import iri_to_uri
from django.views import csrf, defaults
from django.views.decorators.csrf import csrf_exempt

from core.api.errors import problem_page


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
    if _is_api(request):
        detail = "Something went wrong on our side. Quote the request id when you report it."
        return problem_page(500, code="error", detail=detail)
    return defaults.server_error(request)


def csrf_failure(request: HttpRequest, reason: str = "", **kwargs: Any) -> HttpResponse:
    if _is_api(request):
        return problem_page(403, code="csrf_failed", detail=reason)
    return csrf.csrf_failure(request, reason, **kwargs)
