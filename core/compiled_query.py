"""A query that Django compiles once and that runs many times, with other values each time.

Building a query with joins, unions or subqueries costs a request three times what running it
does. Django's compiler is not public API: this is the one place that uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
        with connection.cursor() as cursor:
            cursor.execute(self.sql, [given.get(value, value) for value in self.params])
            rows: list[Sequence[Any]] = cursor.fetchall()
        if not self.converters:
            return rows
        return [list(row) for row in self.compiler.apply_converters(rows, self.converters)]


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
