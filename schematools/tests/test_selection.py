import pytest

from schematools.config import ViewpointConfig
from schematools.errors import CannotRunError
from schematools.selection import documenting, viewpoint_tables, without_hidden
from schematools.tests.builders import make_key, make_schema, make_table

SCHEMA = make_schema(
    make_table("shop_orders", make_key("crm_people")),
    make_table("shop_log"),
    make_table("crm_people", module="crm"),
)


def viewpoint(*tables):
    return ViewpointConfig(name="sales", tables=tables, title="Sales")


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["shop_log"], ("shop_log",)),
        (["shop_*"], ("shop_log", "shop_orders")),
        (["crm.*", "shop_log"], ("crm_people", "shop_log")),
    ],
)
def test_tables_are_chosen_by_name_pattern_and_model(patterns, names):
    assert viewpoint_tables(SCHEMA, viewpoint(*patterns)) == names


def test_hidden_tables_are_not_there_while_keys_to_them_stay():
    schema = without_hidden(SCHEMA, ["crm_*"])

    assert [table.name for table in schema.tables] == ["shop_log", "shop_orders"]
    assert [key.target for key in schema.table_by_name["shop_orders"].foreign_keys] == [
        "crm_people"
    ]


def test_a_pattern_that_matches_nothing_is_refused_with_the_nearest_name():
    with pytest.raises(CannotRunError, match=r'"HIDE"\]: .*Did you mean .*shop_log'):
        without_hidden(SCHEMA, ["shop_logs"])
    with pytest.raises(CannotRunError, match=r"'sales'\]: 'xyz' matches no table\. Known:"):
        viewpoint_tables(SCHEMA, viewpoint("xyz"))


def test_where_not_every_table_is_known_a_pattern_may_match_nothing():
    assert without_hidden(SCHEMA, ["gone_*"], all_known=False) == SCHEMA


def test_only_the_chosen_modules_are_documented():
    chosen = documenting(SCHEMA, [SCHEMA.module_by_name["crm"]])

    assert [module.name for module in chosen.documented_modules] == ["crm"]
    assert chosen.tables == SCHEMA.tables
