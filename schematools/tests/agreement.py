"""Compares what is read from models with what is read from the database they were migrated to.

Run as a module, it does so for the awkward project and prints where the two differ.
"""

import json
import sys
from collections import Counter
from contextlib import contextmanager

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection as default_connection
from django.db import transaction

from schematools.catalog import read_database
from schematools.introspect import read_schema

EXPRESSION = "(expression)"


def read_both(connection):
    """Return what all installed models say, and what the database says."""
    models = apps.get_models(include_swapped=True)
    return read_schema(models, connection=connection, modules=()), read_database(connection)


def differences(connection):
    """Return the facts that only one side knows, as lists of texts by table.

    "missing" is said by the models alone, "invented" by the database alone.
    """
    by_models, by_database = read_both(connection)
    spelling = type_spelling(connection, by_models)
    expected = {t.name: facts(t, spelling.get) for t in by_models.tables if t.managed}
    actual = {table.name: facts(table, lambda kind: kind) for table in by_database.tables}
    found = {"missing": {}, "invented": {}}
    for name in sorted(expected.keys() | actual.keys()):
        wanted, present = expected.get(name, Counter()), actual.get(name, Counter())
        for word, facts_found in (("missing", wanted - present), ("invented", present - wanted)):
            if facts_found:
                found[word][name] = sorted(facts_found.elements())
    return found


def facts(table, spell):
    """Return what both sides know about a table, however they spell expressions."""
    names = {column.name for column in table.columns}
    return Counter(
        [
            "table",
            *(_column(column, spell) for column in table.columns),
            *(_index(index, names) for index in table.indexes),
            *(_constraint(constraint, names) for constraint in table.constraints),
            *(_foreign_key(key) for key in table.foreign_keys if key.enforced),
        ]
    )


def type_spelling(connection, schema):
    """Return how the database spells the types of the models, by having it make them."""
    types = sorted({column.type for table in schema.tables for column in table.columns})
    if connection.vendor == "sqlite":
        return {kind: kind.lower() for kind in types}
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(types))
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE every_type ({columns})")
        table = read_database(connection).table_by_name["every_type"]
        transaction.set_rollback(True, using=connection.alias)
    return dict(zip(types, (column.type for column in table.columns), strict=True))


def _column(column, spell):
    details = {
        "NULL": column.null,
        "GENERATED": column.generated,
        "DEFAULT": column.db_default not in {"", "identity"},
        "IDENTITY": column.db_default == "identity",
        f"COLLATE {column.collation}": column.collation,
    }
    return f"column {column.name} {spell(column.type)} {_words(details)}".strip()


def _index(index, names):
    columns = _parts(index.columns, names)
    return f"index ({columns}) {index.method} {_rest(index)}".strip()


def _constraint(constraint, names):
    details = {
        constraint.deferrable: constraint.deferrable,
        "NULLS NOT DISTINCT": not constraint.nulls_distinct,
    }
    columns = _parts(constraint.columns, names)
    text = f"{constraint.kind} ({columns}) {_rest(constraint)} {_words(details)}"
    return text.strip()


def _foreign_key(key):
    details = {"NULL": key.null, "UNIQUE": key.unique, key.deferrable: key.deferrable}
    target = f"{key.target} ({', '.join(key.target_columns)})"
    return f"foreign key ({', '.join(key.columns)}) to {target} {_words(details)}".strip()


def _parts(parts, names):
    return ", ".join(
        part if part in names or part.rsplit(" ", 1)[0] in names else EXPRESSION for part in parts
    )


def _rest(key):
    details = {"WHERE": key.condition, f"INCLUDE {', '.join(key.include)}": key.include}
    return _words(details)


def _words(details):
    return " ".join(word for word, applies in details.items() if applies)


def quote_name(name):
    """Quote a name as SQL has it; Django forgets the quotes inside."""
    if len(name) > 1 and name[0] == name[-1] == '"':
        return name
    return '"' + name.replace('"', '""') + '"'


def main():
    """Make the awkward project's tables in a database of its own, and compare."""
    # Tables of apps without migrations are made first, which the others' must not wait for.
    labels = (app.rpartition(".")[2] for app in settings.INSTALLED_APPS)
    settings.MIGRATION_MODULES = dict.fromkeys(labels)
    django.setup()
    connection = default_connection
    connection.ops.quote_name = quote_name
    if connection.vendor == "sqlite":  # which refuses NULLS LAST in an index
        product = apps.get_model("shop", "Product")
        product._meta.indexes = [
            index for index in product._meta.indexes if index.name != "shop_product_price"
        ]
    with scratch_database(connection):
        call_command("migrate", run_syncdb=True, verbosity=0)
        json.dump({"vendor": connection.vendor} | differences(connection), sys.stdout)


@contextmanager
def scratch_database(connection):
    """Make the database that the settings name, and drop it; SQLite makes a file by itself."""
    if connection.vendor != "postgresql":
        yield
        return
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        yield
    finally:
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")


if __name__ == "__main__":
    main()
