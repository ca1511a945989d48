from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from core.management.base import Command as BaseCommand
from users.analytics.periods import DAY, WRITTEN_AS, today
from users.analytics.roll_ups import (
    DAYS_AT_ONCE,
    first_day,
    last_finished_day,
    missing_days,
    roll_up,
)


class Command(BaseCommand):
    help = """Count the sign-ins and sessions of each finished day (UTC) that is not counted yet.

The schedule does so every hour: run this after a long stop, or with --again to count days that were
counted wrongly. It may be stopped and run again at any time, and beside the schedule. A day whose
activity has been removed (RETAIN_ACTIVITY_DAYS) is not counted a second time."""
    examples = (
        ("python manage.py roll_up_days --dry-run", "which days are not counted yet"),
        ("python manage.py roll_up_days", "count them"),
        (
            "python manage.py roll_up_days --from 2026-11-01 --to 2026-11-03 --again",
            "count three days once more",
        ),
    )
    exit_codes = {0: "counted, or there was nothing to count"}
    page = "docs/developer/analytics.md"
    when_stopped = "Days that are counted stay so. Run the same command again to finish."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from", dest="first", metavar="DAY", help="not before this day, written YYYY-MM-DD"
        )
        parser.add_argument(
            "--to",
            dest="last",
            metavar="DAY",
            help="not after this day; by default the last one that is over",
        )
        parser.add_argument(
            "--again", action="store_true", help="days that are counted already, too"
        )
        parser.add_argument("--dry-run", action="store_true", help="say which days, and count none")

    def handle(
        self, *args: Any, first: str | None, last: str | None, again: bool, **options: Any
    ) -> None:
        begin = _day(first, "--from") if first else date.min
        finished = last_finished_day()
        end = _day(last, "--to") if last else finished
        if begin > end:
            raise CommandError(f"--from {begin} comes after --to {end}.")
        if end > finished:
            raise CommandError(f"--to {end} is not over; {finished} is the last that is.")
        days = _all(begin, end) if again else [d for d in missing_days() if begin <= d <= end]
        counted = 0 if options["dry_run"] else self._count(days, again=again)
        self._tell(days, counted, dry_run=options["dry_run"])

    def _count(self, days: list[date], *, again: bool) -> int:
        done = 0
        with self.progress("Counting", unit="days", total=len(days)) as bar:
            for start in range(0, len(days), DAYS_AT_ONCE):
                some = days[start : start + DAYS_AT_ONCE]
                done += roll_up(some, again=again)
                bar.update(len(some))
        return done

    def _tell(self, days: list[date], counted: int, *, dry_run: bool) -> None:
        if self.is_json:
            self.write_json({"dry_run": dry_run, "days": days, "counted": counted})
            return
        if not days:
            self.stdout.write("Nothing to count.")
            return
        named = f"1 day, {days[0]}" if len(days) == 1 else f"{len(days):,} days, {_span(days)}"
        if dry_run:
            self.stdout.write(f"Would count {named}.")
            return
        others = len(days) - counted
        beside = f" {others:,} by another process at the same time." if others else ""
        self.stdout.write(f"Counted {counted:,} of {named}.{beside}")


def _span(days: list[date]) -> str:
    return f"{days[0]} to {days[-1]}"


def _day(text: str, option: str) -> date:
    try:
        if WRITTEN_AS.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise CommandError(f"{option} {text}: not a date. Write it as YYYY-MM-DD.")


def _all(begin: date, end: date) -> list[date]:
    """The days from ``begin`` to ``end`` of which the rows are still there."""
    kept_since = today() - DAY * settings.RETENTION_DAYS["activity"]
    if date.min < begin < kept_since:
        raise CommandError(
            f"--from {begin}: activity is removed after RETAIN_ACTIVITY_DAYS, so that counting "
            f"again would lose numbers. The first day to count again is {kept_since}."
        )
    begin = max(begin, kept_since, first_day() or end)
    return [begin + DAY * number for number in range((end - begin).days + 1)]
