"""Writes what concerns all modules: the index page, and the blocks that other files embed."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from urllib.parse import quote

from schematools.counts import Counts, count_across, count_modules, total
from schematools.files import MARKDOWN_MARKER
from schematools.markup import blocks, code, module_link, number, plain, table, table_link, text
from schematools.mermaid import render_modules
from schematools.model import Schema

MAX_MATRIX = 12  # modules; a wider table is hard to read
MAX_GRAPH = 30  # modules; more are more lines than a person can follow


def index_page(
    schema: Schema, *, title: str, viewpoints: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Return the page that leads to all others: ``viewpoints`` are titles, by page name."""
    counts = count_modules(schema)
    return (
        blocks(
            [MARKDOWN_MARKER],
            [f"# {plain(title)}"],
            [totals(counts)],
            ["## Modules"],
            modules_table(schema, counts),
            *_viewpoints(viewpoints),
            ["## Relationships between modules"],
            *_graph(schema),
            relationships_table(schema),
            ["## Tables"],
            _tables_table(schema),
            ["## Statistics"],
            _statistics_table(counts),
        )
        + "\n"
    )


def _viewpoints(viewpoints: Mapping[str, str]) -> Iterator[list[str]]:
    if viewpoints:
        yield ["## Viewpoints"]
        yield [f"- [{plain(title)}]({quote(page)})" for page, title in viewpoints.items()]


def _graph(schema: Schema) -> Iterator[list[str]]:
    pairs = [pair for pair in count_across(schema) if pair[1]]
    names = sorted({name for source, target, _ in pairs for name in (source, target)})
    if not pairs:
        return
    if len(names) > MAX_GRAPH:
        yield [f"A graph of {len(names):,} modules could not be read; this is all it would show."]
        return
    yield ["An arrow leads from the module with the foreign keys, of which it says the number."]
    titles = {name: schema.module_by_name[name].title for name in names}
    yield ["```mermaid", render_modules(titles, pairs).rstrip("\n"), "```"]


def totals(counts: Mapping[str, Counts]) -> str:
    """Return one sentence with the main numbers."""
    together = total(counts)
    return (
        f"{number(together.tables, 'table')} in {number(len(counts), 'module')}, "
        f"with {number(together.columns, 'column')} and "
        f"{number(together.within + together.across, 'relationship')}, "
        f"{together.across:,} of them between modules."
    )


def modules_table(
    schema: Schema, counts: Mapping[str, Counts], *, directory: str = ""
) -> list[str]:
    """Return the modules with their counts; ``directory`` leads from the reader to the pages."""
    rows = []
    for module in schema.documented_modules:
        own = counts[module.name]
        rows.append(
            (
                f"**{module_link(module, directory=directory)}**",
                own.tables,
                own.columns,
                own.within,
                own.across,
                text(module.purpose),
            )
        )
    return table(
        ("Module", "Tables", "Columns", "Relations within", "Relations across", "Primary purpose"),
        rows,
    )


def relationships_table(schema: Schema, *, directory: str = "") -> list[str]:
    """Return how many foreign keys lead from which module to which: a matrix, or a long list."""
    amounts = {(source, target): amount for source, target, amount in count_across(schema)}
    if not amounts:
        return ["None."]
    sources = sorted({source for source, _ in amounts})
    targets = sorted({target for _, target in amounts})
    if len(targets) <= MAX_MATRIX:
        return table(
            ("From \\ to", *(_module(target, schema, directory) for target in targets)),
            [
                (
                    _module(source, schema, directory),
                    *(str(amounts.get((source, target), "")) for target in targets),
                )
                for source in sources
            ],
        )
    return table(
        ("From", "To", "Foreign keys"),
        [
            (_module(source, schema, directory), _module(target, schema, directory), amount)
            for (source, target), amount in amounts.items()
        ],
    )


def _module(name: str, schema: Schema, directory: str) -> str:
    module = schema.module_by_name.get(name)
    return module_link(module, directory=directory) if module else "elsewhere"


def _tables_table(schema: Schema) -> list[str]:
    listed = [item for item in schema.tables if schema.module_by_name[item.module].documented]
    with_models = schema.source == "models"
    rows = []
    for item in sorted(listed, key=lambda item: (item.name.casefold(), item.name)):
        module = schema.module_by_name[item.module]
        kind = code(item.model) if with_models else item.kind
        rows.append((table_link(item, module), kind, module_link(module), len(item.columns)))
    return table(("Table", "Model" if with_models else "Kind", "Module", "Columns"), rows)


def _statistics_table(modules: Mapping[str, Counts]) -> list[str]:
    counts = total(modules)
    return table(
        ("What", "Number"),
        [
            ("Modules", len(modules)),
            ("Tables", counts.tables),
            ("Tables described", _share(counts.described_tables, counts.tables)),
            ("Columns", counts.columns),
            ("Columns described", _share(counts.described_columns, counts.columns)),
            ("Relationships within a module", counts.within),
            ("Relationships between modules", counts.across),
            ("Many-to-many fields", counts.many_to_many),
            ("Indexes", counts.indexes),
            ("Unique constraints", counts.unique),
            ("Check constraints", counts.checks),
        ],
    )


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({100 * part // whole if whole else 100} %)"
