"""What keeps Django from starting, told in words: for ``manage.py`` when nothing else can run.

Imports nothing but the standard library, so that it runs where a package is missing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

OLDEST_PYTHON = (3, 11)
FINDINGS, COULD_NOT_RUN = 1, 2
VARIABLES = "Set it as it says; docs/reference/settings.md describes every variable."
INSTALL = "pip install --require-hashes -r requirements.txt"


@dataclass(frozen=True, slots=True)
class Problem:
    """``check`` is a stable id, as of the findings of ``truledgr.checkup``."""

    check: str
    summary: str
    remedy: str
    status: str = "failed"


def version_problem(version: tuple[int, ...] = sys.version_info[:3]) -> Problem | None:
    """Python itself, where it is older than what the project is written for."""
    if version[:2] >= OLDEST_PYTHON:
        return None
    running, oldest = (".".join(map(str, parts)) for parts in (version, OLDEST_PYTHON))
    return Problem(
        "python.too-old",
        f"This is Python {running}; {oldest} or newer is needed.",
        f"Install Python {oldest} or newer, and make the virtual environment anew.",
    )


def problems_of(error: BaseException) -> list[Problem]:
    """What ``error``, raised while Django was starting, is a sign of; empty when it is a bug.

    An error with ``problems`` is that of ``truledgr.environment``: a sentence a variable.
    """
    if told := getattr(error, "problems", None):
        return [
            Problem(f"settings.{name}", f"{name} {message}", VARIABLES) for name, message in told
        ]
    if isinstance(error, ModuleNotFoundError):
        return [
            Problem(
                "packages.missing",
                f"The package of the module {error.name} is not installed for {sys.executable}.",
                f"Activate the virtual environment (source .venv/bin/activate), or: {INSTALL}",
            )
        ]
    if type(error).__name__ == "ImproperlyConfigured":
        return [Problem("settings.refused", str(error), "Mend it, and start again.")]
    return []


def stop(error: BaseException, arguments: Sequence[str]) -> int:
    """Say what ``error`` is a sign of, as the doctor or in a sentence; answer the exit code.

    Raise it again when nothing is known of it.
    """
    problems = [each for each in [version_problem()] if each] + problems_of(error)
    if not problems:
        raise error
    if arguments[1:2] != ["doctor"]:
        reason = " ".join(each.summary for each in problems)
        if hasattr(error, "problems"):
            reason = str(error)  # with a line for each variable
        print(f"TruLedgr cannot start: {reason}", file=sys.stderr)  # noqa: T201
        return COULD_NOT_RUN
    print(_as_json(problems) if "json" in " ".join(arguments) else _in_lines(problems))  # noqa: T201
    return FINDINGS


def _in_lines(problems: Sequence[Problem]) -> str:
    """As ``manage.py doctor`` tells its findings."""
    blocks = [
        f"failed   {each.summary}\n         {each.check}\n         → {each.remedy}"
        for each in problems
    ]
    return "\n".join([*blocks, "Nothing else can be checked until Django starts."])


def _as_json(problems: Sequence[Problem]) -> str:
    found = [asdict(each) for each in problems]
    return json.dumps({"status": "failed", "findings": found}, indent=2, ensure_ascii=False)
