"""The one way out: a mail leaves after the commit, through the task queue, encrypted till then."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict

from django.db import transaction

from authentication.mails.letters import Letter
from authentication.tasks import send_letter
from core.encryption import encrypt

logger = logging.getLogger(__name__)


def post(make: Callable[[], Letter | None]) -> None:
    """Make a letter after the commit and hand it to the queue; never raises.

    A roll-back drops it, and ``make`` may drop it by answering ``None``.
    """

    def leave() -> None:
        try:
            letter = make()
            if letter is not None:
                send_letter.enqueue(encrypt(json.dumps(asdict(letter)).encode()))
        except Exception as error:  # noqa: BLE001 - whatever it is, the request goes on
            # By its class only: its text may hold what failed to render, or an address.
            logger.error("A mail was not queued: %s.", type(error).__name__)  # noqa: TRY400

    after_commit(leave)


def after_commit(leave: Callable[[], None]) -> None:
    transaction.on_commit(leave, robust=True)
