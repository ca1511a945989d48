"""Runs ``django-admin`` in processes of their own, as people do."""

import os
import subprocess
import sys
from functools import cache

from schematools.tests.warm import REPOSITORY, Stem, inherited, is_for_a_fork

PATIENCE = 120  # seconds


def run_django(*arguments, **environment):
    """Run ``django-admin`` where a warning is an error; ``environment`` names the settings."""
    path = os.pathsep.join(filter(None, [environment.pop("PYTHONPATH", ""), str(REPOSITORY)]))
    given = inherited() | {"PYTHONPATH": path, "NO_COLOR": "1"} | environment
    if is_for_a_fork(environment):
        return stem().run(arguments, given, timeout=PATIENCE)
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "django", *arguments],
        env=given,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=PATIENCE,
    )


@cache
def stem():
    return Stem()
