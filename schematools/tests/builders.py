"""Makes schemas out of as little as a test is about."""

from schematools.model import Column, Constraint, ForeignKey, Module, Schema, Table


def make_key(target, name="", **others):
    name = name or target
    return ForeignKey(
        name=name,
        columns=(f"{name}_id",),
        target=target,
        target_columns=("id",),
        **{"on_delete": "CASCADE"} | others,
    )


def make_table(name, *keys, module="shop", extra=(), **others):
    """Make a table with a key, a column for each foreign key, and the extra columns."""
    return Table(
        name=name,
        module=module,
        model=f"{module}.{name.title()}",
        columns=(
            Column(name="id", type="bigint", db_default="identity"),
            *(Column(name=key.columns[0], type="bigint", null=key.null) for key in keys),
            *extra,
        ),
        constraints=(
            Constraint(kind="primary key", columns=("id",)),
            *others.pop("constraints", ()),
        ),
        foreign_keys=keys,
        **others,
    )


def make_schema(*tables, undocumented=(), vendor="postgresql"):
    names = sorted({table.module for table in tables})
    return Schema(
        vendor=vendor,
        modules=tuple(
            Module(name=name, title=name.title(), apps=(name,), documented=name not in undocumented)
            for name in names
        ),
        tables=tuple(sorted(tables, key=lambda table: table.name)),
    )
