"""What takes long to make is made once for all workers of a test run."""

import fcntl
import json
import os
from collections.abc import Callable
from typing import Any

import pytest


def shared(name: str, factory: pytest.TempPathFactory, make: Callable[[], str]) -> Any:
    """The JSON that ``make`` writes, read; whoever comes first has it made, and others wait."""
    directory = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        directory = directory.parent
    kept = directory / f"{name}.json"
    with (directory / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_text(make())
    return json.loads(kept.read_text())
