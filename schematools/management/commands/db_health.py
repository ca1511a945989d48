import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS

from schematools.config import Config, load_config
from schematools.databases import database_connection
from schematools.drift import IDS
from schematools.drift_check import find_drift
from schematools.findings import AnyFinding, parse_ignores, without_ignored
from schematools.health import Section, junit, run_check
from schematools.index_use import IDS as INDEX_IDS
from schematools.index_use import find_index_problems
from schematools.integrity import find_violations
from schematools.management.base import Command as BaseCommand
from schematools.markup import number
from schematools.terminal import (
    COULD_NOT_RUN,
    FindingsError,
    failures_in_words,
    without_collector,
)

JSON_VERSION = 1
SECTIONS = ("drift", "status", "integrity", "indexes", "documentation")
PENDING = "migration-unapplied"


class Command(BaseCommand):
    help = (
        "Run check_drift, migration_status, check_integrity, analyze_indexes and "
        "generate_erd --check in one go."
    )
    examples = (
        ("python manage.py db_health", "look at everything"),
        ("python manage.py db_health --skip integrity", "without reading all rows"),
        ("python manage.py db_health --format junit > health.xml", "for CI"),
        ("python manage.py db_health --format json", "for a program"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, metavar="ALIAS", help="another one of DATABASES"
        )
        parser.add_argument(
            "--format",
            choices=["text", "json", "junit"],
            default="text",
            dest="file_format",
            help="lines for people, one JSON object, or JUnit XML",
        )
        parser.add_argument(
            "--skip",
            action="append",
            default=[],
            choices=SECTIONS,
            help="leave this out; may be repeated",
        )
        parser.add_argument(
            "--no-replay",
            action="store_false",
            dest="replay",
            help="do not run the migrations in a scratch place to know what is expected",
        )

    def handle(
        self,
        *,
        database: str,
        file_format: str,
        skip: Sequence[str],
        replay: bool,
        **options: Any,
    ) -> None:
        with failures_in_words():
            config = load_config()
            database_connection(database)
        checks = {
            name: check
            for name, check in _checks(config, database, replay=replay).items()
            if name not in skip
        }
        sections = []
        with without_collector(self):
            for name, check in checks.items():
                self._say(f"{name} …")
                sections.append(run_check(name, check))
        self._write(sections, database=database, file_format=file_format)
        _conclude(sections)

    def _say(self, text: str) -> None:
        if self.is_watched:
            self.stderr.write(text, self.style.NOTICE)

    def _write(self, sections: Sequence[Section], *, database: str, file_format: str) -> None:
        if file_format == "junit":
            self.stdout.write(junit(sections, title=f"database {database}"), ending="")
        elif file_format == "json":
            document = {
                "version": JSON_VERSION,
                "database": database,
                "healthy": all(section.is_good for section in sections),
                "sections": {section.name: _as_json(section) for section in sections},
            }
            self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False))
        else:
            for section in sections:
                self._list(section)

    def _list(self, section: Section) -> None:
        if section.is_good:
            self.stdout.write(f"{self.style.SUCCESS('ok')}: {section.name}")
            return
        if section.problem:
            self.stdout.write(
                f"{self.style.ERROR('could not run')}: {section.name}: {section.problem}"
            )
            return
        self.stdout.write(
            f"{self.style.WARNING(number(len(section.findings), 'finding'))}: {section.name}"
        )
        for finding in section.findings:
            self.stdout.write(
                f"    {finding.severity}: {finding.object}: {finding.sentence} [{finding.id}]"
            )
            self.stdout.write(f"        {finding.remedy}")


def _checks(
    config: Config, alias: str, *, replay: bool
) -> Mapping[str, Callable[[], Iterable[AnyFinding]]]:
    """Return what each section runs; drift is looked for once, and told in two of them."""
    ignores = parse_ignores(config.drift_ignore, ids=IDS)
    index_ignores = parse_ignores(config.index_ignore, ids=INDEX_IDS)

    def drift(*, live: bool, docs: bool) -> Sequence[AnyFinding]:
        found = find_drift(config, alias=alias, live=live, replay=replay, docs=docs)
        return without_ignored(found.findings, ignores)

    def without_pending() -> Iterable[AnyFinding]:
        return [item for item in drift(live=True, docs=False) if item.id != PENDING]

    def pending() -> Iterable[AnyFinding]:
        return [item for item in drift(live=False, docs=False) if item.id == PENDING]

    def pages() -> Iterable[AnyFinding]:
        return [item for item in drift(live=False, docs=True) if item.id.startswith("docs-")]

    def indexes() -> Iterable[AnyFinding]:
        found = find_index_problems(database_connection(alias), config)
        return without_ignored(found.findings, index_ignores)

    return {
        "drift": without_pending,
        "status": pending,
        "integrity": lambda: find_violations(database_connection(alias)).findings,
        "indexes": indexes,
        "documentation": pages,
    }


def _as_json(section: Section) -> dict[str, Any]:
    return {
        "healthy": section.is_good,
        "problem": section.problem,
        "findings": [asdict(finding) for finding in section.findings],  # type: ignore[call-overload]
    }


def _conclude(sections: Sequence[Section]) -> None:
    """Choose the exit code; what could not run weighs more than what was found."""
    problems = [section.name for section in sections if section.problem]
    findings = sum(len(section.findings) for section in sections)
    if problems:
        raise CommandError(f"Could not run: {', '.join(problems)}.", returncode=COULD_NOT_RUN)
    if findings:
        raise FindingsError(f"{number(findings, 'finding')}.")
