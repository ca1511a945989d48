"""The commands that the specification shows, on the project itself."""

from io import StringIO

import pytest
from django.core.management import call_command


def run(*arguments):
    output = StringIO()
    call_command("generate_erd", *arguments, stdout=output)
    return output.getvalue()


@pytest.mark.parametrize("name", ["auth", "authentication"])
def test_one_module_prints_its_diagram(name):
    diagram = run("--module", name, "--format", "mermaid")

    assert diagram.startswith("erDiagram\n")
    assert '"totp_devices" {' in diagram


def test_the_committed_pages_are_fresh():
    assert "stale" not in run("--check")
