"""The command from end to end, against a live database of this test run's engine."""

import json
from xml.etree import ElementTree as ET

import pytest

from schematools.tests.shelf import Shelf

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("drift_live")]

COMMAND = "db_health"
SECTIONS = ["drift", "status", "integrity", "indexes", "documentation"]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory, django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        shelf = Shelf.made(tmp_path_factory.mktemp("shelf"))
        shelf.run("generate_erd")
        yield shelf
        shelf.remove()


@pytest.fixture
def spoilt(shelf, tmp_path):
    """A copy of the project whose database has a table too many."""
    copied = shelf.copied(tmp_path / "project")
    copied.sql("CREATE TABLE stray (id integer PRIMARY KEY)")
    yield copied
    copied.remove()


def sections_of(done):
    return json.loads(done.stdout)["sections"]


def test_each_check_has_a_section(shelf):
    done = shelf.run(COMMAND, "--format", "json", "--skip", "indexes")

    assert list(sections_of(done)) == [name for name in SECTIONS if name != "indexes"]
    assert [name for name, section in sections_of(done).items() if not section["healthy"]] == []
    assert (done.returncode, json.loads(done.stdout)["healthy"]) == (0, True)


def test_a_finding_is_in_the_section_of_its_check_alone(spoilt):
    done = spoilt.run(COMMAND, "--format", "json", "--skip", "indexes")

    assert done.returncode == 1
    found = {name: section["findings"] for name, section in sections_of(done).items()}
    assert [(item["id"], item["object"]) for item in found.pop("drift")] == [
        ("table-extra", "stray")
    ]
    assert not any(found.values())


def test_people_and_ci_read_the_same(spoilt):
    arguments = (COMMAND, "--skip", "indexes", "--skip", "integrity")
    text = spoilt.run(*arguments)
    xml = spoilt.run(*arguments, "--format", "junit")

    assert "1 finding: drift\n" in text.stdout
    assert "ok: documentation\n" in text.stdout
    assert text.stderr.endswith("1 finding.\n")
    suites = {suite.get("name"): suite.get("failures") for suite in ET.fromstring(xml.stdout)}  # noqa: S314
    assert suites == {"drift": "1", "status": "0", "documentation": "0"}


def test_what_is_pending_is_in_the_status(shelf, tmp_path):
    behind = shelf.copied(tmp_path / "project")
    behind.sql("DELETE FROM django_migrations WHERE app = 'shelf' AND name <> '0001_initial'")
    try:
        done = behind.run(COMMAND, "--format", "json", "--skip", "indexes", "--skip", "integrity")
    finally:
        behind.remove()

    status = sections_of(done)["status"]["findings"]
    assert done.returncode == 1
    assert {item["id"] for item in status} == {"migration-unapplied"}
    assert not {item["id"] for item in sections_of(done)["drift"]["findings"]} & {
        "migration-unapplied"
    }


def test_a_section_that_could_not_run_weighs_more_than_findings(spoilt):
    done = spoilt.run(COMMAND, "--skip", "drift", PROJECT_DATABASE="/nowhere/at/all")

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert spoilt.run(COMMAND, "--database", "other").returncode == 2
