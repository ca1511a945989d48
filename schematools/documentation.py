"""Joins the parts: what the documentation of this project should be, and how it differs."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from schematools import compact, dbml, html_page, json_document, mermaid
from schematools.canvas import fits
from schematools.config import Config, ViewpointConfig
from schematools.counts import count_modules
from schematools.diagram import draw, plan
from schematools.dot import render_dot, render_svg
from schematools.embed import refresh
from schematools.errors import CannotRunError
from schematools.files import (
    ENCODING,
    MARKDOWN_MARKER,
    SIGNATURE,
    Change,
    compare,
    read_existing,
    read_generated,
)
from schematools.markup import page_name, viewpoint_page_name
from schematools.model import Module, Schema
from schematools.module_page import module_page, viewpoint_page
from schematools.selection import viewpoint_tables
from schematools.summary import index_page, modules_table, relationships_table, totals

DiagramFormat = Literal["mermaid", "dot", "svg"]
DocumentFormat = Literal["dbml", "json", "compact", "html"]
Progress = Callable[[str], object]

INDEX_NAME = "README.md"
DOCUMENT_NAMES: dict[DocumentFormat, str] = {
    "dbml": "schema.dbml",
    "json": "schema.json",
    "compact": "schema-compact.json",
    "html": "schema.html",
}
SUFFIXES: dict[DiagramFormat, str] = {"mermaid": ".mmd", "dot": ".dot", "svg": ".svg"}
MARKERS: dict[DiagramFormat, str] = {
    "mermaid": f"%% {SIGNATURE}",
    "dot": f"// {SIGNATURE}",
    "svg": MARKDOWN_MARKER,
}


def in_silence(title: str) -> None:
    """Report no progress."""


def page_changes(
    config: Config, schema: Schema, *, output: Path, progress: Progress
) -> tuple[Change, ...]:
    """Return how the pages in ``output`` differ from what they should be.

    Those are a page for each module and viewpoint and the index. Pages that should not be there
    any more, and the blocks in files that the settings name, are looked at as well.
    """
    expected = _pages(schema, schema.documented_modules, config.viewpoints, output, progress)
    titles = {viewpoint_page_name(item.name): item.title for item in config.viewpoints}
    expected[output / INDEX_NAME] = index_page(schema, title=config.title, viewpoints=titles)
    actual = read_generated(output, ".md") | read_existing(expected)
    sources = {path: _read_embedding(path) for path in config.embed}
    refreshed = {path: _refresh(path, source, schema, output) for path, source in sources.items()}
    return compare(expected | refreshed, actual | sources)


def chosen_page_changes(
    schema: Schema,
    modules: Sequence[Module],
    viewpoints: Sequence[ViewpointConfig],
    *,
    output: Path,
    progress: Progress,
) -> tuple[Change, ...]:
    """Return how the pages of these modules and viewpoints differ from what they should be."""
    expected = _pages(schema, modules, viewpoints, output, progress)
    return compare(expected, read_existing(expected))


def _pages(
    schema: Schema,
    modules: Sequence[Module],
    viewpoints: Sequence[ViewpointConfig],
    output: Path,
    progress: Progress,
) -> dict[Path, str]:
    pages = {}
    for module in modules:
        progress(module.title)
        pages[output / page_name(module)] = module_page(module, schema)
    for viewpoint in viewpoints:
        progress(viewpoint.title)
        pages[output / viewpoint_page_name(viewpoint.name)] = viewpoint_page(
            schema,
            viewpoint_tables(schema, viewpoint),
            title=viewpoint.title,
            purpose=viewpoint.purpose,
        )
    return pages


def render_document(
    modules: Sequence[Module], schema: Schema, *, file_format: DocumentFormat, title: str
) -> str:
    """Return one document about these modules."""
    if file_format == "html":
        return html_page.render(json_document.only(schema, modules), title=title)
    if file_format == "dbml":
        return dbml.render(schema, modules, title=title)
    if file_format == "json":
        return json_document.dumps(json_document.document(schema, title=title, modules=modules))
    return compact.dumps(compact.document(schema, title=title, modules=modules))


def document_changes(
    modules: Sequence[Module],
    schema: Schema,
    *,
    file_format: DocumentFormat,
    title: str,
    output: Path,
) -> tuple[Change, ...]:
    """Return how the file with such a document differs from what it should be."""
    path = output / DOCUMENT_NAMES[file_format]
    content = render_document(modules, schema, file_format=file_format, title=title)
    if file_format == "dbml":
        content = f"// {SIGNATURE}\n{content}"
    return compare({path: content}, read_existing([path]))


@dataclass(frozen=True, slots=True)
class Subject:
    """What a diagram is about: a module, a viewpoint, or several of them together."""

    file_name: str
    title: str
    tables: frozenset[str]


def subjects(
    modules: Sequence[Module], viewpoints: Sequence[ViewpointConfig], schema: Schema
) -> list[Subject]:
    """Return each module and each viewpoint as the subject of a diagram."""
    found = [
        Subject(
            f"{module.name}-erd",
            module.title,
            frozenset(table.name for table in schema.tables_by_module[module.name]),
        )
        for module in modules
    ]
    return found + [
        Subject(
            f"{viewpoint.name}-view",
            viewpoint.title,
            frozenset(viewpoint_tables(schema, viewpoint)),
        )
        for viewpoint in viewpoints
    ]


def together(parts: Sequence[Subject]) -> Subject:
    """Return several subjects as one."""
    return Subject(
        file_name="schema",
        title=", ".join(part.title for part in parts),
        tables=frozenset().union(*(part.tables for part in parts)),
    )


def diagram_changes(
    parts: Sequence[Subject],
    schema: Schema,
    *,
    file_format: DiagramFormat,
    output: Path,
    complete: bool,
) -> tuple[Change, ...]:
    """Return how the files with one diagram for each subject differ from what they should be.

    Where the subjects are ``complete``, files about anything else should not be there.
    """
    expected = {
        output / f"{part.file_name}{SUFFIXES[file_format]}": (
            f"{MARKERS[file_format]}\n{render_diagram(part, schema, file_format=file_format)}"
        )
        for part in parts
    }
    actual = read_existing(expected)
    if complete:
        actual |= read_generated(output, SUFFIXES[file_format])
    return compare(expected, actual)


def render_diagram(subject: Subject, schema: Schema, *, file_format: DiagramFormat) -> str:
    """Return one diagram, in Mermaid in as much detail as it has room for."""
    names = subject.tables
    if file_format == "mermaid":
        drawn = plan(schema, names, fits=fits).diagrams
        whole = draw(schema, names, keys_only=True, referrers=False)
        return mermaid.render(drawn[0] if len(drawn) == 1 else whole)
    render = render_dot if file_format == "dot" else render_svg
    return render(draw(schema, names), title=subject.title)


def _read_embedding(path: Path) -> str:
    if not path.is_file():
        raise CannotRunError(f'SCHEMATOOLS["EMBED"] names {path}, which is not a file.')
    return path.read_text(encoding=ENCODING)


def _refresh(path: Path, source: str, schema: Schema, output: Path) -> str:
    directory = quote(Path(os.path.relpath(output, path.parent)).as_posix()) + "/"
    counts = count_modules(schema)
    contents = {
        "modules": "\n".join(modules_table(schema, counts, directory=directory)),
        "totals": totals(counts),
        "relationships": "\n".join(relationships_table(schema, directory=directory)),
    }
    try:
        return refresh(source, contents)
    except CannotRunError as error:
        raise CannotRunError(f"{path}: {error}") from error
