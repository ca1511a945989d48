from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from authentication.personal_data.closing import (
    CannotCloseError,
    close_account,
    close_due_accounts,
    due_accounts,
)
from core.json_values import flaw_of_text
from core.management.base import AuditedCommand, FindingsError
from core.personal_data import obstacles_of
from users.models import User

DUE, CLOSED, CLOSED_BEFORE, REFUSED = "would be closed", "closed", "was closed already", "refused"


@dataclass(frozen=True, slots=True)
class Row:
    """What became of an account; ``reason`` says why it was refused."""

    username: str
    outcome: str
    reason: str = ""


class Command(AuditedCommand):
    help = """Delete and anonymise accounts, for good.

Without --user: those whose owners asked for it, once the grace period is over. The schedule does so
every hour. With --user: that one, live or deleted already, at once; the audit trail notes the
reason."""
    examples = (
        ("python manage.py close_accounts --dry-run", "which are due, and what is in the way"),
        ("python manage.py close_accounts", "close those that are due"),
        (
            'python manage.py close_accounts --user anna --reason "Asked by letter" --actor root',
            "close this one at once",
        ),
    )
    exit_codes = {
        0: "everything that was due is closed, or with --dry-run could be",
        1: "something is in the way of an account; it is named, the others are closed",
    }
    page = "docs/developer/personal-data.md"
    when_stopped = (
        "Accounts that were closed stay so; the one in hand was not changed. "
        "Run the same command again to go on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be closed, and close nothing"
        )
        parser.add_argument(
            "--user", metavar="NAME", help="one account: a username, an e-mail address or an id"
        )
        parser.add_argument("--reason", default="", help="why, for the audit trail; with --user")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["user"]) != bool(options["reason"].strip()):
            raise CommandError("--user and --reason belong together.")
        with self.acting(options):
            if options["user"]:
                rows = [_close_one(options)]
            elif options["dry_run"]:
                rows = [_would_close(user) for user in due_accounts()]
            else:
                rows = self._close_due()
        if self.is_json:
            self.write_json(
                {"dry_run": options["dry_run"], "accounts": [asdict(row) for row in rows]}
            )
        else:
            self._tell(rows, options)
        if refused := sum(row.outcome == REFUSED for row in rows):
            raise FindingsError(f"Not closed: {refused:,}.")

    def _close_due(self) -> list[Row]:
        with self.progress("Closing", unit="accounts", total=due_accounts().count()) as bar:
            done = close_due_accounts(bar.update)
        return [Row(one.username, REFUSED if one.refused else CLOSED, one.refused) for one in done]

    def _tell(self, rows: list[Row], options: dict[str, Any]) -> None:
        for row in rows:
            self.stdout.write(f"{row.username}: {row.reason or f'{row.outcome}.'}")
        if options["user"]:
            return
        if not rows:
            self.stdout.write("No account is due.")
        elif not options["dry_run"]:
            self.stdout.write(f"Closed: {sum(row.outcome == CLOSED for row in rows):,}.")


def _would_close(user: User) -> Row:
    reason = "" if user.is_deleted else " ".join(each.detail for each in obstacles_of(user))
    return Row(str(user), REFUSED if reason else DUE, reason)


def _close_one(options: dict[str, Any]) -> Row:
    user = _find(options["user"])
    if options["dry_run"]:
        return _would_close(user)
    try:
        is_closed = close_account(user=user, reason=options["reason"])
    except CannotCloseError as error:
        return Row(str(user), REFUSED, error.message)
    return Row(str(user), CLOSED if is_closed else CLOSED_BEFORE)


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
