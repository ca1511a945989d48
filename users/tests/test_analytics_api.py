"""Both endpoints of analytics: who may ask what, and the answers as JSON and CSV."""

import csv
from datetime import timedelta
from io import StringIO

import pytest
from django.utils import timezone

from authorization.tests.factories import RoleAssignmentFactory
from users.analytics.periods import Grouping, Period
from users.analytics.roll_ups import roll_up_missing
from users.analytics.tables import harmless
from users.models import SessionActivity
from users.tests.factories import UserFactory, UserSessionFactory

pytestmark = pytest.mark.django_db

OWN, ALL = "/api/v1/me/sessions/analytics", "/api/v1/analytics/sessions"
PERMISSION = "users.view_session_analytics"
TOTALS = (
    "sign_ins", "active_sessions", "ended_sessions", "failures", "suspicious", "new_devices",
)  # fmt: skip


@pytest.fixture
def auditor():
    return RoleAssignmentFactory(role__permissions=[PERMISSION]).user


def signed_in(user, *, days_ago=0, **columns):
    moment = timezone.now() - timedelta(days=days_ago)
    return UserSessionFactory(user=user, signed_in_at=moment, last_activity_at=moment, **columns)


def errors_of(response):
    body = response.json()
    assert response["Content-Type"] == "application/problem+json"
    return {error["field"]: error["detail"] for error in body["errors"]}


# --- Whose numbers --------------------------------------------------------------------------


def test_everybody_sees_their_own_numbers_only(api_of):
    ann, ben = UserFactory.create_batch(2)
    signed_in(ann, browser="Firefox 142")
    signed_in(ben, browser="Chrome 140")
    SessionActivity.objects.create(user=ben, activity_type="sign_in_failed")

    body = api_of(ann).get(OWN, {"group_by": "browser"}).json()

    assert body["totals"] == dict.fromkeys(TOTALS, 0) | {"sign_ins": 1, "active_sessions": 1}
    assert body["groups"] == [{"value": "Firefox", "sign_ins": 1}]
    assert body["failures_by_reason"] == []


def test_staff_with_the_permission_see_everybodys_numbers(api_of, auditor):
    signed_in(UserFactory(), is_suspicious=True)
    signed_in(UserFactory())
    SessionActivity.objects.create(activity_type="sign_in_failed", extra={"reason": "locked"})

    body = api_of(auditor).get(ALL).json()

    assert {n: v for n, v in body["totals"].items() if v} == {
        "sign_ins": 2, "active_sessions": 2, "failures": 1, "suspicious": 1,
    }  # fmt: skip
    assert body["failures_by_reason"] == [{"reason": "locked", "failures": 1}]
    assert len(body["series"]) == 30
    assert body["series"][-1]["sign_ins"] == 2
    assert body["durations"] == {"median_seconds": None, "p95_seconds": None}
    assert body["uncounted_days"] == []


def test_others_do_not_see_everybodys_numbers(api_of):
    response = api_of(UserFactory(is_staff=True)).get(ALL)

    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")


@pytest.mark.parametrize(
    ("url", "scope"), [(ALL, PERMISSION), (OWN, "users.view_usersession")], ids=["all", "own"]
)
def test_a_token_needs_the_scope(api_of, auditor, url, scope):
    assert api_of(auditor, scopes=["items.view_item"]).get(url).status_code == 403
    assert api_of(auditor, scopes=[scope]).get(url).status_code == 200


@pytest.mark.parametrize("url", [OWN, ALL])
def test_a_stranger_sees_no_numbers(api, url):
    assert api.get(url).status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_numbers_are_only_read(api_of, auditor, method):
    assert getattr(api_of(auditor), method)(ALL).status_code == 405


# --- What is asked --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "field", "detail"),
    [
        ({"from": "2026-02-30"}, "from", "Not a date"),
        ({"from": "20260201"}, "from", "YYYY-MM-DD"),
        ({"to": "yesterday"}, "to", "Not a date"),
        ({"to": "\N{ARABIC-INDIC DIGIT TWO}026-01-01"}, "to", "Not a date"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "from", "Comes after"),
        ({"from": "2025-01-01", "to": "2026-01-02"}, "from", "366 days at most"),
        ({"to": "9999-12-31"}, "to", "Lies ahead"),
        ({"from": "9999-12-31"}, "from", "Comes after"),
        ({"group_by": "user"}, "group_by", "Not one of: day, week"),
        ({"group_by": ""}, "group_by", "Empty"),
        ({"since": "2026-01-01"}, "since", "Not a parameter"),
        ({"from": ["2026-01-01", "2026-01-02"]}, "from", "more than once"),
        ({"format": "xml"}, "format", "Not one of"),
    ],
    ids=str,
)
def test_a_bad_parameter_is_named_with_what_is_wrong(api_of, auditor, asked, field, detail):
    response = api_of(auditor).get(ALL, asked)

    assert response.status_code == 400
    assert detail in errors_of(response)[field]


def test_the_beginning_of_the_calendar_is_no_error(api_of, auditor):
    response = api_of(auditor).get(ALL, {"to": "0001-01-02"})

    assert response.json()["from"] == "0001-01-01"


def test_a_range_of_a_leap_year_is_the_longest():
    assert len(Period.read("2024-01-01", "2024-12-31")) == 366


@pytest.mark.parametrize("grouping", Grouping.values)
def test_every_grouping_answers_as_json_and_as_csv(api_of, auditor, grouping):
    signed_in(auditor, device_type="mobile", browser="Chrome 1", os="iOS 1", country="DE")
    client = api_of(auditor)

    body = client.get(ALL, {"group_by": grouping}).json()
    table = client.get(ALL, {"group_by": grouping, "format": "csv"})

    rows = list(csv.DictReader(StringIO(table.content.decode())))
    assert sum(int(row["sign_ins"]) for row in rows) == body["totals"]["sign_ins"] == 1
    assert body["group_by"] == grouping
    assert sum(point["sign_ins"] for point in body["series"]) == 1
    assert len(rows) == (len(body["groups"]) or len(body["series"]))


def test_hours_are_named_by_weekday_and_hour(api_of):
    session = signed_in(UserFactory())
    moment = session.signed_in_at

    body = api_of(session.user).get(OWN, {"group_by": "hour"}).json()

    assert body["groups"] == [
        {"value": f"{moment.isoweekday()}-{moment.hour:02d}", "sign_ins": 1}
    ]  # fmt: skip


# --- Files ----------------------------------------------------------------------------------


def test_a_file_is_asked_for_by_its_media_type_too(api_of, auditor):
    asked = {"from": "2026-01-01", "to": "2026-01-03"}

    response = api_of(auditor).get(ALL, asked, headers={"Accept": "text/csv"})

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    name = "sessions-by-day-2026-01-01-2026-01-03.csv"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    lines = response.content.decode().splitlines()
    assert lines[0] == f"day,{','.join(TOTALS)},median_seconds,p95_seconds"
    assert [line.split(",")[0] for line in lines[1:]] == ["2026-01-01", "2026-01-02", "2026-01-03"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_spreadsheet_runs_nothing_of_a_file(api_of, start):
    user = UserFactory()
    signed_in(user, browser=f"{start}HYPERLINK(1)")

    table = api_of(user).get(OWN, {"group_by": "browser", "format": "csv"})

    (_names, (value, number)) = csv.reader(StringIO(table.content.decode(), newline=""))
    assert (value, number) == (f"'{start}HYPERLINK(1)", "1")


@pytest.mark.parametrize("cell", [-1, 2.5, None, "1-08", "Chrome"])
def test_what_is_no_formula_stays_as_it_is(cell):
    assert harmless(cell) == cell


def test_a_problem_is_json_when_a_file_was_asked_for(api_of, auditor):
    response = api_of(auditor).get(ALL, {"format": "csv", "from": "x"})

    assert errors_of(response).keys() == {"from"}


# --- Queries --------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [1, 3])
def test_everybodys_numbers_cost_a_fixed_number_of_queries(
    api_of, auditor, days, django_assert_num_queries
):
    for number in range(days):
        signed_in(UserFactory(), days_ago=number)
    roll_up_missing()
    client = api_of(auditor)
    first = timezone.now().date() - timedelta(days=days)

    # 1. the token with its user  2. its last use  3. the permission  4. the roll-ups  5. the rows
    with django_assert_num_queries(5):
        assert client.get(ALL, {"from": str(first)}).json()["totals"]["sign_ins"] == days


def test_ones_own_numbers_cost_a_fixed_number_of_queries(api_of, django_assert_num_queries):
    session = signed_in(UserFactory())
    client = api_of(session.user)
    first = timezone.now().date() - timedelta(days=3)

    # 1. the token with its user  2. its last use  3. the roll-ups  4. the rows
    with django_assert_num_queries(4):
        assert client.get(OWN, {"from": str(first)}).json()["totals"]["sign_ins"] == 1
