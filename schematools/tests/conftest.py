import os
import shutil
import sys

import pytest

from schematools.tests.running import run_django
from schematools.tests.shelf import Shelf

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


@pytest.fixture(scope="module")
def clean_shelf(tmp_path_factory, django_db_setup, django_db_blocker):
    """The small project as it was migrated, for copies."""
    with django_db_blocker.unblock():
        shelf = Shelf.made(tmp_path_factory.mktemp("shelf"))
        yield shelf
        shelf.remove()


@pytest.fixture
def shelf(clean_shelf, tmp_path):
    """A copy of the small project, with a database of its own, to be spoilt."""
    copied = clean_shelf.copied(tmp_path / "project")
    yield copied
    copied.remove()
