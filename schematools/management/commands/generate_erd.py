import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast, get_args

from django.core.management.base import CommandParser
from django.db import DEFAULT_DB_ALIAS

from schematools import documentation
from schematools.canvas import MAX_CHARACTERS
from schematools.config import Config, ViewpointConfig, load_config
from schematools.documentation import DiagramFormat, DocumentFormat
from schematools.errors import CannotRunError
from schematools.files import Change, apply
from schematools.findings import parse_ignores, without_ignored
from schematools.lint import RULES, lint
from schematools.management.base import Command as BaseCommand
from schematools.markup import number
from schematools.model import Module, Schema
from schematools.project import choose_modules, choose_viewpoints, read_live, read_project
from schematools.report import report, warn_of_unused
from schematools.selection import documenting
from schematools.terminal import (
    FindingsError,
    failures_in_words,
    short_path,
    without_collector,
)

LONG = 200  # tables; fewer are written before anybody wonders


DIAGRAMS = get_args(DiagramFormat)
DOCUMENTS = ("dbml", "json", "html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for on the command line."""

    modules: Sequence[str]
    viewpoints: Sequence[str]
    file_format: str
    compact: bool
    output: Path | None
    check: bool
    database: str | None
    lint: bool
    ignore: Sequence[str]

    @property
    def is_printed(self) -> bool:
        return self.output is None and self.file_format != "markdown"

    @property
    def document_format(self) -> DocumentFormat:
        return cast("DocumentFormat", "compact" if self.compact else self.file_format)

    def refuse_contradictions(self) -> None:
        """Raise ``CannotRunError`` for options that mean nothing together."""
        for is_wrong, sentence in (
            (self.compact and self.file_format != "json", "--compact goes with --format json."),
            (self.ignore and not self.lint, "--ignore goes with --lint."),
            (
                self.lint and self.file_format not in ("markdown", "json"),
                f"--lint reports lines, or JSON with --format json, not {self.file_format}.",
            ),
            (self.lint and (self.check or self.output), "--lint writes no files to check."),
            (
                self.check and self.is_printed and not self.lint,
                f"--check of {self.file_format} needs --output as well.",
            ),
            (
                self.viewpoints and (self.lint or self.file_format in DOCUMENTS),
                "--viewpoint goes with pages and diagrams; choose modules here.",
            ),
            (
                self.viewpoints and self.database,
                "--viewpoint goes with the models, not with --from-database.",
            ),
            (
                self.database and not self.lint and not self.output and not self.is_printed,
                "--from-database needs --output, so that it leaves the models' pages alone.",
            ),
        ):
            if is_wrong:
                raise CannotRunError(sentence)

    def mending_command(self) -> str:
        """Return the command that mends what ``--check`` with the same options found."""
        parts = ["python", "manage.py", "generate_erd"]
        parts += [part for module in self.modules for part in ("--module", module)]
        parts += [part for viewpoint in self.viewpoints for part in ("--viewpoint", viewpoint)]
        if self.file_format != "markdown":
            parts += ["--format", self.file_format]
        if self.compact:
            parts.append("--compact")
        if self.database:
            parts += ["--from-database", self.database]
        if self.output:
            parts += ["--output", str(self.output)]
        return shlex.join(parts)


@dataclass(frozen=True, slots=True)
class Choice:
    """The schema and what of it was asked for."""

    schema: Schema
    modules: Sequence[Module]
    viewpoints: Sequence[ViewpointConfig]


class Command(BaseCommand):
    help = "Draw the database schema and describe its tables, module by module."
    exit_codes = {
        **BaseCommand.exit_codes,
        0: "written, or with --check and --lint: nothing found",
        1: "with --check: a page is not fresh; with --lint: findings",
    }
    examples = (
        ("python manage.py generate_erd", "write the index and all pages"),
        ("python manage.py generate_erd --module users", "write the page of one module"),
        ("python manage.py generate_erd --module users --format mermaid", "print its diagram"),
        (
            "python manage.py generate_erd --format svg --output diagrams",
            "draw every module, into files",
        ),
        (
            "python manage.py generate_erd --format html > schema.html",
            "one page to search and browse",
        ),
        ("python manage.py generate_erd --format json", "the whole schema for a program"),
        (
            "python manage.py generate_erd --format json --compact",
            "the same, to paste into a prompt",
        ),
        (
            "python manage.py generate_erd --from-database --output live",
            "document a database as it is",
        ),
        ("python manage.py generate_erd --check", "find old pages, write nothing"),
        ("python manage.py generate_erd --lint", "find what is unwise"),
    )
    when_stopped = (
        "Each page is the old or the new one. Run the same command again to write the rest."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--module",
            action="append",
            default=[],
            metavar="M",
            dest="modules",
            help="only this module; may be given more than once",
        )
        parser.add_argument(
            "--viewpoint",
            action="append",
            default=[],
            metavar="V",
            dest="viewpoints",
            help='only the tables of this one of SCHEMATOOLS["VIEWPOINTS"]; may be repeated',
        )
        parser.add_argument(
            "--format",
            choices=["markdown", *DIAGRAMS, *DOCUMENTS],
            dest="file_format",
            default="markdown",
            help="pages with diagrams and tables (markdown), diagrams alone (mermaid, dot, svg), "
            "or one document about everything (dbml, json, html)",
        )
        parser.add_argument(
            "--compact", action="store_true", help="with --format json: short enough for a prompt"
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="DIR",
            help='where the files go; by default SCHEMATOOLS["OUTPUT"] for pages, '
            "while all else is printed",
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="write nothing; name each file that is missing, stale or orphaned",
        )
        parser.add_argument(
            "--from-database",
            nargs="?",
            const=DEFAULT_DB_ALIAS,
            metavar="ALIAS",
            dest="database",
            help="read a live database in place of the models (by default the one of that name)",
        )
        parser.add_argument(
            "--lint",
            action="store_true",
            help="write nothing; report what is undocumented or unwise (also --format json)",
        )
        parser.add_argument(
            "--ignore",
            action="append",
            default=[],
            metavar="ID[:PATTERN]",
            help='with --lint: leave this out, besides what SCHEMATOOLS["LINT"] ignores',
        )

    def handle(self, **options: Any) -> None:
        request = Request(**{field.name: options[field.name] for field in fields(Request)})
        with failures_in_words(), without_collector(self):
            request.refuse_contradictions()
            config = load_config()
            choice = _choose(request, config)
            if request.lint:
                self._lint(request, choice, config)
            elif request.is_printed:
                self._print(request, choice, config)
            else:
                changes = self._changes(request, choice, config)
                if request.check:
                    self._report(changes, config, command=request.mending_command())
                else:
                    self._apply(changes, config)

    def _changes(self, request: Request, choice: Choice, config: Config) -> Sequence[Change]:
        output = (request.output or config.output).absolute()
        schema = choice.schema
        progress = self._progress if len(schema.tables) > LONG else documentation.in_silence
        is_part = bool(request.modules or request.viewpoints)
        if request.file_format == "markdown":
            if is_part:
                return documentation.chosen_page_changes(
                    schema, choice.modules, choice.viewpoints, output=output, progress=progress
                )
            if request.database:
                title = f"{config.title}: database {request.database}"
                config = replace(config, embed=(), viewpoints=(), title=title)
            return documentation.page_changes(config, schema, output=output, progress=progress)
        if request.file_format in DIAGRAMS:
            return documentation.diagram_changes(
                documentation.subjects(choice.modules, choice.viewpoints, schema),
                schema,
                file_format=cast("DiagramFormat", request.file_format),
                output=output,
                complete=not is_part,
            )
        return documentation.document_changes(
            choice.modules,
            schema,
            file_format=request.document_format,
            title=config.title,
            output=output,
        )

    def _print(self, request: Request, choice: Choice, config: Config) -> None:
        if request.file_format in DIAGRAMS:
            parts = documentation.subjects(choice.modules, choice.viewpoints, choice.schema)
            written = documentation.render_diagram(
                documentation.together(parts),
                choice.schema,
                file_format=cast("DiagramFormat", request.file_format),
            )
            if request.file_format == "mermaid" and len(written) > MAX_CHARACTERS:
                self.stderr.write(
                    f"The diagram has {len(written):,} characters and Mermaid draws up to 50,000: "
                    "ask for fewer modules, or read the pages, which are drawn in parts."
                )
        elif request.file_format == "html" and self.stdout.isatty():
            raise CannotRunError(
                "The page is for a browser: add --output DIR, or '> schema.html', to keep it."
            )
        else:
            written = documentation.render_document(
                choice.modules,
                choice.schema,
                file_format=request.document_format,
                title=config.title,
            )
        self.stdout.write(written, ending="")

    def _lint(self, request: Request, choice: Choice, config: Config) -> None:
        entries = dict.fromkeys([*config.lint_ignore, *request.ignore], "")
        ignores = parse_ignores(entries, ids=RULES)
        found = lint(documenting(choice.schema, choice.modules), names=config.names)
        if not request.modules:
            warn_of_unused(self, found, ignores)
        report(
            self,
            without_ignored(found, ignores),
            file_format="json" if request.file_format == "json" else "text",
            clean="Nothing was found.",
        )

    def _progress(self, title: str) -> None:
        """Tell people at a terminal which module is being written."""
        if self.is_watched:
            self.stderr.write(f"{title} …", self.style.NOTICE)

    def _apply(self, changes: Sequence[Change], config: Config) -> None:
        verbs = {"missing": "Wrote", "stale": "Updated", "orphaned": "Removed"}
        for change in changes:
            apply(change)
            self.stdout.write(f"{verbs[change.kind]} {short_path(change.path, config.base_dir)}")
        if not changes:
            self.stdout.write("Everything is up to date.")

    def _report(self, changes: Sequence[Change], config: Config, *, command: str) -> None:
        for change in changes:
            self.stdout.write(f"{change.kind}: {short_path(change.path, config.base_dir)}")
            for line in change.diff():
                self.stdout.write(f"    {line}")
        if changes:
            raise FindingsError(
                f"{number(len(changes), 'file is', 'files are')} not what the schema says. "
                f"Run '{command}'.",
            )
        self.stdout.write("Everything is up to date.")


def _choose(request: Request, config: Config) -> Choice:
    schema = read_live(config, request.database) if request.database else read_project(config)
    names = [config.aliases.get(name, name) for name in request.modules]
    viewpoints = choose_viewpoints(config, request.viewpoints)
    if viewpoints and not names:
        return Choice(schema, (), viewpoints)
    return Choice(schema, choose_modules(schema, names), viewpoints)
