from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from authorization.explaining import Explanation, explain
from authorization.lookups import find_object, find_user, name_of
from authorization.management.asking import NO, AskingCommand, as_json, failures_in_words


class Command(AskingCommand):
    help = """Say whether somebody may do something, and why, or why not.

It answers as the application decides at this moment: each role, membership or ownership that
grants it, and what is missing, has ended, is switched off or deleted.

Exit status: 0 when it is allowed; 1 when it is denied; 2 when there is no answer, because there
is no such user, permission or object, or the database cannot be reached.

  manage.py explain_permission anna items.view_item
  manage.py explain_permission anna@example.org items.change_item items.item:0198f3c2-…
  manage.py explain_permission anna groups.change_group groups.group:0198f3c2-… --format json
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="who: a username, an e-mail address or an id")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with failures_in_words():
            user = find_user(options["user"])
            obj = find_object(options["object"]) if options["object"] else None
            found = explain(user, options["permission"], obj)
        if options["file_format"] == "json":
            self.stdout.write(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
        else:
            self._write(found)
        if not found.allowed:
            sys.exit(NO)

    def _write(self, found: Explanation) -> None:
        self.stdout.write(("Allowed: " if found.allowed else "Denied: ") + found.verdict)
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
