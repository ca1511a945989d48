"""The flows of signing in, told in the one OpenAPI document.

allauth describes its own flows; the project's own headless views are described from their
docstrings and input forms. What cannot be reached is left out.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from allauth.headless.spec.views import OpenAPIJSONView
from django import forms
from django.http import HttpRequest
from django.urls import Resolver404, resolve

from authentication.api.headless import OWN_VIEWS
from authentication.api.sign_ins import session_limits
from authentication.forms.sign_ins import LoginInput

PREFIX = "/api/auth/{client}/v1/"
NAMESPACE = "Auth"  # of allauth's components, which share some names with ours
METHODS = frozenset({"get", "post", "put", "patch", "delete"})
TYPES: dict[type[forms.Field], dict[str, str]] = {
    forms.BooleanField: {"type": "boolean"},
    forms.IntegerField: {"type": "integer"},
    forms.EmailField: {"type": "string", "format": "email"},
    forms.JSONField: {"type": "object"},
}
OWN_FLOWS = ["otp", "enrol"]  # the stages that a sign-in may wait for
OWN_TAG = "Authentication: second factor"


def answer_of(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


SIGNED_IN = answer_of("Signed in.", {"$ref": "#/components/schemas/AuthenticatedResponse"})
# What any flow may answer: the body cannot be read, a second factor is missing, the session is
# over, too many tries.
EVERYWHERE = {
    "400": {"$ref": "#/components/responses/Error"},
    "403": {"$ref": "#/components/responses/Forbidden"},
    "410": {"$ref": "#/components/responses/SessionGone"},
    "429": {"$ref": "#/components/responses/TooManyRequests"},
}


def add_sign_in_flows(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular: add ``/api/auth/`` and the components it needs."""
    flows = json.loads(allauth_document())
    paths = {path: item for path, item in flows["paths"].items() if is_served(path)}
    paths.update(own_paths(described=paths))
    for path, item in paths.items():
        for method in METHODS & item.keys():
            item[method]["operationId"] = operation_id(path, method)
            item[method]["summary"] = item[method]["summary"].strip()
            item[method]["security"] = [{}, {"sessionToken": []}, {"cookieAuth": []}]
            for status, answer in EVERYWHERE.items():
                item[method]["responses"].setdefault(status, answer)
    paths[PREFIX + "account/password/change"]["post"]["responses"]["200"] = SIGNED_IN
    # Some answers stand in several places, and are not this function's to change.
    paths = json.loads(json.dumps(paths))
    rename(paths)
    schemas = flows["components"]["schemas"]
    schemas["Flow"]["properties"]["id"]["enum"] += OWN_FLOWS
    remember = field_of(LoginInput.base_fields["remember"])
    schemas["Login"]["allOf"].append({"type": "object", "properties": {"remember": remember}})
    configuration = schemas["ConfigurationResponse"]["properties"]["data"]["properties"]
    configuration["session"] = {
        "type": "object",
        "description": "How long a session lasts, and for how long a device may be trusted.",
        "properties": {name: {"type": "integer"} for name in session_limits()},
        "required": list(session_limits()),
    }
    # Who signs up through a provider may have none yet.
    schemas["User"]["required"].remove("username")
    components = needed_components(paths, flows["components"])
    result["paths"].update(sorted(paths.items()))
    for kind, members in components.items():
        result["components"].setdefault(kind, {}).update(sorted(members.items()))
    return result


@cache
def allauth_document() -> bytes:
    """allauth's own document as JSON, for the settings in use; reading it takes a second."""
    content: bytes = OpenAPIJSONView().get(HttpRequest()).content
    return content


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
        {"$ref": "#/components/parameters/SessionToken"},
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
        operation["requestBody"] = {"content": {"application/json": {"schema": body_of(form)}}}
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
