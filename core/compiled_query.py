"""A query that Django compiles once and that runs many times, with other values each time.

Building a query with joins, unions or subqueries costs a request three times what running it
does. Django's compiler is not public API: this is the one place that uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import QuerySet


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """SQL, its parameters, and how the driver's values become Django's."""

    sql: str
    params: tuple[Any, ...]
    compiler: Any
    converters: dict[int, Any]

    def run(self, given: Mapping[Any, Any]) -> list[Sequence[Any]]:
        """All rows, with the values of ``given`` in place of what stood for them."""
        with _cursor() as cursor:
            cursor.execute(self.sql, [given.get(value, value) for value in self.params])
            rows: list[Sequence[Any]] = cursor.fetchall()
        if not rows or not self.converters:
            return rows
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for position, (convert_by, expression) in self.converters.items():
            known = dict.fromkeys(columns[position])  # a key stands in many rows: convert it once
            for value in known:
                converted = value
                for convert in convert_by:
                    converted = convert(converted, expression, connection)
                known[value] = converted
            columns[position] = [known[value] for value in columns[position]]
        return list(zip(*columns, strict=True))


@contextmanager
def _cursor() -> Iterator[Any]:
    """A cursor for which PostgreSQL plans a statement once for each connection, not each time.

    Django's own where it keeps what is asked (in DEBUG and in tests that count), and where it is
    told that sessions share a connection.
    """
    is_shared = connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
    if connection.vendor != "postgresql" or is_shared or connection.queries_logged:
        with connection.cursor() as cursor:
            yield cursor
        return
    connection.ensure_connection()
    raw: Any = connection.connection
    threshold, raw.prepare_threshold = raw.prepare_threshold, 0
    try:
        wrapped: Any = connection.make_cursor
        with wrapped(psycopg.Cursor(raw)) as cursor:
            yield cursor
    finally:
        raw.prepare_threshold = threshold


def compile_query(make: Callable[[], QuerySet[Any, Any]]) -> CompiledQuery:
    """Compile what ``make`` answers, in which stand-ins stand for what differs between runs.

    Raise ``ImproperlyConfigured`` when it is another query each time: then something in it, such
    as the present moment, is no stand-in and would be compiled in.
    """
    compiler, sql, params = _compiled(make())
    if (sql, params) != _compiled(make())[1:]:
        raise ImproperlyConfigured(
            f"{make} makes another query each time: a value that differs, such as the moment, must "
            "be given as a stand-in."
        )
    columns = [column for column, *_sql in compiler.select]
    return CompiledQuery(sql, params, compiler, compiler.get_converters(columns))


def _compiled(rows: QuerySet[Any, Any]) -> tuple[Any, str, tuple[Any, ...]]:
    compiler = rows.query.get_compiler(connection=connection)
    sql, params = compiler.as_sql()
    return compiler, sql, tuple(params)
