"""Migrates a scratch place from nothing, in a process of its own, and writes what results.

``python -m schematools.archive_process`` reads its orders as JSON. Before the project's code is
loaded, every database leads to the scratch place, and files that are to change or go are for this
process as they are to be.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import pkgutil
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.migrations import loader as loader_module

from schematools.archive_chain import replaced_in_place_of
from schematools.catalog import read_database
from schematools.json_document import document
from schematools.replay_process import lead_away, refuse_another_place


class _Proposal(importlib.abc.MetaPathFinder):
    """Finds modules as they are to be: some with other source, some not at all."""

    def __init__(self, *, gone: Collection[str], changed: Mapping[str, tuple[str, str]]) -> None:
        self.gone = gone
        self.changed = changed

    def find_spec(
        self, fullname: str, path: Any = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname in self.gone:
            raise ModuleNotFoundError(
                f"{fullname} is imported, and would be in the archive", name=fullname
            )
        if fullname not in self.changed:
            return None
        file, source = self.changed[fullname]
        spec = importlib.util.spec_from_loader(fullname, _Given(file, source), origin=file)
        if spec:
            spec.has_location = True
        return spec

    def modules(self, path: Any) -> Iterator[pkgutil.ModuleInfo]:
        """List a package's modules without those that are to go."""
        packages = {
            name: set(map(str, module.__path__))
            for name, module in list(sys.modules.items())
            if any(each.rpartition(".")[0] == name for each in self.gone)
        }
        here = {name for name, paths in packages.items() if paths & set(map(str, path))}
        for info in pkgutil.iter_modules(path):
            if not any(f"{package}.{info.name}" in self.gone for package in here):
                yield info


class _Given(importlib.abc.InspectLoader):
    """Loads source that is given and not read from a file."""

    def __init__(self, file: str, source: str) -> None:
        self.file = file
        self.source = source

    def get_source(self, fullname: str) -> str:
        return self.source

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.source, self.file)


def main() -> None:
    orders = json.loads(sys.stdin.read())
    alias = orders["alias"]
    sys.argv = [orders["program"], "migrate"]
    proposal = _Proposal(gone=orders["gone"], changed=orders["changed"])
    sys.meta_path.insert(0, proposal)
    vars(loader_module)["pkgutil"] = SimpleNamespace(iter_modules=proposal.modules)
    lead_away(settings, alias=alias, scratch=orders["scratch"])
    django.setup()
    connection = connections[alias]
    refuse_another_place(connection, orders["scratch"]["NAME"])
    chain = {(app, name) for app, name in orders["chain"]}
    with replaced_in_place_of(chain) if chain else nullcontext():
        call_command(
            "migrate",
            database=alias,
            run_syncdb=True,
            interactive=False,
            skip_checks=True,
            verbosity=0,
        )
        loader = loader_module.MigrationLoader(connection)
    result = {
        "schema": document(read_database(connection), title="archive"),
        "declared": sorted(
            item.name
            for model in loader.project_state().models.values()
            for kind in ("indexes", "constraints")
            for item in model.options.get(kind, ())
        ),
    }
    connection.close()
    Path(orders["result"]).write_text(json.dumps(result, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
