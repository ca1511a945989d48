"""Giving people a copy of what is kept about them."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from django.utils import timezone

from authentication.limits import LimitReachedError
from authentication.mails import Notice, notify
from authentication.personal_data.archive import file_name, snapshot, write_archive
from authentication.personal_data.owners import refuse_impersonator
from core import audit
from core.rates import CountingError, Rate, take
from users.models import User

logger = logging.getLogger(__name__)

RATE = Rate(amount=5, seconds=24 * 3600, per="user")


@dataclass(frozen=True, slots=True)
class Export:
    """A ZIP in a file that has no name on the disk and is gone once it is closed."""

    name: str
    file: IO[bytes]


def export_data(*, actor: User) -> Export:
    """Make a copy of everything that is kept about ``actor``, who is told by mail.

    It is written to a file first: a transaction must not wait for whoever reads the answer, and
    what fails half way is an error, not half a ZIP. Raise ``LimitReachedError`` after five in a
    day, ``NotAllowedError`` for staff who act as somebody.
    """
    refuse_impersonator()
    _count(actor)
    moment = timezone.now()
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the response closes it)
    try:
        _fill(file, actor, moment)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return Export(file_name(actor, moment), file)


def _fill(file: IO[bytes], actor: User, moment: datetime) -> None:
    with snapshot():
        counts = write_archive(actor, file, moment=moment)
        audit.record(
            action="export",
            target=User(pk=actor.pk, username=actor.get_username()),
            changes={name: (None, count) for name, count in counts.items() if count},
            actor=actor,
        )
        notify(actor, Notice.DATA_EXPORTED)


def _count(actor: User) -> None:
    try:
        taken = take(f"export:{actor.pk}", RATE)
    except CountingError:
        # As for every request of somebody who is signed in: they go on without the cache.
        logger.error("The cache is away: exports are not counted.")  # noqa: TRY400 (one line is enough)
        return
    if taken.is_over:
        raise LimitReachedError(taken)
