"""What is compared, and what is left alone; whole databases are in test_drift_mutations.py."""

from dataclasses import replace

import pytest

from schematools.diff import Rules, compare
from schematools.drift import IDS
from schematools.model import Column, Constraint, Index, Trigger
from schematools.tests.builders import make_key, make_schema, make_table

BY_NAME = Index(columns=("name",), name="t_name", definition="CREATE INDEX t_name ON t (name)")
SAME = replace(BY_NAME, name="t_name_other")
TABLE = make_table("t", make_key("t", "up"), extra=[Column("name", "text")], indexes=[BY_NAME])


def found(wanted, actual, **rules):
    differing = list(compare(make_schema(wanted), make_schema(actual), Rules(**rules)))
    assert {finding.id for finding in differing} <= IDS
    return [(finding.id, finding.object) for finding in differing]


def test_a_schema_is_no_different_from_itself():
    assert found(TABLE, TABLE) == []


def test_a_name_matters_only_where_a_model_declares_it():
    renamed = replace(TABLE, indexes=(SAME,))

    assert found(TABLE, renamed) == []
    assert found(TABLE, renamed, declared={"t_name"}) == [("index-renamed", "t.t_name")]


def test_of_several_equal_indexes_the_one_with_the_right_name_is_the_expected_one():
    doubled = replace(TABLE, indexes=(SAME, BY_NAME))

    assert found(TABLE, doubled, declared={"t_name"}) == [("index-extra", "t.t_name_other")]
    assert found(doubled, TABLE) == [("index-missing", "t.t_name_other")]


def test_the_order_of_columns_does_not_matter():
    assert found(TABLE, replace(TABLE, columns=TABLE.columns[::-1])) == []


def test_blanks_in_a_type_do_not_matter():
    wanted = replace(TABLE, columns=(Column("a", "numeric(10,2)"),))

    assert found(wanted, replace(TABLE, columns=(Column("a", "numeric( 10, 2 )"),))) == []


def test_where_the_expected_is_not_exact_nothing_is_too_much():
    more = replace(
        TABLE,
        columns=(*TABLE.columns, Column("more", "text")),
        indexes=(*TABLE.indexes, Index(columns=("up_id",), name="more")),
        constraints=(*TABLE.constraints, Constraint("check", name="more", expression="1")),
        foreign_keys=(*TABLE.foreign_keys, make_key("other", "more")),
        triggers=(Trigger(name="more", action="x"),),
    )

    assert len(found(TABLE, more)) == 5
    assert found(TABLE, more, exact=False) == []


def test_where_the_expected_is_not_exact_partitions_are_what_models_cannot_say():
    plain = replace(TABLE, constraints=(Constraint("primary key", "t_pkey", ("id",)),))
    parts = replace(
        plain,
        kind="partitioned table",
        options=("PARTITION BY RANGE (at)",),
        constraints=(Constraint("primary key", "t_pkey", ("id", "at")),),
    )
    without_index = replace(parts, indexes=())
    other_key = replace(parts, constraints=(Constraint("primary key", "t_pkey", ("name", "at")),))

    assert found(plain, parts) == [("table-differs", "t")]
    assert found(plain, parts, exact=False) == []
    assert found(plain, without_index, exact=False) == [("index-missing", "t.t_name")]
    assert found(plain, other_key, exact=False) == [("constraint-differs", "t.t_pkey")]
    assert found(parts, plain, exact=False) == [("table-differs", "t")]


def test_tables_that_need_no_migration_are_not_extra():
    expected, actual = make_schema(TABLE), make_schema(TABLE, make_table("cache"))

    assert [each.object for each in compare(expected, actual)] == ["cache"]
    assert list(compare(expected, actual, Rules(known={"cache"}))) == []


@pytest.mark.parametrize(("null", "severity"), [(True, "warning"), (False, "error")])
def test_an_extra_column_is_worse_when_rows_cannot_be_added(null, severity):
    more = replace(TABLE, columns=(*TABLE.columns, Column("more", "text", null=null)))

    (finding,) = compare(make_schema(TABLE), make_schema(more))

    assert finding.severity == severity


def test_a_disabled_guard_of_a_foreign_key_is_found():
    off = replace(TABLE, triggers=(Trigger(name="t_up_fk", action="", firing="disabled"),))

    assert found(TABLE, off) == [("trigger-disabled", "t.t_up_fk")]


@pytest.mark.parametrize("vendor", ["postgresql", "sqlite"])
def test_names_are_quoted_in_what_mends(vendor):
    odd = make_table('a "b"')

    (finding,) = compare(make_schema(vendor=vendor), make_schema(odd, vendor=vendor))

    assert finding.remedy.startswith('DROP TABLE "a ""b""";')
