"""The admin's page of sign-ins and sessions."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from authorization.tests.factories import RoleAssignmentFactory
from truledgr import charts
from truledgr.admin_analytics import in_words
from users.models import SessionActivity
from users.tests.factories import UserFactory, UserSessionFactory

pytestmark = pytest.mark.django_db

PAGE, FILE = "/admin/analytics/sessions/", "/admin/analytics/sessions.csv"
PERMISSION = "users.view_session_analytics"


@pytest.fixture(autouse=True)
def _no_second_factor(settings):
    settings.STAFF_SECOND_FACTOR_REQUIRED = False


@pytest.fixture
def auditor(client):
    """Signed in; may see the numbers and nothing else."""
    user = RoleAssignmentFactory(user__is_staff=True, role__permissions=[PERMISSION]).user
    client.force_login(user)
    return user


def signed_in(**columns):
    moment = timezone.now()
    return UserSessionFactory(
        **{"signed_in_at": moment, "last_activity_at": moment, "device_type": "mobile", **columns}
    )


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_it_shows_the_numbers(client, auditor):
    signed_in(browser="Firefox 142", country="DE", is_suspicious=True)
    signed_in(browser="<b>Browser", os="&amp;")
    SessionActivity.objects.create(activity_type="sign_in_failed", extra={"reason": "locked"})

    response = client.get(PAGE)

    assert response.status_code == 200
    text = text_of(response)
    assert "Suspicious sign-ins 1" in text
    assert "Firefox 1" in text
    assert "locked 1" in text
    body = response.content.decode()
    assert "<b>Browser" not in body
    assert body.count('role="img"') == 1  # the other chart is for the eye; words stand beside it
    assert f"{timezone.now().date()}: 2 sign-ins, 1 failed" in text


def test_nothing_on_it_needs_an_exception_from_the_policy(client, auditor):
    signed_in()
    page = client.get(PAGE).content.decode()

    assert "style=" not in page.partition('id="content-main"')[2]
    assert "<style" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\son\w+=", page)


@pytest.mark.parametrize("url", [PAGE, FILE])
def test_staff_without_the_permission_are_refused(client, url):
    client.force_login(UserFactory(is_staff=True))

    assert client.get(url).status_code == 403


@pytest.mark.parametrize("url", [PAGE, FILE])
def test_who_is_no_staff_is_sent_to_sign_in(client, url):
    user = RoleAssignmentFactory(role__permissions=[PERMISSION]).user
    client.force_login(user)

    assert client.get(url).status_code == 302


def test_the_index_leads_to_it(client, auditor):
    assert PAGE in client.get("/admin/").content.decode()
    assert PAGE in client.get("/admin/users/").content.decode()
    assert PAGE not in client.get("/admin/", headers={"Cookie": ""}).content.decode()


def test_the_index_does_not_lead_others_to_it(client):
    user = RoleAssignmentFactory(
        user__is_staff=True, role__permissions=["users.view_usersession"]
    ).user
    client.force_login(user)

    assert PAGE not in client.get("/admin/").content.decode()


def test_its_bars_lead_to_the_sessions_behind_them(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    inside, outside = signed_in(), signed_in(device_type="desktop")
    page = client.get(PAGE).content.decode()
    links = re.findall(r'href="(/admin/users/usersession/\?[^"]+)"', page)
    (mobile,) = [link for link in links if "mobile" in link]

    response = client.get(mobile.replace("&amp;", "&"))

    assert response.status_code == 200
    assert str(inside.pk) in response.content.decode()
    assert str(outside.pk) not in response.content.decode()


def test_who_may_not_list_sessions_is_shown_no_links_to_them(client, auditor):
    signed_in()

    assert reverse("admin:users_usersession_changelist") not in client.get(PAGE).content.decode()


def test_an_empty_range_says_what_to_do(client, auditor):
    UserSessionFactory.create_batch(0)
    response = client.get(PAGE, {"from": "2001-01-01", "to": "2001-01-31"})

    assert "Nobody has signed in" in text_of(response)
    assert "make run" in text_of(response)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"from": "x"}, "First day: Not a date"),
        ({"to": "2999-01-01"}, "Last day: Lies ahead"),
        ({"group_by": "x"}, "There is no such grouping."),
    ],
)
def test_a_bad_range_is_named_and_the_usual_one_shown(client, auditor, asked, message):
    response = client.get(PAGE, asked)

    assert response.status_code == 400
    assert message in text_of(response)
    assert client.get(FILE, asked).status_code == 400


def test_days_that_are_not_counted_are_named(client, auditor):
    for back in range(12):
        signed_in(signed_in_at=timezone.now() - timedelta(days=back))

    assert "are not counted yet and are left out" in text_of(client.get(PAGE))


def test_the_file_has_what_the_page_is_grouped_by(client, auditor):
    signed_in(country="DE")

    response = client.get(FILE, {"group_by": "country"})

    assert response.content.decode().splitlines() == ["country,sign_ins", "DE,1"]
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "sessions-by-country-" in response["Content-Disposition"]


@pytest.mark.parametrize("sessions", [1, 4])
def test_the_page_costs_a_fixed_number_of_queries(client, sessions, django_assert_num_queries):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    for number in range(sessions):
        signed_in(country=f"A{number}")
    asked = {"from": str(timezone.now().date() - timedelta(days=2))}
    client.get(PAGE, asked)

    # 1. the session with its user  2. the roll-ups  3. the rows
    with django_assert_num_queries(3):
        client.get(PAGE, asked)


# --- Shapes ---------------------------------------------------------------------------------


def test_columns_share_one_scale_and_one_base_line():
    chart = charts.columns_of([("a", 10, 0, ""), ("b", 5, 10, "")])

    first, second = chart.columns
    assert chart.base == first.over_height == second.under_height == charts.HEIGHT / 2
    assert first.over_height == 2 * second.over_height
    assert (first.y, second.y) == (0, chart.base - second.over_height)
    assert first.x + first.width <= second.x


def test_nothing_draws_nothing():
    assert charts.columns_of([]).columns == []
    assert charts.bars_of([]) == []
    assert {s.shade for row in charts.squares_of({}) for s in row} == {0}


def test_the_longest_bar_is_of_the_largest_number():
    assert [bar.length for bar in charts.bars_of([("a", 4, ""), ("b", 1, "")])] == [1000, 250]


def test_any_sign_in_leaves_a_shade_and_the_most_the_strongest():
    rows = charts.squares_of({(0, 8): 1, (6, 23): 100})

    assert (rows[0][8].shade, rows[6][23].shade, rows[3][3].shade) == (1, charts.SHADES, 0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "—"), (0, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (3_580, "1 h 0 min"),
        (7_500, "2 h 5 min"),
    ],
)  # fmt: skip
def test_durations_are_told_in_words(seconds, words):
    assert in_words(seconds) == words
