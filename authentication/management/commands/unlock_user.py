from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from allauth.account.models import EmailAddress
from django.core.management.base import CommandError, CommandParser

from authentication.services.unlocking import unlock_account
from core.json_values import flaw_of_text
from core.management.base import AuditedCommand, FindingsError
from core.rates import CountingError
from users.models import User


class Command(AuditedCommand):
    help = """Let somebody try again who is locked out by wrong passwords or wrong codes.

Says what it has forgotten, and what else may keep the user from signing in, such as an account that
is switched off. It changes nothing else: the password and the second factors stay as they are."""
    examples = (
        ("python manage.py unlock_user anna", "forget anna's wrong passwords and codes"),
        (
            "python manage.py unlock_user anna@example.org --actor root",
            "the audit trail says that root did it",
        ),
    )
    exit_codes = {
        0: "the user can try again, locked before or not",
        1: "the account is deleted or switched off, which unlocking does not mend",
    }
    page = "docs/developer/modules/authentication.md"
    when_stopped = "Run it again: what was forgotten already does no harm."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username", help="who: a username or e-mail address")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["username"]
        with self.acting(options):
            user = None if flaw_of_text(name) else _find(name)
            if user is None:
                raise CommandError(f"There is no user called {name!r}.")
            try:
                # The acting context names the actor.
                opened = unlock_account(actor=None, user=user)
            except CountingError as error:
                raise CommandError(f"{error} Is CACHE_URL right, and its server up?") from None
        notes, closed = list(_notes(user)), _closed_because(user)
        if self.is_json:
            self.write_json(
                {"user": str(user), "unlocked": opened, "notes": notes, "closed": closed or None}
            )
        else:
            for line in opened or ["nothing was locked"]:
                self.stdout.write(f"{user}: {line}.")
            for note in notes:
                self.stdout.write(note)
        if closed:
            raise FindingsError(closed)


def _find(name: str) -> User | None:
    """The live user of that name, else one who is deleted: that is worth saying."""
    users = User.objects.named(name).order_by("is_deleted", "-id")
    found: User | None = users.first()
    return found


def _closed_because(user: User) -> str:
    """What keeps ``user`` out that no unlocking helps."""
    if user.is_deleted:
        return f"{user} is deleted. Restore the user in the admin."
    if not user.is_active:
        return f"{user} is switched off. Tick “is active” on the user's page in the admin."
    return ""


def _notes(user: User) -> Iterator[str]:
    """What else may explain why somebody does not get in."""
    if not user.has_usable_password():
        yield (
            f"{user} has no password. A reset link sets one, unless they sign in through a "
            "provider."
        )
    elif not EmailAddress.objects.filter(user=user, verified=True).exists():
        yield (
            f"{user.email} is not verified. A code is mailed to it when {user} signs in with the "
            "right password."
        )
