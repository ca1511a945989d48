"""What Django REST framework and drf-spectacular are told: settings of every installation."""

from __future__ import annotations

from typing import Any

from truledgr.environment import Environment

RATE = r"[1-9]\d*/(s|sec|second|m|min|minute|h|hour|d|day)"


def rest_framework(env: Environment) -> dict[str, Any]:
    """``REST_FRAMEWORK``, with the rates that the environment may set."""
    return {
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "authentication.api.authenticators.APITokenAuthentication",
            "authentication.api.authenticators.SessionTokenAuthentication",
            "rest_framework.authentication.SessionAuthentication",
        ],
        "DEFAULT_PERMISSION_CLASSES": ["core.api.permissions.DenyAll"],
        "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.negotiation.Negotiation",
        "DEFAULT_METADATA_CLASS": "core.api.negotiation.NameOnlyMetadata",
        "DEFAULT_PAGINATION_CLASS": "core.api.pagination.KeysetPagination",
        "DEFAULT_FILTER_BACKENDS": [],
        "DEFAULT_SCHEMA_CLASS": "core.api.schema.ProblemAutoSchema",
        "DEFAULT_VERSIONING_CLASS": None,
        "DEFAULT_THROTTLE_CLASSES": [
            "core.api.throttling.AddressThrottle",
            "core.api.throttling.UserThrottle",
        ],
        "DEFAULT_THROTTLE_RATES": {
            "anon": env.matching("THROTTLE_ANONYMOUS", RATE, default="60/min", example="60/min"),
            "user": env.matching("THROTTLE_USER", RATE, default="1200/min", example="1200/min"),
        },
        "EXCEPTION_HANDLER": "core.api.errors.problem_response",
        "NON_FIELD_ERRORS_KEY": "non_field_errors",
        "TEST_REQUEST_DEFAULT_FORMAT": "json",
    }


SPECTACULAR_SETTINGS = {
    "TITLE": "TruLedgr API",
    "DESCRIPTION": (
        "Identity and access: people, groups, items. Send a personal access token as "
        "`Authorization: Bearer tl_pat_…`. Errors are `application/problem+json` (RFC 9457)."
    ),
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "truledgr.openapi_auth.add_sign_in_flows",
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "MembershipRankEnum": "groups.models.MembershipRank",
        "MembershipStatusEnum": "groups.models.MembershipStatus",
        "OwnStatusEnum": "groups.api.serializers.OWN_STATUSES",
    },
}
