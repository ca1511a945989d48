from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from core.errors import DomainError
from core.json_values import flaw_of_text
from core.management.base import AuditedCommand
from core.reasons import clean_reason
from users.ending import SHORTEST_REASON, end_all, open_sessions
from users.models import User


class Command(AuditedCommand):
    help = """End open sessions: of the users who are named, or of everybody.

The very next request of each is answered as signed out. Access tokens go on working. The reason is
kept in the audit trail. Sessions are ended in batches."""
    examples = (
        (
            'python manage.py end_sessions --user anna --reason "Laptop stolen"',
            "sign anna out everywhere",
        ),
        (
            (
                "python manage.py end_sessions --user anna --user bob@example.org "
                '--reason "Ticket 4711" --dry-run'
            ),
            "how many would be ended",
        ),
        (
            'python manage.py end_sessions --all --reason "Keys were leaked" --actor root',
            "sign everybody out; it asks first",
        ),
    )
    exit_codes = {
        0: "ended, or none were open",
        2: "could not run: an unknown user, no reason, or nobody confirmed; none were ended",
    }
    page = "docs/developer/sessions.md"
    when_stopped = "Sessions that were ended stay so. Run the same command again to end the rest."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument(
            "--user",
            action="append",
            metavar="NAME",
            help="whose: a username or e-mail address; may be given several times",
        )
        whose.add_argument("--all", action="store_true", help="everybody's")
        parser.add_argument(
            "--reason", required=True, help="what for, for the audit trail; a few words at least"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say how many are open, and end none"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask before --all")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            clean_reason(options["reason"], shortest=SHORTEST_REASON)
        except DomainError as error:
            raise CommandError(f"--reason: {error.message}") from None
        people: list[User | None] = [None] if options["all"] else [*_found(options["user"])]
        with self.acting(options):
            if options["dry_run"]:
                counts = {user: open_sessions(of=user).count() for user in people}
            else:
                if options["all"] and not options["yes"]:
                    self._confirm()
                counts = {user: self._end(user, options["reason"]) for user in people}
        self._tell(counts, dry_run=options["dry_run"])

    def _confirm(self) -> None:
        if self.is_json or not sys.stdin.isatty():
            raise CommandError("This ends everybody's sessions. Say --yes where nobody can answer.")
        count = open_sessions().count()
        question = f"End {_sessions(count)} of everybody? Type yes to go on: "
        if input(question).strip().lower() != "yes":
            raise CommandError("Nothing was ended.")

    def _end(self, user: User | None, reason: str) -> int:
        done = 0
        with self.progress("Ending", unit="sessions", total=open_sessions(of=user).count()) as bar:
            for count in end_all(of=user, reason=reason):
                done += count
                bar.update(count)
        return done

    def _tell(self, counts: dict[User | None, int], *, dry_run: bool) -> None:
        if self.is_json:
            rows = [
                {"user": str(user) if user else None, "count": count}
                for user, count in counts.items()
            ]
            self.write_json({"dry_run": dry_run, "sessions": rows})
            return
        verb = "would be ended" if dry_run else "ended"
        for user, count in counts.items():
            self.stdout.write(f"{_whose(user)}: {_sessions(count)} {verb}.")


def _found(names: list[str]) -> list[User]:
    """The users of these names, deleted ones if no live one has it; each must be there."""
    found = {name: None if flaw_of_text(name) else _named(name) for name in names}
    unknown = [repr(name) for name, user in found.items() if user is None]
    if unknown:
        raise CommandError(f"There is no user called {', '.join(unknown)}. Nothing was ended.")
    return list(dict.fromkeys(user for user in found.values() if user is not None))


def _named(name: str) -> User | None:
    user: User | None = User.objects.named(name).order_by("is_deleted", "-id").first()
    return user


def _whose(user: User | None) -> str:
    return str(user) if user else "Everybody"


def _sessions(count: int) -> str:
    return "1 session" if count == 1 else f"{count:,} sessions"
