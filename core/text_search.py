"""Full-text search: by an index of PostgreSQL's own, and word by word elsewhere.

The words are not stemmed (configuration ``simple``), because names and descriptions are in any
language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connections
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Q, QuerySet

CONFIGURATION = "simple"
# Minuses or none, then a phrase in quotation marks, of which the second may be missing, or a word.
WORDS = re.compile(r'(-*)\s*(?:"([^"]*)"?|([^\s"-][^\s"]*))')


class Word(NamedTuple):
    """A word or a phrase, and whether it must not be there."""

    text: str
    is_unwanted: bool


def matching(rows: QuerySet[Any], *, fields: Sequence[str], text: str) -> QuerySet[Any]:
    """Rows that hold every word of ``text`` in ``fields``, whatever the case and the order.

    "A phrase" in quotation marks stands together, -not leaves rows out, and ``or`` parts two
    searches. The fields are those of an ``AddSearchIndex``, in its order. PostgreSQL reads
    ``text`` by its ``websearch_to_tsquery`` and finds whole words; elsewhere a part of a word is
    found too. A text without any word finds nothing. It must hold no NUL.
    """
    if connections[rows.db].vendor == "postgresql":
        vector = SearchVector(*fields, config=CONFIGURATION)
        query = SearchQuery(text, config=CONFIGURATION, search_type="websearch")
        found: QuerySet[Any] = rows.alias(_searched=vector).filter(_searched=query)
        return found
    wanted = Q(pk__in=[])
    for words in searches_in(text):
        wanted |= Q(*(_holding(fields, word) for word in words))
    return rows.filter(wanted)


def _holding(fields: Sequence[str], word: Word) -> Q:
    holding = Q()
    for field in fields:
        holding |= Q(**{f"{field}__icontains": word.text})
    return ~holding if word.is_unwanted else holding


def searches_in(text: str) -> list[list[Word]]:
    """What ``or`` parts in ``text``, each as the words and "quoted phrases" that it asks for."""
    found: list[list[Word]] = [[]]
    for minus, phrase, word in WORDS.findall(text):
        if word.lower() == "or":
            found.append([])
        elif any(map(str.isalnum, phrase or word)):
            found[-1].append(Word((phrase or word).strip(), len(minus) % 2 == 1))
    return [words for words in found if words]


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
