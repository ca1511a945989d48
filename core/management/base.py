"""What every command of ours has in common: help that teaches, formats, exit codes, a clean end.

`docs/operations/command-line.md` tells people the rules, `truledgr/tests/test_commands.py` holds
them, and `schematools/management/base.py` follows them in projects that have no `core`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NoReturn

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from django.core.management.color import color_style, no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error, InterfaceError, OperationalError, connection
from tqdm import tqdm

from core.context import Via, acting
from core.errors import DomainError, NotAllowedError
from core.security_events import note_refusal

DONE, FINDINGS, COULD_NOT_RUN, INTERRUPTED = 0, 1, 2, 130
TEXT, JSON = "text", "json"
# SQLSTATE undefined_table and undefined_column, and what SQLite says instead.
NOT_THERE = ("42P01", "42703")
NOT_THERE_ON_SQLITE = ("no such table", "no such column")


class FindingsError(CommandError):
    """It ran, and there is something to look at: exit code 1. A message sums it up for people."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message, returncode=FINDINGS)


class HelpFormatter(DjangoHelpFormatter):
    """Fills paragraphs to the width of the terminal; keeps those that are indented, or lists."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(
            part if "\n  " in f"\n{part}" else textwrap.fill(part, width)
            for part in text.split("\n\n")
        )


class Command(BaseCommand):
    """A command that says how it is used, answers people or programs, and ends cleanly.

    A subclass gives ``help`` (what it does), ``examples`` and ``page``, and where they differ
    ``exit_codes``, ``formats`` and ``when_stopped``. It writes what it found with
    ``self.stdout``, or ``self.write_json`` when ``self.is_json``; raises ``CommandError`` when it
    could not run and ``FindingsError`` when it found something.
    """

    examples: ClassVar[Sequence[tuple[str, str]]] = ()  # a line to type, and what it does
    exit_codes: ClassVar[Mapping[int, str]] = {}  # besides, or in place of, the usual ones
    page: ClassVar[str] = "docs/operations/command-line.md"  # tells more
    # What --format takes. A command whose output is a format by itself has none, and says why.
    formats: ClassVar[Sequence[str]] = (TEXT, JSON)
    format_option: ClassVar[str] = "--format"
    why_no_json: ClassVar[str] = ""
    when_stopped: str = "Nothing was changed."  # what is so after Ctrl-C, and how to go on

    usual_exit_codes: ClassVar[Mapping[int, str]] = {
        DONE: "done",
        COULD_NOT_RUN: "could not run; standard error says why",
        INTERRUPTED: "stopped by Ctrl-C or SIGTERM",
    }
    is_json = False
    verbosity = 1
    _called_from_command_line: bool = False  # set by Django

    @classmethod
    def all_exit_codes(cls) -> dict[int, str]:
        """Each exit code and what it means, the lowest first."""
        return dict(sorted({**cls.usual_exit_codes, **cls.exit_codes}.items()))

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(
            prog_name,
            subcommand,
            formatter_class=HelpFormatter,
            epilog=self._epilog(),
            **kwargs,
        )
        if self.formats:
            parser.add_argument(
                self.format_option,
                choices=self.formats,
                default=self.formats[0],
                dest="output_format",
                help="text for people (the default), or JSON for programs",
            )
        return parser

    def _epilog(self) -> str:
        examples = [f"  {line}\n      {what}" for line, what in self.examples]
        codes = [f"  {code:<4} {meaning}" for code, meaning in self.all_exit_codes().items()]
        return "\n\n".join(
            [
                "\n".join(["Examples:", *examples]),
                "\n".join(["Exit codes:", *codes]),
                f"More: {self.page}",
            ]
        )

    def run_from_argv(self, argv: list[str]) -> None:
        before = signal.signal(signal.SIGTERM, _interrupt)
        try:
            super().run_from_argv(argv)
        except ImproperlyConfigured:
            raise
        except Exception:  # noqa: BLE001 (a bug; Python would end with 1, which means findings)
            sys.excepthook(*sys.exc_info())
            sys.exit(COULD_NOT_RUN)
        finally:
            signal.signal(signal.SIGTERM, before)

    def execute(self, *args: Any, **options: Any) -> str | None:
        self.verbosity = options["verbosity"]
        self.is_json = options.get("output_format") == JSON
        self._choose_colours(options)
        try:
            output = super().execute(*args, **options)
            self.stdout.flush()
        except BrokenPipeError:
            # Whoever reads has seen enough; Python would complain while it closes the pipe.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None
        except (CommandError, DomainError, Error, KeyboardInterrupt) as error:
            failure = self._failure_of(error)
            if failure is None:
                raise
            if self._called_from_command_line and not options["traceback"]:
                self._exit_with(failure)
            if failure is error:
                raise
            raise failure from error
        return output

    def _failure_of(self, error: BaseException) -> CommandError | None:
        """What to tell people, with its exit code; None for what is a bug."""
        if isinstance(error, KeyboardInterrupt):
            return CommandError(f"Stopped. {self.when_stopped}", returncode=INTERRUPTED)
        if isinstance(error, DomainError):
            return CommandError(error.message, returncode=COULD_NOT_RUN)
        if isinstance(error, CommandError):
            if error.returncode == FINDINGS and not isinstance(error, FindingsError):
                error.returncode = COULD_NOT_RUN  # 1 is Django's default
            return error
        sentence = sentence_of(error)
        return CommandError(sentence, returncode=COULD_NOT_RUN) if sentence else None

    def _exit_with(self, failure: CommandError) -> NoReturn:
        if not self.is_json:
            if str(failure):
                self.stderr.write(str(failure))
        elif failure.returncode != FINDINGS:
            told = {"exit_code": failure.returncode, "message": str(failure)}
            self.stderr.write(json.dumps({"error": told}, ensure_ascii=False), style_func=str)
        sys.exit(failure.returncode)

    def _choose_colours(self, options: dict[str, Any]) -> None:
        streams = (options.get("stdout") or self.stdout, options.get("stderr") or self.stderr)
        self.style, style_of_errors = (
            color_style(force_color=True) if is_coloured(stream, options) else no_style()
            for stream in streams
        )
        self.stderr.style_func = style_of_errors.ERROR

    def require_database(self) -> None:
        """Fail now if the database is away or was never migrated.

        For a command that takes each failure for that of one part, and goes on.
        """
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")

    def note(self, text: str) -> None:
        """Tell people something that is no result; programs and --verbosity 0 do without."""
        if self.verbosity and not self.is_json:
            self.stderr.write(text, style_func=str)

    def write_json(self, document: Any) -> None:
        """Write the one document that standard output has."""
        text = json.dumps(document, indent=2, ensure_ascii=False, cls=DjangoJSONEncoder)
        self.stdout.write(text)

    def write_json_line(self, document: Any) -> None:
        """Write one of many documents, a line each (JSON Lines)."""
        self.stdout.write(json.dumps(document, ensure_ascii=False, cls=DjangoJSONEncoder))

    def progress(self, what: str, *, unit: str, total: int | None = None, **more: Any) -> tqdm[Any]:
        """A bar on standard error, at a terminal only; ``unit`` is a plural noun."""
        return tqdm(
            desc=what,
            unit=f" {unit}",
            total=total,
            file=sys.stderr,
            disable=not (self.verbosity and self.stderr.isatty()),
            leave=False,
            dynamic_ncols=True,
            **more,
        )


class AuditedCommand(Command):
    """A command whose writes the audit trail attributes to ``--actor``.

    Subclasses wrap their work in ``with self.acting(options):``.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--actor",
            metavar="USERNAME",
            help="whom the audit trail shall name; nobody when left out",
        )

    @contextmanager
    def acting(self, options: dict[str, Any]) -> Iterator[None]:
        actor = None
        if username := options["actor"]:
            users = get_user_model()
            try:
                actor = users._default_manager.get_by_natural_key(username)
            except users.DoesNotExist:
                raise CommandError(f"--actor: there is no user called {username!r}.") from None
        with acting(via=Via.COMMAND, actor=actor):
            try:
                yield
            except (NotAllowedError, CommandError) as error:
                note_refusal(error.__cause__ if isinstance(error, CommandError) else error)
                raise


def is_coloured(stream: Any, options: Mapping[str, Any]) -> bool:
    """Colours go to terminals only. Options weigh more than variables (https://no-color.org)."""
    if options["no_color"] or options["force_color"]:
        return bool(options["force_color"])
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"


def sentence_of(error: BaseException) -> str:
    """What a database that is away or not migrated says, and the remedy; empty for all else."""
    reason, *_ = str(error).splitlines() or [type(error).__name__]
    state = getattr(error.__cause__, "sqlstate", None)
    if state in NOT_THERE or reason.startswith(NOT_THERE_ON_SQLITE):
        return f"The database is not up to date ({reason}). Run 'python manage.py migrate'."
    if isinstance(error, (OperationalError, InterfaceError)):
        reason = reason.rstrip(".")
        return f"The database did not answer: {reason}. Is it running, and is DATABASE_URL right?"
    return ""


def _interrupt(_signal: int, _frame: Any) -> NoReturn:
    raise KeyboardInterrupt
