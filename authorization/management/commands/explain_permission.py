from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from authorization.explaining import Explanation, explain
from authorization.lookups import find_object, find_user, name_of
from authorization.management.asking import AskingCommand, as_json
from core.management.base import FindingsError


class Command(AskingCommand):
    help = """Say whether somebody may do something, and why, or why not.

It answers as the application decides at this moment: each role, membership or ownership that grants
it, and what is missing, has ended, is switched off or deleted."""
    examples = (
        (
            "python manage.py explain_permission anna items.view_item",
            "may anna see items, whosever they are?",
        ),
        (
            "python manage.py explain_permission anna@example.org items.change_item items.item:ID",
            "may she change this one?",
        ),
        (
            (
                "python manage.py explain_permission anna groups.change_group groups.group:ID "
                "--format json"
            ),
            "the answer for a program",
        ),
    )
    exit_codes = {
        0: "allowed",
        1: "denied",
        2: "no answer: there is no such user, permission or object, or no database",
    }

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="who: a username, an e-mail address or an id")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user = find_user(options["user"])
        obj = find_object(options["object"]) if options["object"] else None
        found = explain(user, options["permission"], obj)
        if self.is_json:
            self.write_json(_as_json(found))
        else:
            self._write(found)
        if not found.allowed:
            raise FindingsError

    def _write(self, found: Explanation) -> None:
        word = self.style.SUCCESS("Allowed") if found.allowed else self.style.ERROR("Denied")
        self.stdout.write(f"{word}: {found.verdict}")
        for ground in found.grants:
            self.stdout.write(f"  + {ground.text}")
        for ground in found.lacks:
            self.stdout.write(f"  - {ground.text}")
        roles = ", ".join(f"{role.slug} ({role.scope})" for role in found.roles)
        self.stdout.write(f"Roles that hold it: {roles or 'none'}.")


def _as_json(found: Explanation) -> dict[str, Any]:
    return {
        "user": str(found.user),
        "permission": found.permission,
        "object": found.obj and name_of(found.obj),
        "allowed": found.allowed,
        "verdict": found.verdict,
        "grants": [as_json(ground) for ground in found.grants],
        "missing": [as_json(ground) for ground in found.lacks],
        "roles": [role.slug for role in found.roles],
    }
