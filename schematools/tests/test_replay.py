"""A replay knows no place but its own, and what it makes is kept where nobody else can put it."""

import os
import stat
from types import SimpleNamespace

import pytest
from django.db import connection

from schematools import snapshots
from schematools.catalog import read_database
from schematools.diff import Rules, compare
from schematools.json_document import document
from schematools.outlines import outline
from schematools.replay_process import lead_away
from schematools.snapshots import read_snapshot, write_snapshot

REAL = "real.example.org"
POSTGRESQL = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": "shop",
    "HOST": REAL,
    "OPTIONS": {"pool": True, "sslmode": "require"},
}
SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": "/srv/real.example.org/db"}


def project(**databases):
    return SimpleNamespace(
        DATABASES=databases,
        CACHES={"default": {"BACKEND": "redis", "LOCATION": REAL}},
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
    )


def test_every_database_leads_to_the_scratch_place():
    found = project(
        default=POSTGRESQL,
        replica={**POSTGRESQL, "NAME": "copy"},
        archive=SQLITE,
        legacy={"ENGINE": "django.db.backends.oracle", "NAME": REAL},
    )

    lead_away(found, alias="replica", scratch={"NAME": "scratch", "HOST": "here"})

    for alias in ("default", "replica"):
        assert found.DATABASES[alias]["NAME"] == "scratch"
        assert found.DATABASES[alias]["HOST"] == "here"
        assert found.DATABASES[alias]["OPTIONS"] == {"sslmode": "require"}
    assert REAL not in str(vars(found))
    assert "smtp" not in found.EMAIL_BACKEND


def test_a_file_leads_to_the_scratch_file():
    found = project(default=SQLITE, other=POSTGRESQL)

    lead_away(found, alias="default", scratch={"NAME": "/somewhere/scratch"})

    assert found.DATABASES["default"]["NAME"] == "/somewhere/scratch"
    assert REAL not in str(vars(found))


# Snapshots


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.setenv(snapshots.DIRECTORY, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_snapshot_comes_back_from_a_directory_of_ones_own(directory):
    write_snapshot("key", {"größe": 1})

    assert read_snapshot("key") == {"größe": 1}
    assert read_snapshot("other") is None
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert [path.name for path in directory.iterdir()] == ["key.json"]


def test_a_damaged_snapshot_is_none(directory):
    write_snapshot("key", {})
    (directory / "key.json").write_text("{")

    assert read_snapshot("key") is None


def test_a_directory_that_others_can_write_to_is_not_trusted(directory):
    directory.mkdir()
    directory.chmod(0o777)
    (directory / "key.json").write_text("{}")

    assert read_snapshot("key") is None
    write_snapshot("mine", {})
    assert not (directory / "mine.json").exists()


def test_a_link_to_a_directory_is_not_trusted(directory, tmp_path):
    (tmp_path / "real").mkdir(mode=0o700)
    directory.symlink_to(tmp_path / "real")

    write_snapshot("key", {})

    assert list((tmp_path / "real").iterdir()) == []


def test_only_the_latest_snapshots_are_kept(directory, monkeypatch):
    monkeypatch.setattr(snapshots, "KEPT", 2)
    for number, key in enumerate("abc"):
        write_snapshot(key, {})
        os.utime(directory / f"{key}.json", (number, number))
    write_snapshot("d", {})

    assert sorted(path.stem for path in directory.glob("*.json")) == ["c", "d"]


# Outlines


@pytest.mark.django_db
def test_an_outline_of_the_database_is_no_different_from_itself():
    found = read_database(connection)

    assert list(compare(outline(found), outline(found), Rules(exact=False))) == []
    assert document(found, title="")["tables"]
