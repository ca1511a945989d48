"""A page of 50 items as it is read and written now, against objects, a serializer and DRF's JSON.

Both run on the same rows: ``values()`` of the columns that are shown and the renderer of the API
against ``ModelSerializer`` and ``JSONRenderer``; with all fields, and with two. Without the part
that both share: finding out who asks, and HTTP.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import measuring
from measuring import Fact, Result
from rest_framework.renderers import JSONRenderer

from core.api.renderers import FastJSONRenderer
from core.api.shaping import Shape, fields_of
from items.api.serializers import ItemSerializer
from items.models import Item
from users.models import User

PAGE = 50
ROUNDS = 300
TWO = ("id", "name")


def measure(options: argparse.Namespace) -> Iterator[Result | Fact]:
    measuring.migrate()
    owner = User.objects.create(username="owner", email="owner@example.org")
    Item.objects.bulk_create(
        Item(
            name=f"Item {number}",
            description="A few words about it, as people write them.",
            tags=["kitchen", "garden"],
            data={"pages": number, "format": "pdf", "sizes": [1.5, 2.5]},
            owner=owner,
            created_by=owner,
        )
        for number in range(options.rows)
    )
    measuring.analyze("default")
    every = fields_of(ItemSerializer)
    jobs: dict[str, Callable[[], bytes]] = {
        "before": _before,
        "only": _with_only,
        "all": lambda: _now(every),
        "two": lambda: _now(TWO),
    }
    yield Fact("all fields: the same bytes", _before() == _now(every))
    seconds = measuring.medians(jobs, rounds=ROUNDS)
    yield Result(f"{PAGE} items, all fields", seconds["all"], seconds["before"], 0.6)
    yield Result(f"{PAGE} items, fields=id,name", seconds["two"], seconds["before"], 0.4)
    yield Result("… all fields, .only() and the fast renderer", seconds["only"], seconds["before"])


def _page() -> Any:
    return Item.objects.alive().order_by("-id")


def _before() -> bytes:
    rendered: bytes = JSONRenderer().render(ItemSerializer(_page()[:PAGE], many=True).data)
    return rendered


def _with_only() -> bytes:
    rows = _page().only(*fields_of(ItemSerializer))[:PAGE]
    return FastJSONRenderer().render(ItemSerializer(rows, many=True).data)


def _now(fields: tuple[str, ...]) -> bytes:
    shape = Shape(fields, ())
    rows = _page().values(*shape.read | {"id"})[:PAGE]
    return FastJSONRenderer().render(shape.bodies(rows, {}, None))


if __name__ == "__main__":
    measuring.main(__doc__ or "", measure, rows=2_000)
