"""docs/reference/endpoints.md: every operation of the OpenAPI document, a line each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from truledgr.reference.markdown import code, page, sentence, table

METHODS = ("get", "head", "post", "put", "patch", "delete")
INTRODUCTION = (
    "From the OpenAPI document, which has the bodies and parameters too: `/api/schema/`, and to "
    "try them out `/api/docs/` of a running installation. Any operation may also answer 500, and "
    "503 when the database or the cache is away. `{client}` is `app` or `browser`."
)


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str
    tag: str
    summary: str
    permission: str
    statuses: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


@cache
def operations() -> tuple[Operation, ...]:
    generator: Any = SchemaGenerator  # untyped
    document = generator().get_schema(request=None, public=True)
    return tuple(_operations(document))


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in sorted(document["paths"].items()):
        for method in METHODS:
            if method in item:
                told = item[method]
                yield Operation(
                    method=method.upper(),
                    path=path,
                    tag=(told.get("tags") or ["other"])[0],
                    summary=told.get("summary", ""),
                    permission=str(told.get("x-permission", "")),
                    statuses=tuple(sorted(map(str, told["responses"]))),
                )


def endpoints_page() -> str:
    grouped: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations():
        grouped[operation.tag].append(operation)
    parts = [INTRODUCTION]
    for tag, own in sorted(grouped.items(), key=lambda pair: pair[0].lower()):
        rows = [
            (code(each.name), sentence(each.summary), each.permission, ", ".join(each.statuses))
            for each in own
        ]
        title = tag[0].upper() + tag[1:]
        parts += [f"## {title}", table(("operation", "what", "who may", "answers"), rows)]
    return page("Endpoints", *parts)
