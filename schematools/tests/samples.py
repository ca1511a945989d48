"""Schemas to look at: one with everything that is awkward to show, and one that is large."""

from dataclasses import replace

from schematools.model import (
    Column,
    Constraint,
    GenericKey,
    Index,
    ManyToMany,
    OtherModel,
)
from schematools.tests.builders import make_key, make_schema, make_table

HOSTILE = '</script><script>alert("x")</script><!-- \u2028 & \U0001f600'
QUOTED = 'order "by" <b>%s</b> \U0001f600'


def awkward():
    """Return names and texts that break pages, and one of everything that a table can have."""
    columns = (
        Column(
            name="tier",
            type="varchar(8)",
            default="'gold'",
            description=f"See `tier` and {HOSTILE}",
            choices=(("gold", "Gold"), ("plain", "No tier | none")),
            types_elsewhere=(("sqlite", "text"),),
        ),
        Column(name="größe " + "x" * 60, type="enum('a','b') " * 5, null=True),
        Column(name="gross", type="numeric(12, 2)", generated="price * 2", collation="C"),
        Column(name="__proto__", type="", db_default="now()"),
    )
    tables = (
        make_table(
            "customer",
            make_key("customer", "friend", null=True, unique=True, reverse="friend_of"),
            make_key(QUOTED, "odd", on_delete="NO ACTION", enforced=False),
            make_key("elsewhere", "lost"),
            extra=columns,
            description=f"Who buys.\n\n- one\n- ``two``\n\n{HOSTILE}",
            notes="# Heading\n\nWords.\n\n```\ncode <b>\n```\n",
            other_models=(OtherModel(name="shop.Vip", kind="proxy", description="Pays."),),
            indexes=(
                Index(columns=("tier DESC",), name="tier_index", condition="tier <> 'x'"),
                Index(columns=("LOWER(gross)",), method="gin", include=("id",)),
            ),
            constraints=(
                Constraint("unique", columns=("tier",), name="tier_uniq", nulls_distinct=False),
                Constraint("check", expression="gross > 0", deferrable="deferred"),
            ),
            many_to_many=(ManyToMany("groups", target="constructor", through="toString"),),
            generic_keys=(GenericKey("thing", "type_id", "thing_id"),),
        ),
        make_table(QUOTED, make_key("customer"), module="odd"),
        make_table("constructor", module="odd", managed=False, kind="view"),
        make_table("toString", make_key("constructor"), make_key("customer"), automatic=True),
        make_table("auth_user", make_key("customer"), module="auth"),
    )
    return make_schema(*tables, undocumented=["auth"])


def from_database():
    """Return what a database says, where there are no models."""
    tables = (
        make_table("parent"),
        make_table("child", make_key("parent", on_delete="SET NULL")),
    )
    return replace(make_schema(*(replace(table, model="") for table in tables)), source="database")


def large(amount, modules=40):
    """Return many tables; each refers to one of its module and to one of the first tables."""
    names = [f"app{number % modules:02d}_model_{number:04d}" for number in range(amount)]
    words = [Column(f"field_{number}", "varchar(40)", null=True) for number in range(9)]
    tables = [make_table(names[0], module="app00", extra=words)]
    for number, name in enumerate(names[1:], start=1):
        keys = [make_key(names[number // 7], "far")]
        if number >= modules:
            keys.append(
                make_key(names[number // modules // 3 * modules + number % modules], "near")
            )
        tables.append(make_table(name, *keys, module=name[:5], extra=words))
    return make_schema(*tables)
