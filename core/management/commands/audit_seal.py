from __future__ import annotations

from dataclasses import asdict
from typing import Any

from core import seals
from core.management.base import AuditedCommand


class Command(AuditedCommand):
    help = """Seal the audit events that were written since the last seal.

A seal is itself an audit event: it holds the Merkle root over the run of events and the hash of the
seal before it. Run it from a scheduler, and keep the printed hash outside the database:
audit_verify --expect HASH then notices even the loss of the newest seals."""
    examples = (
        ("python manage.py audit_seal", "seal what is new, and print the hash to keep"),
        (
            "python manage.py audit_seal --format json >> seals.json",
            "keep what each seal says outside the database",
        ),
    )
    exit_codes = {0: "sealed, or there was nothing to seal"}
    page = "docs/developer/audit.md"
    when_stopped = "No seal was made."

    def handle(self, *args: Any, **options: Any) -> None:
        with self.acting(options):
            made = seals.seal()
        if self.is_json:
            self.write_json({"seal": made and asdict(made)})
        elif made is None:
            self.stdout.write("Nothing to seal: no event since the last seal.")
        else:
            events = "1 event" if made.count == 1 else f"{made.count:,} events"
            self.stdout.write(
                f"Sealed {events}, {made.first_id} to {made.last_id}, as event {made.event_id}.\n"
                f"Seal hash: {made.row_hash}"
            )
