"""A migrated database that the workers of one test run copy, so that one of them migrates."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from django.conf import settings
from django.db import connection

from truledgr.tests.engines import MIGRATED_ONCE


def copy_what_is_migrated(monkeypatch):
    """Have the test database made from a copy; only where the runner removes what is copied."""
    if not os.environ.get(MIGRATED_ONCE):
        return
    directory = Path(tempfile.gettempdir())
    done = directory / "migrated"
    with (directory / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            done.write_text(_migrate(directory))
    name = done.read_text()
    if connection.vendor == "postgresql":
        monkeypatch.setitem(connection.settings_dict["TEST"], "TEMPLATE", name)
        return
    creation = type(connection.creation)
    create = creation._create_test_db

    def copied(self, *arguments, **options):
        made = create(self, *arguments, **options)
        shutil.copyfile(name, made)
        return made

    monkeypatch.setattr(creation, "_create_test_db", copied)


def _migrate(directory):
    """Migrate a new database and answer its name; nobody is connected to it afterwards."""
    own = connection.settings_dict["NAME"]
    test = connection.settings_dict["TEST"]
    own_test = test["NAME"]
    if connection.vendor == "postgresql":
        test["NAME"] = f"{own}_migrated"
    else:
        test["NAME"] = str(directory / "migrated.sqlite3")
    try:
        name = connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        if connection.vendor == "postgresql":
            connection.close_pool()
    finally:
        test["NAME"] = own_test
        settings.DATABASES[connection.alias]["NAME"] = connection.settings_dict["NAME"] = own
    return name
