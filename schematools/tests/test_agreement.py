"""Models, the catalog reader and Django's introspection say the same of a migrated database."""

import json
import os
import secrets
import subprocess
import sys

import pytest
from django.db import connection

from schematools.catalog import read_database
from schematools.tests.agreement import differences, read_both
from schematools.tests.running import REPOSITORY

pytestmark = pytest.mark.django_db

# What migrations and Django add that no model speaks of.
BEYOND_MODELS = {"django_migrations"}
# While migrating, Django knows no DEFAULT_AUTO_FIELD of an app for its automatic join tables.
# The key of a table in partitions holds the column by which they are made. Words are searched by
# an index that a migration makes, on PostgreSQL alone.
RESIDUE = {
    "postgresql": {
        "missing": {
            "auth_group_permissions": ["column id integer IDENTITY"],
            "session_activities": ["primary key (id)"],
        },
        "invented": {
            "auth_group_permissions": ["column id bigint IDENTITY"],
            "items": ["index ((expression)) gin"],
            "session_activities": ["primary key (id, occurred_at)"],
        },
    },
    "sqlite": {"missing": {}, "invented": {}},
}
TRIGGERS = {
    "postgresql": {"audit_events_append_only"},
    "sqlite": {"audit_events_no_delete", "audit_events_no_replace", "audit_events_no_update"},
}
TRIGGERS_SQL = {
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
}


# Models and database


def test_the_database_has_what_the_models_say_and_nothing_else():
    found = differences(connection)

    assert found["invented"].keys() >= BEYOND_MODELS
    assert without(found, BEYOND_MODELS) == RESIDUE[connection.vendor]


def test_named_indexes_and_constraints_have_their_names_in_the_database():
    by_models, by_database = read_both(connection)

    for table in by_models.tables:
        if table.managed:
            actual = by_database.table_by_name[table.name]
            wanted = {rule.name for rule in (*table.indexes, *table.constraints)} - {""}
            assert wanted <= {rule.name for rule in (*actual.indexes, *actual.constraints)}


def test_triggers_are_all_that_migrations_add_to_tables():
    with connection.cursor() as cursor:
        cursor.execute(TRIGGERS_SQL[connection.vendor])
        names = {name for (name,) in cursor.fetchall()}

    assert names == TRIGGERS[connection.vendor]


def test_the_awkward_project_agrees_too(tmp_path):
    settings = connection.settings_dict
    database = {
        "postgresql": f"{settings['NAME'][:40]}_awkward_{secrets.token_hex(4)}",
        "sqlite": str(tmp_path / "awkward.sqlite3"),
    }[connection.vendor]
    environment = {
        "DJANGO_SETTINGS_MODULE": "schematools.tests.project.settings",
        "PROJECT_ENGINE": settings["ENGINE"].rpartition(".")[2],
        "PROJECT_DATABASE": database,
        "PROJECT_HOST": settings["HOST"],
        "PGPORT": str(settings["PORT"]),
        "PGUSER": settings["USER"],
        "PGPASSWORD": settings["PASSWORD"],
    }

    done = subprocess.run(
        [sys.executable, "-m", "schematools.tests.agreement"],
        cwd=REPOSITORY,
        env=os.environ | {name: value for name, value in environment.items() if value},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("vendor") == connection.vendor
    assert found == {"missing": {}, "invented": {}}


def without(found, names):
    return {
        word: {name: facts for name, facts in tables.items() if name not in names}
        for word, tables in found.items()
    }


# Django's introspection and the catalog reader


@pytest.fixture
def schema():
    return read_database(connection)


def test_django_lists_the_same_tables(schema):
    with connection.cursor() as cursor:
        listed = connection.introspection.get_table_list(cursor)

    # "p" is a partition, which is no table of its own here.
    listed = [info for info in listed if info.type != "p"]
    assert sorted(info.name for info in listed) == [table.name for table in schema.tables]
    kinds = {"t": {"table", "partitioned table"}, "v": {"view"}}
    for info in listed:
        assert schema.table_by_name[info.name].kind in kinds[info.type]


def test_django_describes_the_same_columns(schema):
    introspection = connection.introspection
    with connection.cursor() as cursor:
        for table in schema.tables:
            described = introspection.get_table_description(cursor, table.name)
            key = tuple(introspection.get_primary_key_columns(cursor, table.name) or ())

            assert [(info.name, bool(info.null_ok)) for info in described] == [
                (column.name, column.null) for column in table.columns
            ]
            assert [info.collation or "" for info in described] == [
                column.collation for column in table.columns
            ]
            assert key == table.primary_key


def test_django_finds_the_same_references(schema):
    with connection.cursor() as cursor:
        for table in schema.tables:
            relations = connection.introspection.get_relations(cursor, table.name)

            assert {name: tuple(found[:2]) for name, found in relations.items()} == {
                key.columns[0]: (key.target_columns[0], key.target) for key in table.foreign_keys
            }


def test_django_finds_the_same_constraints_and_indexes(schema):
    with connection.cursor() as cursor:
        for table in schema.tables:
            found = connection.introspection.get_constraints(cursor, table.name)

            assert by_django(found) == by_catalog(table), table.name


def by_django(constraints):
    """Return Django's findings as sorted tuples, without the names it makes up."""
    found = []
    for name, details in constraints.items():
        columns = tuple(name for name in details["columns"] or () if name)
        real_name = "" if name.startswith("__") else name
        if details["foreign_key"]:
            found.append(("foreign key", "", (*columns, *details["foreign_key"])))
        elif details["primary_key"]:
            found.append(("primary key", real_name, columns))
        elif details["check"]:
            found.append(("check", real_name, ()))
        elif details["unique"]:
            found.append(("unique", real_name, columns))
        elif details["index"]:  # from PostgreSQL 18 on, NOT NULL is a constraint as well
            found.append(("index", real_name, columns))
    return sorted(found)


def by_catalog(table):
    """Return the catalog's findings in the same form; Django leaves expressions out."""
    names = {column.name for column in table.columns}

    def plain(parts):
        words = (part if part in names else part.rpartition(" ")[0] for part in parts)
        return tuple(word for word in words if word in names)

    return sorted(
        [
            *(
                ("foreign key", "", (*key.columns, key.target, *key.target_columns))
                for key in table.foreign_keys
            ),
            *(
                (rule.kind, rule.name, (*plain(rule.columns), *rule.include))
                for rule in table.constraints
            ),
            *(
                ("index", index.name, (*plain(index.columns), *index.include))
                for index in table.indexes
            ),
        ]
    )
