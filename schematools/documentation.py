"""Joins the parts: what the documentation of this project should be, and how it differs."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from django.apps import apps

from schematools import mermaid
from schematools.config import Config
from schematools.diagram import Diagram, draw
from schematools.dot import render_dot, render_svg
from schematools.embed import refresh
from schematools.engines import documented_connections
from schematools.errors import CannotRunError, NothingToDocumentError
from schematools.files import (
    ENCODING,
    MARKDOWN_MARKER,
    SIGNATURE,
    Change,
    compare,
    read_existing,
    read_generated,
)
from schematools.introspect import read_schema
from schematools.markup import page_name
from schematools.model import Module, Schema
from schematools.module_page import module_page
from schematools.modules import build_modules
from schematools.suggestions import did_you_mean
from schematools.summary import index_page, modules_table, relationships_table, totals

DiagramFormat = Literal["mermaid", "dot", "svg"]
Format = Literal["markdown"] | DiagramFormat
Progress = Callable[[str], object]

INDEX_NAME = "README.md"
SUFFIXES: dict[DiagramFormat, str] = {"mermaid": ".mmd", "dot": ".dot", "svg": ".svg"}
MARKERS: dict[DiagramFormat, str] = {
    "mermaid": f"%% {SIGNATURE}",
    "dot": f"// {SIGNATURE}",
    "svg": MARKDOWN_MARKER,
}


def in_silence(title: str) -> None:
    """Report no progress."""


def read_project(config: Config) -> tuple[Schema, ...]:
    """Return the installed apps' schema for each documented engine, the leading one first."""
    modules = build_modules(apps.get_app_configs(), config.modules)
    models = apps.get_models()
    schemas = tuple(
        read_schema(models, connection=connection, modules=modules)
        for connection in documented_connections()
    )
    if not schemas[0].documented_modules:
        raise NothingToDocumentError(
            "There is nothing to document: no app of this project has a model with a table. "
            'Name installed apps in SCHEMATOOLS["MODULES"] to document those.'
        )
    return schemas


def choose_modules(schema: Schema, names: Iterable[str]) -> tuple[Module, ...]:
    """Return the documented modules with these names, or all where no name is given."""
    known = {module.name: module for module in schema.documented_modules}
    chosen = {}
    for name in names:
        if name not in known:
            raise CannotRunError(f"There is no module {name!r}. {did_you_mean(name, known)}")
        chosen[name] = known[name]
    return tuple(chosen.values()) or schema.documented_modules


def page_changes(
    config: Config,
    schemas: Sequence[Schema],
    *,
    output: Path,
    progress: Progress,
    only: Sequence[Module] = (),
) -> tuple[Change, ...]:
    """Return how the pages in ``output`` differ from what they should be.

    With ``only``, the pages of those modules; without, all pages, the index, pages that should not
    be there any more, and the blocks in files that the settings name.
    """
    schema, *others = schemas
    expected = {}
    for module in only or schema.documented_modules:
        progress(module.title)
        expected[output / page_name(module)] = module_page(module, schema, others)
    if only:
        return compare(expected, read_existing(expected))
    expected[output / INDEX_NAME] = index_page(schema, title=config.title)
    actual = read_generated(output, ".md") | read_existing(expected)
    sources = {path: _read_embedding(path) for path in config.embed}
    refreshed = {path: _refresh(path, source, schema, output) for path, source in sources.items()}
    return compare(expected | refreshed, actual | sources)


def diagram_changes(
    modules: Sequence[Module], schema: Schema, *, file_format: DiagramFormat, output: Path
) -> tuple[Change, ...]:
    """Return how the files with one diagram for each module differ from what they should be."""
    expected = {
        output / f"{module.name}-erd{SUFFIXES[file_format]}": (
            f"{MARKERS[file_format]}\n{render_diagram([module], schema, file_format=file_format)}"
        )
        for module in modules
    }
    actual = read_existing(expected)
    if tuple(modules) == schema.documented_modules:
        actual |= read_generated(output, SUFFIXES[file_format])
    return compare(expected, actual)


def render_diagram(modules: Sequence[Module], schema: Schema, *, file_format: DiagramFormat) -> str:
    """Return one diagram of these modules, with as many columns as Mermaid has room for."""
    names = [table.name for module in modules for table in schema.tables_by_module[module.name]]
    title = ", ".join(module.title for module in modules)
    if file_format == "mermaid":
        return mermaid.render(_fitting(schema, names))
    render = render_dot if file_format == "dot" else render_svg
    return render(draw(schema, names), title=title)


def _fitting(schema: Schema, names: Sequence[str]) -> Diagram:
    diagram = draw(schema, names)
    return diagram if mermaid.fits(diagram) else draw(schema, names, keys_only=True)


def _read_embedding(path: Path) -> str:
    if not path.is_file():
        raise CannotRunError(f'SCHEMATOOLS["EMBED"] names {path}, which is not a file.')
    return path.read_text(encoding=ENCODING)


def _refresh(path: Path, source: str, schema: Schema, output: Path) -> str:
    directory = quote(Path(os.path.relpath(output, path.parent)).as_posix()) + "/"
    contents = {
        "modules": "\n".join(modules_table(schema, directory=directory)),
        "totals": totals(schema),
        "relationships": "\n".join(relationships_table(schema, directory=directory)),
    }
    try:
        return refresh(source, contents)
    except CannotRunError as error:
        raise CannotRunError(f"{path}: {error}") from error
