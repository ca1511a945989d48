import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from schematools.config import Config, load_config
from schematools.documentation import (
    SUFFIXES,
    DiagramFormat,
    Format,
    choose_modules,
    diagram_changes,
    in_silence,
    page_changes,
    read_project,
    render_diagram,
)
from schematools.errors import CannotRunError
from schematools.files import Change, apply
from schematools.markup import number
from schematools.mermaid import MAX_CHARACTERS
from schematools.model import Module, Schema
from schematools.terminal import FINDINGS, add_examples, failures_in_words, short_path

LONG = 200  # tables; fewer are written before anybody wonders

EXAMPLES = """\
  write the index and all pages:   manage.py generate_erd
  write the page of one module:    manage.py generate_erd --module users
  print its diagram:               manage.py generate_erd --module users --format mermaid
  draw every module, into files:   manage.py generate_erd --format svg --output diagrams
  write nothing, find old pages:   manage.py generate_erd --check"""


class Command(BaseCommand):
    help = "Draw the database schema and describe its tables, module by module."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_examples(parser, EXAMPLES)
        parser.add_argument(
            "--module",
            action="append",
            default=[],
            metavar="M",
            dest="modules",
            help="only this module; may be given more than once",
        )
        parser.add_argument(
            "--format",
            choices=["markdown", *SUFFIXES],
            dest="file_format",
            default="markdown",
            help="pages with diagrams and tables (markdown), or diagrams alone",
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="DIR",
            help='where the files go; by default SCHEMATOOLS["OUTPUT"] for pages, '
            "while diagrams alone are printed",
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="write nothing; name each file that is missing, stale or orphaned",
        )

    def handle(
        self,
        *,
        modules: Sequence[str],
        file_format: Format,
        output: Path | None,
        check: bool,
        **options: Any,
    ) -> None:
        with failures_in_words():
            config = load_config()
            schemas = read_project(config)
            chosen = choose_modules(
                schemas[0], [config.aliases.get(name, name) for name in modules]
            )
            if file_format != "markdown" and output is None:
                if check:
                    raise CannotRunError(
                        f"--check of {file_format} diagrams needs --output as well."
                    )
                self.stdout.write(self._diagram(chosen, schemas[0], file_format), ending="")
                return
            if file_format != "markdown" and output:
                changes = diagram_changes(
                    chosen, schemas[0], file_format=file_format, output=output.absolute()
                )
            else:
                changes = page_changes(
                    config,
                    schemas,
                    output=output.absolute() if output else config.output,
                    only=chosen if modules else (),
                    progress=self._progress if len(schemas[0].tables) > LONG else in_silence,
                )
            if not check:
                self._apply(changes, config)
        if check:
            self._report(changes, config, command=_command(modules, file_format, output))

    def _diagram(
        self, modules: Sequence[Module], schema: Schema, file_format: DiagramFormat
    ) -> str:
        diagram = render_diagram(modules, schema, file_format=file_format)
        if file_format == "mermaid" and len(diagram) > MAX_CHARACTERS:
            self.stderr.write(
                f"The diagram has {len(diagram):,} characters and Mermaid draws up to 50,000: "
                "ask for fewer modules, or read the pages, which are drawn in parts."
            )
        return diagram

    def _progress(self, title: str) -> None:
        """Tell people at a terminal which module is being written."""
        if self.stderr.isatty():
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
            raise CommandError(
                f"{number(len(changes), 'file is', 'files are')} not what the models say. "
                f"Run '{command}'.",
                returncode=FINDINGS,
            )
        self.stdout.write("Everything is up to date.")


def _command(modules: Sequence[str], file_format: Format, output: Path | None) -> str:
    """Return the command that mends what ``--check`` with the same options found."""
    parts = ["python", "manage.py", "generate_erd"]
    for module in modules:
        parts += ["--module", module]
    if file_format != "markdown":
        parts += ["--format", file_format]
    if output:
        parts += ["--output", str(output)]
    return shlex.join(parts)
