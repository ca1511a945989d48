import json
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schematools import json_document, model
from schematools.errors import CannotRunError
from schematools.json_document import document, dumps, from_document
from schematools.model import Column, Module, Schema, Table

from .builders import make_key, make_schema, make_table

JSON_SCHEMA = json.loads(
    Path(json_document.__file__).with_name("schema-v1.json").read_text(encoding="utf-8")
)
VALIDATOR = Draft202012Validator(JSON_SCHEMA)
KINDS = [kind for kind in vars(model).values() if is_dataclass(kind)]

SHOP = make_schema(
    make_table("orders", make_key("customers", null=True), extra=(Column("größe", "text"),)),
    make_table("customers", module="crm"),
)

# Any schema at all: every field of every class, as the annotations allow.
modules = st.lists(st.builds(Module), min_size=1, max_size=3, unique_by=lambda found: found.name)
schemas = modules.flatmap(
    lambda found: st.builds(
        Schema,
        modules=st.just(tuple(found)),
        tables=st.lists(
            st.builds(Table, module=st.sampled_from([module.name for module in found])),
            max_size=3,
            unique_by=lambda table: table.name,
        ).map(tuple),
    )
)


@given(schemas, st.text())
def test_any_schema_is_a_valid_document_and_comes_back_unchanged(schema, title):
    written = document(schema, title=title)

    VALIDATOR.validate(written)
    assert from_document(json.loads(dumps(written))) == schema


def test_the_awkward_project_is_a_valid_document_and_comes_back_unchanged(run_project):
    source = """
from schematools import json_document
from schematools.config import load_config
from schematools.project import read_project
schema = read_project(load_config())
written = json_document.document(schema, title="Awkward")
assert json_document.from_document(written) == schema
print(json_document.dumps(written), end="")
"""

    done = run_project("shell", "--no-imports", "-c", source)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    VALIDATOR.validate(found)
    assert {"shop_product", "auth_user", "end"} <= {table["name"] for table in found["tables"]}
    assert dumps(found) == done.stdout


def test_what_is_as_usual_is_left_out():
    assert document(SHOP, title="Shop") == {
        "format": "schematools",
        "version": 1,
        "title": "Shop",
        "vendor": "postgresql",
        "modules": [
            {"name": "crm", "title": "Crm", "apps": ["crm"]},
            {"name": "shop", "title": "Shop", "apps": ["shop"]},
        ],
        "tables": [
            {
                "name": "customers",
                "module": "crm",
                "model": "crm.Customers",
                "columns": [{"name": "id", "type": "bigint", "db_default": "identity"}],
                "constraints": [{"kind": "primary key", "columns": ["id"]}],
            },
            {
                "name": "orders",
                "module": "shop",
                "model": "shop.Orders",
                "columns": [
                    {"name": "id", "type": "bigint", "db_default": "identity"},
                    {"name": "customers_id", "type": "bigint", "null": True},
                    {"name": "größe", "type": "text"},
                ],
                "constraints": [{"kind": "primary key", "columns": ["id"]}],
                "foreign_keys": [
                    {
                        "name": "customers",
                        "columns": ["customers_id"],
                        "target": "customers",
                        "target_columns": ["id"],
                        "on_delete": "CASCADE",
                        "null": True,
                    }
                ],
            },
        ],
    }


def test_a_document_of_chosen_modules_holds_their_tables_alone():
    found = document(SHOP, title="Shop", modules=[SHOP.module_by_name["shop"]])

    assert [module["name"] for module in found["modules"]] == ["shop"]
    assert [table["name"] for table in found["tables"]] == ["orders"]
    assert from_document(found).table_by_name["orders"] == SHOP.table_by_name["orders"]


def test_the_text_is_readable_and_ends_in_one_newline():
    text = dumps(document(SHOP, title="Shop"))

    assert text.startswith('{\n  "format": "schematools",\n  "version": 1,\n')
    assert text.endswith("}\n")
    assert '"größe"' in text


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_json_schema_says_what_the_classes_say(kind):
    name = kind.__name__
    definitions = {"Schema": JSON_SCHEMA} | JSON_SCHEMA["$defs"]
    described = definitions[name if name in definitions else name[0].lower() + name[1:]]
    head = {"format", "version", "title"} if kind is Schema else set()

    assert set(described["properties"]) - head == {field.name for field in fields(kind)}
    assert set(described["required"]) - head == {
        field.name for field in fields(kind) if field.default is MISSING
    }
    for field, hint in get_type_hints(kind).items():
        if get_origin(hint) is Literal:
            assert described["properties"][field]["enum"] == list(get_args(hint))


VALID = document(SHOP, title="Shop")
ORDERS = VALID["tables"][1]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], "This is not a schema"),
        ({"format": "other"}, "This is not a schema"),
        ({"format": "schematools"}, "version None"),
        (VALID | {"version": 2}, "version 2 of the format, and only version 1"),
        (VALID | {"version": True}, "version True"),
        (VALID | {"title": 1}, "title must be a text"),
        (VALID | {"vendor": None}, "vendor must be a text"),
        (VALID | {"source": "file"}, "source must be one of 'models', 'database'"),
        (VALID | {"source": []}, "source must be one of"),
        (VALID | {"table": []}, "it has an unknown key 'table'. Did you mean 'tables'"),
        (VALID | {"tables": {}}, "tables must be a list"),
        (VALID | {"tables": ["orders"]}, r"tables\[0\] must be an object"),
        (VALID | {"tables": [ORDERS | {"managed": 1}]}, r"tables\[0\].managed must be true or"),
        (
            VALID | {"tables": [ORDERS | {"columns": [{"name": "a"}]}]},
            r"tables\[0\].columns\[0\] lacks the key 'type'",
        ),
        (
            VALID
            | {"tables": [ORDERS | {"columns": [{"name": "a", "type": "", "choices": [["x"]]}]}]},
            r"choices\[0\] must have 2 items",
        ),
        (VALID | {"tables": [ORDERS, ORDERS]}, r"tables\[0\] is one of several tables named 'or"),
        (VALID | {"tables": [ORDERS | {"module": "x"}]}, "is of a module 'x' not listed"),
        ({key: VALID[key] for key in VALID if key != "vendor"}, "it lacks the key 'vendor'"),
    ],
)
def test_a_malformed_document_is_refused_with_the_place(found, message):
    with pytest.raises(CannotRunError, match=message):
        from_document(found)
