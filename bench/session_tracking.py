"""What sessions, activity and devices add to a request, beside Django's own database sessions.

One signed-in ``GET /api/v1/me``, from the WSGI handler's first line to the close of the answer, in
turns with the same view behind Django's store, its table, its ``AuthenticationMiddleware`` and its
``ModelBackend``.
CACHE_URL names the cache, as it does for the site.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator
from http import HTTPStatus
from io import BytesIO
from typing import Any

import measuring
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import override_settings
from measuring import Fact, Result

from users.activity import flush
from users.models import SessionActivity, User, UserSession
from users.sessions import SessionStore as TrackedStore

AT_MOST = 1.15
OWN_BACKEND = settings.AUTHENTICATION_BACKENDS[0]
DJANGOS_BACKEND = "django.contrib.auth.backends.ModelBackend"
ME, BARE = "/api/v1/me", "/health/live"
NOT_DJANGOS = {
    "users.activity.middleware.ActivityMiddleware",
    "users.middleware.DeviceMiddleware",
    "authentication.middleware.SecondFactorMiddleware",
}


class ScratchSession(AbstractBaseSession):
    """Django's own table of sessions, which the site does not have."""

    class Meta:
        app_label = "bench"
        db_table = "bench_sessions"


class SessionStore(db.SessionStore):
    """Django's store, on that table."""

    @classmethod
    def get_model_class(cls) -> type[AbstractBaseSession]:
        return ScratchSession


def measure(options: argparse.Namespace) -> Iterator[Result | Fact]:
    measuring.migrate()
    with connection.schema_editor() as editor:
        editor.create_model(ScratchSession)
    user = User.objects.create_user("ada", "ada@example.org", "correct horse battery staple")
    tracked, plain = TrackedStore(), SessionStore()
    for store, backend in ((tracked, OWN_BACKEND), (plain, DJANGOS_BACKEND)):
        store[SESSION_KEY] = str(user.pk)
        store[BACKEND_SESSION_KEY] = backend
        store[HASH_SESSION_KEY] = user.get_session_auth_hash()
        store.create()
    measuring.analyze("default")
    # The lines of the log are formatted by neither side: they would stand between the results.
    logging.disable(logging.INFO)
    backends = [OWN_BACKEND, DJANGOS_BACKEND]
    with override_settings(SECURE_SSL_REDIRECT=False, AUTHENTICATION_BACKENDS=backends):
        yield from _measure(options.rounds, tracked, plain)


def _measure(rounds: int, tracked: Any, plain: Any) -> Iterator[Result | Fact]:
    ours = WSGIHandler()
    kept = [name for name in settings.MIDDLEWARE if name not in NOT_DJANGOS]
    with override_settings(MIDDLEWARE=kept, SESSION_ENGINE="__main__"):
        djangos = WSGIHandler()
    with override_settings(MIDDLEWARE=[]):
        nothing = WSGIHandler()

    def unnoted() -> None:
        settings.ACTIVITY_ON = False
        _get(ours, ME, tracked)
        settings.ACTIVITY_ON = True

    def synchronous() -> None:
        settings.ACTIVITY_SYNC = True
        _get(ours, ME, tracked)
        settings.ACTIVITY_SYNC = False

    def token() -> None:
        _get(ours, ME, None, HTTP_X_SESSION_TOKEN=tracked.session_key)

    contestants: dict[str, Callable[[], object]] = {
        "tracked": lambda: _get(ours, ME, tracked),
        "token": token,
        "unnoted": unnoted,
        "sync": synchronous,
        "django": lambda: _get(djangos, ME, plain),
        "bare": lambda: _get(nothing, BARE, None),
    }
    seconds = measuring.medians(contestants, rounds=rounds, warm_up=30, after_each=cache.clear)
    usual = seconds["django"]
    yield Result("sessions, activity, devices : Django's", seconds["tracked"], usual, AT_MOST)
    yield Result("the same by X-Session-Token : Django's", seconds["token"], usual)
    yield Result("sessions and devices alone : Django's", seconds["unnoted"], usual)
    yield Result("with ACTIVITY_SYNC : Django's", seconds["sync"], usual)
    yield Result("Django's : a bare view", usual, seconds["bare"])
    flush()
    noted = SessionActivity.objects.count()
    counted = UserSession.objects.get().request_count
    expected = 3 * (rounds + 30)
    yield Fact(f"{noted:,} requests noted, {counted:,} counted", noted == counted == expected)


def _get(handler: WSGIHandler, path: str, store: Any, **headers: str) -> None:
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_USER_AGENT": "bench",
        "wsgi.input": BytesIO(),
        "wsgi.url_scheme": "http",
        **headers,
    }
    if store is not None:
        environ["HTTP_COOKIE"] = f"{settings.SESSION_COOKIE_NAME}={store.session_key}"
    statuses: list[str] = []

    def start_response(status: str, *_headers: Any) -> Any:
        statuses.append(status)

    answer = handler(environ, start_response)
    b"".join(answer)
    answer.close()
    assert statuses == [f"{HTTPStatus.OK.value} OK"], statuses


if __name__ == "__main__":
    measuring.main(__doc__ or "", measure, rounds=400)
