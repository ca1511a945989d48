from __future__ import annotations

from typing import Any

from authentication.mails.queue import delete_given_up, requeue_interrupted, waiting_since
from authentication.mails.tending import KEPT
from core.management.base import Command as BaseCommand


class Command(BaseCommand):
    help = f"""Look after the queue of mails, as the schedule does every quarter of an hour.

It puts back the mails whose worker was killed while it sent them, forgets those that were given up
more than {KEPT.days} days ago, and says since when the oldest mail waits."""
    examples = (
        ("python manage.py tend_mails", "tend the queue now"),
        (
            "python manage.py tend_mails --format json",
            "since when the oldest waits, for monitoring",
        ),
    )
    page = "docs/developer/mails.md"
    when_stopped = "Run it again: it goes on where it was."

    def handle(self, *args: Any, **options: Any) -> None:
        put_back, forgotten = requeue_interrupted(), delete_given_up(KEPT)
        since = waiting_since()
        if self.is_json:
            self.write_json({"put_back": put_back, "forgotten": forgotten, "waiting_since": since})
            return
        self.stdout.write(f"Put back: {put_back:,}")
        self.stdout.write(f"Given up and forgotten: {forgotten:,}")
        self.stdout.write(f"Waiting since {since:%Y-%m-%d %H:%M} UTC" if since else "None waits.")
