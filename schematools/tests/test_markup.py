import pytest
from hypothesis import given
from hypothesis import strategies as st

from schematools.markup import anchor, code, inline, number, plain, table, text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("name", "`name`"),
        ("", ""),
        ("a`b", "``a`b``"),
        ("`a`", "`` `a` ``"),
        ("two\nlines", "`two lines`"),
    ],
)
def test_code(value, expected):
    assert code(value) == expected


def test_prose_keeps_its_markdown_but_no_html():
    assert text("**A** <b> `x < y` <i>") == "**A** &lt;b> `x < y` &lt;i>"


def test_a_line_of_text_keeps_only_its_code():
    assert inline("__init__ and\na*b*c `x_*y` <i>") == r"\_\_init\_\_ and a\*b\*c `x_*y` \<i\>"


def test_plain_text_leaves_words_with_underscores_alone():
    assert plain("user_id | _x_ [a](b)") == r"user_id \| \_x\_ \[a\](b)"


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_a_row_has_as_many_cells_as_the_header_whatever_is_in_them(values):
    cells = [make(value) for value in values for make in (code, plain)]

    _, rule, row = table([""] * len(cells), [cells])

    unescaped = row.replace("\\\\", "").replace(r"\|", "")
    assert unescaped.count("|") == rule.count("|") == len(cells) + 1
    assert "\n" not in row


def test_numbers_are_aligned_to_the_right():
    assert table(("A", "B"), [("x", 1234)]) == ["| A | B |", "| --- | ---: |", "| x | 1,234 |"]


def test_anchors_are_readable_and_distinct():
    assert anchor("user_sessions") == "table-user_sessions"
    assert anchor("a b") != anchor("a-b") != anchor("a.b") != anchor("a b")


def test_number():
    assert (number(1, "table"), number(1200, "table"), number(2, "entry", "entries")) == (
        "1 table",
        "1,200 tables",
        "2 entries",
    )
