"""What the commands have in common that answer who may do what."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from authorization.grounds import Ground
from core.management.base import Command


class AskingCommand(Command):
    """A command whose exit code is the answer: 0 for yes, 1 for no, 2 when it could not run."""

    page = "docs/developer/access.md"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("permission", help="app.codename, such as items.view_item")
        parser.add_argument(
            "object",
            nargs="?",
            help="on what, as app.model:id; everywhere when left out",
        )


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
