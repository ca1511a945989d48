"""Examples in the OpenAPI document: of each body that is sent, and of each that is answered.

A hook of drf-spectacular makes them from the schemas, so that they are as true as those are.
Values that read well come from the names of properties.
"""

from __future__ import annotations

from typing import Any

from truledgr.openapi_document import operations

ID = "0199f3a1-c2d4-7e0f-8a5b-6c7d8e9f0a1b"
MOMENT = "2026-03-14T09:26:53.589793Z"
DEEPEST = 8
NO_EXAMPLE = {"application/zip"}
FILES = {
    "text/csv": "name,kind,tags\r\nKettle,asset,kitchen\r\n",
    "application/x-ndjson": '{"name": "Kettle", "kind": "asset", "tags": ["kitchen"]}\n',
}
FORMATS: dict[str, Any] = {
    "uuid": ID,
    "date-time": MOMENT,
    "date": "2026-03-14",
    "email": "ann@example.org",
    "uri": "https://ledger.example/api/v1/items",
    "ip-address": "192.0.2.7",
    "ipv4": "192.0.2.7",
    "ipv6": "2001:db8::7",
}
NAMES: dict[str, Any] = {
    "username": "ann",
    "email": "ann@example.org",
    "password": "a long sentence of mine",
    "current_password": "a long sentence of mine",
    "new_password": "another long sentence of mine",
    "first_name": "Ann",
    "last_name": "Lee",
    "expires_at": "2099-12-31T00:00:00Z",  # a moment to come, whenever this is read
    "name": "Kettle",
    "slug": "kitchen",
    "description": "Boils a litre in two minutes.",
    "tags": ["kitchen"],
    "data": {"colour": "red"},
    "reason": "Moved to another team.",
    "permission": "items.view_item",
    "action": "update",
    "model": "item",
    "app": "items",
    "user_agent": "Mozilla/5.0",
    "code": "123456",
    "token": "tl_inv_example",
    "credential": {"id": "b3BlbiBzZXNhbWU", "type": "public-key"},
    "changes": {"name": ["Kettle", "Red kettle"]},
}
# Bodies whose parts do not all go together.
BODIES: dict[str, dict[str, Any]] = {
    "Auth.Login": {"username": NAMES["username"], "password": NAMES["password"]},
    "APITokenCreateRequest": {"name": "Nightly export"},
    "GroupCreateRequest": {"name": "Kitchen"},
    "PatchedDeviceNameRequest": {"name": "Work laptop"},
    "PatchedGroupUpdateRequest": {"name": "Kitchen"},
    "PatchedRoleUpdateRequest": {"name": "Bookkeeper"},
    "RoleCloneRequest": {"name": "Bookkeeper"},
    "RoleCreateRequest": {"name": "Bookkeeper"},
    "ItemCreateRequest": {
        "name": "Kettle",
        "description": "Boils a litre in two minutes.",
        "kind": "asset",
        "tags": ["kitchen"],
        "data": {"colour": "red"},
    },
}


def add_examples(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Give an example to each body that has none."""
    components = result["components"]
    sent = [*components["requestBodies"].values()]
    answered = [*components["responses"].values()]
    for _path, _method, operation in operations(result):
        sent.append(operation.get("requestBody", {}))
        answered += operation["responses"].values()
    for bodies, is_request in ((sent, True), (answered, False)):
        maker = Maker(result, is_request=is_request)
        for body in bodies:
            for media_type, content in body.get("content", {}).items():
                _add_example(content, media_type, maker)
    return result


def _add_example(content: dict[str, Any], media_type: str, maker: Maker) -> None:
    if {"example", "examples"} & content.keys() or media_type in NO_EXAMPLE:
        return
    content["example"] = FILES.get(media_type) or maker.of(content["schema"])


class Maker:
    """Makes one value that a schema allows; of a request no more than has to be sent, or a bit."""

    def __init__(self, result: dict[str, Any], *, is_request: bool) -> None:
        self.schemas = result["components"]["schemas"]
        self.is_request = is_request

    def of(self, schema: dict[str, Any], name: str = "", depth: int = 0) -> Any:
        if "$ref" in schema:
            component = schema["$ref"].rpartition("/")[2]
            if component in BODIES:
                return BODIES[component]
            return self.of(self.schemas[component], name, depth)
        given = [schema[key] for key in ("const", "example") if key in schema]
        given += [schema[key][0] for key in ("examples", "enum") if schema.get(key)]
        if given:
            return given[0]
        if "allOf" in schema:
            return self._all_of(schema, name, depth)
        either = schema.get("anyOf") or schema.get("oneOf")
        if either:
            return self.of(either[0], name, depth)
        return self._typed(schema, name, depth)

    def _all_of(self, schema: dict[str, Any], name: str, depth: int) -> Any:
        made = [self.of(part, name, depth) for part in schema["allOf"]]
        if not all(isinstance(part, dict) for part in made):
            return made[0]
        return {key: value for part in made for key, value in part.items()}

    def _typed(self, schema: dict[str, Any], name: str, depth: int) -> Any:
        kind = schema.get("type", "object")
        if isinstance(kind, list):
            kind = next(one for one in kind if one != "null")
        if kind == "object":
            return self._object(schema, name, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind == "boolean":
            return bool(schema.get("default", True))
        if kind in {"integer", "number"}:
            return schema.get("default", max(1, schema.get("minimum", 1)))
        return self._text(schema, name)

    def _object(self, schema: dict[str, Any], name: str, depth: int) -> Any:
        properties = schema.get("properties", {})
        if not properties:
            return NAMES.get(name, {})
        required = schema.get("required", [])
        named = list(properties)
        if self.is_request or depth >= DEEPEST:
            named = required or ([] if depth >= DEEPEST else named[:1])
        return {key: self.of(properties[key], key, depth + 1) for key in named}

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> Any:
        if name in NAMES and isinstance(NAMES[name], list):
            return NAMES[name]
        count = max(1, schema.get("minItems", 1))
        if depth >= DEEPEST:
            count = schema.get("minItems", 0)
        return [self.of(schema.get("items", {}), name.removesuffix("s"), depth + 1)] * count

    def _text(self, schema: dict[str, Any], name: str) -> str:
        if name not in NAMES and schema.get("format") in FORMATS:
            return str(FORMATS[schema["format"]])
        text = NAMES.get(name, "")
        if not isinstance(text, str) or not text:
            text = name.replace("_", " ") or "text"
        return text[: schema.get("maxLength")]
