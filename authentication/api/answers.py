"""Refusals in the shape that allauth's headless flows answer, wherever they come from."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, JsonResponse


def is_headless(request: HttpRequest) -> bool:
    """Whether one of the headless flows serves this request."""
    match = request.resolver_match
    return match is not None and match.namespaces[:1] == ["headless"]


def refusal(
    message: Any, *, code: str, param: str = "", status: int = HTTPStatus.BAD_REQUEST
) -> JsonResponse:
    """One error; ``param`` names the field that it is about, if any."""
    error = {"message": str(message), "code": code}
    return refusals([error | {"param": param} if param else error], status=status)


def refusals(errors: list[dict[str, str]], *, status: int = HTTPStatus.BAD_REQUEST) -> JsonResponse:
    return JsonResponse({"status": status, "errors": errors}, status=status)
