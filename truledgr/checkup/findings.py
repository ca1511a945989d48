"""What a check says, and what keeps every check from raising and from taking long."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps

from django.db import connection, transaction

logger = logging.getLogger(__name__)

LONGEST_QUERY = "2s"
LIMITS = "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)"


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """``check`` is a stable id, the area and what was found; ``remedy`` a sentence or a command."""

    check: str
    status: Status
    summary: str
    remedy: str = ""

    @property
    def area(self) -> str:
        return self.check.partition(".")[0]


Check = Callable[[], list[Finding]]


def area(
    name: str, *, asks_database: bool = True
) -> Callable[[Callable[[], Iterable[Finding]]], Check]:
    """Make a check of what yields findings: it never raises, and no query of it takes long.

    What a check raises becomes a finding, without its text, which may tell of hosts and paths:
    that is in the log.
    """

    def make(look: Callable[[], Iterable[Finding]]) -> Check:
        @wraps(look)
        def check() -> list[Finding]:
            try:
                with _limited() if asks_database else nullcontext():
                    return list(look())
            except Exception as error:
                logger.exception("The check of the %s could not be made.", name)
                return [
                    Finding(
                        f"{name}.not-checked",
                        Status.FAILED,
                        f"The {name} could not be checked: {type(error).__name__}.",
                        "The log says why.",
                    )
                ]

        return check

    return make


@contextmanager
def _limited() -> Iterator[None]:
    """Meanwhile, PostgreSQL gives up a query that takes long; SQLite's readers wait for nobody."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(LIMITS, [LONGEST_QUERY, LONGEST_QUERY])
        yield
        transaction.set_rollback(True)  # the limits end here
