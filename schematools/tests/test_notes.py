import pytest

from schematools.errors import CannotRunError
from schematools.notes import parse, with_notes
from schematools.tests.builders import make_schema, make_table

SOURCE = """\
# Shop

What is sold, and
to whom.

### Rules

```python
## not a heading
```

## orders

An order is **never** deleted.

## `shop.People`

Everybody.
"""


def test_text_belongs_to_the_heading_of_the_second_level_above_it():
    general, sections = parse(SOURCE)

    assert general.startswith("What is sold, and\nto whom.")
    assert "## not a heading" in general
    assert sections == {
        "orders": "An order is **never** deleted.",
        "shop.People": "Everybody.",
    }


def test_deeper_headings_go_below_those_of_the_page():
    general, sections = parse("### Rules\n\n## orders\n\n### Numbers\n")

    assert general == "##### Rules"
    assert sections == {"orders": "##### Numbers"}


def test_notes_are_put_where_they_belong(tmp_path):
    (tmp_path / "schema.md").write_text(SOURCE, encoding="utf-8")
    schema = make_schema(make_table("orders"), make_table("people"), make_table("rest"))

    noted = with_notes(schema, {"shop": tmp_path})

    assert noted.module_by_name["shop"].notes.startswith("What is sold")
    assert {table.name: table.notes for table in noted.tables} == {
        "orders": "An order is **never** deleted.",
        "people": "Everybody.",
        "rest": "",
    }


def test_notes_of_all_apps_of_a_module_come_together(tmp_path):
    for label in ("one", "two"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "schema.md").write_text(f"About {label}.\n", encoding="utf-8")
    schema = make_schema(make_table("orders"))
    (module,) = schema.modules
    schema = type(schema)(schema.vendor, (module_of(module, "one", "two"),), schema.tables)

    noted = with_notes(schema, {label: tmp_path / label for label in ("one", "two")})

    assert noted.modules[0].notes == "About one.\n\nAbout two."


def module_of(module, *apps):
    return type(module)(name=module.name, title=module.title, apps=apps)


def test_a_heading_that_names_nothing_is_refused_with_the_nearest_name(tmp_path):
    (tmp_path / "schema.md").write_text("## order\n", encoding="utf-8")

    with pytest.raises(CannotRunError, match=r"schema\.md: .*'order'.*Did you mean 'orders'"):
        with_notes(make_schema(make_table("orders")), {"shop": tmp_path})
