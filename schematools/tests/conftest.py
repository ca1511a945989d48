import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

# Draws nothing, but writes every text of the source as Graphviz would, where that is missing.
STAND_IN = r"""#!{python}
import html, re, sys
source = sys.stdin.read()
cells = re.findall(r">([^<>]+)</", source)
titles = re.findall(r'label="((?:[^"\\]|\\.)*)"', source)
titles = [html.escape(re.sub(r"\\(.)", r"\1", title)) for title in titles]
print("<?xml version='1.0'?><!-- comment -->\n<svg><!-- comment -->", *cells, *titles, "</svg>")
"""
PROGRAMS = ["stand-in", *(["Graphviz"] if shutil.which("dot") else [])]


@pytest.fixture(params=PROGRAMS)
def graphviz(request, tmp_path_factory, monkeypatch):
    """The program ``dot`` on the path: a stand-in, and the real one where it is installed."""
    if request.param == "stand-in":
        directory = tmp_path_factory.mktemp("graphviz")
        program = directory / "dot"
        program.write_text(STAND_IN.format(python=sys.executable), encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(directory), prepend=os.pathsep)


@pytest.fixture
def run_project(tmp_path):
    """Run a management command of the awkward project, in a process of its own."""

    def run(*arguments, **environment):
        return run_django(
            *arguments,
            DJANGO_SETTINGS_MODULE="schematools.tests.project.settings",
            PROJECT_DIR=str(tmp_path),
            **environment,
        )

    return run


def run_django(*arguments, **environment):
    """Run ``django-admin`` where a warning is an error; ``environment`` names the settings."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DJANGO_", "PROJECT_", "PYTHON", "COVERAGE_", "COV_"))
    }
    path = [environment.pop("PYTHONPATH", ""), str(REPOSITORY)]
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "django", *arguments],
        env=inherited
        | {"PYTHONPATH": os.pathsep.join(filter(None, path)), "NO_COLOR": "1"}
        | environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
