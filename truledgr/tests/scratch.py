"""Runs a scenario of ``truledgr.tests.killing`` on the engine of this test run."""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from truledgr.tests.engines import with_name
from truledgr.tests.postgres import PROJECT
from truledgr.tests.sharing import shared


def report_of(name: str, factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of a scenario; the workers of one test run share it."""
    report: dict[str, Any] = shared(
        f"scenario-{name}", factory, lambda: _run(name, factory.mktemp(name))
    )
    return report


def _run(name: str, directory: Path) -> str:
    """The scenario makes its databases itself, next to the test database."""
    mark = f"{name}_{secrets.token_hex(4)}"
    if connection.vendor == "postgresql":
        test_name = str(connection.settings_dict["NAME"])
        url = with_name(os.environ["DATABASE_URL"], f"{test_name[:40]}_{mark}")
    else:
        url = f"sqlite:///{directory / mark}.sqlite3"
    settings = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "truledgr.settings_test"}
    done = subprocess.run(
        [sys.executable, "-m", "truledgr.tests.killing", name],
        cwd=PROJECT,
        env={**os.environ, **settings, "DEBUG": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
