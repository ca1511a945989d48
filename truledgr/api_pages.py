"""The OpenAPI document and the page that shows it, offline and under the strict CSP."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.filters import check_parameters


class KeptGenerator(SchemaGenerator):
    """The document is the same for everybody: made once a process, which takes a second.

    By one thread: what drf-spectacular loads for its first document is half there for a second one.
    """

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002
        with _making:
            return _document()


_making = Lock()


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return document


class SchemaView(SpectacularAPIView):
    """YAML, or JSON where the Accept header or ``?format=json`` asks for it."""

    generator_class = KeptGenerator

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        check_parameters(request, known=())
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return response


class DocsView(SpectacularSwaggerSplitView):
    """The page, and with ``?script`` the script that fills it."""

    template_name = "api_docs.html"

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if request.query_params.keys() != {"script"}:
            check_parameters(request, known=())
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return response
