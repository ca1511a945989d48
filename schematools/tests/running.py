"""Runs ``django-admin`` in processes of their own, as people do."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


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
