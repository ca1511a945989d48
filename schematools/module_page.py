"""Writes the page of one module in Markdown."""

from collections.abc import Iterator, Sequence

from schematools import mermaid
from schematools.columns import COMPUTED, ON_ADD, ON_SAVE
from schematools.counts import count_module
from schematools.diagram import MAX_ENTITIES, Plan, column_keys, plan
from schematools.engines import title as engine_title
from schematools.files import MARKDOWN_MARKER
from schematools.markup import (
    anchor,
    blocks,
    code,
    codes,
    inline,
    module_link,
    number,
    plain,
    table,
    table_link,
    text,
)
from schematools.model import Column, Constraint, ForeignKey, Index, Module, Schema, Table

MAX_CHOICES = 12

LEGEND = (
    "PK, FK and UK mark primary keys, foreign keys and unique columns. Tables of other modules "
    "show their keys only; a dotted line is a reference that no database constraint guards."
)
REFERRERS_LEFT_OUT = (
    "Left out, to keep the diagram readable: the tables of other modules that refer to these."
)
KEYS_ONLY = (
    f"A diagram of more than {MAX_ENTITIES} tables, or of more text than Mermaid draws, is "
    "reduced: only keys are shown, and tables that are not connected are drawn apart."
)


def module_page(module: Module, schema: Schema, others: Sequence[Schema] = ()) -> str:
    """Return the module's page; types that differ in ``others``, its twins, are told beside."""
    tables = schema.tables_by_module[module.name]
    parts: list[list[str]] = [
        [MARKDOWN_MARKER],
        [f"# {plain(module.title)}"],
        [text(module.purpose)] if module.purpose else [],
        [_summary(module, schema)],
        _related_modules(module, schema),
        ["[All modules](README.md)"],
        ["## Overview"],
        table(
            ("Table", "Model", "Columns", "Description"),
            (
                (table_link(item, module), code(item.model), len(item.columns), _brief(item))
                for item in tables
            ),
        ),
        ["## Diagram"],
        *_diagrams(plan(schema, [item.name for item in tables], fits=mermaid.fits)),
        ["## Tables"],
    ]
    for item in tables:
        parts += _table_section(item, schema, others)
    return blocks(*parts) + "\n"


def _summary(module: Module, schema: Schema) -> str:
    counts = count_module(schema, module.name)
    apps = ", ".join(code(label) for label in module.apps)
    return (
        f"{number(counts.tables, 'table')}, {number(counts.columns, 'column')}, "
        f"{number(counts.within, 'relationship')} within the module and "
        f"{counts.across:,} to other modules. "
        f"Django {'app' if len(module.apps) == 1 else 'apps'}: {apps}."
    )


def _related_modules(module: Module, schema: Schema) -> list[str]:
    outward: set[str] = set()
    inward: set[str] = set()
    for item in schema.tables_by_module[module.name]:
        for key in item.foreign_keys:
            if target := schema.table_by_name.get(key.target):
                outward.add(target.module)
        inward.update(other.module for other, _ in schema.referrers.get(item.name, ()))
    lines = []
    for verb, names in (("Refers to", outward), ("Referred to by", inward)):
        if others := sorted(names - {module.name}):
            links = ", ".join(module_link(schema.module_by_name[name]) for name in others)
            lines.append(f"- {verb}: {links}.")
    return lines


def _diagrams(drawn: Plan) -> Iterator[list[str]]:
    yield [LEGEND]
    if drawn.referrers_left_out:
        yield [REFERRERS_LEFT_OUT]
    if drawn.keys_only:
        yield [KEYS_ONLY]
    for position, diagram in enumerate(drawn.diagrams, start=1):
        if len(drawn.diagrams) > 1:
            yield [f"### Part {position} of {len(drawn.diagrams)}"]
        yield ["```mermaid", mermaid.render(diagram).rstrip("\n"), "```"]


def _table_section(item: Table, schema: Schema, others: Sequence[Schema]) -> Iterator[list[str]]:
    yield [f'<a id="{anchor(item.name)}"></a>']
    yield [f"### {code(item.name)}"]
    yield [_about(item)]
    yield [text(item.description)] if item.description else []
    yield ["#### Columns"]
    yield _columns_table(item, schema, others)
    if item.indexes:
        yield ["#### Indexes"]
        yield table(("Index", "Columns", "Condition"), map(_index_row, item.indexes))
    if item.constraints:
        yield ["#### Constraints"]
        yield table(("Constraint", "Kind", "Rule"), map(_constraint_row, item.constraints))
    yield from _relationships(item, schema)


def _about(item: Table) -> str:
    sentences = [f"Model {code(item.model)}."]
    if item.other_models:
        sentences.append(f"Also used by {codes(item.other_models)}.")
    if not item.managed:
        sentences.append("Not managed by Django: no migration creates or changes it.")
    return " ".join(sentences)


def _brief(item: Table) -> str:
    """Return the first paragraph of the description."""
    paragraph, _, _ = item.description.partition("\n\n")
    return text(" ".join(paragraph.split()))


def _columns_table(item: Table, schema: Schema, others: Sequence[Schema]) -> list[str]:
    types = ["Type"]
    if others:
        types = [f"Type on {engine_title(schema.vendor)}"]
        types += [f"on {engine_title(other.vendor)}" for other in others]
    return table(
        ("Column", *types, "Null", "Default", "Key", "References", "Description"),
        (_column_row(column, item, schema, others) for column in item.columns),
    )


def _column_row(
    column: Column, item: Table, schema: Schema, others: Sequence[Schema]
) -> tuple[str, ...]:
    references = [
        f"{_target(key, schema)} ({codes(key.target_columns)})"
        for key in item.foreign_keys
        if column.name in key.columns
    ]
    return (
        code(column.name),
        code(column.type),
        *(_type_elsewhere(column, item, other) for other in others),
        "yes" if column.null else "",
        _default(column),
        ", ".join(column_keys(column, item)),
        ", ".join(references),
        _description(column),
    )


def _type_elsewhere(column: Column, item: Table, other: Schema) -> str:
    """Return the column's type on another engine where it differs."""
    for twin in other.table_by_name[item.name].columns:
        if twin.name == column.name:
            return code(twin.type) if twin.type != column.type else ""
    return "none"


def _default(column: Column) -> str:
    if column.generated:
        return f"generated: {code(column.generated)}"
    if column.db_default == "identity":
        return "identity"
    shown = []
    if column.default:
        in_words = column.default in (ON_SAVE, ON_ADD, COMPUTED)
        shown.append(column.default if in_words else code(column.default))
    if column.db_default:
        shown.append(f"database: {code(column.db_default)}")
    return "<br>".join(shown)


def _description(column: Column) -> str:
    sentences = []
    if column.description:
        sentences.append(inline(column.description))
    if column.choices:
        shown = [_choice(value, label) for value, label in column.choices[:MAX_CHOICES]]
        if len(column.choices) > MAX_CHOICES:
            shown.append("and more")
        sentences.append(f"Choices: {', '.join(shown)}.")
    if column.collation:
        sentences.append(f"Collation {code(column.collation)}.")
    return "<br>".join(sentences)


def _choice(value: str, label: str) -> str:
    if label.casefold() == value.replace("_", " ").casefold():
        return code(value)
    return f"{code(value)} ({plain(label)})"


def _index_row(index: Index) -> tuple[str, ...]:
    columns = codes(index.columns)
    if index.method:
        columns = f"{index.method}: {columns}"
    if index.include:
        columns += f", includes {codes(index.include)}"
    return (_name(index.name), columns, code(index.condition))


def _constraint_row(constraint: Constraint) -> tuple[str, ...]:
    rule = [part for part in (codes(constraint.columns), code(constraint.expression)) if part]
    if constraint.condition:
        rule.append(f"where {code(constraint.condition)}")
    if constraint.include:
        rule.append(f"includes {codes(constraint.include)}")
    if not constraint.nulls_distinct:
        rule.append("nulls are equal")
    if constraint.deferrable:
        rule.append(constraint.deferrable)
    return (_name(constraint.name), constraint.kind, ", ".join(rule))


def _name(name: str) -> str:
    return code(name) or "(automatic)"


def _relationships(item: Table, schema: Schema) -> Iterator[list[str]]:
    outward = [
        (code(key.name), _target(key, schema), _kind(key), code(key.on_delete), code(key.reverse))
        for key in item.foreign_keys
    ]
    outward += [
        (
            code(relation.name),
            _link(relation.target, schema),
            f"many to many, through {_link(relation.through, schema)}",
            "",
            code(relation.reverse),
        )
        for relation in item.many_to_many
    ]
    outward += [
        (
            code(generic.name),
            "any table",
            f"generic, by {codes((generic.type_column, generic.id_column))}",
            "",
            "",
        )
        for generic in item.generic_keys
    ]
    if outward:
        yield ["#### References"]
        yield table(("Field", "Table", "Kind", "On delete", "Reverse"), outward)
    inward = [
        (_link(other.name, schema), code(key.name), _kind(key), code(key.on_delete))
        for other, key in schema.referrers.get(item.name, ())
    ]
    if inward:
        yield ["#### Referenced by"]
        yield table(("Table", "Field", "Kind", "On delete"), inward)


def _kind(key: ForeignKey) -> str:
    kind = "one to one" if key.unique else "many to one"
    kind += ", optional" if key.null else ""
    return kind if key.enforced else f"{kind}, no database constraint"


def _target(key: ForeignKey, schema: Schema) -> str:
    return _link(key.target, schema)


def _link(name: str, schema: Schema) -> str:
    target = schema.table_by_name.get(name)
    return table_link(target, schema.module_by_name[target.module]) if target else code(name)
