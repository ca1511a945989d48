"""What runs in a foreign project's environment: ``inside.py apps`` or ``inside.py compare``."""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.apps import AppConfig, apps
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import post_migrate, pre_migrate

TOGETHER = 6  # apps of one package that make a module


def list_apps() -> dict[str, object]:
    """Return the labels of all apps, and modules for those with models, by their packages."""
    by_package: dict[str, list[AppConfig]] = defaultdict(list)
    for config in apps.get_app_configs():
        has_models = any(True for _ in config.get_models(include_swapped=True))
        if has_models and config.label != "schematools":
            by_package[config.name.partition(".")[0]].append(config)
    modules = {}
    for package, configs in by_package.items():
        labels = [config.label for config in configs]
        if len(labels) <= TOGETHER:
            modules[package if package in labels else f"{package}-apps"] = labels
        else:
            modules |= {label: [label] for label in labels}
    return {
        "modules": modules,
        "labels": [config.label for config in apps.get_app_configs()],
    }


def compare(extensions: list[str], commands: list[list[str]]) -> dict[str, object]:
    """Make the models' tables, run commands on them, and return where the two differ."""
    from schematools.tests.agreement import differences  # noqa: PLC0415 - after django.setup()

    pre_migrate.receivers = []  # they fill tables, and ask services that are not here
    post_migrate.receivers = []
    with scratch_database(extensions):
        call_command("migrate", run_syncdb=True, interactive=False, verbosity=0, skip_checks=True)
        for command in commands:
            call_command(*command)
        return differences(connection)


@contextmanager
def scratch_database(extensions: list[str]) -> Iterator[None]:
    """Make the database that the settings name, and drop it; SQLite makes a file by itself."""
    if connection.vendor != "postgresql":
        yield
        return
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection._nodb_cursor() as cursor:  # noqa: SLF001 - as Django's test runner does it
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        with connection.cursor() as cursor:
            for extension in extensions:
                cursor.execute(f'CREATE EXTENSION "{extension}"')
        yield
    finally:
        connection.close()
        with connection._nodb_cursor() as cursor:  # noqa: SLF001
            cursor.execute(f"DROP DATABASE {name}")


if __name__ == "__main__":
    django.setup()
    arguments = json.loads(sys.argv[2]) if sys.argv[2:] else {}
    found = list_apps() if sys.argv[1] == "apps" else compare(**arguments)
    sys.stdout.write("\n" + json.dumps(found) + "\n")
