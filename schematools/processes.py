"""What processes of their own need to load the same project in the same way."""

import os
import sys
from pathlib import Path

from django.conf import settings


def project_environment() -> dict[str, str]:
    """Return the variables with which another process loads this one's settings and packages.

    The settings have to be a module, as ``settings.SETTINGS_MODULE`` tells.
    """
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
        "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
        "PYTHONIOENCODING": "utf-8",
    }


def last_line(said: str) -> str:
    """Return how a process that failed ended its errors, for a sentence about it."""
    lines = said.strip().splitlines()
    return lines[-1].strip() if lines else "it ended without a word"
