"""What a server that dies under load leaves behind; the figures of docs/developer/activity.md.

``test_servers.py`` has those that are stopped.
"""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from core.models import AuditEvent
from truledgr.settings import ACTIVITY_FLUSH_ROWS, ACTIVITY_FLUSH_SECONDS
from truledgr.tests.serving import Load, serving
from users.models import SessionActivity, UserSession
from users.sessions import SessionStore, hash_key
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS_OF_LOAD, THREADS = 1.6, 2
# A batch is on its way for a moment before it is committed.
SECONDS_TO_WRITE = 0.5
BACKEND = "authorization.backends.RoleBackend"


def signed_in_token():
    user, store = UserFactory(), SessionStore()
    store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(user.pk), BACKEND
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return store.session_key


def die(server, load):
    """Put load on the server, then kill it in the middle of it; answer when."""
    server.wait_until_ready()
    with load.under_way(threads=THREADS):
        time.sleep(SECONDS_OF_LOAD)
        died_at = time.monotonic()
        server.end(signal.SIGKILL)
    return died_at


def test_a_killed_server_loses_a_second_of_activity_or_with_sync_nothing(tmp_path):
    ends = {"killed": "0", "sync": "1"}
    loads, died_at = {}, {}
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        for name, is_synchronous in ends.items():
            server = stack.enter_context(serving(tmp_path, ACTIVITY_SYNC=is_synchronous))
            loads[name] = Load(server.port, signed_in_token(), name)
            died_at[name] = pool.submit(die, server, loads[name])
        died_at = {name: future.result() for name, future in died_at.items()}

    for load in loads.values():
        noted = set(rows_of(load).values_list("request_id", flat=True))
        assert load.refused == []
        assert len(load.answered) > 20
        # One row for each request, and no request counted twice.
        assert rows_of(load).count() == len(noted)
        assert_that_nothing_else_is_lost(load)

    load = loads["sync"]
    assert lost_of(load) == set()
    assert session_of(load).request_count == rows_of(load).count()

    load = loads["killed"]
    lost = lost_of(load)
    assert len(lost) <= ACTIVITY_FLUSH_ROWS
    oldest = min((load.answered[request_id] for request_id in lost), default=died_at["killed"])
    assert died_at["killed"] - oldest <= ACTIVITY_FLUSH_SECONDS + SECONDS_TO_WRITE
    assert session_of(load).request_count == rows_of(load).count() > 0


def rows_of(load):
    return SessionActivity.objects.filter(request_id__startswith=f"{load.name}-")


def session_of(load):
    return UserSession.objects.get(key_hash=hash_key(load.token))


def lost_of(load):
    return load.answered.keys() - set(rows_of(load).values_list("request_id", flat=True))


def assert_that_nothing_else_is_lost(load):
    """The session goes on, and what was changed and answered is in the audit trail."""
    assert SessionStore(load.token).load()
    recorded = AuditEvent.objects.filter(request_id__in=load.changed, action="update")
    assert load.changed
    assert set(recorded.values_list("request_id", flat=True)) == load.changed
