"""Writes Django's conditions and expressions as SQL that people can read.

The SQL is the one Django would send, with the values in place and without the quotes that plain
names do not need. It is for reading: it is never run.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable
from datetime import date, time
from decimal import Decimal
from types import NoneType
from typing import Any

from django.core.exceptions import EmptyResultSet, FieldError, FullResultSet
from django.db import NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, Q
from django.db.models.expressions import BaseExpression, F
from django.db.models.sql import Query

# What Django and custom fields raise for an expression that an engine cannot have.
UNSUPPORTED = (
    AttributeError,
    FieldError,
    LookupError,
    NotImplementedError,
    NotSupportedError,
    TypeError,
    ValueError,
)


def condition_sql(
    condition: Q | BaseExpression, model: type[Model], connection: BaseDatabaseWrapper
) -> str:
    """Return a condition, such as that of a partial index, as SQL."""
    query = Query(model, alias_cols=False)
    try:
        where = query.build_where(_with_ordered_values(condition))
        sql, params = where.as_sql(query.get_compiler(connection=connection), connection)
    except EmptyResultSet:
        return "FALSE"
    except FullResultSet:
        return "TRUE"
    except UNSUPPORTED:
        return stable_text(condition)
    return _without_outer_parentheses(_filled(sql, params))


def expression_sql(expression: Any, model: type[Model], connection: BaseDatabaseWrapper) -> str:
    """Return an expression over the model's columns as SQL."""
    query = Query(model, alias_cols=False)
    try:
        resolved = expression.resolve_expression(query, allow_joins=False)
        sql, params = query.get_compiler(connection=connection).compile(resolved)
    except UNSUPPORTED:
        return stable_text(expression)
    return _filled(sql, params)


def literal(value: Any) -> str:
    """Return a value as an SQL literal, the same under any hash seed."""
    for kinds, write in _LITERALS:
        if isinstance(value, kinds):
            return write(value)
    if hasattr(value, "obj"):  # psycopg's wrapper around JSON
        return _json(value.obj)
    return _quoted(stable_text(value))


def stable_text(value: Any) -> str:
    """Return ``str(value)`` without the memory addresses that some objects show."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", str(value))


def readable(sql: str) -> str:
    """Return SQL without the quotes that plain names do not need."""
    return re.sub(
        r"""('(?:[^']|'')*')|"([a-z_][a-z0-9_]*)\"""", lambda match: match[1] or match[2], sql
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _json(value: Any) -> str:
    return _quoted(json.dumps(value, default=str, sort_keys=True))


def _list(literals: Iterable[str]) -> str:
    return f"({', '.join(literals)})"


# A kind stands before those that it is also one of, as bool is an int.
_LITERALS: tuple[tuple[type | tuple[type, ...], Callable[[Any], str]], ...] = (
    (NoneType, lambda value: "NULL"),  # noqa: ARG005
    (bool, lambda value: "TRUE" if value else "FALSE"),
    (int, lambda value: str(int(value))),
    (float, lambda value: repr(float(value))),
    (Decimal, lambda value: format(value, "f")),
    ((bytes, bytearray, memoryview), lambda value: f"X'{bytes(value).hex()}'"),
    (dict, _json),
    ((list, tuple), lambda values: _list(map(literal, values))),
    ((set, frozenset), lambda values: _list(sorted(map(literal, values)))),
    ((date, time), lambda value: _quoted(value.isoformat())),
    ((BaseExpression, F, Q), stable_text),
)


def _filled(sql: str, params: Collection[Any]) -> str:
    values = iter(params)
    return readable(
        re.sub(r"%(s|%)", lambda match: literal(next(values)) if match[1] == "s" else "%", sql)
    )


def _without_outer_parentheses(sql: str) -> str:
    """Return the condition without the parentheses that Django puts around all of it."""
    depth = 0
    for token in re.finditer(r"'(?:[^']|'')*'|[()]", sql):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0:
            whole = sql.startswith("(") and token.end() == len(sql)
            return sql[1:-1] if whole else sql
    return sql


def _with_ordered_values(condition: Any) -> Any:
    """Return the condition with sets in a fixed order; Django writes them as they come."""
    if not isinstance(condition, Q):
        return condition
    ordered = condition.copy()
    ordered.children = [_with_ordered_child(child) for child in condition.children]
    return ordered


def _with_ordered_child(child: Any) -> Any:
    match child:
        case Q():
            return _with_ordered_values(child)
        case (str() as lookup, set() | frozenset() as values):
            return (lookup, sorted(values, key=literal))
    return child
