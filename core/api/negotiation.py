"""Choosing the answer's format, and answering OPTIONS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.metadata import BaseMetadata
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

if TYPE_CHECKING:  # rest_framework.views imports this module through the settings
    from rest_framework.views import APIView


class Negotiation(DefaultContentNegotiation):
    """DRF's own, except that an unknown ``?format=`` is bad input and not a missing page."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        known = list(renderers)
        view = (request.parser_context or {})["view"]
        if getattr(view, "action", "") is None:  # a method that is not to be had: DRF says so next
            return known[0], str(known[0].media_type)
        chosen: tuple[BaseRenderer, str] = super().select_renderer(request, known, format_suffix)
        return chosen

    def filter_renderers(
        self,
        renderers: Iterable[BaseRenderer],
        format: str,  # noqa: A002
    ) -> list[BaseRenderer]:
        known = list(renderers)
        named = [renderer for renderer in known if renderer.format == format]
        if not named:
            formats = ", ".join(dict.fromkeys(str(renderer.format) for renderer in known))
            detail = ErrorDetail(f"Not one of: {formats}.", code="invalid")
            raise ValidationError({"format": [detail]})
        return named


class NameOnlyMetadata(BaseMetadata):
    """OPTIONS answers a name and ``Allow``; the OpenAPI document has the rest."""

    def determine_metadata(self, request: Request, view: APIView) -> dict[str, Any]:
        return {"name": view.get_view_name()}
