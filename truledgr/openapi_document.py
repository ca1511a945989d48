"""What the OpenAPI document says of all operations alike: problems, headers, tags, limits.

Hooks of drf-spectacular, in the order of ``SPECTACULAR_SETTINGS``. What stands in many places is
said once, among the components.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from core.api.codes import CODES
from core.api.errors import CONTENT_TYPE
from core.api.schema import PROBLEM_CODES

METHODS = frozenset({"get", "post", "put", "patch", "delete"})
LONGEST_TEXT = 2000  # of a parameter that says nothing of it: no cursor or entity tag is longer
API, FLOWS = "/api/v1/", "/api/auth/"

TAGS = {
    "me": "The caller: profile, sessions, devices, tokens, timeline, a copy of their data.",
    "items": "What people and groups own: one by one, in bulk, as files, with their history.",
    "groups": "Teams, their members, and invitations into them.",
    "roles": "What people may do: roles, who has them, and why somebody may do something.",
    "audit": "The audit trail, for auditors: read and taken away, never written.",
    "analytics": "Figures about sessions.",
    "Authentication: Account": "Signing in and up.",
    "Authentication: Current Session": "Who is signed in, and signing out.",
    "Authentication: Password Reset": "A new password for who has lost the old one.",
    "Authentication: Providers": "Signing in through somebody else.",
    "Authentication: second factor": "Codes, passkeys and stepping up.",
    "Account: Email": "The caller's addresses.",
    "Account: Password": "The caller's password.",
    "Account: Providers": "The caller's accounts at other providers.",
    "Configuration": "What signing in offers here.",
}
# Of parameters that come from a path and say nothing of themselves.
PARAMETERS = {
    "id": "The id of the object.",
    "group_pk": "The id of the group.",
    "user_pk": "The id of the person.",
    "permission": "A permission: `app.codename`.",
    "format": "In place of the header `Accept`.",
    "mode": "What becomes of rows whose id is there already.",
}


def _text(description: str, example: str, **more: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}, "example": example, **more}


def _number(description: str, example: int) -> dict[str, Any]:
    return {
        "description": description,
        "schema": {"type": "integer", "minimum": 1},
        "example": example,
    }


HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": _text(
        "The id of this request, in the log and the audit trail: the one that was sent, or a new "
        "one. Quote it to support.",
        "0199f3a1c2d47e0f8a5b6c7d8e9f0a1b",
        required=True,
    ),
    "RateLimit": _text(
        "What is left of the rate: `r` requests, and `t` seconds until there are more.",
        '"user";r=1187;t=41',
    ),
    "RateLimit-Policy": _text(
        "The rate that the caller has: `q` requests in `w` seconds.", '"user";q=1200;w=60'
    ),
    "Retry-After": _number("Seconds to wait before the request is sent again.", 5),
    "WWW-Authenticate": _text("How to say who you are.", 'Bearer realm="TruLedgr"'),
    "Link": _text(
        "The first and the next page (RFC 8288), as `next` in the body.",
        '</api/v1/items?cursor=WyJ4Il0>; rel="next"',
    ),
    "Location": _text("What was made.", "/api/v1/items/0199f3a1-c2d4-7e0f-8a5b-6c7d8e9f0a1b"),
}
OF_STATUS = {
    "201": ["Location"],
    "401": ["WWW-Authenticate"],
    "429": ["Retry-After"],
    "503": ["Retry-After"],
}


def describe_problems(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Put a component in the place of each list of codes that ``ProblemAutoSchema`` has left."""
    components = result["components"].setdefault("responses", {})
    for _path, _method, operation in operations(result):
        for status, answer in operation["responses"].items():
            if PROBLEM_CODES in answer:
                codes = answer[PROBLEM_CODES]
                name = "Or".join("".join(map(str.capitalize, code.split("_"))) for code in codes)
                components.setdefault(name, _problem(int(status), codes))
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    return result


def _problem(status: int, codes: list[str]) -> dict[str, Any]:
    told = [f"- `{code}`: {CODES[code].meaning} {CODES[code].what_to_do}" for code in codes]
    return {
        "description": "\n".join([f"{HTTPStatus(status).phrase}.", "", *told]),
        "content": {
            CONTENT_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {code: _example(status, code) for code in codes},
            }
        },
    }


def _example(status: int, code: str) -> dict[str, Any]:
    value: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": CODES[code].meaning,
        "request_id": HEADERS["X-Request-ID"]["example"],
    }
    if code == "invalid":
        error = {"field": "name", "code": "required", "detail": "This field is required."}
        value |= {"detail": f"name: {error['detail']}", "errors": [error]}
    return {"summary": CODES[code].meaning, "value": value}


def describe_headers(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Name on each answer the headers that it comes with."""
    components = result["components"]
    components["headers"] = HEADERS
    shared = components["responses"]
    for path, _method, operation in operations(result):
        for status, answer in operation["responses"].items():
            found = shared[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
            names = ["X-Request-ID", *OF_STATUS.get(status, ())]
            if path.startswith(API) and status != "503":
                names += ["RateLimit", "RateLimit-Policy"]
            if status == "200" and operation["operationId"].endswith("_list"):
                names.append("Link")
            for name in names:
                reference = {"$ref": f"#/components/headers/{name}"}
                found.setdefault("headers", {}).setdefault(name, reference)
    return result


def describe_parameters(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Give each parameter a description, and each text and number a limit."""
    result["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    parameters = [*result["components"].get("parameters", {}).values()]
    for _path, _method, operation in operations(result):
        parameters += [one for one in operation.get("parameters", ()) if "$ref" not in one]
    for parameter in parameters:
        if not parameter.get("description"):
            parameter["description"] = PARAMETERS[parameter["name"]]
        schema = parameter["schema"]
        is_bounded = {"enum", "format", "pattern", "maxLength", "const"} & schema.keys()
        if schema.get("type") == "string" and not is_bounded:
            schema["maxLength"] = LONGEST_TEXT
        if schema.get("type") == "string" and parameter["in"] == "query":
            schema.setdefault("minLength", 1)
        if schema.get("type") == "integer":
            schema.setdefault("minimum", 1)
            schema.setdefault("maximum", 2**63 - 1)
    return result


def say_null_apart(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Say of a nullable text with a format that it has the format, or is null.

    Beside a list of types, ``format`` is about one of them only, and some tools forget it.
    """
    for schema in result["components"]["schemas"].values():
        for inner in schema.get("properties", {}).values():
            if inner.get("type") == ["string", "null"] and "format" in inner:
                del inner["type"]
                inner["anyOf"] = [
                    {"type": "string", "format": inner.pop("format")}, {"type": "null"},
                ]  # fmt: skip
    return result


def operations(result: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in result["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield path, method, operation
