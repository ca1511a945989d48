from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from authentication.mails.queue import delete_given_up, requeue_interrupted, waiting_since
from authentication.mails.tending import KEPT


class Command(BaseCommand):
    help = """Look after the queue of mails, as the schedule does every quarter of an hour.

It puts back the mails whose worker was killed while it sent them, forgets those that were given
up more than two weeks ago, and says since when the oldest mail waits.

  manage.py tend_mails
"""

    def handle(self, **options: Any) -> None:
        self.stdout.write(f"Put back: {requeue_interrupted()}")
        self.stdout.write(f"Given up and forgotten: {delete_given_up(KEPT)}")
        since = waiting_since()
        self.stdout.write(f"Waiting since {since:%Y-%m-%d %H:%M} UTC" if since else "None waits.")
