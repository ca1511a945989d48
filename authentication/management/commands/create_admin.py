from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.db import IntegrityError

from authentication.services.accounts import create_admin
from core.json_values import flaw_of_text
from core.management.base import AuditedCommand
from users.models import User


class Command(AuditedCommand):
    help = """Make an administrator, and print a link to set the password, which happens only once.

The account is staff and superuser, its e-mail address counts as verified, and it has no password
until the link is opened: nobody ever chooses one for somebody else. The link works once, for an
hour, and leads to PUBLIC_URL. At the first sign-in a second factor is set up; an authenticator app
on a phone will do.

The link alone goes to standard output, so that a script can take it."""
    examples = (
        ("python manage.py create_admin anna anna@example.org", "make the first administrator"),
        (
            "python manage.py create_admin anna anna@example.org --actor root",
            "the audit trail says that root did it",
        ),
        (
            (
                "PUBLIC_URL=https://ledger.example.org "
                "python manage.py create_admin anna anna@example.org"
            ),
            "the link leads there",
        ),
    )
    exit_codes = {0: "made", 2: "could not run: such as for a name that is taken; none was made"}
    page = "docs/developer/modules/authentication.md"
    when_stopped = "No account was made."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username", help="how the administrator signs in")
        parser.add_argument("email", help="where a reset link goes if the password is lost")

    def handle(self, *args: Any, **options: Any) -> None:
        username, email = options["username"], options["email"]
        with self.acting(options):
            for text in (username, email):
                if flaw := flaw_of_text(text):
                    raise CommandError(flaw)
            self._refuse_taken(username, email)
            try:
                user, link = create_admin(username=username, email=email)
            except ValidationError as error:
                raise CommandError(_lines(error)) from None
            except IntegrityError:
                raise CommandError(f"Somebody has just taken {username!r} or {email!r}.") from None
        if self.is_json:
            self.write_json(
                {"id": user.pk, "username": user.username, "email": user.email, "link": link}
            )
            return
        self.note(
            f"{user} is an administrator. Open this link within the hour to set the password; "
            "a second factor is asked for at the first sign-in. Shown only now:"
        )
        self.stdout.write(link)

    def _refuse_taken(self, username: str, email: str) -> None:
        for what, value in (("called", username), ("with the address", email)):
            user = User.objects.alive().named(value).first()
            if user is None:
                continue
            raise CommandError(
                f"There is a user {what} {value!r} already: {user}. "
                f"{'It is' if user.is_superuser else 'It is not'} an administrator. "
                + (
                    "If the password is lost, “Forgot your password?” on the sign-in page mails a "
                    "link; “manage.py unlock_user” forgets wrong passwords and codes."
                    if user.is_superuser
                    else "Another administrator can make it one, on its page in the admin; or "
                    "choose another username and address."
                )
            )


def _lines(error: ValidationError) -> str:
    if not hasattr(error, "message_dict"):
        return "; ".join(error.messages)
    return "\n".join(f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())
