"""Puts the outcomes of several checks of a database together, for people and for CI."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from django.core.management.base import CommandError

from schematools.findings import AnyFinding
from schematools.terminal import failures_in_words


@dataclass(frozen=True, slots=True)
class Section:
    """One check: what it found, or in ``problem`` why it could not run."""

    name: str
    findings: tuple[AnyFinding, ...] = ()
    problem: str = ""

    @property
    def is_good(self) -> bool:
        return not self.findings and not self.problem


def run_check(name: str, check: Callable[[], Iterable[AnyFinding]]) -> Section:
    """Run a check; what it cannot do is said in its section, so that the others still run."""
    try:
        with failures_in_words():
            return Section(name, tuple(check()))
    except CommandError as error:
        return Section(name, problem=str(error))


def junit(sections: Sequence[Section], *, title: str) -> str:
    """Return the sections as JUnit XML: a suite for each, a failed case for each finding."""
    root = ET.Element("testsuites", name=title)
    for section in sections:
        suite = ET.SubElement(
            root,
            "testsuite",
            name=section.name,
            tests=str(max(1, len(section.findings))),
            failures=str(len(section.findings)),
            errors=str(int(bool(section.problem))),
        )
        for finding in section.findings:
            case = _case(suite, f"{finding.id}: {finding.object}", section.name)
            failure = ET.SubElement(
                case, "failure", type=finding.id, message=_printable(finding.sentence)
            )
            failure.text = _printable(finding.remedy)
        if not section.findings:
            case = _case(suite, section.name, section.name)
            if section.problem:
                ET.SubElement(
                    case, "error", type="could-not-run", message=_printable(section.problem)
                )
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, name: str, class_name: str) -> ET.Element:
    return ET.SubElement(
        suite, "testcase", name=_printable(name), classname=f"db_health.{class_name}"
    )


def _printable(text: str) -> str:
    """Return the text without what XML 1.0 cannot hold (section 2.2, production 2)."""
    return "".join(
        mark for mark in text if mark in "\t\n\r" or (mark >= " " and mark not in "\ufffe\uffff")
    )
