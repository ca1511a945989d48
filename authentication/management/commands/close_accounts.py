from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from authentication.personal_data.closing import close_account, close_due_accounts, due_accounts
from core.errors import DomainError
from core.json_values import flaw_of_text
from core.management.base import AuditedCommand
from core.personal_data import obstacles_of
from users.models import User


class Command(AuditedCommand):
    help = """Delete and anonymise accounts, for good.

Without --user: those whose owners asked for it, once the grace period is over. The schedule does
so every hour (close_accounts). With --user: that one, live or deleted already, at once; the audit
trail notes the reason.

Exit status: 0 when everything that was due is closed; 1 when something was in the way.

  manage.py close_accounts --dry-run
  manage.py close_accounts
  manage.py close_accounts --user anna --reason "Asked for by letter, ticket 4711" --actor root
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")
        parser.add_argument(
            "--user", metavar="NAME", help="one account: a username, an e-mail address or an id"
        )
        parser.add_argument("--reason", default="", help="why, for the audit trail; with --user")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["user"]) != bool(options["reason"].strip()):
            raise CommandError("--user and --reason belong together.")
        with self.acting(options):
            if options["user"]:
                self._close_one(options)
            else:
                self._close_due(dry_run=options["dry_run"])

    def _close_one(self, options: dict[str, Any]) -> None:
        user = _find(options["user"])
        if options["dry_run"]:
            in_the_way = [] if user.is_deleted else obstacles_of(user)
            self.stdout.write(f"{user} would be closed.")
            if in_the_way:
                raise CommandError(" ".join(obstacle.detail for obstacle in in_the_way))
            return
        try:
            is_closed = close_account(user=user, reason=options["reason"])
        except DomainError as error:
            raise CommandError(f"{user}: {error.message}") from None
        self.stdout.write(f"{user}: closed." if is_closed else f"{user}: was closed already.")

    def _close_due(self, *, dry_run: bool) -> None:
        if dry_run:
            due = list(due_accounts())
            for user in due:
                in_the_way = " ".join(obstacle.detail for obstacle in obstacles_of(user))
                self.stdout.write(f"{user}: {in_the_way or 'would be closed.'}")
            self.stdout.write(f"Due: {len(due)}.")
            return
        done = close_due_accounts()
        for one in done:
            self.stdout.write(f"{one.username}: {one.refused or 'closed.'}")
        refused = sum(bool(one.refused) for one in done)
        self.stdout.write(f"Closed: {len(done) - refused}.")
        if refused:
            raise CommandError(f"Not closed: {refused}.")


def _find(name: str) -> User:
    """The live user of that name, else the one deleted user that had it."""
    if flaw_of_text(name):
        raise CommandError(f"There is no user called {name!r}.")
    try:
        found = list(User.objects.filter(pk=UUID(name)))
    except ValueError:
        named = User.objects.named(name)
        found = list(named.filter(is_deleted=False)) or list(named[:2])
    if not found:
        raise CommandError(f"There is no user called {name!r}.")
    if len(found) > 1:
        raise CommandError(f"Several deleted users were called {name!r}. Give the id of one.")
    user: User = found[0]
    return user
