"""What Django REST framework and drf-spectacular are told: settings of every installation."""

from __future__ import annotations

from typing import Any

from truledgr.environment import Environment

RATE = r"[1-9]\d*/(s|sec|second|m|min|minute|h|hour|d|day)"


JSON_RENDERER = "core.api.renderers.FastJSONRenderer"
# Second: a program that takes anything gets JSON.
PAGE_RENDERER = "truledgr.api_browsing.PageRenderer"


def rest_framework(env: Environment, *, debug: bool) -> dict[str, Any]:
    """``REST_FRAMEWORK``, with the rates that the environment may set; pages while ``debug``."""
    return {
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "authentication.api.authenticators.APITokenAuthentication",
            "authentication.api.authenticators.SessionTokenAuthentication",
            "rest_framework.authentication.SessionAuthentication",
        ],
        "DEFAULT_PERMISSION_CLASSES": ["core.api.permissions.DenyAll"],
        "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
        "DEFAULT_RENDERER_CLASSES": [JSON_RENDERER, *([PAGE_RENDERER] if debug else [])],
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
            "transfer": "60/hour",  # files of items that one person takes away or brings
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
        "core.api.shaping.document_parts",
        "truledgr.openapi_auth.add_sign_in_flows",
        "truledgr.openapi_document.describe_problems",
        "truledgr.openapi_document.describe_headers",
        "truledgr.openapi_document.describe_parameters",
        "truledgr.openapi_document.say_null_apart",
        "truledgr.openapi_examples.add_examples",
    ],
    "SERVERS": [{"url": "/", "description": "This server"}],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "displayOperationId": True,
        "displayRequestDuration": True,
        "docExpansion": "none",
        "filter": True,
        "defaultModelsExpandDepth": 0,
        "persistAuthorization": False,  # a token is not to stay in the browser's storage
        "validatorUrl": None,  # or the document would be sent to another host
    },
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "AnalyticsGroupingEnum": "users.analytics.periods.Grouping",
        "DoorEnum": "core.context.Via",
        "ImportModeEnum": "items.services.importing.MODES",
        "ItemKindEnum": "items.models.ItemKind",
        "MembershipRankEnum": "groups.models.MembershipRank",
        "MembershipStatusEnum": "groups.models.MembershipStatus",
        "OwnStatusEnum": "groups.api.serializers.OWN_STATUSES",
        "RoleScopeEnum": "authorization.models.RoleScope",
        "TimelineByEnum": "authentication.api.timeline.BY",
        "TimelineOutcomeEnum": "authentication.api.timeline.OUTCOMES",
    },
}
