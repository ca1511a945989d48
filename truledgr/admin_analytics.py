"""The admin's page of sign-ins and sessions, and its tables as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from core.errors import DomainError
from truledgr import charts
from users.analytics.answers import OTHER, Analytics, analytics, durations_of, totals_of
from users.analytics.counting import UNKNOWN
from users.analytics.periods import Grouping, Period, end_of, start_of
from users.analytics.tables import PERIODS, file_name, groups_of, lines_of, table_of
from users.models import DeviceType

PERMISSION = "users.view_session_analytics"
RANGES = (7, 30, 90, 365)
MOST_BARS = 10
NO_COLUMNS: Mapping[str, str] = {}
# What the list of sessions can be narrowed down to: the column of each dimension.
COLUMNS = {
    Grouping.DEVICE_TYPE: "device_type",
    Grouping.COUNTRY: "country",
    Grouping.METHOD: "login_method",
}
RANKED = {
    Grouping.DEVICE_TYPE: gettext_lazy("Device types"),
    Grouping.BROWSER: gettext_lazy("Browsers"),
    Grouping.OS: gettext_lazy("Systems"),
    Grouping.COUNTRY: gettext_lazy("Countries"),
    Grouping.METHOD: gettext_lazy("Methods"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of the page asks for; ``error`` says why it is not what it asks for."""

    period: Period
    grouping: Grouping
    error: str = ""

    @classmethod
    def read(cls, request: HttpRequest) -> Asked:
        given = request.GET
        try:
            period = Period.read(given.get("from"), given.get("to"))
            return cls(period, Grouping(given.get("group_by") or Grouping.DAY))
        except DomainError as error:
            name = _("First day") if error.field == "from" else _("Last day")
            problem = f"{name}: {error.message}"
        except ValueError:
            problem = _("There is no such grouping.")
        return cls(Period.read(None, None), Grouping.DAY, problem)

    def address(self, grouping: Grouping | None = None, period: Period | None = None) -> str:
        period = period or self.period
        values = {
            "from": period.first.isoformat(),
            "to": period.last.isoformat(),
            "group_by": str(grouping or self.grouping),
        }
        return f"?{urlencode(values)}"


@require_safe
def analytics_page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    _refuse_others(request)
    asked = Asked.read(request)
    found = analytics(asked.period)
    sessions = (
        SessionList(asked.period) if request.user.has_perm("users.view_usersession") else None
    )
    context = {
        **site.each_context(request),
        "title": _("Analytics of sessions"),
        "asked": asked,
        "found": found,
        "ranges": [(days, asked.address(period=Period.up_to_today(days))) for days in RANGES],
        "groupings": [(one.value, one.label) for one in Grouping if one in PERIODS],
        "tiles": list(_tiles(found, sessions)),
        "is_empty": not any(found.totals().values()),
        "series": _series(found, asked, sessions),
        "ranked": [_ranked(found, asked, one, sessions) for one in RANKED],
        "failures": charts.bars_of(
            (reason.replace("_", " "), number, "")
            for reason, number in found.numbers("failure").items()
        ),
        "heat_map": list(zip(WEEKDAYS.values(), charts.squares_of(found.hours()), strict=True)),
        "hours": charts.HOURS,
        "hours_address": asked.address(Grouping.HOUR),
    }
    status = HTTPStatus.BAD_REQUEST if asked.error else HTTPStatus.OK
    return TemplateResponse(request, "admin/analytics/sessions.html", context, status=status)


@require_safe
def analytics_file(request: HttpRequest) -> HttpResponse:
    _refuse_others(request)
    asked = Asked.read(request)
    if asked.error:
        return HttpResponse(asked.error, status=HTTPStatus.BAD_REQUEST, content_type="text/plain")
    found = analytics(asked.period)
    response = HttpResponse(
        "".join(lines_of(table_of(found, asked.grouping))), content_type="text/csv; charset=utf-8"
    )
    name = file_name(found, asked.grouping)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def entry_of(request: HttpRequest) -> dict[str, Any] | None:
    """The page as a line of the admin's index, for those who may open it."""
    if not request.user.has_perm(PERMISSION):
        return None
    return {
        "name": _("Analytics of sessions"),
        "object_name": "SessionAnalytics",
        "admin_url": reverse("admin:session_analytics"),
        "add_url": None,
        "view_only": True,
        "perms": {"add": False, "change": False, "delete": False, "view": True},
    }


def _refuse_others(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied


# --- What is on the page --------------------------------------------------------------------


class SessionList:
    """Addresses of the admin's list of sessions, narrowed down to sign-ins of a time."""

    def __init__(self, period: Period) -> None:
        self.period = period
        self.url = reverse("admin:users_usersession_changelist")

    def of(
        self,
        first: date | None = None,
        last: date | None = None,
        columns: Mapping[str, str] = NO_COLUMNS,
    ) -> str:
        since, until = start_of(first or self.period.first), end_of(last or self.period.last)
        values = {
            "signed_in_at__gte": since.isoformat(),
            "signed_in_at__lt": until.isoformat(),
            **{f"{column}__exact": value for column, value in columns.items()},
        }
        return f"{self.url}?{urlencode(values)}"


def _tiles(found: Analytics, sessions: SessionList | None) -> Iterator[dict[str, Any]]:
    totals, durations = found.totals(), found.durations()
    link = sessions.of if sessions else lambda **_columns: ""
    yield {"name": _("Sign-ins"), "value": totals["sign_ins"], "link": link()}
    yield {
        "name": _("Active a day"),
        "value": round(totals["active_sessions"] / len(found.period)),
        "note": _("sessions, on average"),
    }
    yield {"name": _("Failed sign-ins"), "value": totals["failures"]}
    yield {
        "name": _("Suspicious sign-ins"),
        "value": totals["suspicious"],
        "link": link(columns={"is_suspicious": "1"}),
    }
    yield {"name": _("New devices"), "value": totals["new_devices"]}
    yield {
        "name": _("Median duration"),
        "value": in_words(durations["median_seconds"]),
        "note": _("of sessions that ended"),
    }
    yield {
        "name": _("95th percentile"),
        "value": in_words(durations["p95_seconds"]),
        "note": _("19 of 20 are shorter"),
    }


def _series(found: Analytics, asked: Asked, sessions: SessionList | None) -> dict[str, Any]:
    grouping = asked.grouping if asked.grouping in PERIODS else Grouping.DAY
    counted = found.series(grouping)
    starts = list(counted)
    ends = [start - timedelta(days=1) for start in starts[1:]] + [asked.period.last]
    rows, values = [], []
    for (start, counts), end in zip(counted.items(), ends, strict=True):
        totals, durations = totals_of(counts), durations_of(counts)
        link = sessions.of(start, end) if sessions else ""
        rows.append(
            {
                "start": start.isoformat(),
                "link": link,
                "numbers": list(totals.values()),
                "median": in_words(durations["median_seconds"]),
                "p95": in_words(durations["p95_seconds"]),
            }
        )
        values.append((start.isoformat(), totals["sign_ins"], totals["failures"], link))
    return {
        "grouping": grouping,
        "chart": charts.columns_of(values),
        "rows": rows,
        "ticks": [day.isoformat() for day in dict.fromkeys([starts[0], starts[-1]])],
        "address": asked.address(grouping),
    }


def _ranked(
    found: Analytics, asked: Asked, dimension: Grouping, sessions: SessionList | None
) -> dict[str, Any]:
    groups = groups_of(found, dimension)
    shown = list(groups.items())[:MOST_BARS]
    rest = sum(groups.values()) - sum(number for _value, number in shown)
    if rest:
        shown.append((OTHER, rest))
    column = COLUMNS.get(dimension)
    return {
        "title": RANKED[dimension],
        "bars": charts.bars_of(
            (
                _label(dimension, value),
                number,
                sessions.of(columns={column: value})
                if sessions and column and value not in {UNKNOWN, OTHER}
                else "",
            )
            for value, number in shown
        ),
        "address": asked.address(dimension),
    }


def _label(dimension: Grouping, value: str) -> str:
    if value == UNKNOWN:
        return _("unknown")
    if value == OTHER:
        return _("all others")
    if dimension == Grouping.DEVICE_TYPE and value in DeviceType.values:
        return str(DeviceType(value).label)
    return value


def in_words(seconds: float | None) -> str:
    """Such as 45 s, 12 min, 3 h 5 min; a dash for nothing."""
    if seconds is None:
        return "—"
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004
        return _("%d s") % whole
    minutes = round(seconds / 60)
    if minutes < 60:  # noqa: PLR2004
        return _("%d min") % minutes
    hours, minutes = divmod(minutes, 60)
    return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
