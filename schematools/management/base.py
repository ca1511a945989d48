"""What the toolkit's commands have in common: help, colours, exit codes, a clean end."""

import json
import os
import signal
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from django.core.management.color import color_style, no_style

from schematools.terminal import COULD_NOT_RUN, FINDINGS, FindingsError, failures_in_words

INTERRUPTED = 130


class HelpFormatter(DjangoHelpFormatter):
    """Fills paragraphs to the width of the terminal; keeps those that are indented, or lists."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(
            part if "\n  " in f"\n{part}" else textwrap.fill(part, width)
            for part in text.split("\n\n")
        )


class Command(BaseCommand):
    """A command that says how it is used, and ends with one sentence and a stable exit code."""

    examples: ClassVar[Sequence[tuple[str, str]]] = ()  # a line to type, and what it does
    exit_codes: ClassVar[Mapping[int, str]] = {
        0: "nothing found",
        FINDINGS: "findings",
        COULD_NOT_RUN: "could not run; standard error says why",
        INTERRUPTED: "stopped by Ctrl-C or SIGTERM",
    }
    page: ClassVar[str] = "schematools/README.md"  # tells more
    when_stopped: ClassVar[str] = "Nothing was changed."  # what is so after Ctrl-C
    requires_system_checks: list[str] = []
    is_json = False
    is_watched = False  # by somebody at a terminal, who wants to see how far it is
    _called_from_command_line: bool = False  # set by Django

    @classmethod
    def all_exit_codes(cls) -> dict[int, str]:
        """Each exit code and what it means, the lowest first."""
        return dict(sorted(cls.exit_codes.items()))

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        examples = [f"  {line}\n      {what}" for line, what in self.examples]
        codes = [f"  {code:<4} {meaning}" for code, meaning in self.all_exit_codes().items()]
        parts = ["\n".join(["Examples:", *examples]), "\n".join(["Exit codes:", *codes])]
        return super().create_parser(
            prog_name,
            subcommand,
            formatter_class=HelpFormatter,
            epilog="\n\n".join([*parts, f"More: {self.page}"]),
            **kwargs,
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
        self.is_json = options.get("file_format") == "json"
        streams = (options.get("stdout") or self.stdout, options.get("stderr") or self.stderr)
        self.is_watched = bool(options["verbosity"]) and streams[1].isatty()
        self.style, style_of_errors = (
            color_style(force_color=True) if is_coloured(stream, options) else no_style()
            for stream in streams
        )
        self.stderr.style_func = style_of_errors.ERROR
        try:
            with failures_in_words():
                output = super().execute(*args, **options)
                self.stdout.flush()
        except BrokenPipeError:
            # Whoever reads has seen enough; Python would complain while it closes the pipe.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None
        except (CommandError, KeyboardInterrupt) as error:
            failure = self._failure_of(error)
            if self._called_from_command_line and not options["traceback"]:
                self._exit_with(failure)
            if failure is error:
                raise
            raise failure from error
        return output

    def _failure_of(self, error: BaseException) -> CommandError:
        if not isinstance(error, CommandError):
            return CommandError(f"Stopped. {self.when_stopped}", returncode=INTERRUPTED)
        if error.returncode == FINDINGS and not isinstance(error, FindingsError):
            error.returncode = COULD_NOT_RUN  # 1 is Django's default
        return error

    def _exit_with(self, failure: CommandError) -> NoReturn:
        if not self.is_json:
            self.stderr.write(str(failure))
        elif failure.returncode != FINDINGS:
            told = {"exit_code": failure.returncode, "message": str(failure)}
            self.stderr.write(json.dumps({"error": told}, ensure_ascii=False), style_func=str)
        sys.exit(failure.returncode)


def is_coloured(stream: Any, options: Mapping[str, Any]) -> bool:
    """Colours go to terminals only. Options weigh more than variables (https://no-color.org)."""
    if options["no_color"] or options["force_color"]:
        return bool(options["force_color"])
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"


def _interrupt(_signal: int, _frame: Any) -> NoReturn:
    raise KeyboardInterrupt
