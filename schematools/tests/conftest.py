import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


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
