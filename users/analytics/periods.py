"""Ranges of days, in UTC, and how their days are grouped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.errors import DomainError

DAY = timedelta(days=1)
MOST_DAYS = 366
USUAL_DAYS = 30
WRITTEN_AS = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Grouping(models.TextChoices):
    DAY = "day", gettext_lazy("Day")
    WEEK = "week", gettext_lazy("Week")
    MONTH = "month", gettext_lazy("Month")
    DEVICE_TYPE = "device_type", gettext_lazy("Device type")
    BROWSER = "browser", gettext_lazy("Browser")
    OS = "os", gettext_lazy("System")
    COUNTRY = "country", gettext_lazy("Country")
    METHOD = "method", gettext_lazy("Method")
    HOUR = "hour", gettext_lazy("Hour of the week")


def today() -> date:
    return timezone.now().astimezone(UTC).date()


def start_of(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def end_of(day: date) -> datetime:
    """The first moment that is not of ``day`` any more."""
    return start_of(day) + DAY


@dataclass(frozen=True, slots=True)
class Period:
    """The days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @classmethod
    def read(cls, first: str | None, last: str | None) -> Period:
        """From dates as people and programs write them; without any, the last thirty days.

        Raise ``DomainError``, its ``field`` "from" or "to", for what is no range of at most
        ``MOST_DAYS`` days up to today.
        """
        newest = today()
        until = _day(last, "to") if last else newest
        if until > newest:
            message = _("Lies ahead: today is %(day)s in UTC.") % {"day": newest.isoformat()}
            raise DomainError(message, field="to")
        since = _day(first, "from") if first else _back(until, USUAL_DAYS)
        if since > until:
            message = _("Comes after the last day, %(day)s.") % {"day": until.isoformat()}
            raise DomainError(message, field="from")
        if (until - since).days >= MOST_DAYS:
            message = _("A range has %(most)d days at most.") % {"most": MOST_DAYS}
            raise DomainError(message, field="from")
        return cls(since, until)

    @classmethod
    def up_to_today(cls, days: int) -> Period:
        newest = today()
        return cls(_back(newest, days), newest)

    def __iter__(self) -> Iterator[date]:
        return (self.first + DAY * number for number in range(len(self)))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1


def _day(text: str, field: str) -> date:
    try:
        if not WRITTEN_AS.fullmatch(text):
            raise ValueError(text)  # noqa: TRY301
        return date.fromisoformat(text)
    except ValueError:
        message = _("Not a date: write it as YYYY-MM-DD.")
        raise DomainError(message, field=field) from None


def _back(last: date, days: int) -> date:
    """The first of so many days up to ``last``; near the beginning of the calendar, of fewer."""
    return date.fromordinal(max(1, last.toordinal() - days + 1))


def period_start(day: date, grouping: Grouping) -> date:
    """The first day of the week (a Monday) or month that ``day`` belongs to; else the day."""
    match grouping:
        case Grouping.WEEK:
            return _back(day, day.weekday() + 1)
        case Grouping.MONTH:
            return day.replace(day=1)
        case _:
            return day


def spans_of(days: Iterable[date]) -> list[tuple[datetime, datetime]]:
    """The days as few stretches of time, each from its first moment to the first after it."""
    spans: list[tuple[datetime, datetime]] = []
    for day in sorted(days):
        if spans and spans[-1][1] == start_of(day):
            spans[-1] = (spans[-1][0], end_of(day))
        else:
            spans.append((start_of(day), end_of(day)))
    return spans
