"""How a batch is written: COPY or INSERT, what is left out, what is tried again."""

from collections import Counter
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core.tests.one_engine import on
from core.tests.parallel import at_once
from users.activity.rows import Row
from users.activity.writing import write
from users.models import SessionActivity, UserSession
from users.tests.factories import UserSessionFactory

pytestmark = pytest.mark.django_db


def row(**fields):
    return Row(
        **{
            "session_id": None, "user_id": None, "activity_type": "request", "route": "me",
            "method": "GET", "status": 200, "duration_ms": 7, "client_ip": "2001:db8::1",
            "request_id": "one", "extra": {"agent": 'Back\\slash\t"quoted"\nNULL \\N é'},
            "occurred_at": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), **fields,
        }
    )  # fmt: skip


def test_every_column_is_read_back_as_it_was_noted():
    session = UserSessionFactory()
    given = row(session_id=session.pk, user_id=session.user_id)

    write([given, row(status=None, duration_ms=None, client_ip=None)], {})

    stored, bare = SessionActivity.objects.order_by("pk")
    assert Row(*(getattr(stored, name) for name in Row._fields)) == given
    assert (bare.session_id, bare.status, bare.duration_ms, bare.client_ip) == (None,) * 4


def test_rows_of_sessions_and_users_that_are_gone_are_written():
    write([row(session_id=uuid4(), user_id=uuid4())], {uuid4(): 3})

    assert SessionActivity.objects.count() == 1


def test_a_batch_is_one_write_for_rows_and_one_for_counts():
    sessions = UserSessionFactory.create_batch(3)
    counts = {session.pk: number for number, session in enumerate(sessions, start=1)}

    with CaptureQueriesContext(connection) as queries:
        assert write([row() for _ in range(50)], counts) == {}

    texts = [query["sql"].upper() for query in queries]
    assert SessionActivity.objects.count() == 50
    assert sum("REQUEST_COUNT" in text for text in texts) == 1
    assert sum(text.lstrip().startswith("INSERT") for text in texts) == (
        0 if connection.vendor == "postgresql" else 1
    )
    counted = UserSession.objects.values_list("pk", "request_count")
    assert dict(counted) == counts


def test_counts_add_up():
    session = UserSessionFactory(request_count=5)

    for _ in range(2):
        write([], {session.pk: 3})

    session.refresh_from_db()
    assert session.request_count == 11


def test_a_row_that_the_database_refuses_takes_no_other_with_it(caplog):
    session = UserSessionFactory()
    bad = row(status=None, activity_type=None)

    assert write([row(), bad, row()], Counter({session.pk: 1})) == {}

    assert SessionActivity.objects.count() == 2
    assert UserSession.objects.get().request_count == 1
    assert "refused: IntegrityError" in caplog.text
    assert "Back" not in caplog.text


@on("postgresql")  # SQLite locks no rows
@pytest.mark.django_db(transaction=True)
def test_counts_of_a_session_that_is_locked_wait_and_rows_do_not():
    session = UserSessionFactory()

    with transaction.atomic():
        UserSession.objects.select_for_update(no_key=True).get()
        [left] = at_once(lambda: write([row()], {session.pk: 4}))

    assert left == {session.pk: 4}
    assert SessionActivity.objects.count() == 1
    assert write([], left) == {}
    session.refresh_from_db()
    assert session.request_count == 4


@pytest.mark.django_db(transaction=True)
def test_processes_that_count_the_same_sessions_lose_nothing():
    sessions = [session.pk for session in UserSessionFactory.create_batch(20)]

    def count(order):
        left = dict.fromkeys(order, 1)
        while left:
            left = write([], left)

    outcomes = at_once(*[lambda: count(sessions), lambda: count(sessions[::-1])] * 3)

    assert outcomes == [None] * 6
    assert set(UserSession.objects.values_list("request_count", flat=True)) == {6}
