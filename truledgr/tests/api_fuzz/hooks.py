"""Who asks, and which refusals no schema could have foretold: schemathesis loads this module.

The personal access token stands in the configuration; what is here is about the session of the
person who goes through the flows under ``/api/auth/``, which change its key and end it.
"""

from __future__ import annotations

import os
import re
from http import HTTPStatus
from itertools import count
from typing import Any

import requests
import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData, UnsupportedMethodResponse

from core.api.codes import CODES

FLOWS = "/api/auth/"
TOKEN_HEADER = "X-Session-Token"
PASSED_OVER = ("If-None-Match", "X-Device-ID", "X-Device-Trust")
SERVER_ERRORS = 500
OVER = {HTTPStatus.UNAUTHORIZED, HTTPStatus.GONE}
PERSON = os.environ.get("API_FUZZ_PERSON", "")
PASSWORD = os.environ.get("API_FUZZ_PASSWORD", "")
OWN_TOKEN = os.environ.get("API_FUZZ_TOKEN_ID", "none")
EVERY = int(os.environ.get("API_FUZZ_EVERY", "1"))
numbers = count()

# Refusals of what a schema allows, since no schema can say it. By code …
BY_CODE = {
    "blank": "that a text is more than white space, as Python knows it",
    "does_not_exist": "which rows there are",
    "not_found": "which rows there are, of an operation among many",
    "invalid_rows": "what a file of items holds",
    "parse_error": "that the names in a JSON object differ, and what numbers a database holds",
    "time": "the moment in an id",
    "null_characters_not_allowed": "that no text has a NUL, which is no rule of each field",
    # Of the flows of signing in.
    "required": "the same as of blank",
    "account_not_found": "which accounts are linked",
    "cannot_remove_primary_email": "which address is the first",
    "duplicate_email": "which addresses an account has",
    "enter_current_password": "a password",
    "incorrect_code": "a code",
    "incorrect_password": "a password",
    "invalid_login": "a password",
    "email_password_mismatch": "a password",
    "username_password_mismatch": "a password",
    "invalid_password_reset": "a key that was mailed",
    "invalid_token": "a token of another provider",
    "unknown_email": "which addresses an account has",
    "username_invalid": "a rule of new names, which old ones may break",
    "username_taken": "which accounts there are",
    "password_too_common": "a list of passwords",
    "password_too_short": "a policy that does not hold for passwords that are there already",
    "password_too_similar": "what else an account says",
}
# … by the field that is to blame, and what is said of it: a pattern …
BY_FIELD = {
    "avatar_url": (r"Enter a valid URL\.", "how long the parts of a host may be"),
    "client_ip": (r"Not an IPv4", "the ways to write an address"),
    "cursor": (r"Not a cursor|Made for another", "opaque: only what a list answered is one"),
    "data": (r"Larger than|Nested deeper|Not a number", "how many bytes and levels it has"),
    "expires_at": (r"The (end|expiry) lies in the past\.", "a moment to come"),
    "from": (r"Comes after|A range has", "a range of days is bounded by its other end"),
    "membership_expires_at": (r"The end lies in the past\.", "a moment to come"),
    "network": (r"Not a network", "the ways to write a network"),
    "object": (r"There are no objects", "which models there are"),
    "settings": (
        r"\w+: (Must be a whole|No active role)",
        "that 1.0 is none, which roles there are",
    ),
    "slug": (r"No slug can be made", "of which names one can be made"),
    "tags": (r"A tag has 1 to", "that a tag is more than white space"),
    "timezone": (r"[\s\S]* is not a time zone", "the time zones of the machine"),
    "to": (r"Lies ahead", "which day is today"),
}
# … and by what is said of any field.
BY_DETAIL = {
    "Null characters are not allowed.": "a rule of all texts, which no field repeats",
    "Not readable as UTF-8 text.": "the same, of a query",
    "Must be a whole number.": "1.0 is one to JSON Schema",
}


class Session:
    """Begun anew by the next request whenever it is over."""

    token = ""

    def begin(self, base_url: str) -> None:
        person = {"username": PERSON, "password": PASSWORD}
        url = f"{base_url.rstrip('/')}{FLOWS}app/v1/auth/login"
        self.token = requests.post(url, json=person, timeout=20).json()["meta"]["session_token"]

    def follow(self, response: Any) -> None:
        if response.status_code in OVER:
            self.token = ""
        elif response.status_code == HTTPStatus.OK and b'"session_token"' in response.content:
            self.token = response.json()["meta"]["session_token"]


session = Session()


class FlowAuth:
    def get(self, case: Any, context: Any) -> str:
        if not session.token:
            session.begin(case.operation.base_url)
        return session.token

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), TOKEN_HEADER: data}


if PERSON:
    schemathesis.auth(refresh_interval=None).apply_to(path_regex=f"^{FLOWS}")(FlowAuth)


@schemathesis.serializer("application/x-ndjson")
def as_lines(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    if session.token and (case.headers or {}).get(TOKEN_HEADER) == session.token:
        session.follow(response)


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Leave out what ends the caller's own access: revoking the very token that asks.

    The tests of ``authentication`` have that one. The short form takes every so many cases only.
    """
    if str((case.path_parameters or {}).get("id")) == OWN_TOKEN:
        return False
    return next(numbers) % EVERY == 0


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Drop what is no failure.

    A valid request is refused where all that it blames is beyond any schema. A forged request is
    refused, and a session that is over is told, before anybody asks whether the method is known.
    gunicorn refuses a request line beyond 4 KiB itself. Some headers are passed over where they
    cannot be read.
    """
    if response.status_code == HTTPStatus.REQUEST_URI_TOO_LONG:
        return False
    if isinstance(failure, AcceptedNegativeData):
        return not any(f"`{name}` in header" in failure.message for name in PASSED_OVER)
    if isinstance(failure, UnsupportedMethodResponse):
        is_forged = is_problem(response) and response.json()["code"] == "csrf_failed"
        return not is_forged and response.status_code != HTTPStatus.GONE
    if not isinstance(failure, RejectedPositiveData) or response.status_code >= SERVER_ERRORS:
        return True
    body = response.json()
    problems = [row["problem"] for row in body.get("results", ())] or [body]
    return not all(map(is_beyond_schemas, problems))


def is_beyond_schemas(problem: dict[str, Any]) -> bool:
    return all(map(is_beyond_schema, problem.get("errors") or [problem]))


def is_beyond_schema(error: dict[str, Any]) -> bool:
    """``field`` and ``detail`` are called ``param`` and ``message`` in the flows."""
    detail = error.get("detail", error.get("message", ""))
    pattern, _reason = BY_FIELD.get(error.get("field", error.get("param")), ("(?!)", ""))
    return error.get("code") in BY_CODE or detail in BY_DETAIL or bool(re.match(pattern, detail))


def is_problem(response: Any) -> bool:
    content_type = response.headers.get("content-type", [""])[0]
    return str(content_type).startswith("application/problem+json")


@schemathesis.check
def registered_problem_code(context: Any, response: Any, case: Any) -> None:
    """A problem has a code of the registry, with the status that it has there."""
    if not is_problem(response):
        return
    problem = response.json()
    known = CODES.get(problem["code"])
    assert known is not None, f"{problem['code']!r} is not in core.api.codes"
    assert known.status == response.status_code, f"{known.code} is {known.status} in core.api.codes"
    strange = {one["code"] for one in problem.get("errors", ())} - CODES.keys()
    assert not strange, f"not in core.api.codes: {', '.join(sorted(strange))}"
