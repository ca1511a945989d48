"""``/metrics``: who may read it, what it counts, and that no label holds what a caller sends."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings as project
from django.db import connection
from django.db.utils import OperationalError
from django.test import Client
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from authentication.tests.account_clients import LOGIN
from authentication.tests.people import PASSWORD, make_user
from core.compiled_query import compile_query
from core.models import AuditEvent
from items.models import Item
from items.tests.factories import ItemFactory
from truledgr.metrics import processes, queries, scraped
from truledgr.tests.test_settings import PRODUCTION, manage
from users.activity.buffer import Buffer
from users.models import User
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

TOKEN = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
# Their names say what they count: https://prometheus.io/docs/practices/naming/
ENDINGS = {"counter": "_total", "info": "_info"}
AT_ONCE = get_date_max()
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def scrape(client, settings):
    """What Prometheus is told, as a function from a sample's name and labels to its value."""
    settings.METRICS_TOKEN = TOKEN

    def answer(accept=""):
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept": accept}
        response = client.get("/metrics", headers=headers)
        assert response.status_code == 200
        return response

    return answer


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0


def samples(response):
    families = plain(response.content.decode())
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


# --- Who may --------------------------------------------------------------------------------


def test_without_a_token_there_is_no_such_page(client):
    assert client.get("/metrics").status_code == 404


@pytest.mark.parametrize(
    ("address", "status"), [("127.0.0.1", 200), ("::1", 200), ("192.0.2.7", 404)]
)
def test_in_development_this_machine_needs_no_token(client, settings, address, status):
    settings.DEBUG = True

    assert client.get("/metrics", REMOTE_ADDR=address).status_code == status


@pytest.mark.parametrize(
    "sent",
    [
        "",
        TOKEN,
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer ",
        "Bearer ö",
        f"Basic {TOKEN}",
    ],
)
def test_nobody_is_let_in_without_the_token_not_even_from_this_machine(client, settings, sent):
    settings.METRICS_TOKEN, settings.DEBUG = TOKEN, True

    response = client.get("/metrics", headers={"Authorization": sent})

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="metrics"'
    assert b"truledgr_" not in response.content
    assert AuditEvent.objects.get(action="bad_token").changes["reason"] == [None, "metrics"]


@pytest.mark.parametrize("weak", ["too-short", "ab" * 32])
def test_a_weak_token_is_refused(weak):
    result = manage("check", **PRODUCTION, METRICS_TOKEN=weak)

    assert "METRICS_TOKEN: is too weak" in result.stderr
    assert weak not in result.stderr


def test_it_is_only_read_and_kept_by_nobody(scrape, client):
    assert "no-store" in scrape()["Cache-Control"]
    assert client.head("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.post("/metrics").status_code == 405


# --- Its form -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "content_type", "parse"),
    [("", "text/plain; version=0.0.4", plain), (OPENMETRICS, OPENMETRICS, openmetrics)],
)
def test_both_formats_parse_and_their_names_follow_the_conventions(
    scrape, accept, content_type, parse
):
    Client().get("/api/v1/me")

    response = scrape(accept)

    assert response["Content-Type"].startswith(content_type)
    families = {family.name: family for family in parse(response.content.decode())}
    own = {name: family for name, family in families.items() if name.startswith("truledgr_")}
    assert len(own) > 10
    for name, family in own.items():
        assert family.documentation.endswith("."), name
        if family.type == "histogram" or "duration" in name or "wait" in name.split("_"):
            assert name.endswith("_seconds"), name
        if ending := ENDINGS.get(family.type):
            assert all(sample.name.endswith(ending) for sample in family.samples), name


def test_every_metric_is_described_in_the_page_about_monitoring(scrape):
    page = (project.BASE_DIR / "docs/operations/monitoring.md").read_text()
    described = set(re.findall(r"^\| `(truledgr_\w+)`", page, re.MULTILINE))

    told = {
        re.search(r"truledgr_\w+", line)[0]
        for line in scrape().content.decode().splitlines()
        if line.startswith("# TYPE truledgr_")
    }

    assert told == described


def test_the_rules_of_the_alerts_name_metrics_that_there_are(scrape):
    rules = (project.BASE_DIR / "deploy/prometheus/alerts.yml").read_text()
    told = scrape().content.decode()

    named = set(re.findall(r"\btruledgr_\w+", rules))
    assert len(named) > 5
    for name in named:
        assert f"# TYPE {re.sub('_bucket$|_sum$|_count$', '', name)} " in told, name


# --- Requests -------------------------------------------------------------------------------


def test_a_request_is_counted_by_its_route_and_the_class_of_its_answer(client):
    labels = {"method": "GET", "route": "me"}
    requests = value("truledgr_http_requests_total", **labels, status="4xx")
    timed = value("truledgr_http_request_duration_seconds_count", **labels)

    client.get("/api/v1/me")

    assert value("truledgr_http_requests_total", **labels, status="4xx") == requests + 1
    assert value("truledgr_http_request_duration_seconds_count", **labels) == timed + 1


def test_nothing_that_a_caller_sends_makes_a_new_label(client, scrape):
    def ask(mark):
        key = UUID(int=mark)
        client.generic(f"BREW{mark}", f"/nowhere/{mark}")
        client.get(f"/api/v1/items/{key}?q={mark}", headers={"User-Agent": f"agent{mark}"})
        client.post(LOGIN, {"login": f"somebody{mark}", "password": "x"})
        client.get("/api/v1/me", headers={"Authorization": f"Bearer tl_pat_{mark}"})
        return set(samples(scrape()))

    first = ask(111_111)

    assert ask(222_222) == first
    assert not re.search("111111|222222", str(first))


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_what_machines_ask_every_few_seconds_is_not_counted(client, path):
    client.get(path)

    assert not [
        sample
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.labels.get("route") in {"health-live", "health-ready", "metrics"}
    ]


# --- The database ---------------------------------------------------------------------------


def test_statements_are_counted_those_of_compiled_queries_too():
    def statements():
        return value("truledgr_database_query_duration_seconds_count", database="default")

    compiled = compile_query(lambda: User.objects.filter(username="a name"))
    before = statements()

    User.objects.filter(username="ada").exists()
    assert statements() == before + 1

    compiled.run({"a name": "ada"})
    assert statements() == before + 2


def test_a_statement_that_fails_is_counted():
    def fail(*_statement):
        raise OperationalError

    before = value("truledgr_database_query_duration_seconds_count", database="default")

    with pytest.raises(OperationalError):
        queries.measure(fail, "SELECT 1", None, False, {"connection": connection})

    after = value("truledgr_database_query_duration_seconds_count", database="default")
    assert after == before + 1


def test_a_connection_that_was_made_again_is_measured_once():
    queries.on_connected(connection)

    assert connection.execute_wrappers.count(queries.measure) == 1


def test_the_pool_is_told_as_it_is_and_its_totals_grow(monkeypatch):
    monkeypatch.setattr(processes, "_counted", processes.defaultdict(float))
    stats = {"pool_max": 10, "pool_size": 4, "pool_available": 1, "requests_waiting": 2}
    name, labels = "truledgr_database_pool_wait_seconds_total", {"database": "test"}

    processes._note_pool("test", {**stats, "requests_wait_ms": 1500})
    processes._note_pool("test", {**stats, "requests_wait_ms": 4000})
    assert value(name, **labels) == 4
    # A pool that was closed and opened again counts from nothing.
    processes._note_pool("test", {"requests_wait_ms": 500})

    assert value(name, **labels) == 4.5
    assert value("truledgr_database_pool_connections", **labels) == 0


def test_without_its_database_it_tells_the_rest(scrape, monkeypatch):
    def refuse():
        raise OperationalError("host=db.internal is away")

    monkeypatch.setattr(scraped, "check_database", refuse)

    told = scrape()

    assert samples(told)["truledgr_database_up",] == 0
    assert b"truledgr_http_requests_total" in told.content
    assert b"truledgr_sessions_active" not in told.content
    assert b"internal" not in told.content


# --- What happens -----------------------------------------------------------------------------


def test_sign_ins_are_counted_by_outcome_and_method():
    user = make_user(username="ada")
    name = "truledgr_sign_ins_total"
    before = {
        "succeeded": value(name, outcome="succeeded", method="password"),
        "wrong_password": value(name, outcome="wrong_password", method=""),
        "unknown_account": value(name, outcome="unknown_account", method=""),
    }

    for login, password in (("ada", "wrong"), ("nobody", "wrong"), ("ada", PASSWORD)):
        Client().post(LOGIN, {"login": login, "password": password})

    user.refresh_from_db()
    assert user.last_login is not None
    assert value(name, outcome="succeeded", method="password") == before["succeeded"] + 1
    for outcome in ("wrong_password", "unknown_account"):
        assert value(name, outcome=outcome, method="") == before[outcome] + 1


def test_security_events_are_counted_also_where_they_are_not_written(client):
    before = value("truledgr_security_events_total", kind="bad_token")

    for _ in range(3):
        client.get("/api/v1/me", headers={"Authorization": "Bearer tl_pat_wrong"})

    assert AuditEvent.objects.filter(action="bad_token").count() == 1
    assert value("truledgr_security_events_total", kind="bad_token") == before + 3


def test_audit_events_are_counted_row_by_row():
    owner = UserFactory()
    ItemFactory.create_batch(3, owner=owner)
    before = value("truledgr_audit_events_total", action="delete")

    Item.objects.filter(owner=owner).delete()

    written = AuditEvent.objects.filter(action="delete").count()
    assert written == 3
    assert value("truledgr_audit_events_total", action="delete") == before + written


def test_activity_that_waits_and_that_was_given_up_is_told(monkeypatch):
    buffer = Buffer()
    monkeypatch.setattr(processes, "buffer", buffer)
    monkeypatch.setattr(processes, "_counted", processes.defaultdict(float))
    lost = value("truledgr_activity_rows_lost_total")
    buffer._rows.extend(["a row"] * 7)
    buffer.lost = 2

    processes.sample()

    assert value("truledgr_activity_rows_waiting") == 7
    assert value("truledgr_activity_rows_lost_total") == lost + 2


def test_tasks_are_told_by_state_and_by_the_age_of_the_oldest(scrape, django_assert_num_queries):
    now = timezone.now()

    def add(path, status=TaskResultStatus.READY, *, run_after=AT_ONCE, waits=0):
        row = DBTaskResult.objects.create(
            task_path=path, status=status, run_after=run_after,
            args_kwargs={"args": [], "kwargs": {}}, backend_name="default",
            exception_class_path="", traceback="",
        )  # fmt: skip
        DBTaskResult.objects.filter(pk=row.pk).update(enqueued_at=now - timedelta(seconds=waits))

    add("a.send", waits=90)
    add("a.send", run_after=now - timedelta(seconds=600), waits=4000)
    add("a.send", run_after=now + timedelta(hours=1), waits=9000)
    add("a.send", TaskResultStatus.FAILED)
    add("b.purge", TaskResultStatus.RUNNING)
    add("b.purge", TaskResultStatus.SUCCESSFUL)

    # 1. whether the database answers  2. unfinished tasks  3. sessions
    with django_assert_num_queries(3):
        told = samples(scrape())

    def tasks(task, state):
        return told.get(("truledgr_tasks", ("state", state), ("task", task)))

    states = ("due", "later", "failed", "running")
    assert [tasks("a.send", state) for state in states] == [2, 1, 1, None]
    assert [tasks("b.purge", state) for state in states] == [None, None, None, 1]
    age = told["truledgr_tasks_oldest_due_seconds", ("task", "a.send")]
    assert 600 <= age < 660
