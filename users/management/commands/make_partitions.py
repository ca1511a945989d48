from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from core.management.base import HelpFormatter
from core.partitioning import default_partition_of
from core.partitions import MonthlyPartitions, TableBusyError, month_of, months_from
from users.partitions import MONTHS_AHEAD, activity_partitions, make_coming_months

MOST_MONTHS = 120


class Command(BaseCommand):
    help = """Make the monthly partitions of session_activities on PostgreSQL ahead of time.

Rows that came before their month was made wait in the default partition and are moved. It changes
nothing when all months are there. The schedule runs it daily; `purge` drops the old months.

  manage.py make_partitions
  manage.py make_partitions --months 12
  manage.py make_partitions --dry-run     says which are missing
"""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, formatter_class=HelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--months",
            type=_months,
            default=MONTHS_AHEAD,
            help=f"how many months after the current one (default: {MONTHS_AHEAD})",
        )
        parser.add_argument("--dry-run", action="store_true", help="make nothing")

    def handle(self, *args: Any, months: int, dry_run: bool, **options: Any) -> None:
        partitions = activity_partitions()
        if not partitions.is_partitioned():
            self.stdout.write(
                f"Nothing to do: {partitions.table} is one plain table in this database."
            )
            return
        if dry_run:
            wanted = months_from(month_of(timezone.now()), months + 1)
            for month in partitions.missing(wanted):
                self.stdout.write(f"Would make {partitions.name_of(month)}")
        else:
            self._make(partitions, months)
        self._list(partitions)

    def _make(self, partitions: MonthlyPartitions, months: int) -> None:
        try:
            made = make_coming_months(partitions, months)
        except TableBusyError as error:
            raise CommandError(error.message) from error
        for name, moved in made.items():
            self.stdout.write(f"Made {name}" + (f", {moved:,} rows moved" if moved else ""))

    def _list(self, partitions: MonthlyPartitions) -> None:
        there = partitions.partitions()
        span = f": {there[0].name} to {there[-1].name}" if there else ""
        waiting = partitions.count(default_partition_of(partitions.table))
        self.stdout.write(f"{len(there)} months{span}; {waiting:,} rows in the default partition.")


def _months(text: str) -> int:
    if text.isdecimal() and int(text) <= MOST_MONTHS:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is no number from 0 to {MOST_MONTHS}")
