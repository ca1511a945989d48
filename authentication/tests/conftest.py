from types import SimpleNamespace

import pytest

from authentication.tests.codes import NOW


@pytest.fixture(autouse=True)
def _a_clock_that_stands_still(monkeypatch):
    """No time step ends between making a code and checking it."""
    monkeypatch.setattr("authentication.models.time", SimpleNamespace(time=lambda: NOW))
