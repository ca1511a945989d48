"""Writes what a module's page says about one table."""

from collections.abc import Iterator

from schematools.columns import COMPUTED, ON_ADD, ON_SAVE
from schematools.diagram import column_keys
from schematools.engines import title as engine_title
from schematools.markup import (
    anchor,
    code,
    codes,
    first_paragraph,
    inline,
    plain,
    table,
    table_link,
    text,
)
from schematools.model import (
    Column,
    Constraint,
    ForeignKey,
    GenericKey,
    Index,
    OtherModelKind,
    Schema,
    Table,
)

MAX_CHOICES = 12
MAX_TARGETS = 12
MAX_DEFAULT = 120  # characters; a default can be a whole document
DEFERRED = "initially deferred"

_OTHER_MODELS: dict[OtherModelKind, str] = {
    "proxy": "Proxy: {}.",
    "same table": "Also used by {}.",
    "swapped out": "Takes the place of {}.",
}


def table_section(item: Table, schema: Schema) -> Iterator[list[str]]:
    yield [f'<a id="{anchor(item.name)}"></a>']
    yield [f"### {code(item.name)}"]
    yield [about] if (about := _about(item, schema)) else []
    yield [text(item.description)] if item.description else []
    yield [text(item.notes)] if item.notes else []
    yield ["#### Columns"]
    yield _columns_table(item, schema)
    if item.indexes:
        yield ["#### Indexes"]
        yield table(("Index", "Columns", "Condition"), map(_index_row, item.indexes))
    if item.constraints:
        yield ["#### Constraints"]
        yield table(("Constraint", "Kind", "Rule"), map(_constraint_row, item.constraints))
    yield from _relationships(item, schema)


def _about(item: Table, schema: Schema) -> str:
    sentences = [] if item.kind == "table" else [f"{item.kind.capitalize()}."]
    if item.model:
        sentences.append(f"Model {code(item.model)}.")
    sentences += [
        f"Extends {_target(key, schema)}: each row has one there as well."
        for key in item.foreign_keys
        if key.parent_link
    ]
    for other in item.other_models:
        about = f" {text(first_paragraph(other.description))}" if other.description else ""
        sentences.append(f"{_OTHER_MODELS[other.kind].format(code(other.name))}{about}")
    if not item.managed:
        sentences.append("Not managed by Django: no migration creates or changes it.")
    return " ".join(sentences)


def _columns_table(item: Table, schema: Schema) -> list[str]:
    types = ["Type"]
    if schema.other_vendors:
        types = [f"Type on {engine_title(schema.vendor)}"]
        types += [f"on {engine_title(vendor)}" for vendor in schema.other_vendors]
    return table(
        ("Column", *types, "Null", "Default", "Key", "References", "Description"),
        (_column_row(column, item, schema) for column in item.columns),
    )


def _column_row(column: Column, item: Table, schema: Schema) -> tuple[str, ...]:
    elsewhere = dict(column.types_elsewhere)
    references = [
        f"{_target(key, schema)} ({codes(key.target_columns)})"
        for key in item.foreign_keys
        if column.name in key.columns
    ]
    return (
        code(column.name),
        code(column.type),
        *(
            (code(elsewhere[vendor]) or "none") if vendor in elsewhere else ""
            for vendor in schema.other_vendors
        ),
        "yes" if column.null else "",
        _default(column),
        ", ".join(column_keys(column, item)),
        ", ".join(references),
        _description(column),
    )


def _default(column: Column) -> str:
    if column.generated:
        return f"generated: {code(column.generated)}"
    if column.db_default == "identity":
        return "identity"
    shown = []
    if column.default:
        in_words = column.default in (ON_SAVE, ON_ADD, COMPUTED)
        shown.append(column.default if in_words else code(_shortened(column.default)))
    if column.db_default:
        shown.append(f"database: {code(_shortened(column.db_default))}")
    return "<br>".join(shown)


def _shortened(value: str) -> str:
    words = " ".join(value.split())
    return words if len(words) <= MAX_DEFAULT else f"{words[:MAX_DEFAULT].rstrip()} …"


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
        (
            code(key.name),
            _target(key, schema),
            _kind(key, schema),
            code(key.on_delete),
            code(key.reverse),
        )
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
            _generic_targets(generic, schema),
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
        (_link(other.name, schema), code(key.name), _kind(key, schema), code(key.on_delete))
        for other, key in schema.referrers.get(item.name, ())
    ]
    inward += [
        (_link(other.name, schema), code(generic.name), "generic", "")
        for other, generic in schema.generic_referrers.get(item.name, ())
    ]
    if inward:
        yield ["#### Referenced by"]
        yield table(("Table", "Field", "Kind", "On delete"), inward)


def _generic_targets(key: GenericKey, schema: Schema) -> str:
    links = [_link(name, schema) for name in key.targets[:MAX_TARGETS]]
    if more := len(key.targets) - len(links):
        links.append(f"and {more} more")
    return ", ".join(links) or "any table"


def _kind(key: ForeignKey, schema: Schema) -> str:
    words = ["one to one" if key.unique else "many to one"]
    if key.null:
        words.append("optional")
    if not key.enforced:
        words.append("no database constraint")
    elif schema.source == "database" and key.deferrable != DEFERRED:  # as Django makes them all
        words.append(key.deferrable or "checked at once")
    return ", ".join(words)


def _target(key: ForeignKey, schema: Schema) -> str:
    return _link(key.target, schema)


def _link(name: str, schema: Schema) -> str:
    target = schema.table_by_name.get(name)
    return table_link(target, schema.module_by_name[target.module]) if target else code(name)
