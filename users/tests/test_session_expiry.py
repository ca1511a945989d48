"""Ending what has passed a limit, without reading what has not."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from users.models import EndReason, UserSession
from users.sessions import SessionStore
from users.tests.factories import UserSessionFactory

pytestmark = pytest.mark.django_db

FUTURE = timedelta(days=1)


@pytest.mark.parametrize("limit", ["expires_at", "idle_expires_at"])
def test_either_limit_alone_ends_a_session(limit):
    now = timezone.now()
    times = {"expires_at": now + FUTURE, "idle_expires_at": now + FUTURE}
    past = UserSessionFactory(**{**times, limit: now - FUTURE})
    fresh = UserSessionFactory(**times)
    UserSessionFactory(**{**times, limit: now - FUTURE, "user": None})

    SessionStore.clear_expired()

    reasons = dict(UserSession.objects.values_list("pk", "end_reason"))
    assert reasons == {past.pk: EndReason.EXPIRED, fresh.pk: ""}


def test_what_it_writes_is_found_by_an_index():
    """The open sessions that are not over are not read, however many there are."""
    now = timezone.now()
    UserSessionFactory.create_batch(300, expires_at=now + FUTURE)
    UserSessionFactory(expires_at=now - FUTURE)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE user_sessions")
    plans = []
    with CaptureQueriesContext(
        connection,
    ) as queries:
        SessionStore.clear_expired()
    for query in queries:
        if query["sql"].startswith("UPDATE"):
            explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
            with connection.cursor() as cursor:
                cursor.execute(explain + query["sql"].replace("%", "%%"))
                plans.append(str(cursor.fetchall()))

    assert len(plans) == 2
    assert "session_expiry_idx" in plans[0]
    assert "session_idle_expiry_idx" in plans[1]
