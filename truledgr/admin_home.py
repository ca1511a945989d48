"""The start page of the admin: is all well, and what is going on?

Every number is for whom may see what it counts; nothing is counted further than ``MOST``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.utils import model_ngettext
from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from authentication.mails.queue import has_queue, mails
from authorization.models import Role
from core.admin_changes import change_url
from core.ids import first_key_of
from core.models import AuditEvent
from groups.models import Group
from items.models import Item
from truledgr import charts, checkup
from truledgr.admin_analytics import PERMISSION as VIEW_ANALYTICS
from truledgr.admin_analytics import SessionList
from truledgr.checkup.work import failed_tasks
from users.analytics.answers import Analytics, analytics, totals_of
from users.analytics.periods import Period, end_of, start_of
from users.models import User, UserSession

MOST = 1_000  # rows are counted no further
WEEK, MONTH = 7, 30  # days
MOST_ACTIONS = 10
VIEW_STATE = "schematools.view_migrationstatus"
VIEW_SESSIONS = "users.view_usersession"
VIEW_USERS = "users.view_user"
VIEW_TASKS = "django_tasks_database.view_dbtaskresult"
# What cannot change while a process runs was looked at when it started.
AREAS = tuple(name for name in checkup.QUICK if name not in {"python", "settings"})
DELETABLE = (User, Group, Item, Role)
# Where to look at what a finding is about: (permission, page of the admin).
PAGES_OF_AREAS = {
    "migrations": (VIEW_STATE, "schematools_migrationstatus_changelist"),
    "drift": ("schematools.view_databaseschema", "schematools_databaseschema_changelist"),
    "mail": (VIEW_TASKS, "django_tasks_database_dbtaskresult_changelist"),
    "tasks": (VIEW_TASKS, "django_tasks_database_dbtaskresult_changelist"),
    "trail": ("core.view_auditevent", "core_auditevent_changelist"),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """A number and what it counts; ``chart`` has it day by day."""

    name: str
    number: str
    note: str = ""
    link: str = ""
    needs_attention: bool = False
    chart: charts.Columns | None = None
    parts: tuple[tuple[str, str, str], ...] = ()  # (number, name, link) of what it is made of


def context_of(request: HttpRequest) -> dict[str, Any]:
    """What the template of the start page shows to who asks for it."""
    page = Home(request)
    return {
        "state": page.state(),
        "tiles": list(page.tiles()),
        "actions": list(page.actions()),
        "days": MONTH,
    }


class Home:
    def __init__(self, request: HttpRequest) -> None:
        self.user = request.user

    def may(self, permission: str) -> bool:
        return self.user.has_perm(permission)

    @property
    def tasks(self) -> str:
        return reverse("admin:django_tasks_database_dbtaskresult_changelist")

    # --- Is all well? -------------------------------------------------------------------------

    def state(self) -> dict[str, Any] | None:
        if not self.may(VIEW_STATE):
            return None
        noted = checkup.noted()
        findings = [*checkup.run(AREAS), *(noted.findings if noted else ())]
        wrong = [each for each in findings if each.status is not checkup.Status.OK]
        wrong.sort(key=lambda each: each.status is not checkup.Status.FAILED)
        return {
            "wrong": [(each, self._page_of(each.area)) for each in wrong],
            "has_failed": any(each.status is checkup.Status.FAILED for each in wrong),
            "checked": len({each.area for each in findings}),
            "noted_at": noted.moment if noted else None,
        }

    def _page_of(self, area: str) -> str:
        permission, page = PAGES_OF_AREAS.get(area, ("", ""))
        return reverse(f"admin:{page}") if page and self.may(permission) else ""

    # --- What is going on ---------------------------------------------------------------------

    def tiles(self) -> Iterator[Tile]:
        for permission, tile in TILES:
            if self.may(permission):
                yield tile(self)
        if deleted := self.deleted():
            yield deleted

    @cached_property
    def sign_in_days(self) -> Analytics:
        return analytics(Period.up_to_today(MONTH))

    @cached_property
    def month(self) -> Period:
        return Period.up_to_today(MONTH)

    def sign_ins(self) -> Tile:
        totals = {day: totals_of(counts) for day, counts in self.sign_in_days.days.items()}
        links = SessionList(self.month) if self.may(VIEW_SESSIONS) else None
        values = [
            (
                day.isoformat(),
                totals[day]["sign_ins"] if day in totals else 0,
                totals[day]["failures"] if day in totals else 0,
                links.of(day, day) if links else "",
            )
            for day in self.month
        ]
        return Tile(
            _("Sign-ins"),
            f"{self.sign_in_days.totals()['sign_ins']:,}",
            _("last %d days; under the line: failed ones") % MONTH,
            reverse("admin:session_analytics"),
            chart=charts.columns_of(values),
        )

    def sign_ups(self) -> Tile:
        first = start_of(self.month.first)
        counted: dict[date, int] = dict(
            new_users(first)
            .values_list(TruncDate("created_at", tzinfo=UTC))
            .annotate(number=Count("pk"))
        )
        users = reverse("admin:users_user_changelist")
        values = [
            (day.isoformat(), counted.get(day, 0), 0, _created_on(users, day)) for day in self.month
        ]
        return Tile(
            _("Sign-ups"),
            f"{sum(counted.values()):,}",
            _("last %d days") % MONTH,
            _link(users, created_at__gte=first.isoformat()),
            chart=charts.columns_of(values),
        )

    def suspicious(self) -> Tile:
        week = Period.up_to_today(WEEK)
        number, words = _bounded(suspicious_sign_ins(start_of(week.first)))
        link = SessionList(week).of(columns={"is_suspicious": "1"})
        note = _("last %d days") % WEEK
        return Tile(_("Suspicious sign-ins"), words, note, link, needs_attention=number > 0)

    def failures(self) -> Tile:
        week = set(Period.up_to_today(WEEK))
        days = [counts for day, counts in self.sign_in_days.days.items() if day in week]
        number = sum(totals_of(counts)["failures"] for counts in days)
        link = reverse("admin:session_analytics")
        if self.may("users.view_sessionactivity"):
            activities = reverse("admin:users_sessionactivity_changelist")
            link = _link(activities, activity_type__exact="sign_in_failed")
        return Tile(_("Failed sign-ins"), f"{number:,}", _("last %d days") % WEEK, link)

    def open_sessions(self) -> Tile:
        _number, words = _bounded(UserSession.objects.active())
        link = _link(reverse("admin:users_usersession_changelist"), open="yes")
        return Tile(_("Active sessions"), words, _("right now"), link)

    def failed(self) -> Tile:
        number, words = _bounded(failed_tasks())
        return Tile(
            _("Failed tasks"),
            words,
            _("that are still kept"),
            _link(self.tasks, status__exact="FAILED"),
            needs_attention=number > 0,
        )

    def waiting(self) -> Tile:
        if not has_queue():
            return Tile(_("Mails waiting"), "0", _("here they leave at once"))
        _number, words = _bounded(mails().filter(status="READY"))
        return Tile(
            _("Mails waiting"), words, _("to be sent"), _link(self.tasks, status__exact="READY")
        )

    def closing(self) -> Tile:
        _number, words = _bounded(leaving_users())
        link = _link(reverse("admin:users_user_changelist"), deletion_due_at__isnull="0")
        return Tile(_("Accounts to be deleted"), words, _("their owners asked for it"), link)

    def deleted(self) -> Tile | None:
        """What can be restored, of what this person may see; nothing when that is nothing."""
        parts, whole, is_more = [], 0, False
        for model in DELETABLE:
            opts = model._meta
            if self.may(f"{opts.app_label}.view_{opts.model_name}"):
                page = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
                number, words = _bounded(deleted_rows(model))
                name = str(model_ngettext(opts, number))
                parts.append((words, name, _link(page, state="deleted")))
                whole, is_more = whole + number, is_more or number > MOST
        if not parts:
            return None
        return Tile(
            _("Can be restored"),
            _("more than %s") % f"{MOST:,}" if is_more else f"{whole:,}",
            parts=tuple(part for part in parts if part[0] != "0"),
        )

    # --- What this person has done ------------------------------------------------------------

    def actions(self) -> Iterator[dict[str, Any]]:
        events = AuditEvent.objects.filter(actor=self.user.pk).order_by("-id")[:MOST_ACTIONS]
        for event in events:
            yield {
                "action": event.action.replace("_", " "),
                "kind": event.model,
                "label": event.object_label or event.object_id,
                "link": change_url(event.app, event.model, event.object_id),
                "moment": event.occurred_at,
            }


TILES: tuple[tuple[str, Callable[[Home], Tile]], ...] = (
    (VIEW_ANALYTICS, Home.sign_ins),
    (VIEW_USERS, Home.sign_ups),
    (VIEW_SESSIONS, Home.suspicious),
    (VIEW_ANALYTICS, Home.failures),
    (VIEW_SESSIONS, Home.open_sessions),
    (VIEW_TASKS, Home.failed),
    (VIEW_TASKS, Home.waiting),
    (VIEW_USERS, Home.closing),
)


# --- The questions, each of which an index answers ----------------------------------------------


def new_users(since: datetime) -> QuerySet[User]:
    """Those who are there and have come ``since``, which their keys tell."""
    rows: QuerySet[User] = User.objects.alive().order_by()
    return rows.filter(pk__gte=first_key_of(since), created_at__gte=since)


def suspicious_sign_ins(since: datetime) -> QuerySet[UserSession]:
    """The index of suspicious ones has the last use, which is no earlier than the sign-in."""
    rows = UserSession.objects.filter(is_suspicious=True, last_activity_at__gte=since)
    return rows.filter(signed_in_at__gte=since)


def leaving_users() -> QuerySet[User]:
    """Those who have asked to be deleted, and are there yet."""
    rows: QuerySet[User] = User.objects.alive()
    return rows.filter(deletion_due_at__isnull=False)


def deleted_rows(model: type[Any]) -> QuerySet[Any]:
    rows: QuerySet[Any] = model._default_manager.filter(is_deleted=True)
    return rows


def _bounded(rows: QuerySet[Any]) -> tuple[int, str]:
    """How many there are, counted no further than one more than ``MOST``; and that in words."""
    number = rows.order_by()[: MOST + 1].count()
    return number, _("more than %s") % f"{MOST:,}" if number > MOST else f"{number:,}"


def _link(page: str, **asked: str) -> str:
    return f"{page}?{urlencode(asked)}"


def _created_on(page: str, day: date) -> str:
    first, end = start_of(day), end_of(day)
    return _link(page, created_at__gte=first.isoformat(), created_at__lt=end.isoformat())
