"""What the metrics cost a request: with them, beside the same without, in one run.

One signed-in ``GET /api/v1/me``, from the WSGI handler's first line to the close of the answer, in
a process that shares its numbers as gunicorn's do.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import measuring
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.db.backends.signals import connection_created
from django.test import override_settings
from measuring import Fact, Result
from prometheus_client import values
from session_tracking import ME, OWN_BACKEND, _get

from truledgr.metrics import queries, served
from truledgr.metrics.processes import SHARED
from users.models import User
from users.sessions import SessionStore

AT_MOST = 1.05


def measure(options: argparse.Namespace) -> Iterator[Result | Fact]:
    measuring.migrate()
    user = User.objects.create_user("ada", "ada@example.org", "correct horse battery staple")
    store = SessionStore()
    store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(user.pk), OWN_BACKEND
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    measuring.analyze("default")
    logging.disable(logging.INFO)
    yield Fact("numbers are shared by processes", values.ValueClass._multiprocess)  # noqa: SLF001
    with override_settings(SECURE_SSL_REDIRECT=False):
        yield from _measure(options.rounds, store)


def _measure(rounds: int, store: Any) -> Iterator[Result | Fact]:
    handler = WSGIHandler()
    observe = served.observe
    connection_created.disconnect(dispatch_uid="metrics")

    def measured() -> None:
        connection.execute_wrappers = [queries.measure]
        served.observe = observe
        _get(handler, ME, store)

    def unmeasured() -> None:
        connection.execute_wrappers = []
        served.observe = _nothing
        _get(handler, ME, store)

    contestants = {"measured": measured, "unmeasured": unmeasured}
    before = _observed()
    seconds = measuring.medians(contestants, rounds=rounds, warm_up=30, after_each=cache.clear)
    yield Result(
        "a request with metrics : without", seconds["measured"], seconds["unmeasured"], AT_MOST
    )
    counted = _observed() - before
    yield Fact(f"{counted:,.0f} requests counted", counted == rounds + 30)


def _nothing(**_answer: Any) -> None:
    pass


def _observed() -> float:
    counter = served.REQUESTS.labels("GET", "me", "2xx")
    return float(counter._value.get())  # noqa: SLF001


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="truledgr-bench-") as directory:
        os.environ.setdefault(SHARED, directory)
        measuring.main(__doc__ or "", measure, rounds=400)
