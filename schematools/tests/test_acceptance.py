from dataclasses import replace

import pytest

from schematools.acceptance import flaws, read_acceptances
from schematools.hazards import Hazard

SOURCE = '''\
"""What changed."""

from django.db import migrations

# schematools: accept sql-irreversible — nobody goes back over this


class Migration(migrations.Migration):
    # schematools: accept column-dropped — beside no operation

    operations = [
        # schematools: accept index-added — the table is small
        # and stays so
        migrations.AddIndex(
            "book",
            index,
        ),
        migrations.RemoveField("book", "a"),  # schematools: accept column-dropped: gone since 2.0
        migrations.RemoveField(
            "book",
            "b",  # schematools: accept column-dropped -- it was never used
        ),
        # schematools: accept column-dropped
        migrations.RemoveField("book", "# schematools: accept in-a-string — no"),
    ]
'''
IDS = {"column-dropped", "index-added", "sql-irreversible"}


def hazard(name, position):
    return Hazard(id=name, severity="error", object="x", message="m", remedy="r", position=position)


def test_acceptances_are_found_where_they_stand():
    found = read_acceptances(SOURCE)

    assert [(each.line, each.id, each.position, each.reason) for each in found] == [
        (5, "sql-irreversible", None, "nobody goes back over this"),
        (9, "column-dropped", None, "beside no operation"),
        (12, "index-added", 0, "the table is small"),
        (18, "column-dropped", 1, "gone since 2.0"),
        (21, "column-dropped", 2, "it was never used"),
        (23, "column-dropped", 3, ""),
    ]


@pytest.mark.parametrize(
    ("name", "position", "expected"),
    [
        ("sql-irreversible", 0, True),
        ("sql-irreversible", -1, True),
        ("index-added", 0, True),
        ("index-added", 1, False),
        ("column-dropped", 0, False),
        ("column-dropped", 1, True),
        ("column-dropped", 2, True),
        ("column-dropped", 3, False),
    ],
)
def test_an_acceptance_is_about_its_operation_or_the_whole_file(name, position, expected):
    found = read_acceptances(SOURCE)

    assert any(each.accepts(hazard(name, position)) for each in found) is expected


def test_what_is_wrong_with_acceptances_is_found():
    hazards = [hazard("index-added", 0), hazard("column-dropped", 2)]

    found = list(flaws(read_acceptances(SOURCE), hazards, migration="shop.0002_x", ids=IDS))

    assert [(each.id, each.object, each.remedy) for each in found] == [
        ("accept-unused", "shop.0002_x: line 5", "Remove it."),
        (
            "accept-unused",
            "shop.0002_x: line 9",
            "Put it on or above an operation, or before the class.",
        ),
        ("accept-unused", "shop.0002_x: line 18", "Remove it."),
        (
            "accept-without-reason",
            "shop.0002_x: line 23",
            "Write one: # schematools: accept index-added — the table is small",
        ),
    ]


@pytest.mark.parametrize(
    ("comment", "name", "sentence"),
    [
        ("index-aded — why", "accept-unknown", "There is no hazard 'index-aded' to accept."),
        ("", "accept-unknown", "There is no hazard '' to accept."),
        ("index-added —", "accept-without-reason", "Nothing says why 'index-added' is accepted"),
        ("index-added", "accept-without-reason", "Nothing says why 'index-added' is accepted"),
    ],
)
def test_a_wrong_acceptance_is_explained(comment, name, sentence):
    acceptances = read_acceptances(f"# schematools: accept {comment}\n")

    (flaw,) = flaws(acceptances, [], migration="shop.0001_x", ids=IDS)

    assert flaw.id == name
    assert flaw.message.startswith(sentence)


def test_a_near_id_is_suggested():
    acceptances = read_acceptances("# schematools: accept index-aded — why\n")

    (flaw,) = flaws(acceptances, [], migration="shop.0001_x", ids=IDS)

    assert flaw.remedy == "Did you mean 'index-added'?"


def test_operations_that_are_not_a_plain_list_are_accepted_by_file_alone():
    source = SOURCE.replace("operations = [", "operations = before + [")

    positions = {each.position for each in read_acceptances(source)}

    assert positions == {None}


def test_an_empty_reason_never_accepts():
    (acceptance,) = read_acceptances("# schematools: accept index-added: small\n")

    assert acceptance.accepts(hazard("index-added", 0))
    assert not replace(acceptance, reason="").accepts(hazard("index-added", 0))
