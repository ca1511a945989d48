"""Writes tables in DBML (dbml.org), in the grammar that @dbml/core reads since it knows ``checks``.

What DBML has no place for is said in a note (choices, conditions, exclusions, what Django does) or,
for references, which have no notes, in a comment. Left out is only what its parser refuses: a table
without columns, a reference from columns to themselves, and a second one between the same columns.

Two things are not written on purpose. A many-to-many reference (``<>``), since the table behind it
is there with its own references; and marks for optional references, which older parsers refuse and
every parser can tell from the column, which is always said to be ``null`` or not.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from schematools.engines import title as vendor_title
from schematools.model import Column, Constraint, ForeignKey, Index, Module, Schema, Table

ACTIONS = {
    "CASCADE": "cascade",
    "DO NOTHING": "no action",
    "NO ACTION": "no action",
    "PROTECT": "restrict",
    "RESTRICT": "restrict",
    "SET DEFAULT": "set default",
    "SET NULL": "set null",
}

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PLAIN_TYPE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\(\d+(, ?\d+)?\))?")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?")
_STRING = re.compile(r"'((?:[^']|'')*)'")
MAX_CHOICES = 12  # a note is for reading; JSON has them all


def render(schema: Schema, modules: Sequence[Module] | None = None, *, title: str) -> str:
    """Return the tables of these modules, or of all documented ones, as DBML.

    Tables of other modules that these refer to are there with their keys only.
    """
    chosen = schema.documented_modules if modules is None else modules
    drawn = [table for module in chosen for table in schema.tables_by_module[module.name]]
    tables = [*drawn, *_stubs(schema, drawn)]
    blocks = [_project(schema, title)]
    blocks += [_table(table) for table in tables]
    blocks += [_group(module, schema) for module in chosen]
    blocks.append(list(_references(drawn, tables)))
    return "\n\n".join("\n".join(lines) for lines in blocks if lines) + "\n"


def _name(name: str) -> str:
    return _quoted(name or "unnamed", '"')


def _text(text: str) -> str:
    return _quoted(text, "'")


def _quoted(text: str, mark: str) -> str:
    """Return a name or a text that stands for exactly this one."""
    escapes = {**_ESCAPES, mark: f"\\{mark}"}
    return mark + "".join(escapes.get(found) or _visible(found) for found in text) + mark


def _visible(character: str) -> str:
    """Return the character, or its code where it would break a line or a parser."""
    is_control = ord(character) < ord(" ") or character in "\x7f\x85\u2028\u2029"
    return f"\\u{ord(character):04x}" if is_control else character


def _code(sql: str) -> str:
    """Return SQL between backticks; those of MySQL's names, which end it, become quotes."""
    return "`" + re.sub(r"\s*[\r\n]\s*", " ", sql).replace("`", '"') + "`"


def _settings(settings: Iterable[str]) -> str:
    written = ", ".join(filter(None, settings))
    return f" [{written}]" if written else ""


def _setting(key: str, text: str) -> str:
    return f"{key}: {_text(text)}" if text else ""


# Projects, groups and notes


def _project(schema: Schema, title: str) -> list[str]:
    database = vendor_title(schema.vendor)
    return [f"Project {_name(title)} {{", f"  {_setting('database_type', database)}", "}"]


def _group(module: Module, schema: Schema) -> list[str]:
    names = [table.name for table in schema.tables_by_module[module.name] if table.columns]
    if not names:
        return []
    note = _note([module.title, module.purpose, module.notes])
    return [
        f"TableGroup {_name(module.name)} {{",
        *(f"  {_name(name)}" for name in names),
        *note,
        "}",
    ]


def _note(paragraphs: Iterable[str]) -> list[str]:
    """Return a note of several lines, in which no text can end it early."""
    text = "\n\n".join(filter(None, (paragraph.strip() for paragraph in paragraphs)))
    if not text:
        return []
    text = text.replace("\\", "\\\\")
    text = re.sub(r"'{2,}", lambda marks: "\\'" * len(marks[0]), text)
    return ["  Note: '''", *(f"    {line}".rstrip() for line in text.splitlines()), "  '''"]


# Tables


def _stubs(schema: Schema, drawn: Sequence[Table]) -> Iterator[Table]:
    """Yield the tables that these refer to and that are not among them, with their keys."""
    ends: dict[str, dict[str, None]] = {}
    for table in drawn:
        for key in table.foreign_keys:
            ends.setdefault(key.target, {}).update(dict.fromkeys(key.target_columns))
    for name in sorted(ends.keys() - {table.name for table in drawn}):
        yield _stub(name, ends[name], schema)


def _stub(name: str, ends: Iterable[str], schema: Schema) -> Table:
    whole = schema.table_by_name.get(name)
    if whole is None:  # the model behind it was not read
        columns = tuple(Column(name=end, type="") for end in ends)
        return Table(name=name, module="", description="Not documented here.", columns=columns)
    keys = {*whole.primary_key, *ends}
    module = schema.module_by_name[whole.module]
    return replace(
        Table(name=name, module=whole.module, kind=whole.kind),
        description=f"Of the module {module.title}; only its keys are shown.",
        columns=tuple(column for column in whole.columns if column.name in keys),
        constraints=tuple(rule for rule in whole.constraints if rule.kind == "primary key"),
    )


def _table(table: Table) -> list[str]:
    if not table.columns:
        return [f"// The table {_name(table.name)} has no columns."]
    return [
        f"Table {_name(table.name)} {{",
        *(f"  {_column(column, table)}" for column in table.columns),
        *_block("indexes", _indexes(table)),
        *_block("checks", _checks(table)),
        *_note(_paragraphs(table)),
        "}",
    ]


def _block(name: str, lines: Iterable[str]) -> list[str]:
    written = [f"    {line}" for line in lines]
    return [f"  {name} {{", *written, "  }"] if written else []


def _paragraphs(table: Table) -> Iterator[str]:
    """Yield what is written about the table, and what of it DBML has no words for."""
    yield table.description
    yield table.notes
    if table.kind != "table":
        yield f"This is a {table.kind}."
    for relation in table.many_to_many:
        yield f"{relation.name}: many-to-many with {relation.target}, through {relation.through}."
    for generic in table.generic_keys:
        yield f"{generic.name}: a row of any table, by {generic.type_column}, {generic.id_column}."
    for rule in table.constraints:
        if rule.kind in ("exclusion", "other"):
            name = f" {rule.name}" if rule.name else ""
            details = "; ".join([rule.expression, *_small_print(rule)])
            yield f"Constraint{name} ({rule.kind}): {details}"


def _column(column: Column, table: Table) -> str:
    is_key = table.primary_key == (column.name,)
    settings = [
        "pk" if is_key else "",
        "increment" if column.db_default == "identity" else "",
        "" if is_key else "null" if column.null else "not null",
        "unique" if column.name in _plainly_unique(table) else "",
        _default(column.db_default),
        _setting("note", "\n".join(_remarks(column))),
    ]
    return f"{_name(column.name)} {_type(column.type)}{_settings(settings)}"


def _type(column_type: str) -> str:
    return column_type if _PLAIN_TYPE.fullmatch(column_type) else _name(column_type or "unknown")


def _default(sql: str) -> str:
    if sql in ("", "identity"):
        return ""
    if _NUMBER.fullmatch(sql):
        return f"default: {sql}"
    if sql.lower() in ("true", "false", "null"):
        return f"default: {sql.lower()}"
    if text := _STRING.fullmatch(sql):
        return "default: " + _text(text[1].replace("''", "'"))
    return f"default: {_code(sql)}"


def _remarks(column: Column) -> Iterator[str]:
    if column.description:
        yield column.description
    if column.choices:
        choices = [
            value if value == name else f"{value} ({name})"
            for value, name in column.choices[:MAX_CHOICES]
        ]
        if more := len(column.choices) - len(choices):
            choices.append(f"and {more} more")
        yield f"Choices: {', '.join(choices)}"
    if column.default:
        yield f"Default, by Django: {column.default}"
    if column.generated:
        yield f"Generated: {column.generated}"
    if column.collation:
        yield f"Collation: {column.collation}"


# Indexes and constraints


def _plainly_unique(table: Table) -> set[str]:
    """Return the columns that are unique with nothing more to say about it."""
    names = {column.name for column in table.columns}
    return {
        rule.columns[0]
        for rule in table.constraints
        if rule.columns and rule == Constraint(kind="unique", columns=rule.columns[:1])
    } & names


def _indexes(table: Table) -> Iterator[str]:
    said = [Constraint(kind="unique", columns=(name,)) for name in _plainly_unique(table)]
    for rule in table.constraints:
        is_key = rule.kind == "primary key" and len(rule.columns) > 1
        if is_key or (rule.kind == "unique" and rule.columns and rule not in said):
            yield _index(rule, table, "pk" if is_key else "unique")
    for index in table.indexes:
        yield _index(index, table, f"type: {_type(index.method)}" if index.method else "")


def _index(index: Index | Constraint, table: Table, setting: str) -> str:
    names = {column.name for column in table.columns}
    elements = [
        _name(element) if element in names else _code(element)
        for element in dict.fromkeys(index.columns)  # the parser refuses one that comes twice
    ]
    written = elements[0] if len(elements) == 1 else f"({', '.join(elements)})"
    name, note = _setting("name", index.name), _setting("note", "; ".join(_small_print(index)))
    return written + _settings([setting, name, note])


def _checks(table: Table) -> Iterator[str]:
    for rule in table.constraints:
        if rule.kind == "check" and rule.expression:
            yield _code(rule.expression) + _settings([_setting("name", rule.name)])


def _small_print(rule: Index | Constraint) -> Iterator[str]:
    """Yield what an index or constraint says besides its columns."""
    if rule.condition:
        yield f"where {rule.condition}"
    if rule.include:
        yield f"includes {', '.join(rule.include)}"
    if isinstance(rule, Constraint):
        if rule.deferrable:
            yield f"deferrable {rule.deferrable}"
        if not rule.nulls_distinct:
            yield "nulls are not distinct"


# References


def _references(drawn: Sequence[Table], tables: Sequence[Table]) -> Iterator[str]:
    columns = {table.name: {column.name for column in table.columns} for table in tables}
    seen = set()
    for table in drawn:
        for key in table.foreign_keys:
            line = _reference(table, key)
            known = columns[table.name] >= {*key.columns}
            known = known and columns[key.target] >= {*key.target_columns}
            paired = 0 < len(key.columns) == len(key.target_columns)
            ends = frozenset(
                [(table.name, frozenset(key.columns)), (key.target, frozenset(key.target_columns))]
            )
            is_new = len(ends) > 1 and ends not in seen
            seen.add(ends)
            yield line if known and paired and is_new else f"// Not drawn: {line}"


def _reference(table: Table, key: ForeignKey) -> str:
    action = ACTIONS.get(key.on_delete.upper().replace("_", " "), "")
    start = _end(table.name, key.columns)
    kind = "-" if key.unique else ">"
    line = f"Ref: {start} {kind} {_end(key.target, key.target_columns)}"
    line += _settings([f"delete: {action}" if action else ""])
    remarks = "; ".join(_about(key, has_action=bool(action)))
    return f"{line} // {remarks}" if remarks else line


def _about(key: ForeignKey, *, has_action: bool) -> Iterator[str]:
    """Yield what a reference has no setting for."""
    if key.on_delete and not has_action:
        yield f"on delete {_text(key.on_delete)}"
    if not key.enforced:
        yield "not enforced by the database"


def _end(table: str, columns: Sequence[str]) -> str:
    written = ", ".join(map(_name, columns))
    return f"{_name(table)}.{written if len(columns) == 1 else f'({written})'}"
