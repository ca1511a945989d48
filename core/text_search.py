"""Full-text search: by an index of PostgreSQL's own, and word by word elsewhere.

The words are not stemmed (configuration ``simple``), because names and descriptions are in any
language.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connections
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Q, QuerySet

CONFIGURATION = "simple"


def matching(rows: QuerySet[Any], *, fields: Sequence[str], text: str) -> QuerySet[Any]:
    """Rows that hold every word of ``text`` in ``fields``, whatever the case and the order.

    PostgreSQL reads ``text`` as its ``websearch_to_tsquery`` does: "a phrase", or, -not. The
    fields are those of an ``AddSearchIndex``, in its order. Elsewhere each word is looked for as
    a part of any field, quotation marks keep words together, and a minus leaves rows out.
    """
    if connections[rows.db].vendor == "postgresql":
        vector = SearchVector(*fields, config=CONFIGURATION)
        query = SearchQuery(text, config=CONFIGURATION, search_type="websearch")
        found: QuerySet[Any] = rows.alias(_searched=vector).filter(_searched=query)
        return found
    for word, is_unwanted in words_of(text):
        holding = Q()
        for field in fields:
            holding |= Q(**{f"{field}__icontains": word})
        rows = rows.exclude(holding) if is_unwanted else rows.filter(holding)
    return rows


def words_of(text: str) -> list[tuple[str, bool]]:
    """The words and "quoted phrases" of ``text``, each with whether a minus stands before it."""
    found = []
    for position, part in enumerate(text.split('"')):
        words = [part.strip()] if position % 2 else part.split()
        for word in words:
            bare = word.lstrip("-")
            if bare:
                found.append((bare, word.startswith("-")))
    return found


class AddSearchIndex(Operation):
    """A GIN index over the words of some text columns; elsewhere than on PostgreSQL, nothing."""

    reversible = True

    def __init__(self, model_name: str, *, fields: Sequence[str], name: str) -> None:
        self.model_name = model_name
        self.fields = tuple(fields)
        self.name = name

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (
            self.__class__.__qualname__,
            [self.model_name],
            {"fields": self.fields, "name": self.name},
        )

    def describe(self) -> str:
        return f"Index the words of {', '.join(self.fields)} of {self.model_name} (PostgreSQL only)"

    @property
    def migration_name_fragment(self) -> str:
        return self.name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The model looks the same to Django, which makes one index for every engine or none."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self._is_for(schema_editor, model):
            return
        quote = schema_editor.connection.ops.quote_name
        columns = [model._meta.get_field(name).column for name in self.fields]
        # As SearchVector() writes it: the index serves no other spelling.
        words = " || ' ' || ".join(f"COALESCE({quote(column)}, '')" for column in columns)
        schema_editor.execute(
            f"CREATE INDEX {quote(self.name)} ON {quote(model._meta.db_table)} "
            f"USING gin (to_tsvector('{CONFIGURATION}'::regconfig, {words}))"
        )

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self._is_for(schema_editor, model):
            schema_editor.execute(
                f"DROP INDEX {schema_editor.connection.ops.quote_name(self.name)}"
            )

    def _is_for(self, editor: BaseDatabaseSchemaEditor, model: Any) -> bool:
        alias = editor.connection.alias
        return editor.connection.vendor == "postgresql" and self.allow_migrate_model(alias, model)
