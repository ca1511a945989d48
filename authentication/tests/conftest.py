from types import SimpleNamespace

import pytest

from authentication.tests.codes import NOW
from authentication.tests.issuer import Issuer
from authentication.tests.oauth import set_up


@pytest.fixture(autouse=True)
def _a_clock_that_stands_still(monkeypatch):
    """No time step ends between making a code and checking it."""
    monkeypatch.setattr("authentication.models.time", SimpleNamespace(time=lambda: NOW))


@pytest.fixture
def issuer():
    """A running OpenID Connect issuer, which nothing is set up to use yet."""
    with Issuer() as running:
        yield running


@pytest.fixture
def corp(issuer, settings):
    """The same, set up as the provider "corp"."""
    set_up(settings, corp=issuer)
    return issuer
