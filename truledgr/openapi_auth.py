"""The flows of signing in, told in the one OpenAPI document.

allauth describes its own flows; the project's own headless views are described from their
docstrings and input forms. What cannot be reached is left out.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from typing import Any

from allauth.headless.spec.views import OpenAPIJSONView
from django import forms
from django.http import HttpRequest
from django.urls import Resolver404, resolve

from authentication import device_trust
from authentication.api.factor_answers import SCHEMAS, named
from authentication.api.headless import OWN_VIEWS
from authentication.api.sign_ins import session_limits
from authentication.forms.sign_ins import LoginInput
from core.api.errors import CONTENT_TYPE
from truledgr.openapi_examples import ID, NAMES
from users import devices

PREFIX = "/api/auth/{client}/v1/"
NAMESPACE = "Auth"  # of allauth's components, which share some names with ours
METHODS = ("delete", "get", "patch", "post", "put")
TYPES: dict[type[forms.Field], dict[str, Any]] = {
    forms.BooleanField: {"type": "boolean"},
    forms.IntegerField: {"type": "integer"},
    forms.EmailField: {"type": "string", "format": "email"},
    forms.JSONField: {"type": "object", "minProperties": 1},
}
SESSION_TOKEN = {"$ref": "#/components/parameters/SessionToken"}
OWN_FLOWS = ["otp", "enrol"]  # the stages that a sign-in may wait for
OWN_TAG = "Authentication: second factor"


def answer_of(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def header_of(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


# What an app says of the device it runs on; a browser has cookies for it.
DEVICE_HEADERS = {
    "DeviceID": header_of(
        devices.HEADER,
        "Which device the app runs on: an id that it makes once and keeps, 22 to 128 random "
        "letters, digits, `-` and `_`. Another text counts as none.",
    ),
    "DeviceTrust": header_of(
        device_trust.HEADER,
        "The secret that the app was given when the device was trusted: a sign-in then asks for "
        "no second factor.",
    ),
}
SIGNED_IN = answer_of("Signed in.", {"$ref": "#/components/schemas/AuthenticatedResponse"})
# What any flow may answer: the body cannot be read, a second factor is missing, the session is
# over, too many tries.
EVERYWHERE = {
    "400": {"$ref": "#/components/responses/Error"},
    "403": {"$ref": "#/components/responses/Forbidden"},
    "410": {"$ref": "#/components/responses/SessionGone"},
    "429": {"$ref": "#/components/responses/TooManyRequests"},
    "503": {"$ref": "#/components/responses/Unavailable"},
}
NOT_FOUND = {"$ref": "#/components/responses/NotFound"}
WHO_ARE_YOU = {"$ref": "#/components/responses/AuthenticationOrReauthentication"}
# Answered as a problem where no flow is asked: an unknown kind of client, the form token of a
# browser that is missing, a database that is away.
NEVER_EMPTY = ("Email", "Password", "Username", "ProviderID", "ProviderAccountID")
ALSO_PROBLEMS = ("NotFound", "Forbidden", "Unavailable")


def add_sign_in_flows(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular: add ``/api/auth/`` and the components it needs."""
    flows = json.loads(allauth_document())
    paths = {path: item for path, item in flows["paths"].items() if is_served(path)}
    paths.update(own_paths(described=paths))
    for path, item in paths.items():
        for method in item.keys() & METHODS:
            item[method]["operationId"] = operation_id(path, method)
            item[method]["summary"] = item[method]["summary"].strip()
            prove_session(path, item[method])
            name_device(path, item[method])
            for status, answer in EVERYWHERE.items():
                item[method]["responses"].setdefault(status, answer)
            if "{" in path:
                item[method]["responses"].setdefault("404", NOT_FOUND)
            if path.startswith(PREFIX + "account/"):
                item[method]["responses"].setdefault("401", WHO_ARE_YOU)
    paths[PREFIX + "account/password/change"]["post"]["responses"]["200"] = SIGNED_IN
    # Some answers stand in several places, and are not this function's to change.
    paths = json.loads(json.dumps(paths))
    rename(paths)
    schemas = flows["components"]["schemas"]
    schemas.update(deepcopy(SCHEMAS))
    flows["components"]["responses"]["Unavailable"] = answer_of(
        "The cache or the database is away.",
        {
            "type": "object",
            "properties": {
                "status": {"type": "integer", "enum": [503]},
                "errors": {"type": "array", "items": named("FlowError")},
            },
            "required": ["status", "errors"],
        },
    )
    name_answers(flows["components"])
    schemas["Authenticated"]["properties"]["device_trust"] = named("DeviceTrust")
    schemas["ErrorResponse"]["properties"]["errors"]["items"] = named("FlowError")
    schemas["ErrorResponse"]["required"] = ["status", "errors"]
    schemas["Flow"]["properties"]["id"]["enum"] += OWN_FLOWS
    schemas["Login"] = login_body()
    configuration = schemas["ConfigurationResponse"]["properties"]["data"]["properties"]
    configuration["session"] = {
        "type": "object",
        "description": "How long a session lasts, and for how long a device may be trusted.",
        "properties": {name: {"type": "integer"} for name in session_limits()},
        "required": list(session_limits()),
    }
    # Who signs up through a provider may have none yet.
    schemas["User"]["required"].remove("username")
    for name in NEVER_EMPTY:
        schemas[name]["minLength"] = 1
    schemas["Email"]["format"] = "email"
    schemas["Password"]["example"] = NAMES["password"]  # allauth's is too short to be taken
    bodies = flows["components"]["requestBodies"]
    for body in bodies.values():
        body["required"] = True
    bodies["ChangePassword"]["content"]["application/json"]["schema"]["example"] = {
        name: NAMES[name] for name in ("current_password", "new_password")
    }
    walk([schemas, bodies], require_text)
    flows["components"]["parameters"]["PasswordResetKey"]["schema"]["minLength"] = 1
    flows["components"]["parameters"].update(deepcopy(DEVICE_HEADERS))
    # Null where no session was looked for.
    flag = schemas["AuthenticationMeta"]["allOf"][1]["properties"]["is_authenticated"]
    flag["type"] = ["boolean", "null"]
    # Addresses are verified by a mailed code, which has no key.
    flows["components"]["parameters"]["EmailVerificationKey"]["required"] = False
    # allauth's examples of these are of another status, or lack what is required.
    del flows["components"]["responses"]["SessionGone"]["content"]["application/json"]["examples"]
    del schemas["ConfigurationResponse"]["example"]
    components = needed_components(paths, flows["components"])
    also_problems = [
        *(components["responses"][f"{NAMESPACE}.{name}"] for name in ALSO_PROBLEMS),
        *own_refusals(paths),
    ]
    for answer in also_problems:
        answer["content"][CONTENT_TYPE] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    result["paths"].update(sorted(paths.items()))
    for kind, members in components.items():
        result["components"].setdefault(kind, {}).update(sorted(members.items()))
    return result


def own_refusals(paths: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The 403 of flows that have words of their own for it."""
    for item in paths.values():
        for method in item.keys() & METHODS:
            answer = item[method]["responses"]["403"]
            if "$ref" not in answer:
                answer.setdefault("content", {})
                yield answer


def require_text(node: dict[str, Any]) -> None:
    """Say that a key, a new password or an address is not empty."""
    for name in ("key", "new_password", "email"):
        field = node.get(name)
        if isinstance(field, dict) and field.get("type") == "string":
            field["minLength"] = 1
            if name == "email":
                field["format"] = "email"


def name_answers(components: dict[str, Any]) -> None:
    """Give each of allauth's shared answers a named schema: one class in a generated client."""
    for name, response in components["responses"].items():
        described = response["content"]["application/json"]
        if "properties" in described["schema"]:
            components["schemas"][f"{name}Response"] = described["schema"]
            described["schema"] = named(f"{name}Response")


def login_body() -> dict[str, Any]:
    """One plain object: generated clients lose the fields of allauth's nested alternatives."""
    body = body_of(LoginInput)
    del body["properties"]["phone"]
    return {**body, "description": "Give either `username` or `email`."}


def prove_session(path: str, operation: dict[str, Any]) -> None:
    """Say how a flow knows its session: an account's must be signed in, others may lack one.

    What may be called without a session names its token as a header only: generated clients take
    any ``security`` for a duty.
    """
    if path.startswith(PREFIX + "account/"):
        operation["security"] = [{"sessionToken": []}, {"cookieAuth": []}]
        operation["parameters"] = [
            parameter for parameter in operation["parameters"] if parameter != SESSION_TOKEN
        ]
    else:
        operation["security"] = []


def name_device(path: str, operation: dict[str, Any]) -> None:
    """Name the headers that a sign-in goes by, wherever one may begin or end."""
    if path.startswith(PREFIX + "auth/"):
        operation["parameters"] += [
            {"$ref": f"#/components/parameters/{name}"} for name in DEVICE_HEADERS
        ]


@cache
def allauth_document() -> bytes:
    """allauth's own document as JSON, for the settings in use; reading it takes a second."""
    content: bytes = OpenAPIJSONView().get(HttpRequest()).content
    # Each process would have another id of a user for an example.
    user = json.loads(content)["components"]["schemas"]["User"]
    return content.replace(user["properties"]["id"]["example"].encode(), ID.encode())


def is_served(path: str) -> bool:
    try:
        match = resolve(path.replace("{client}", "app"))
    except Resolver404:
        return False
    return match.namespaces[:1] == ["headless"]


def operation_id(path: str, method: str) -> str:
    """Such as ``account_email_patch``."""
    _client, _v1, route = path.partition("/v1/")
    words = [word.strip("{}") for word in route.split("/")]
    return "_".join([*words, method]).replace("-", "_")


# --- Our own views --------------------------------------------------------------------------


def own_paths(*, described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """An entry for each of ``OWN_VIEWS``.

    One that answers as allauth's of the same path does has no ``documented_answers``, and keeps
    allauth's description.
    """
    paths = {}
    for route, view, _name in OWN_VIEWS:
        path = PREFIX + re.sub(r"<\w+:(\w+)>", r"{\1}", route)
        if path in described and not hasattr(view, "documented_answers"):
            continue
        item: dict[str, Any] = {
            method: own_operation(view, method, path) for method in METHODS if hasattr(view, method)
        }
        paths[path] = item
    return paths


def own_operation(view: Any, method: str, path: str) -> dict[str, Any]:
    """Summary and description from the method's docstring, the body from its input form."""
    text = inspect.getdoc(getattr(view, method)) or ""
    summary, _blank, description = text.partition("\n\n")
    parameters: list[dict[str, Any]] = [
        SESSION_TOKEN,
        {"$ref": "#/components/parameters/Client"},
    ]
    parameters += [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names_in(path)
        if name != "client"
    ]
    operation: dict[str, Any] = {
        "tags": [OWN_TAG],
        "summary": summary.rstrip("."),
        "description": description,
        "parameters": parameters,
        "responses": {
            "200": SIGNED_IN,
            "401": {"$ref": "#/components/responses/AuthenticationOrReauthentication"},
        },
    }
    form = input_of(view, method)
    if form is not None:
        body = body_of(form)
        operation["requestBody"] = {
            "required": "required" in body,
            "content": {"application/json": {"schema": body}},
        }
        operation["responses"]["400"] = {"$ref": "#/components/responses/Error"}
    if "{id}" in path or "{pk}" in path:
        operation["responses"]["404"] = {"$ref": "#/components/responses/NotFound"}
    for status, schema in getattr(view, "documented_answers", {}).get(method, {}).items():
        operation["responses"][status] = answer_of(summary, schema)
    return operation


def names_in(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def input_of(view: Any, method: str) -> type[forms.Form] | None:
    declared = getattr(view, "input_class", None)
    if isinstance(declared, dict):
        declared = declared.get(method.upper())
    return declared if method != "get" else None


def body_of(form: type[forms.Form]) -> dict[str, Any]:
    fields = form.base_fields
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: field_of(field) for name, field in fields.items()},
    }
    if required := [name for name, field in fields.items() if field.required]:
        schema["required"] = required
    return schema


def field_of(field: forms.Field) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for kind, known in TYPES.items():
        if isinstance(field, kind):
            schema = dict(known)
    if longest := getattr(field, "max_length", None):
        schema["maxLength"] = longest
    if field.help_text:
        schema["description"] = str(field.help_text)
    return schema


# --- Components -----------------------------------------------------------------------------


def rename(value: Any) -> None:
    """Point every reference to the namespace; say what 3.0 says in the words of 3.1.

    Several of allauth's alternatives (``oneOf``) describe the same answer: any of them may.
    """

    def change(node: dict[str, Any]) -> None:
        reference = node.get("$ref")
        if isinstance(reference, str):
            head, _slash, name = reference.rpartition("/")
            node["$ref"] = f"{head}/{NAMESPACE}.{name}"
        if isinstance(node.get("required"), list) and isinstance(node.get("properties"), dict):
            # One of allauth's asks for a property that it neither describes nor sends.
            node["required"] = [name for name in node["required"] if name in node["properties"]]
        if "oneOf" in node:
            node["anyOf"] = node.pop("oneOf")
        if node.pop("nullable", False):
            schema = dict(node)
            node.clear()
            node["anyOf"] = [schema, {"type": "null"}]

    walk(value, change)


def needed_components(
    paths: dict[str, Any], components: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """What ``paths`` refer to, directly or through one another, under their new names."""
    rename(components)
    needed: dict[str, dict[str, Any]] = {}
    waiting = list(references(paths))
    while waiting:
        _hash, _components, kind, name = waiting.pop().split("/")
        members = needed.setdefault(kind, {})
        if name not in members:
            members[name] = components[kind][name.removeprefix(f"{NAMESPACE}.")]
            waiting += references(members[name])
    return needed


def references(value: Any) -> Iterator[str]:
    found: list[str] = []
    walk(value, lambda node: found.append(node["$ref"]) if "$ref" in node else None)
    return iter(found)


def walk(value: Any, visit: Callable[[dict[str, Any]], None]) -> None:
    if isinstance(value, dict):
        visit(value)
        for inner in value.values():
            walk(inner, visit)
    elif isinstance(value, list):
        for inner in value:
            walk(inner, visit)
