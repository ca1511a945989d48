"""Reads models that a test defines, for PostgreSQL unless it says otherwise."""

from schematools.engines import documented_connections
from schematools.introspect import read_schema

POSTGRESQL, SQLITE = documented_connections()


class InShop:
    app_label = "shop"


def read(*classes, connection=POSTGRESQL):
    return read_schema(classes, connection=connection, modules=())


def read_table(model, *others, connection=POSTGRESQL):
    return read(model, *others, connection=connection).table_by_name[model._meta.db_table]


def column(table, name):
    return next(column for column in table.columns if column.name == name)
