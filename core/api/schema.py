"""What the OpenAPI document says beyond the views: problems and headers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from core.api.errors import CONTENT_TYPE
from core.api.serializers import ProblemSerializer

ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    response=[200, 201],
    description="The version; send it back as `If-Match`.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="Only when this is still the version; else 412 `stale_version`.",
)


class ProblemAutoSchema(AutoSchema):
    """Adds to each operation the problems that it may answer.

    ``problem_statuses`` of a view maps an action to what only the action can know, such as 409.
    """

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in sorted(self._problem_statuses()):
            response = OpenApiResponse(ProblemSerializer, HTTPStatus(status).phrase)
            described = self._get_response_for_code(  # type: ignore[no-untyped-call]
                response, str(status), [CONTENT_TYPE]
            )
            bodies.setdefault(str(status), described)
        return bodies

    def _problem_statuses(self) -> set[int]:
        own = getattr(self.view, "problem_statuses", {}).get(getattr(self.view, "action", ""), ())
        statuses = {400, 401, 403, 406, 429, *own}
        if "{" in self.path:
            statuses.add(404)
        if self._get_request_body():  # type: ignore[no-untyped-call]
            statuses |= {413, 415}
        return statuses
