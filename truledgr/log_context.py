"""Who and where a line of the log is about, without a query: what is not known yet stays out."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest

from core.context import ActingContext, current
from core.current_request import current_request, route_of
from truledgr.log_lines import Context
from users.activity.middleware import caller_of

ACTING = "_acting"  # on the request: Django logs some errors after the middleware is through
SHORTEST_SECRET = 16  # characters: keys are longer, and so are the paths that hold them


def read(record: logging.LogRecord) -> Context:
    request = record.__dict__.get("request")  # as Django's own loggers say it
    if not isinstance(request, HttpRequest):
        request = current_request()
    acting: ActingContext = getattr(request, ACTING, None) or current()
    if request is None:
        return Context(_outside_of_requests(acting))
    session_id, user_id = caller_of(request)
    impersonator = request.__dict__.get("impersonator")
    facts = {
        "request_id": acting.request_id or None,
        "user_id": _text(user_id),
        "impersonator_id": _text(getattr(impersonator, "pk", None)),
        "session_id": _text(session_id),
        "client_ip": acting.client_ip,
        "route": route_of(request),
        "via": str(acting.via),
    }
    return Context(facts, _hidden_words(request))


def _outside_of_requests(acting: ActingContext) -> dict[str, Any]:
    """A command or a task, whose actor is at hand; or the process itself."""
    if not acting.request_id:
        return {}
    actor = acting.actor()
    return {
        "request_id": acting.request_id,
        "user_id": _text(actor.pk if actor else None),
        "via": str(acting.via),
    }


def _hidden_words(request: HttpRequest) -> tuple[tuple[str, str], ...]:
    """The path where it varies, and what it names: keys of links stand there."""
    match, path = request.resolver_match, request.path
    if len(path) < SHORTEST_SECRET or (match is not None and not match.kwargs and not match.args):
        return ()
    route = f"[{route_of(request)}]"
    as_django_writes_it = path.encode("unicode_escape").decode("ascii")
    values = (*match.kwargs.values(), *match.args) if match else path.split("/")
    keys = (v for v in values if isinstance(v, str) and len(v) >= SHORTEST_SECRET)
    return ((path, route), (as_django_writes_it, route), *((key, "[hidden]") for key in keys))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
