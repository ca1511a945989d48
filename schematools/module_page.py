"""Writes the page of one module, or of one viewpoint, in Markdown."""

from collections.abc import Collection, Iterator

from schematools import mermaid
from schematools.canvas import MAX_WIDTH, fits
from schematools.counts import count_module
from schematools.diagram import MAX_ENTITIES, Plan, plan
from schematools.files import MARKDOWN_MARKER
from schematools.markup import (
    blocks,
    code,
    codes,
    first_paragraph,
    module_link,
    number,
    plain,
    table,
    table_link,
    text,
)
from schematools.model import Module, Schema, Table
from schematools.table_section import table_section

LEGEND = (
    "PK, FK and UK mark primary keys, foreign keys and unique columns. Tables of other modules "
    "show their keys only; a dotted line is a reference that no database constraint guards."
)
REFERRERS_LEFT_OUT = (
    "Left out, to keep the diagram readable: the tables of other modules that refer to these."
)
DESCRIPTIONS_LEFT_OUT = (
    "The diagram would be too wide with descriptions; they stand with the tables below."
)
KEYS_ONLY = (
    f"A diagram of more than {MAX_ENTITIES} tables, wider than {MAX_WIDTH:,} pixels, or of "
    "more text than Mermaid draws, is reduced: only keys are shown, and it is drawn in parts, "
    "with the tables that are connected together as far as there is room."
)
ALL_MODULES = "[All modules](README.md)"


def module_page(module: Module, schema: Schema) -> str:
    tables = schema.tables_by_module[module.name]
    parts: list[list[str]] = [
        [MARKDOWN_MARKER],
        [f"# {plain(module.title)}"],
        [text(module.purpose)] if module.purpose else [],
        [_summary(module, schema)],
        _related_modules(module, schema),
        [ALL_MODULES],
        [text(module.notes)] if module.notes else [],
        ["## Overview"],
        _overview(module, schema),
        *_related_tables(module, schema),
        ["## Diagram"],
        *diagrams(plan(schema, [item.name for item in tables], fits=fits)),
        ["## Tables"],
    ]
    for item in tables:
        parts += table_section(item, schema)
    return blocks(*parts) + "\n"


def _overview(module: Module, schema: Schema) -> list[str]:
    tables = schema.tables_by_module[module.name]
    if schema.source == "database":
        return table(
            ("Table", "Kind", "Columns", "Description"),
            [
                (table_link(item, module), item.kind, len(item.columns), _brief(item))
                for item in tables
            ],
        )
    return table(
        ("Table", "Model", "Columns", "Description"),
        [
            (table_link(item, module), code(item.model), len(item.columns), _brief(item))
            for item in tables
        ],
    )


def viewpoint_page(schema: Schema, names: Collection[str], *, title: str, purpose: str = "") -> str:
    """Return the page of tables that are looked at together, whatever modules they are of."""
    tables = [schema.table_by_name[name] for name in sorted(names)]
    rows = [
        (
            *_place(item, schema),
            len(item.columns),
            _brief(item),
        )
        for item in tables
    ]
    return (
        blocks(
            [MARKDOWN_MARKER],
            [f"# {plain(title)}"],
            [text(purpose)] if purpose else [],
            [f"A viewpoint: {number(len(tables), 'table')}, each described on its module's page."],
            [ALL_MODULES],
            ["## Tables"],
            table(("Table", "Module", "Columns", "Description"), rows),
            ["## Diagram"],
            *diagrams(plan(schema, names, fits=fits, referrers=False)),
        )
        + "\n"
    )


def diagrams(drawn: Plan) -> Iterator[list[str]]:
    """Yield the legend, what had to be left out, and the diagrams."""
    yield [LEGEND]
    if drawn.referrers_left_out:
        yield [REFERRERS_LEFT_OUT]
    if drawn.descriptions_left_out:
        yield [DESCRIPTIONS_LEFT_OUT]
    if drawn.keys_only:
        yield [KEYS_ONLY]
    for position, diagram in enumerate(drawn.diagrams, start=1):
        if len(drawn.diagrams) > 1:
            yield [f"### Part {position} of {len(drawn.diagrams)}"]
            yield [codes(entity.name for entity in diagram.entities if not entity.stub)]
        yield ["```mermaid", mermaid.render(diagram).rstrip("\n"), "```"]


def _summary(module: Module, schema: Schema) -> str:
    counts = count_module(schema, module.name)
    summary = (
        f"{number(counts.tables, 'table')}, {number(counts.columns, 'column')}, "
        f"{number(counts.within, 'relationship')} within the module and "
        f"{counts.across:,} to other modules."
    )
    if not module.apps:
        return summary
    apps = ", ".join(code(label) for label in module.apps)
    return f"{summary} Django {'app' if len(module.apps) == 1 else 'apps'}: {apps}."


def _related_modules(module: Module, schema: Schema) -> list[str]:
    lines = []
    for verb, related in (
        ("Refers to", _referred(module, schema)),
        ("Referred to by", _referring(module, schema)),
    ):
        if names := sorted({schema.table_by_name[name].module for name in related}):
            links = ", ".join(module_link(schema.module_by_name[name]) for name in names)
            lines.append(f"- {verb}: {links}.")
    return lines


def _related_tables(module: Module, schema: Schema) -> Iterator[list[str]]:
    referred, referring = _referred(module, schema), _referring(module, schema)
    if not referred | referring:
        return
    yield ["## Related tables of other modules"]
    yield table(
        ("Table", "Module", "Refers here", "Referred to from here"),
        (
            (
                *_place(schema.table_by_name[name], schema),
                "yes" if name in referring else "",
                "yes" if name in referred else "",
            )
            for name in sorted(referred | referring)
        ),
    )


def _referred(module: Module, schema: Schema) -> set[str]:
    """Return the tables of other modules that this one's have foreign keys to."""
    return {
        key.target
        for item in schema.tables_by_module[module.name]
        for key in item.foreign_keys
        if key.target in schema.table_by_name
        and schema.table_by_name[key.target].module != module.name
    }


def _referring(module: Module, schema: Schema) -> set[str]:
    """Return the tables of other modules that have foreign keys to this one's."""
    return {
        other.name
        for item in schema.tables_by_module[module.name]
        for other, _ in schema.referrers.get(item.name, ())
        if other.module != module.name
    }


def _place(item: Table, schema: Schema) -> tuple[str, str]:
    """Return links to the table and to its module."""
    module = schema.module_by_name[item.module]
    return table_link(item, module), module_link(module)


def _brief(item: Table) -> str:
    return text(first_paragraph(item.description))
