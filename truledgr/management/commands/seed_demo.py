from __future__ import annotations

import time
from collections import Counter
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.db import connection, models
from django.db.migrations.executor import MigrationExecutor

from core.management.base import AuditedCommand
from groups.models import Group
from items.models import Item
from truledgr.demo import seeding
from truledgr.demo.population import Population
from truledgr.demo.sign_in import demo_admin, set_one_time_codes, set_one_time_password
from users.models import SessionActivity, User, UserSession

# How many of each are sensible, least and most.
LIMITS = {"users": (1, 100_000), "items": (0, 5_000_000), "seed": (0, 2**31 - 1)}
COUNTED = {
    User: "people",
    Group: "groups",
    Item: "items",
    UserSession: "sessions",
    SessionActivity: "activities",
}


class Command(AuditedCommand):
    help = """Fill the database with demo data: people, groups, sessions, activity and items.

The same seed and size give the same people and items, at moments up to now. A second run adds
nothing; a run that was killed is finished by the next one. Each run sets a new one-time password
for the user demo_admin and prints it."""
    examples = (
        ("python manage.py seed_demo", "40 people with 400 items"),
        (
            "python manage.py seed_demo --users 1000 --items 20000 --seed 7",
            "more of them, and other ones",
        ),
        ("python manage.py seed_demo --format json", "how to sign in, for a script"),
    )
    exit_codes = {
        0: "the data are there, made now or before",
        2: "could not run, such as because DEBUG is off and --force is not given",
    }
    page = "README.md"
    when_stopped = "What was made stays. Run the same command again to finish."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--users", type=int, default=40, metavar="N", help="how many people (default: 40)"
        )
        parser.add_argument(
            "--items", type=int, default=400, metavar="N", help="how many items (default: 400)"
        )
        parser.add_argument(
            "--seed", type=int, default=1, metavar="S", help="which people and items (default: 1)"
        )
        parser.add_argument("--force", action="store_true", help="run although DEBUG is off")

    def handle(
        self, *args: Any, users: int, items: int, seed: int, force: bool, **options: Any
    ) -> None:
        for name, value in {"users": users, "items": items, "seed": seed}.items():
            least, most = LIMITS[name]
            if not least <= value <= most:
                raise CommandError(f"--{name} is {value}. Set a number from {least} to {most:,}.")
        if not settings.DEBUG and not force:
            raise CommandError(
                "DEBUG is off, so this may be a production database. "
                "Add --force to put demo data and a demo superuser into it."
            )
        _refuse_missing_migrations()
        with self.acting(options):
            try:
                admin = demo_admin()
            except ValidationError as error:
                reasons = " ".join(error.messages)
                raise CommandError(f"The demo admin cannot be made. {reasons}") from error
            made = self._make(admin, seed=seed, users=users, items=items)
            password = set_one_time_password(admin)
            codes = set_one_time_codes(admin)
        if self.is_json:
            self.write_json(
                {
                    "made": {name: made[model] for model, name in COUNTED.items()},
                    "username": admin.username,
                    "password": password,
                    "codes": codes,
                }
            )
            return
        self.stdout.write(
            "Sign in with these; every run of seed_demo makes new ones.\n"
            f"Username: {admin.username}\n"
            f"Password: {password}\n"
            f"Code:     {codes[0]}   asked for after the password; each works once\n"
            f"          {'  '.join(codes[1:4])}\n"
            f"          {'  '.join(codes[4:7])}\n"
            f"          {'  '.join(codes[7:])}"
        )

    def _make(
        self, admin: User, *, seed: int, users: int, items: int
    ) -> Counter[type[models.Model]]:
        begun = seeding.begin(admin=admin, seed=seed, users=users, items=items)
        size = f"--users {users} --items {items} --seed {seed}"
        if begun.is_finished:
            self._say(f"Nothing to add: the demo data of {size} are there.")
            return Counter()
        if not begun.is_new:
            self._say(f"An earlier run of {size} was not finished. Going on from there.")
        started = time.monotonic()
        population = Population.of(begun.plan)
        with self.progress("Demo data", unit="rows") as bar:
            work = seeding.Seeding(begun.plan, admin, population, bar.update)
            bar.reset(work.total)
            seeding.make(work)
        seconds = time.monotonic() - started
        self._say(f"Made {_in_words(work.made)} in {seconds:.1f} s.")
        return work.made

    def _say(self, text: str) -> None:
        if not self.is_json:
            self.stdout.write(text)


def _in_words(made: Counter[type[models.Model]]) -> str:
    *most, last = [f"{made[model]:,} {name}" for model, name in COUNTED.items()]
    return f"{', '.join(most)} and {last}"


def _refuse_missing_migrations() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError("The database is not up to date. Run 'python manage.py migrate' first.")
