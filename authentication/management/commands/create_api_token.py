from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from authentication.services.api_tokens import create_api_token
from core.json_values import flaw_of_text
from core.management.base import AuditedCommand
from users.models import User

LONGEST_LIFE = 3650


def days(text: str) -> timedelta:
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= LONGEST_LIFE):  # noqa: PLR2004
        raise ArgumentTypeError(f"not a whole number of days from 1 to {LONGEST_LIFE}: {text}")
    return timedelta(days=int(text))


class Command(AuditedCommand):
    help = """Make a personal access token for a user and print it, which happens only once.

The token alone goes to standard output, so that a script can take it."""
    examples = (
        ("python manage.py create_api_token alice", "may do all that alice may, for good"),
        (
            "python manage.py create_api_token alice --name backup --expires-in 90",
            "ends by itself after 90 days",
        ),
        (
            "python manage.py create_api_token alice --scope items.view_item groups.view_group",
            "may only read items and groups",
        ),
        (
            "TOKEN=$(python manage.py create_api_token alice)",
            'for curl -H "Authorization: Bearer $TOKEN" http://localhost:8000/api/v1/me',
        ),
    )
    exit_codes = {0: "made", 2: "could not run: an unknown user or permission; none was made"}
    page = "docs/developer/modules/authentication.md"
    when_stopped = "No token was made."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username", help="whom it acts as: a username or e-mail address")
        parser.add_argument(
            "--name", default="command line", help="what it is for (default: %(default)s)"
        )
        parser.add_argument(
            "--expires-in",
            type=days,
            metavar="DAYS",
            help=f"its life in days, 1 to {LONGEST_LIFE}; for good when left out",
        )
        parser.add_argument(
            "--scope",
            action="extend",
            nargs="+",
            default=[],
            metavar="PERMISSION",
            help="permissions (app.codename) to limit it to; all of the user's when left out",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        username, life = options["username"], options["expires_in"]
        with self.acting(options):
            user = None
            if not flaw_of_text(username):
                user = User.objects.alive().named(username).first()
            if user is None:
                raise CommandError(f"There is no user called {username!r}.")
            try:
                token, secret = create_api_token(
                    actor=None,  # the acting context names it
                    user=user,
                    name=options["name"],
                    scopes=options["scope"],
                    expires_at=timezone.now() + life if life else None,
                )
            except ValidationError as error:
                raise CommandError("; ".join(error.messages)) from None
        if self.is_json:
            self.write_json(
                {
                    "token": secret,
                    "id": token.pk,
                    "user": user.username,
                    "name": token.name,
                    "scopes": token.scopes,
                    "expires_at": token.expires_at,
                }
            )
            return
        until = f"until {token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else "for good"
        limits = ", ".join(token.scopes) or "everything that its owner may do"
        self.note(f"{user} · {token.name} · {until} · {limits}. Shown only now:")
        self.stdout.write(secret)
