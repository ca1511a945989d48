"""Reads a project: what its models, or its database, say, as the settings want it shown."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from django.apps import apps

from schematools.apps import SchematoolsConfig
from schematools.catalog import read_database
from schematools.config import Config, ViewpointConfig
from schematools.databases import database_connection
from schematools.engines import documented_connections
from schematools.errors import CannotRunError, NothingToDocumentError
from schematools.introspect import read_schema
from schematools.model import Module, Schema
from schematools.modules import build_modules
from schematools.notes import with_notes
from schematools.registry import options
from schematools.selection import without_hidden
from schematools.suggestions import did_you_mean


def read_project(config: Config) -> Schema:
    """Return the installed apps' schema, on the leading engine with the types on the others.

    Raise ``NothingToDocumentError`` when no app has a model with a table.
    """
    leading, *others = documented_connections()
    models = apps.get_models(include_swapped=True)
    schema = read_schema(
        # The toolkit's own model is a permission and has no table.
        [model for model in models if options(model).app_label != SchematoolsConfig.name],
        connection=leading,
        others=others,
        modules=build_modules(apps.get_app_configs(), config.modules),
    )
    if not schema.documented_modules:
        raise NothingToDocumentError(
            "There is nothing to document: no app of this project has a model with a table. "
            'Name installed apps in SCHEMATOOLS["MODULES"] to document those.'
        )
    directories = {app_config.label: Path(app_config.path) for app_config in apps.get_app_configs()}
    return with_notes(without_hidden(schema, config.hide), directories)


def read_live(config: Config, alias: str) -> Schema:
    """Return what the database ``alias`` holds, in the modules of the models where there are any.

    Raise ``CannotRunError`` for an unknown alias and ``NothingToDocumentError`` when the database
    has no tables.
    """
    connection = database_connection(alias)
    modules = build_modules(apps.get_app_configs(), config.modules)
    module_of_app = {label: module.name for module in modules for label in module.apps}
    schema = read_database(
        connection,
        modules=modules,
        module_of_table={
            options(model).db_table: module_of_app[options(model).app_label]
            for model in apps.get_models(include_auto_created=True)
        },
    )
    if not schema.tables:
        raise NothingToDocumentError(
            f"The database {alias!r} has no tables. Run 'python manage.py migrate', or name "
            "another with --from-database."
        )
    filled = {table.module for table in schema.tables}
    return without_hidden(
        replace(
            schema,
            modules=tuple(
                replace(module, documented=module.documented and module.name in filled)
                for module in schema.modules
            ),
        ),
        config.hide,
        all_known=False,
    )


def choose_viewpoints(config: Config, names: Iterable[str]) -> tuple[ViewpointConfig, ...]:
    """Return the viewpoints with these names; raise ``CannotRunError`` for an unknown one."""
    known = {viewpoint.name: viewpoint for viewpoint in config.viewpoints}
    for name in names:
        if name not in known:
            raise CannotRunError(f"There is no viewpoint {name!r}. {did_you_mean(name, known)}")
    return tuple(known[name] for name in dict.fromkeys(names))


def choose_modules(schema: Schema, names: Iterable[str]) -> tuple[Module, ...]:
    """Return the documented modules with these names, or all where no name is given."""
    known = {module.name: module for module in schema.documented_modules}
    chosen = {}
    for name in names:
        if name not in known:
            raise CannotRunError(f"There is no module {name!r}. {did_you_mean(name, known)}")
        chosen[name] = known[name]
    return tuple(chosen.values()) or schema.documented_modules
