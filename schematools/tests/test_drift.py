from dataclasses import replace

from schematools.drift import (
    MigrationHistory,
    MissingOperation,
    history_findings,
    missing_operations,
    page_findings,
)

FIRST, SECOND = ("shop", "0001_initial"), ("shop", "0002_more")
CLEAN = MigrationHistory(
    parents={FIRST: (), SECOND: (FIRST,)},
    applied=frozenset({FIRST, SECOND}),
    recorded=frozenset({FIRST, SECOND}),
    explained=frozenset({FIRST, SECOND}),
    leaves={"shop": ["0002_more"]},
)


def found(history):
    return [(finding.id, finding.object, finding.remedy) for finding in history_findings(history)]


def test_a_history_without_faults_has_no_findings():
    assert found(CLEAN) == []


def test_migrations_that_were_not_applied_are_named_in_order():
    history = replace(CLEAN, applied=frozenset(), recorded=frozenset())

    assert found(history) == [
        ("migration-unapplied", "shop.0001_initial", "python manage.py migrate shop"),
        ("migration-unapplied", "shop.0002_more", "python manage.py migrate shop"),
    ]


def test_a_record_without_a_file_is_found():
    (finding,) = history_findings(replace(CLEAN, recorded=CLEAN.recorded | {("shop", "0003_gone")}))

    assert (finding.id, finding.object) == ("migration-file-missing", "shop.0003_gone")
    assert finding.remedy.endswith("python manage.py migrate --prune shop")


def test_a_record_of_an_app_that_is_not_installed_is_no_finding():
    assert found(replace(CLEAN, recorded=CLEAN.recorded | {("old", "0001_initial")})) == []


def test_a_migration_applied_before_its_parent_is_found():
    broken, unapplied = history_findings(replace(CLEAN, applied=frozenset({SECOND})))

    assert (broken.id, broken.object) == ("migration-history-broken", "shop.0002_more")
    assert broken.expected == "applied after shop.0001_initial"
    assert broken.remedy.endswith("python manage.py migrate --fake shop 0001_initial")
    assert unapplied.object == "shop.0001_initial"


def test_several_latest_migrations_are_a_conflict():
    (finding,) = history_findings(replace(CLEAN, leaves={"shop": ["0002_b", "0002_a"]}))

    assert (finding.id, finding.object, finding.found) == (
        "migration-conflict",
        "shop",
        "0002_a, 0002_b",
    )
    assert finding.remedy == "python manage.py makemigrations --merge shop"


def test_an_operation_that_no_migration_makes_names_its_model():
    operation = MissingOperation("shop", "shop.Item", "Add field colour to item")

    (finding,) = missing_operations([operation])

    assert (finding.id, finding.object) == ("model-not-migrated", "shop.Item")
    assert "Add field colour to item" in finding.expected
    assert finding.remedy == "python manage.py makemigrations shop"


def test_pages_are_found_by_what_is_wrong_with_them():
    findings = list(page_findings([("missing", "a.md"), ("stale", "b.md"), ("orphaned", "c.md")]))

    assert [(finding.id, finding.object) for finding in findings] == [
        ("docs-missing", "a.md"),
        ("docs-stale", "b.md"),
        ("docs-orphaned", "c.md"),
    ]
    assert {finding.remedy for finding in findings} == {"python manage.py generate_erd"}
