"""What the OpenAPI document says beyond the views: problems and headers."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from core.api.codes import CODES
from core.api.deprecation import mark_deprecated
from core.api.permissions import OwnRowsPermission
from core.api.serializers import ProblemSerializer, StrictSerializer

ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    response=[200, 201],
    description="The version; send it back as `If-Match`.",
)
ETAG_OF_READING = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    response=[200, 304],
    description="The version; send it back as `If-Match`, or as `If-None-Match` to read again.",
)
# As RFC 9110 (8.8.3) has them, but for the comma in a tag: one or several, or a star for any.
TAG = r'(W/)?"[!#-+\--~]*"'
TAGS = rf"^(\*|{TAG}( *, *{TAG})*)$"
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="An ETag that was received: 304 without a body while nothing has changed.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    pattern=TAGS,
    required=True,
    description="The ETag of the row as it was read: 412 `stale_version` when it has changed "
    "since. `*` means whatever it is now. Without the header: 428 `precondition_required`.",
)

# What clients know better under other names than those of DRF's actions.
VERBS = {"partial_update": "update", "destroy": "delete", "retrieve": "get"}
# In the place of an answer, for truledgr.openapi to describe: the codes of a problem.
PROBLEM_CODES = "x-problem-codes"
ALWAYS = frozenset(
    {
        "bad_request", "parse_error", "invalid", "not_authenticated", "authentication_failed",
        "permission_denied", "second_factor_required", "not_acceptable", "throttled", "unavailable",
    }
)  # fmt: skip
DEFAULT_CODES: dict[Any, str] = {
    404: "not_found", 409: "conflict", 412: "stale_version", 428: "precondition_required",
}  # fmt: skip


class ProblemAutoSchema(AutoSchema):
    """Adds to each operation what it needs and the problems that it may answer.

    ``problem_statuses`` of a view maps an action to what only the action can know: statuses, such
    as 409, or the codes of ``core.api.codes``, such as ``id_taken``.
    """

    view: Any  # a viewset

    def get_operation_id(self) -> str:
        """Such as ``items_list`` or ``groups_members_approve``: a path, and what is done there."""
        words = [re.sub(r"\W", "_", word) for word in self._tokenize_path()]
        action = self.view.action
        if words[-1] != action:
            words.append(VERBS.get(action, action))
        return "_".join(words)

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is not None:
            text = operation.get("description", "")
            operation["description"] = f"{text}\n\n{self._needed()}".strip()
            mark_deprecated(self.view, operation)
        return operation

    def _postprocess_serializer_schema(
        self, schema: dict[str, Any], serializer: Any, direction: Any
    ) -> dict[str, Any]:
        """What is sent has no fields beyond those that are named: ``StrictSerializer``."""
        described: dict[str, Any] = super()._postprocess_serializer_schema(  # type: ignore[no-untyped-call]
            schema, serializer, direction
        )
        if isinstance(serializer, StrictSerializer):
            described["additionalProperties"] = False
        return described

    def get_extensions(self) -> dict[str, Any]:
        permission = self._permission()
        scopes = [permission] if permission else []
        return {**super().get_extensions(), "x-permission": permission, "x-scopes": scopes}

    def _permission(self) -> str | None:
        permissions: dict[str, str | None] = self.view.action_permissions
        return permissions[self.view.action]

    def _needed(self) -> str:
        permission = self._permission()
        if permission is None:
            return "**Needs** nothing but to be signed in."
        is_own = any(isinstance(one, OwnRowsPermission) for one in self.view.get_permissions())
        if is_own:
            return f"**Needs**, of a token with scopes, `{permission}`; the rows are your own."
        return f"**Needs** `{permission}`, also among the scopes of a token that has any."

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        self.resolve_serializer(ProblemSerializer, "response")
        codes = self._problem_codes()
        for status in sorted({CODES[code].status for code in codes}):
            of_status = [code for code in CODES if code in codes and CODES[code].status == status]
            bodies.setdefault(str(status), {PROBLEM_CODES: of_status, "description": ""})
        return bodies

    def _problem_codes(self) -> set[str]:
        """What anything may answer, and what this operation may because of its parts."""
        own = getattr(self.view, "problem_statuses", {}).get(self.view.action, ())
        codes = {*ALWAYS, *(DEFAULT_CODES.get(entry, entry) for entry in own)}
        codes |= {one.code for one in self.view.get_permissions() if hasattr(one, "code")}
        if "{" in self.path:
            codes.add("not_found")
        if self._get_request_body():  # type: ignore[no-untyped-call]
            codes |= {"too_large", "unsupported_media_type"}
        return codes
