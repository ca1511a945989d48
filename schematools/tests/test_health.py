from xml.etree import ElementTree as ET

from django.db import OperationalError

from schematools.errors import CannotRunError
from schematools.findings import Finding
from schematools.health import Section, junit, run_check

FINDING = Finding("index-missing", "orders.by\x00day", "an index", "<none>", 'CREATE INDEX "x" …')


def test_what_a_check_cannot_do_is_said_in_its_section():
    def unreachable():
        raise OperationalError("no route to host\nand more")

    def refused():
        raise CannotRunError("There is no database 'x'.")

    assert run_check("drift", unreachable).problem == (
        "The database cannot be read: no route to host. Start it, or correct DATABASES."
    )
    assert run_check("drift", refused) == Section("drift", problem="There is no database 'x'.")
    assert run_check("drift", lambda: [FINDING]) == Section("drift", (FINDING,))
    assert run_check("drift", list).is_good


def test_junit_has_a_suite_for_each_section_and_a_failure_for_each_finding():
    sections = [
        Section("drift", (FINDING, FINDING)),
        Section("status"),
        Section("integrity", problem="A table is locked."),
    ]

    root = ET.fromstring(junit(sections, title="database default"))  # noqa: S314

    suites = {suite.get("name"): suite for suite in root.findall("testsuite")}
    assert {
        name: (s.get("tests"), s.get("failures"), s.get("errors")) for name, s in suites.items()
    } == {
        "drift": ("2", "2", "0"),
        "status": ("1", "0", "0"),
        "integrity": ("1", "0", "1"),
    }
    failure = suites["drift"].find("testcase/failure")
    assert suites["drift"].find("testcase").get("name") == "index-missing: orders.byday"
    assert failure.get("message") == "Expected an index; found <none>."
    assert failure.text == 'CREATE INDEX "x" …'
    assert suites["status"].find("testcase").get("name") == "status"
    assert suites["integrity"].find("testcase/error").get("message") == "A table is locked."
