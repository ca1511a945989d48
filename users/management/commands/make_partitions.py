from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core.management.base import Command as BaseCommand
from core.partitioning import default_partition_of
from core.partitions import MonthlyPartitions, month_of, months_from
from users.partitions import MONTHS_AHEAD, activity_partitions, make_coming_months

MOST_MONTHS = 120


class Command(BaseCommand):
    help = """Make the monthly partitions of session_activities on PostgreSQL ahead of time.

Rows that came before their month was made wait in the default partition and are moved. It changes
nothing when all months are there. The schedule runs it daily; purge drops the old months."""
    examples = (
        ("python manage.py make_partitions", f"make the next {MONTHS_AHEAD} months"),
        ("python manage.py make_partitions --months 12", "make a year ahead"),
        ("python manage.py make_partitions --dry-run", "which months are missing"),
    )
    exit_codes = {0: "all months are there, or the database has no partitions"}
    page = "docs/developer/activity.md"
    when_stopped = "The month in hand was not made. Run the same command again to go on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--months",
            type=_months,
            default=MONTHS_AHEAD,
            metavar="N",
            help=f"how many months after the current one (default: {MONTHS_AHEAD})",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say which are missing, and make nothing"
        )

    def handle(self, *args: Any, months: int, dry_run: bool, **options: Any) -> None:
        partitions = activity_partitions()
        if not partitions.is_partitioned():
            self._tell_plain(partitions)
            return
        missing: list[str] = []
        made: dict[str, int] = {}
        if dry_run:
            wanted = months_from(month_of(timezone.now()), months + 1)
            missing = [partitions.name_of(month) for month in partitions.missing(wanted)]
        else:
            made = make_coming_months(partitions, months)
        there = [month.name for month in partitions.partitions()]
        waiting = partitions.count(default_partition_of(partitions.table))
        if self.is_json:
            self.write_json(
                {
                    "partitioned": True,
                    "missing": missing,
                    "made": [{"name": name, "rows_moved": made[name]} for name in made],
                    "partitions": there,
                    "default_rows": waiting,
                }
            )
            return
        for name in missing:
            self.stdout.write(f"Would make {name}")
        for name, moved in made.items():
            self.stdout.write(f"Made {name}" + (f", {_count(moved, 'row')} moved" if moved else ""))
        span = f": {there[0]} to {there[-1]}" if there else ""
        rows = _count(waiting, "row")
        self.stdout.write(f"{_count(len(there), 'month')}{span}; {rows} in the default partition.")

    def _tell_plain(self, partitions: MonthlyPartitions) -> None:
        if self.is_json:
            self.write_json({"partitioned": False})
        else:
            self.stdout.write(
                f"Nothing to do: {partitions.table} is one plain table in this database."
            )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _months(text: str) -> int:
    if text.isdecimal() and int(text) <= MOST_MONTHS:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is no number from 0 to {MOST_MONTHS}")
