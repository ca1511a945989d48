"""What commands that write have in common."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)

from core.context import Via, acting
from core.errors import NotAllowedError
from core.security_events import note_refusal


class HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the line breaks of the examples in ``help``."""


class AuditedCommand(BaseCommand):
    """A command whose writes the audit trail attributes to ``--actor``.

    Subclasses wrap their work in ``with self.acting(options):``.
    """

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, formatter_class=HelpFormatter, **kwargs)

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
