"""The grammar here is the part of Mermaid's that every version from 10.9 to 12.3 reads."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schematools.diagram import Attribute, Diagram, Entity, Relationship
from schematools.mermaid import (
    escape,
    render,
    render_modules,
    safe_name,
    safe_type,
)

# Between quotes: letters, digits, harmless marks and entity codes; never %, a quote or a backslash.
TEXT = r"(?:[^\W_]|[ (),.?!'…_-]|#\d+;)+"
NAME = r"(?!(?:pk|fk|uk)\b)[A-Za-z][A-Za-z0-9_]*"
TYPE = r"[A-Za-z][A-Za-z0-9_()\[\]]*"
GRAMMAR = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"erDiagram",
        rf'    "{TEXT}"(?: {{)?',
        rf'        {TYPE} {NAME}(?: (?:PK|FK|UK)(?:, (?:PK|FK|UK))*)?(?: "{TEXT}")?',
        r"    }",
        rf'    "{TEXT}" (?:\|\||\|o)(?:--|\.\.)o[{{|] "{TEXT}" : "{TEXT}"',
    )
]
DECODE = re.compile(r"#(\d+);")

MARKS = "\"'`\\%#;:|_*{}<>/[]()-+~ \n\t"
WORDS = "pk FK direction LR __init__ 1. www. https:// %% --> #quot; ü 表 \U0001f600 order end"
hostile = st.text(min_size=1) | st.lists(
    st.sampled_from([*MARKS, *WORDS.split(), "direction LR"]), min_size=1
).map("".join)


def decode(text):
    return DECODE.sub(lambda match: chr(int(match[1])), text)


def shown(text):
    """Return what is left of a text when it is put on one line."""
    visible = "".join(mark for mark in text if mark.isprintable() or mark.isspace())
    return " ".join(visible.split())


@given(hostile, hostile, hostile, hostile)
def test_any_identifier_stays_within_the_grammar(table, column, column_type, description):
    attribute = Attribute(column, column_type, keys=("PK", "FK"), description=description)
    diagram = Diagram(
        entities=(Entity(table, (attribute,)), Entity(column, ())),
        relationships=(Relationship(table, column, f"f {description}", True, False, True),),
    )

    lines = render(diagram).splitlines()

    assert all(any(rule.fullmatch(line) for rule in GRAMMAR) for line in lines)


@given(hostile)
def test_an_escaped_text_is_drawn_as_it_was_given(text):
    assert decode(escape(text)) == shown(text)


@given(hostile)
def test_an_escaped_text_holds_nothing_that_mermaid_or_markdown_acts_on(text):
    escaped = escape(text)

    assert not re.search(r"direction\s+(TB|BT|LR|RL)", escaped, re.IGNORECASE)
    assert not re.search(r"""["%\\*`~<>\[\]{}|:/@+=]|#(?!\d+;)""", escaped)
    assert not re.search(r"\b_|_\b", escaped)
    assert not re.match(r"-|\d+[.)]", escaped)


@pytest.mark.parametrize(
    ("column_type", "expected"),
    [
        ("varchar(30)", "varchar(30)"),
        ("numeric(10, 2)", "numeric(10_2)"),
        ("timestamp with time zone", "timestamptz"),
        ("varchar(10)[]", "varchar(10)[]"),
        ("geometry(POINT,4326)", "geometry(POINT_4326)"),
        ("", "unknown"),
        ("1+1", "unknown_1_1"),
    ],
)
def test_a_type_is_one_word(column_type, expected):
    assert safe_type(column_type) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("user_id", "user_id"),
        ("PK", "PK_"),
        ("__init__", "init"),
        ("1st", "column_1st"),
        ("a.b", "a_b"),
        ("表", "column"),
    ],
)
def test_a_name_that_mermaid_would_not_read_is_replaced(name, expected):
    assert safe_name(name) == expected


def test_the_real_name_of_a_replaced_column_is_in_its_comment():
    column = Attribute("größe", "text", description="How big")

    assert 'text gr_e "größe#58; How big"' in render(Diagram((Entity("t", (column,)),), ()))


@pytest.mark.parametrize(
    ("optional", "unique", "enforced", "line"),
    [
        (False, False, True, '"a" ||--o{ "b" : "f"'),
        (True, False, True, '"a" |o--o{ "b" : "f"'),
        (False, True, True, '"a" ||--o| "b" : "f"'),
        (True, True, False, '"a" |o..o| "b" : "f"'),
    ],
)
def test_cardinalities(optional, unique, enforced, line):
    relationship = Relationship("a", "b", "f", optional, unique, enforced)

    assert render(Diagram((), (relationship,))) == f"erDiagram\n    {line}\n"


def test_modules_are_drawn_with_the_number_of_keys_between_them():
    assert render_modules({"crm": 'The "crm"', "shop": ""}, [("shop", "crm", 3)]) == (
        'flowchart LR\n    m0["The #34;crm#34;"]\n    m1["unnamed"]\n    m1 -->|3| m0\n'
    )


def test_a_many_to_many_line_has_many_at_both_ends():
    relation = Relationship("a", "b", "tags (many to many)", many=True)
    diagram = Diagram((Entity("a", ()), Entity("b", ())), (relation,))

    assert '"a" }o--o{ "b" : "tags (many to many)"' in render(diagram)
