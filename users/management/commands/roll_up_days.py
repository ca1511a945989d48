from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from core.management.base import HelpFormatter
from users.analytics.periods import DAY, WRITTEN_AS, today
from users.analytics.roll_ups import (
    DAYS_AT_ONCE,
    first_day,
    last_finished_day,
    missing_days,
    roll_up,
)

INTERRUPTED = 130


class Command(BaseCommand):
    help = """Count the sign-ins and sessions of each finished day (UTC) that is not counted yet.

The schedule does so every hour: run this after a long stop, or with --again to count days that
were counted wrongly. It may be stopped and run again at any time, and beside the schedule. A day
whose activity has been removed (RETAIN_ACTIVITY_DAYS) is not counted a second time.

  manage.py roll_up_days --dry-run
  manage.py roll_up_days
  manage.py roll_up_days --from 2026-11-01 --to 2026-11-03 --again
"""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, formatter_class=HelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="first", metavar="DAY", help="not before this day")
        parser.add_argument("--to", dest="last", metavar="DAY", help="not after this day")
        parser.add_argument(
            "--again", action="store_true", help="days that are counted already, too"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say which days")

    def handle(
        self, *args: Any, first: str | None, last: str | None, again: bool, **options: Any
    ) -> None:
        begin = _day(first, "--from") if first else date.min
        finished = last_finished_day()
        end = _day(last, "--to") if last else finished
        if begin > end:
            raise CommandError(f"--from {begin} comes after --to {end}.")
        if end > last_finished_day():
            raise CommandError(
                f"--to {end} is not over; {last_finished_day()} is the last that is."
            )
        days = _all(begin, end) if again else [d for d in missing_days() if begin <= d <= end]
        if not days:
            self.stdout.write("Nothing to count.")
            return
        named = f"{len(days)} days, {days[0]} to {days[-1]}"
        if options["dry_run"]:
            self.stdout.write(f"Would count {named}.")
            return
        try:
            done = _count(days, again=again)
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped. Run the same command again to finish.", returncode=INTERRUPTED
            ) from None
        beside = f" {len(days) - done} were counted by another process." * (done < len(days))
        self.stdout.write(f"Counted {done} of {named}.{beside}")


def _count(days: list[date], *, again: bool) -> int:
    done = 0
    # disable=None: a bar on a terminal only.
    with tqdm(desc="Counting", total=len(days), unit=" days", disable=None) as bar:
        for start in range(0, len(days), DAYS_AT_ONCE):
            some = days[start : start + DAYS_AT_ONCE]
            done += roll_up(some, again=again)
            bar.update(len(some))
    return done


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
