from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db.utils import load_backend

from schematools import engines


@pytest.fixture
def configure(monkeypatch):
    def configure(engine):
        databases = {"default": {"ENGINE": engine}} if engine else {}
        monkeypatch.setattr(engines, "settings", SimpleNamespace(DATABASES=databases))

    return configure


def vendors():
    return [connection.vendor for connection in engines.documented_connections()]


@pytest.mark.parametrize(
    "engine",
    ["django.db.backends.sqlite3", "django.db.backends.postgresql", "django.db.backends.dummy", ""],
)
def test_both_engines_are_documented_whichever_is_configured(configure, engine):
    configure(engine)

    assert vendors() == ["postgresql", "sqlite"]


def test_an_engine_whose_driver_is_not_installed_is_left_out(configure, monkeypatch):
    def without_postgresql(name):
        if name.endswith("postgresql"):
            raise ImproperlyConfigured
        return load_backend(name)

    monkeypatch.setattr("django.db.utils.load_backend", without_postgresql)
    configure("django.db.backends.sqlite3")

    assert vendors() == ["sqlite"]


def test_a_project_on_another_engine_is_documented_for_that_alone(configure, monkeypatch):
    connection = SimpleNamespace(vendor="oracle")
    found = {"django.db.backends.oracle": connection}
    monkeypatch.setattr(engines, "_connection", lambda database: found.get(database["ENGINE"]))
    configure("django.db.backends.oracle")

    assert vendors() == ["oracle"]
    assert engines.title("oracle") == "Oracle"
