"""Databases are spoilt in one way each: it is found by name, and the remedy given mends it."""

import pytest
from django.db import connection

from schematools.catalog import read_database
from schematools.diff import Rules, compare
from schematools.replay import expected_from
from schematools.tests import mutations_harmless, mutations_postgresql, mutations_sqlite
from schematools.tests.mutating import PROJECTS, Template, rewrite, run

# Each worker of a test run would make templates of its own.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("drift_mutations")]

MUTATIONS = {
    "postgresql": mutations_postgresql.MUTATIONS,
    "sqlite": mutations_sqlite.MUTATIONS,
}[connection.vendor]
HARMLESS = {
    "postgresql": mutations_harmless.POSTGRESQL,
    "sqlite": mutations_harmless.SQLITE,
}[connection.vendor]


@pytest.fixture(scope="module")
def templates(tmp_path_factory, django_db_setup, django_db_blocker):
    made = {}
    with django_db_blocker.unblock():
        try:
            for project in PROJECTS:
                made[project] = Template(project, tmp_path_factory.mktemp(project))
            yield made
        finally:
            for template in made.values():
                template.remove()


def findings(template, opened):
    expected = expected_from(template.expected)
    rules = Rules(declared=expected.declared)
    return list(compare(expected.schema, read_database(opened), rules))


def spoil(opened, change):
    if isinstance(change, str):
        run(opened, change)
    else:
        rewrite(opened, *change)


@pytest.mark.parametrize("project", PROJECTS)
def test_a_freshly_migrated_database_is_clean(templates, project):
    with templates[project].copy() as opened:
        assert findings(templates[project], opened) == []


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_harmless_is_no_drift(templates, name):
    project, change = HARMLESS[name]

    with templates[project].copy() as opened:
        spoil(opened, change)

        assert findings(templates[project], opened) == []


@pytest.mark.parametrize("name", MUTATIONS)
def test_it_is_found_and_the_remedy_mends_it(templates, name):
    project, change, wanted = MUTATIONS[name]

    with templates[project].copy() as opened:
        spoil(opened, change)
        found = findings(templates[project], opened)

        assert {(finding.id, finding.object) for finding in found} == set(wanted)

        for _ in found:
            left = findings(templates[project], opened)
            if left:
                run(opened, left[0].remedy)
        assert findings(templates[project], opened) == []


def test_there_are_at_least_forty():
    assert len(MUTATIONS) >= 40
