"""What a line of the log looks like: one JSON object, or one line of text for development.

Nothing here needs the apps: the server logs before they are loaded, and when they cannot be.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

SERVER_ERROR = 500
# Who and where: in every line, null where it is not known.
FACTS = (
    "request_id", "user_id", "impersonator_id", "session_id", "client_ip", "route", "via",
)  # fmt: skip
# What: the only other attributes of a record that are written. Django adds the whole request.
DETAILS = (
    "method", "status", "duration_ms", "user_agent", "kind", "reason", "times",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the moment a line is written in; ``hidden`` words are left out of it."""

    facts: dict[str, Any] = field(default_factory=dict)
    hidden: tuple[tuple[str, str], ...] = ()

    def without_hidden(self, text: str) -> str:
        for word, shown in self.hidden:
            text = text.replace(word, shown)
        return text


NOTHING = Context()


def _nothing(_record: logging.LogRecord) -> Context:
    return NOTHING


class ContextFilter(logging.Filter):
    """Puts the ``Context`` on each record; ``read`` is set when the apps are ready."""

    read: Callable[[logging.LogRecord], Context] = staticmethod(_nothing)

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            record.context = ContextFilter.read(record)
        except Exception as error:  # noqa: BLE001 (a line without context is better than none)
            record.context = Context({"via": f"unreadable: {type(error).__name__}"})
        return True


def context_of(record: logging.LogRecord) -> Context:
    context = getattr(record, "context", NOTHING)
    return context if isinstance(context, Context) else NOTHING


def time_of(record: logging.LogRecord) -> str:
    """RFC 3339 in UTC with milliseconds, such as ``2026-01-31T08:00:00.000Z``."""
    moment = datetime.fromtimestamp(record.created, tz=UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"


def message_of(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001 (logging itself would print the error, outside of any line)
        message = f"{record.msg} (its values do not fit)"
    return context_of(record).without_hidden(message)


def details_of(record: logging.LogRecord) -> dict[str, Any]:
    given = record.__dict__
    details = {name: given[name] for name in DETAILS if given.get(name) not in {None, ""}}
    if "status_code" in given:  # as Django calls it
        details.setdefault("status", given["status_code"])
    return details


class JSONFormatter(JsonFormatter):
    """One object, pure ASCII: neither line breaks nor other control characters get through."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time_of(record),
            "level": record.levelname,
            "logger": record.name,
            "message": message_of(record),
            "process": record.process,
            **{name: context_of(record).facts.get(name) for name in FACTS},
            **details_of(record),
        }
        if error := error_of(self, record):
            line["exception"] = error
        return self.serialize_log_record(line)


class TextFormatter(logging.Formatter):
    """For people: control characters are escaped, and the lines of a traceback marked as such."""

    def format(self, record: logging.LogRecord) -> str:
        facts = context_of(record).facts
        told = {**{name: facts.get(name) for name in ("request_id", "user_id", "client_ip")}}
        told |= details_of(record)
        words = "".join(f" {name}={value}" for name, value in told.items() if value is not None)
        line = f"{time_of(record)} {record.levelname} {record.name}: {message_of(record)}"
        lines = [escaped(line.rstrip() + words)]
        lines += [f"  | {escaped(each)}" for each in error_of(self, record).splitlines()]
        return "\n".join(lines)


def error_of(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """The traceback of a record, or its stack; empty when it has none.

    What a caller did wrong has none either, or whoever likes could fill the log with them.
    """
    text = ""
    if record.__dict__.get("status_code", SERVER_ERROR) < SERVER_ERROR:
        return text
    if record.exc_info and record.exc_info[0] is not None:
        text = str(formatter.formatException(record.exc_info))
    elif record.stack_info:
        text = str(formatter.formatStack(record.stack_info))
    return context_of(record).without_hidden(text)


def escaped(text: str) -> str:
    r"""Each character that moves, hides or reorders text is written as in ``\x1b``."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )
