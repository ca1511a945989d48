from __future__ import annotations

from typing import Any

from core import seals
from core.management.base import AuditedCommand


class Command(AuditedCommand):
    help = """Seal the audit events written since the last seal.

A seal is itself an audit event: it holds the Merkle root over the run of events and the hash of
the seal before it. Run it from a scheduler, and keep the printed hash outside the database:
`audit_verify --expect HASH` then notices even the loss of the newest seals.

  manage.py audit_seal
"""

    def handle(self, *args: Any, **options: Any) -> None:
        with self.acting(options):
            made = seals.seal()
        if made is None:
            self.stdout.write("Nothing to seal: no event since the last seal.")
            return
        self.stdout.write(
            f"Sealed {made.count} events, {made.first_id} to {made.last_id}, as event "
            f"{made.event_id}.\nSeal hash: {made.row_hash}"
        )
