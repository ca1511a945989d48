"""Writes what concerns all modules: the index page, and the blocks that other files embed."""

from schematools.counts import count_across, count_documented, count_module
from schematools.files import MARKDOWN_MARKER
from schematools.markup import blocks, code, module_link, number, plain, table, table_link, text
from schematools.model import Schema


def index_page(schema: Schema, *, title: str) -> str:
    """Return the page that leads to all others, with counts, relationships and every table."""
    return (
        blocks(
            [MARKDOWN_MARKER],
            [f"# {plain(title)}"],
            [totals(schema)],
            ["## Modules"],
            modules_table(schema),
            ["## Relationships between modules"],
            relationships_table(schema),
            ["## Tables"],
            _tables_table(schema),
            ["## Statistics"],
            _statistics_table(schema),
        )
        + "\n"
    )


def totals(schema: Schema) -> str:
    """Return one sentence with the main numbers."""
    counts = count_documented(schema)
    return (
        f"{number(counts.tables, 'table')} in {number(len(schema.documented_modules), 'module')}, "
        f"with {number(counts.columns, 'column')} and "
        f"{number(counts.within + counts.across, 'relationship')}, "
        f"{counts.across:,} of them between modules."
    )


def modules_table(schema: Schema, *, directory: str = "") -> list[str]:
    """Return the modules with their counts; ``directory`` leads from the reader to the pages."""
    rows = []
    for module in schema.documented_modules:
        counts = count_module(schema, module.name)
        rows.append(
            (
                f"**{module_link(module, directory=directory)}**",
                counts.tables,
                counts.columns,
                counts.within,
                counts.across,
                text(module.purpose),
            )
        )
    return table(
        ("Module", "Tables", "Columns", "Relations within", "Relations across", "Primary purpose"),
        rows,
    )


def relationships_table(schema: Schema, *, directory: str = "") -> list[str]:
    """Return which modules refer to which, and by how many foreign keys."""
    rows = [
        (
            _module(source, schema, directory),
            _module(target, schema, directory),
            amount,
        )
        for source, target, amount in count_across(schema)
    ]
    return table(("From", "To", "Foreign keys"), rows) if rows else ["None."]


def _module(name: str, schema: Schema, directory: str) -> str:
    module = schema.module_by_name.get(name)
    return module_link(module, directory=directory) if module else "elsewhere"


def _tables_table(schema: Schema) -> list[str]:
    rows = []
    for item in schema.tables:
        module = schema.module_by_name[item.module]
        if module.documented:
            rows.append(
                (table_link(item, module), code(item.model), module_link(module), len(item.columns))
            )
    return table(("Table", "Model", "Module", "Columns"), rows)


def _statistics_table(schema: Schema) -> list[str]:
    counts = count_documented(schema)
    return table(
        ("What", "Number"),
        [
            ("Modules", len(schema.documented_modules)),
            ("Tables", counts.tables),
            ("Columns", counts.columns),
            ("Relationships within a module", counts.within),
            ("Relationships between modules", counts.across),
            ("Many-to-many fields", counts.many_to_many),
            ("Indexes", counts.indexes),
            ("Unique constraints", counts.unique),
            ("Check constraints", counts.checks),
        ],
    )
