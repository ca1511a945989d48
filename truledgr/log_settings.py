"""``LOGGING``: which loggers write, from which level on, and in which format.

Read by the settings and by ``gunicorn.conf.py``, so that the server and the project write alike.
"""

from __future__ import annotations

import logging
import logging.config
import sys
import threading
from types import TracebackType
from typing import Any

from truledgr.environment import Environment

OWN = (
    "core", "users", "authentication", "authorization", "groups", "items", "schematools",
    "truledgr", "request",
)  # fmt: skip
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SILENT: dict[str, Any] = {"handlers": [], "propagate": False, "level": "CRITICAL"}

uncaught = logging.getLogger("truledgr.uncaught")


def log_settings(env: Environment, *, debug: bool) -> dict[str, Any]:
    level = env.matching("LOG_LEVEL", "|".join(LEVELS), default="INFO", example="WARNING")
    default = "text" if debug else "json"
    form = env.matching("LOG_FORMAT", "json|text", default=default, example="json")
    return config_of(level=level, form=form)


def config_of(*, level: str, form: str) -> dict[str, Any]:
    """A configuration for ``dictConfig()``. DEBUG is for our own loggers only.

    At that level those of libraries write bodies, statements with their values, and tokens.
    """
    of_others = _at_least("INFO", level)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"context": {"()": "truledgr.log_lines.ContextFilter"}},
        "formatters": {
            "json": {"()": "truledgr.log_lines.JSONFormatter"},
            "text": {"()": "truledgr.log_lines.TextFormatter"},
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "filters": ["context"],
            }
        },
        "root": {"handlers": ["console"], "level": of_others},
        "loggers": {
            **{name: {"level": level} for name in OWN},
            # Whatever else is silenced, these are not.
            "security": {"level": "WARNING"},
            "django": {"handlers": [], "propagate": True, "level": of_others},
            # What was refused stands in the lines of "request" and "security" already.
            "django.request": {"level": _at_least("ERROR", level)},
            "django.security.csrf": {"level": _at_least("ERROR", level)},
            # Lines with paths and query strings: those of "request" have routes.
            "django.server": SILENT,
            "gunicorn.access": SILENT,
            "uvicorn.access": SILENT,
            "gunicorn.error": {"handlers": ["console"], "propagate": False, "level": of_others},
            "uvicorn": {"handlers": [], "propagate": True, "level": of_others},
        },
    }


def _at_least(least: str, level: str) -> str:
    return max(least, level, key=LEVELS.index)


def configure(config: dict[str, Any]) -> None:
    """``LOGGING_CONFIG``: also warnings and what nobody catches become lines of the log."""
    logging.config.dictConfig(config)
    logging.captureWarnings(capture=True)
    if config["handlers"]["console"]["formatter"] == "json":
        sys.excepthook = _log_uncaught
        threading.excepthook = _log_uncaught_in_thread
        sys.unraisablehook = _log_unraisable


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    uncaught.critical("The process ends by an error.", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or args.exc_type is SystemExit:
        return
    error = (args.exc_type, args.exc_value, args.exc_traceback)
    uncaught.error("A thread ended by an error.", exc_info=error)


def _log_unraisable(args: sys.UnraisableHookArgs) -> None:
    error = args.exc_value
    told = (type(error), error, args.exc_traceback) if error is not None else None
    uncaught.error("An error was ignored: %s.", args.err_msg or "in a finaliser", exc_info=told)
