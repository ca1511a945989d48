"""Puts what people wrote about modules and tables into a schema.

An app's notes stand in ``schema.md`` beside its models: first what concerns the whole module, then,
under a heading of the second level with the name of a table or model, what concerns that one.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from schematools.embed import fence_after
from schematools.errors import CannotRunError
from schematools.files import ENCODING
from schematools.model import Schema, Table
from schematools.suggestions import did_you_mean

FILE_NAME = "schema.md"

_HEADING = re.compile(r"##\s+`?(?P<name>.+?)`?\s*#*")
_DEEPER = re.compile(r"(?=#{2,4}\s)")


def with_notes(schema: Schema, directories: Mapping[str, Path]) -> Schema:
    """Return the schema with the notes of its apps, whose ``directories`` are given by label.

    Raise ``CannotRunError`` for a heading that names no table of the app's module.
    """
    of_module: dict[str, list[str]] = {}
    of_table: dict[str, str] = {}
    for module in schema.documented_modules:
        tables = _by_any_name(schema.tables_by_module[module.name])
        for label in module.apps:
            path = directories[label] / FILE_NAME
            if not path.is_file():
                continue
            general, sections = parse(path.read_text(encoding=ENCODING))
            of_module.setdefault(module.name, []).append(general)
            for name, text in sections.items():
                if name not in tables:
                    raise CannotRunError(
                        f"{path}: the heading {name!r} names no table or model of the module "
                        f"{module.name!r}. {did_you_mean(name, tables)}"
                    )
                of_table[tables[name]] = text
    return replace(
        schema,
        modules=tuple(
            replace(module, notes="\n\n".join(filter(None, of_module.get(module.name, ()))))
            for module in schema.modules
        ),
        tables=tuple(
            replace(table, notes=of_table[table.name]) if table.name in of_table else table
            for table in schema.tables
        ),
    )


def parse(source: str) -> tuple[str, dict[str, str]]:
    """Return the text before the first heading of the second level, and that under each."""
    sections: dict[str, list[str]] = {"": []}
    current, fence = "", ""
    for line in source.splitlines():
        fence = fence_after(line, fence)
        heading = None if fence else _HEADING.fullmatch(line)
        if heading:
            current = heading["name"]
            sections.setdefault(current, [])
        elif not (current == "" and not fence and re.match(r"#\s", line)):  # the file's title
            sections[current].append(line if fence else _DEEPER.sub("##", line, count=1))
    texts = {name: "\n".join(lines).strip() for name, lines in sections.items()}
    return texts.pop(""), texts


def _by_any_name(tables: Iterable[Table]) -> dict[str, str]:
    """Return the tables' names by all that a heading may call them."""
    found = {}
    for table in tables:
        for name in (table.model.rpartition(".")[2], table.model, table.name):
            found[name] = table.name
    found.pop("", None)
    return found
