import pytest

from schematools.errors import CannotRunError
from schematools.findings import Finding, parse_ignores, unused, without_ignored

IDS = ("column-missing", "table-missing")
FINDINGS = (
    Finding("table-missing", "orders", "a table", "none", "python manage.py migrate"),
    Finding("column-missing", "orders.x", "a column", "none", "python manage.py migrate"),
    Finding("column-missing", "old_orders.x", "a column", "none", "python manage.py migrate"),
)


def ignores(*entries):
    return parse_ignores(dict.fromkeys(entries, ""), ids=IDS)


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        ([], ["orders", "orders.x", "old_orders.x"]),
        (["column-missing"], ["orders"]),
        (["column-missing:old_*"], ["orders", "orders.x"]),
        (["column-missing:*.x", "table-missing"], []),
        (["column-missing:orders"], ["orders", "orders.x", "old_orders.x"]),
    ],
)
def test_findings_are_ignored_by_id_and_object(entries, left):
    kept = without_ignored(FINDINGS, ignores(*entries))

    assert [finding.object for finding in kept] == left


def test_an_unknown_id_is_refused_with_a_suggestion():
    with pytest.raises(CannotRunError, match=r"'table-mising'.*Did you mean 'table-missing'"):
        ignores("table-mising:orders")


def test_what_matches_nothing_is_named():
    stale = unused(FINDINGS, ignores("table-missing", "column-missing:gone"))

    assert [str(each) for each in stale] == ["column-missing:gone"]


def test_a_reason_is_kept():
    (ignore,) = parse_ignores({"table-missing:legacy_*": "made by hand"}, ids=IDS)

    assert (ignore.id, ignore.pattern, ignore.reason) == (
        "table-missing",
        "legacy_*",
        "made by hand",
    )


def test_a_finding_is_a_sentence():
    assert FINDINGS[0].sentence == "Expected a table; found none."
