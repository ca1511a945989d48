from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Model

from authorization.explaining import grounds_for, who_can
from authorization.grounds import Ground
from authorization.lookups import find_object
from authorization.management.asking import AskingCommand, as_json
from core.management.base import FindingsError
from users.models import User

BATCH = 500
USUAL_LIMIT = 100


class Command(AskingCommand):
    help = """List who may do something, and why, the newest accounts first.

Superusers, who holds it by a role, who owns the object or its group, and the group's members.
Accounts that are switched off or deleted may do nothing and are left out."""
    examples = (
        ("python manage.py who_can items.delete_item", "who may delete items everywhere"),
        (
            "python manage.py who_can items.change_item items.item:ID",
            "who may change this one",
        ),
        (
            "python manage.py who_can users.view_user --limit 0 --format json > viewers.jsonl",
            "all of them for a program: a JSON object a line, for each user",
        ),
    )
    exit_codes = {
        0: "somebody may",
        1: "nobody may",
        2: "no answer: there is no such permission or object, or no database",
    }

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--limit",
            type=_whole_number,
            default=USUAL_LIMIT,
            metavar="USERS",
            help=f"how many at most, {USUAL_LIMIT} when left out; 0 lists all",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        limit, count = options["limit"], 0
        write = self._write_json if self.is_json else self._write
        obj = find_object(options["object"]) if options["object"] else None
        for user, grounds in _holders(options["permission"], obj):
            if limit and count == limit:
                self.stderr.write(f"There are more than {limit:,}: --limit 0 lists all.")
                break
            write(user, grounds)
            count += 1
        if not count:
            raise FindingsError("Nobody.")

    def _write(self, user: User, grounds: list[Ground]) -> None:
        self.stdout.write(f"{user} <{user.email}>")
        for ground in grounds:
            self.stdout.write(f"  + {ground.text}")

    def _write_json(self, user: User, grounds: list[Ground]) -> None:
        self.write_json_line(
            {
                "id": user.pk,
                "username": user.username,
                "grants": [as_json(ground) for ground in grounds],
            }
        )


def _holders(permission: str, obj: Model | None) -> Iterator[tuple[User, list[Ground]]]:
    """Everybody who may, in batches, each after the last one of the batch before."""
    users = who_can(permission, obj).order_by("-pk")
    batch = list(users[:BATCH])
    while batch:
        grounds = grounds_for(batch, permission, obj)
        for user in batch:
            yield user, grounds.get(user.pk, [])
        batch = list(users.filter(pk__lt=batch[-1].pk)[:BATCH])


def _whole_number(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number
