"""What the rules of ``lint`` return, and how they say where something is to be changed."""

from collections.abc import Sequence
from typing import NamedTuple

from schematools.model import Table


class Flaw(NamedTuple):
    """What is wrong with an object (``table`` or ``table.column``), and what to change."""

    object: str
    message: str
    remedy: str


def full_name(table: Table, column: str) -> str:
    return f"{table.name}.{column}"


def field_name(table: Table, column: str) -> str:
    """Return ``app.Model.field``, or nothing when no model is known to have the column."""
    field = next((found.field for found in table.columns if found.name == column), "")
    return f"{table.model}.{field}" if table.model and field else ""


def where_to_change(table: Table, columns: Sequence[str]) -> str:
    """Return the fields of these columns where they are known, or the columns as in SQL."""
    fields = [field_name(table, column) for column in columns]
    if all(fields):
        return " and ".join(fields)
    return f"{table.name} ({', '.join(columns)})"
