"""Refusals and failures are events: a line of the log, and a row of the trail, once a minute."""

import re
from http import HTTPStatus
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.db import DatabaseError, transaction
from django.test import AsyncClient, Client, RequestFactory
from rest_framework.test import APIClient
from rest_framework.views import APIView

from authentication.tests.people import make_user
from core import security_events
from core.api.throttling import AddressThrottle
from core.context import context_of, entered
from core.current_request import answering
from core.models import AuditEvent
from core.rates import Rate
from core.security_events import Kind, note
from items.tests.factories import ItemFactory
from truledgr.log_lines import DETAILS, FACTS
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

NOWHERE = "01890000-0000-7000-8000-000000000000"
DOCUMENT = Path(django_settings.BASE_DIR, "docs/developer/logging.md")
KINDS = [kind.value for kind in Kind]


def recorded():
    events = AuditEvent.objects.filter(action__in=KINDS).order_by("id")
    return [(event.action, event.actor_id) for event in events]


def told(event):
    return {name: after for name, (_before, after) in event.changes.items()}


@pytest.fixture
def no_cache(settings):
    """A Redis that nobody listens for."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }


@pytest.fixture
def uncounted(monkeypatch):
    """As in a process that has just started."""
    monkeypatch.setattr(security_events, "_uncounted", security_events._Uncounted())


# --- 16.3.2: failed authorizations ----------------------------------------------------------


def test_asvs_16_3_2_an_item_of_somebody_else_is_an_event(lines, api_of):
    user, item = UserFactory(), ItemFactory()

    answer = api_of(user).get(f"/api/v1/items/{item.pk}")

    assert answer.status_code == HTTPStatus.NOT_FOUND
    event = AuditEvent.objects.get(action="not_found_or_hidden")
    assert (event.actor_id, event.object_id, event.via) == (user.pk, str(user.pk), "api")
    assert event.request_id == answer["X-Request-ID"]
    assert told(event) == {
        "route": "item-detail", "method": "GET", "status": 404, "reason": "not_found",
    }  # fmt: skip
    [line] = lines.of("security")
    assert (line["kind"], line["level"], line["times"]) == ("not_found_or_hidden", "WARNING", 1)
    assert (line["user_id"], line["route"]) == (str(user.pk), "item-detail")
    assert str(item.pk) not in str(event.changes)


def test_asvs_16_3_2_a_token_without_the_scope_is_an_event(api_of):
    user = UserFactory()

    answer = api_of(user, scopes=["items.view_item"]).get("/api/v1/me/tokens")

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert recorded() == [("access_denied", user.pk)]


def test_asvs_16_3_2_the_admin_refuses_with_an_event():
    plain, staff = UserFactory(), UserFactory(is_staff=True)
    for user in (plain, staff):
        client = Client()
        client.force_login(user)
        client.get("/admin/users/user/", follow=True)

    assert recorded() == [("access_denied", plain.pk), ("access_denied", staff.pk)]


def test_asvs_16_3_2_a_page_refuses_with_an_event(client, monkeypatch):
    monkeypatch.setattr("authentication.step_up.is_recent", lambda _request: True)
    user = make_user()
    client.force_login(user)

    answer = client.post(f"/accounts/tokens/{NOWHERE}/revoke/")

    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert recorded() == [("not_found_or_hidden", user.pk)]


def test_asvs_16_3_2_who_lacks_a_second_factor_is_an_event(client, settings):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    user = UserFactory(is_staff=True)
    client.force_login(user)

    client.get("/api/v1/items")

    [event] = AuditEvent.objects.filter(action="access_denied")
    assert told(event)["reason"] == "second_factor_required"


@pytest.mark.parametrize("path", ["/nowhere", "/api/v1/nowhere", f"/api/v1/items/{NOWHERE}"])
def test_what_strangers_do_not_find_is_no_event(api, path):
    api.get(path)

    assert recorded() == []


def test_an_unknown_path_is_no_event_of_somebody_signed_in_either(client):
    client.force_login(UserFactory())

    client.get("/api/v1/nowhere")

    assert recorded() == []


# --- 16.3.3: tries to get round a control -----------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/api/auth/browser/v1/auth/login", "/api/v1/items"]
)
def test_asvs_16_3_3_a_missing_form_token_is_an_event(lines, path):
    client = (
        APIClient(enforce_csrf_checks=True)
        if "/v1/items" in path
        else Client(enforce_csrf_checks=True)
    )
    client.force_login(UserFactory())

    answer = client.post(path, {"name": "Kettle"})

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert [action for action, _user in recorded()] == ["csrf_failed"]
    assert [line["kind"] for line in lines.of("security")] == ["csrf_failed"]


def test_asvs_16_3_3_a_reached_limit_is_one_event(api, monkeypatch):
    class Once(AddressThrottle):
        rate = "1/min"

    monkeypatch.setattr(APIView, "throttle_classes", [Once])

    codes = [api.get("/api/docs/").status_code for _ in range(6)]

    assert codes.count(HTTPStatus.TOO_MANY_REQUESTS) == 5
    assert recorded() == [("rate_limited", None)]


def test_asvs_16_3_3_a_limit_on_sign_ins_has_the_event_of_sign_ins_alone(settings):
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "sign_in": "2/m/ip"}
    make_user(username="ada")
    client = Client()

    codes = [
        client.post("/accounts/login/", {"login": "ada", "password": "x"}).status_code
        for _ in range(5)
    ]

    assert codes[-1] == HTTPStatus.TOO_MANY_REQUESTS
    assert recorded() == []
    assert AuditEvent.objects.filter(action="sign_in_refused").count() == 1


@pytest.mark.parametrize(
    "headers", [{"Authorization": "Bearer tl_pat_nothing"}, {"X-Session-Token": "x" * 32}]
)
def test_asvs_16_3_3_a_bad_token_is_one_event(api, lines, headers):
    for _ in range(3):
        assert api.get("/api/v1/me", headers=headers).status_code == HTTPStatus.UNAUTHORIZED

    assert recorded() == [("bad_token", None)]
    assert len(lines.of("security")) == 1


def test_a_dead_session_of_an_app_client_is_a_bad_token(client):
    headers = {"X-Session-Token": "x" * 32}

    assert client.get("/api/auth/app/v1/auth/session", headers=headers).status_code == 410
    assert recorded() == [("bad_token", None)]


@pytest.mark.parametrize("path", ["/api/v1/me", "/api/auth/app/v1/auth/session"])
def test_no_token_is_no_event(client, path):
    assert client.get(path).status_code == HTTPStatus.UNAUTHORIZED
    assert recorded() == []


# --- 16.3.4: errors that nobody foresaw ---------------------------------------------------------


def crash(*_args, **_kwargs):
    raise RuntimeError("canary: what broke")


@pytest.mark.parametrize("path", ["/api/v1/me", "/privacy/"])
def test_asvs_16_3_4_a_crash_is_logged_with_the_request_id(lines, api_of, monkeypatch, path):
    monkeypatch.setattr("rest_framework.views.APIView.initial", crash)
    monkeypatch.setattr("django.template.base.Template.render", crash)
    client = api_of(UserFactory())
    client.raise_request_exception = False

    answer = client.get(path, headers={"X-Request-ID": "quoted-to-support"})

    assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert "canary" not in answer.content.decode()
    [line] = lines.of("django.request")
    assert "canary" in line["exception"]
    assert (line["request_id"], line["level"]) == ("quoted-to-support", "ERROR")
    [event] = AuditEvent.objects.filter(action="unexpected_error")
    assert (event.request_id, told(event)["status"]) == ("quoted-to-support", 500)


# --- Bounds ---------------------------------------------------------------------------------


def as_request(times=1, **meta):
    for _ in range(times):
        request = RequestFactory().get("/x", **meta)
        with entered(context_of(request)), answering(request):
            note(Kind.ACCESS_DENIED)
            note(Kind.ACCESS_DENIED)  # the same request says it once


def test_what_repeats_itself_is_written_once_and_counted(lines):
    as_request(times=250)

    assert len(recorded()) == 1
    assert [line["times"] for line in lines.of("security")] == [1, 10, 100]


def test_each_network_user_route_and_kind_counts_by_itself(client):
    as_request(REMOTE_ADDR="192.0.2.1")
    as_request(REMOTE_ADDR="192.0.2.2")
    as_request(REMOTE_ADDR="2001:db8::1")
    as_request(REMOTE_ADDR="2001:db8::2")  # of the same network
    note(Kind.BAD_TOKEN)

    assert len(recorded()) == 4


def test_the_trail_takes_so_many_a_minute_and_no_more(monkeypatch, lines):
    monkeypatch.setattr(security_events, "MOST_WRITTEN", Rate(amount=3, seconds=60))

    for number in range(10):
        as_request(REMOTE_ADDR=f"192.0.2.{number}")

    assert len(recorded()) == 3
    assert len(lines.of("security")) == 10


def test_without_the_cache_events_are_written_up_to_a_limit(
    no_cache,
    uncounted,
    monkeypatch,
    lines,
):
    monkeypatch.setattr(security_events, "MOST_UNCOUNTED", 5)

    as_request(times=8)

    assert len(recorded()) == 5
    assert len(lines.of("security")) == 8


def test_a_trail_that_is_away_breaks_no_answer(monkeypatch, lines, api_of):
    def away(**_kwargs):
        raise DatabaseError("gone")

    client = api_of(UserFactory())
    monkeypatch.setattr("core.audit.record", away)

    answer = client.get(f"/api/v1/items/{NOWHERE}")

    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert [line["kind"] for line in lines.of("security")] == ["not_found_or_hidden"]
    assert "in the log only" in lines.of("core.security_events")[0]["message"]


def test_a_transaction_that_is_broken_breaks_no_answer(lines):
    with transaction.atomic():
        transaction.set_rollback(True)
        as_request()

    assert recorded() == []
    assert len(lines.of("security")) == 1


def test_a_request_that_is_answered_costs_no_query_and_no_count(
    api_of, django_assert_num_queries, monkeypatch
):
    client = api_of(UserFactory())
    client.get("/api/v1/me")
    monkeypatch.setattr(security_events, "increment", crash)

    # The token with its user, as before; nothing else.
    with django_assert_num_queries(1):
        assert client.get("/api/v1/me").status_code == HTTPStatus.OK


def test_under_asgi_it_is_the_same():
    user = UserFactory()

    async def denied():
        client = AsyncClient()
        await client.aforce_login(user)
        return await client.get(f"/api/v1/items/{NOWHERE}")

    answer = async_to_sync(denied)()

    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert recorded() == [("not_found_or_hidden", user.pk)]


# --- The documentation ----------------------------------------------------------------------


def test_the_documentation_lists_every_kind_and_no_other():
    rows = re.findall(r"^\| `(\w+)` \|", DOCUMENT.read_text(), re.MULTILINE)

    assert set(KINDS) <= set(rows)
    section = DOCUMENT.read_text().partition("## Security events")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == KINDS


def test_the_documentation_lists_every_field():
    section = DOCUMENT.read_text().partition("## Fields")[2].partition("\n## ")[0]
    named = re.findall(r"`(\w+)`", "".join(re.findall(r"^\|[^|]*\|", section, re.MULTILINE)))

    expected = ["time", "level", "logger", "message", "process", *FACTS, *DETAILS, "exception"]
    assert named == expected
