"""What the commands have in common that answer who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from authorization.grounds import Ground
from core.errors import DomainError
from core.management.base import HelpFormatter

NO, COULD_NOT_RUN = 1, 2


class AskingCommand(BaseCommand):
    """A command whose exit status is the answer: 0 for yes, 1 for no, 2 when it could not run."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, formatter_class=HelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("permission", help="app.codename, such as items.view_item")
        parser.add_argument(
            "object",
            nargs="?",
            help="on what, as app.model:id; everywhere when left out",
        )
        parser.add_argument(
            "--format",
            choices=["text", "json"],
            default="text",
            dest="file_format",
            help="lines for people, or JSON for programs",
        )


@contextmanager
def failures_in_words() -> Iterator[None]:
    """What keeps a command from answering, in one line and with its own exit status."""
    try:
        yield
    except DomainError as error:
        raise CommandError(error.message, returncode=COULD_NOT_RUN) from None
    except DatabaseError as error:
        raise CommandError(
            f"The database did not answer: {error} Is DATABASE_URL right, and is it migrated?",
            returncode=COULD_NOT_RUN,
        ) from None


def as_json(ground: Ground) -> dict[str, Any]:
    """As the API has it, but for the people and the role, who are named."""
    return {
        "code": ground.code,
        "text": ground.text,
        "role": ground.role and ground.role.slug,
        "rank": ground.rank,
        "granted_by": ground.granted_by and ground.granted_by.username,
        "granted_at": ground.granted_at and ground.granted_at.isoformat(),
        "expires_at": ground.expires_at and ground.expires_at.isoformat(),
        "reason": ground.reason,
    }
