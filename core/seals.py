"""Sealing the audit trail and verifying it.

Each event carries the hash of its own text, so an edit shows at once. A seal is an event too: it
holds the Merkle root (RFC 9162, section 2.1) over a run of events and the hash of the seal
before, so a row that is removed, added or rewritten together with its hash shows as well.
Writers never wait for a seal to be computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Max

from core import audit
from core.audit_insert import COMMON_COLUMNS, OWN_COLUMNS
from core.audit_sql import EventRow
from core.models import AuditEvent

SEAL_LOCK = 0x5EA1  # key of the advisory lock that lets one sealer run at a time
CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Seal:
    """A run of events, ``first_id`` to ``last_id``, whose ``count`` rows give ``merkle_root``."""

    first_id: int
    last_id: int
    count: int
    merkle_root: str
    previous_seal: str | None
    event_id: int = 0
    row_hash: str = ""


@dataclass(slots=True)
class Report:
    """What a verification found: findings name their events, oldest first."""

    events: int = 0
    seals: int = 0
    unsealed: int = 0
    last_seal: str = ""
    findings: list[str] = field(default_factory=list)


def seal() -> Seal | None:
    """Seal all finished events since the last seal; ``None`` when there are none."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEAL_LOCK])
        last_id = _last_finished_id()
        previous = _last_seal()
        first_id = previous.last_id + 1 if previous else 1
        events = AuditEvent.objects.filter(id__gte=first_id, id__lte=last_id).order_by("id")
        # The seal before is an event of this run; alone it is not worth another seal.
        if not events.exclude(id=previous.event_id if previous else 0).exists():
            return None
        tree = MerkleTree()
        for event_id, row_hash in events.values_list("id", "row_hash").iterator(CHUNK):
            tree.add(event_id, row_hash)
        made = Seal(
            first_id=first_id,
            last_id=last_id,
            count=tree.count,
            merkle_root=tree.root(),
            previous_seal=previous.row_hash if previous else None,
        )
        audit.record(action="seal", target=AuditEvent(pk=last_id), changes=_as_changes(made))
        return _last_seal()


def verify(*, progress: Callable[[Iterable[Any]], Iterable[Any]] = iter) -> Report:
    """Recompute every hash and every seal, reading the trail once in order of its ids."""
    report = Report()
    seals = []
    for seal_row in _seal_rows():
        try:
            seals.append(_as_seal(seal_row))
        except (TypeError, ValueError, AttributeError):
            report.findings.append(f"seal {seal_row.pk} cannot be read: it was changed")
    _check_chain(seals, report)
    pending = iter(seals)
    expected = next(pending, None)
    tree = MerkleTree()
    for event_id, row_hash, text, name in progress(_events()):
        report.events += 1
        if sha256(text.encode()).hexdigest() != row_hash:
            report.findings.append(f"event {event_id} ({name}) was changed after it was written")
        while expected and event_id > expected.last_id:
            _check_seal(expected, tree, report)
            expected, tree = next(pending, None), MerkleTree()
        tree.add(event_id, row_hash)
        if expected is None:
            report.unsealed += 1
    while expected:
        _check_seal(expected, tree, report)
        expected, tree = next(pending, None), MerkleTree()
    report.seals = len(seals)
    report.last_seal = seals[-1].row_hash if seals else ""
    return report


class MerkleTree:
    """The root over leaves that come one by one, in memory that grows with their logarithm."""

    def __init__(self) -> None:
        self.count = 0
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, event_id: int, row_hash: str) -> None:
        self.count += 1
        size, node = 1, sha256(f"\0{event_id}:{row_hash}".encode()).digest()
        while self._peaks and self._peaks[-1][0] == size:
            node = sha256(b"\1" + self._peaks.pop()[1] + node).digest()
            size *= 2
        self._peaks.append((size, node))

    def root(self) -> str:
        node = b""
        for _, peak in reversed(self._peaks):
            node = sha256(b"\1" + peak + node).digest() if node else peak
        return node.hex()


def _check_chain(seals: list[Seal], report: Report) -> None:
    for before, after in zip([None, *seals], seals, strict=False):
        hash_before = before.row_hash if before else None
        starts_at = before.last_id + 1 if before else 1
        if after.previous_seal != hash_before or after.first_id != starts_at:
            report.findings.append(
                f"seal {after.event_id} does not continue the seal before it: one was removed"
            )


def _check_seal(seal: Seal, tree: MerkleTree, report: Report) -> None:
    if (tree.count, tree.root()) == (seal.count, seal.merkle_root):
        return
    span = f"events {seal.first_id} to {seal.last_id}, sealed by event {seal.event_id}"
    if tree.count != seal.count:
        difference = seal.count - tree.count
        what = f"{difference} missing" if difference > 0 else f"{-difference} too many"
        report.findings.append(f"{span}: {what}")
    else:
        report.findings.append(f"{span}: a row was exchanged or its hash was rewritten")


def _events() -> Iterator[tuple[int, str, str, str]]:
    """(id, stored hash, canonical text, name for people) of every event, in order."""
    columns = ("id", "row_hash", *COMMON_COLUMNS, *OWN_COLUMNS[:-1])
    rows = AuditEvent.objects.order_by("id").values_list(*columns).iterator(CHUNK)
    for event_id, row_hash, *rest in rows:
        common, (object_id, object_label, group_id, changes) = rest[:-4], rest[-4:]
        row = EventRow(*common)
        try:
            text = audit.canonical_text(
                row,
                object_id=object_id,
                group_id=group_id,
                changes_text=audit.canonical_json(changes),
                object_label=object_label,
            )
        except (TypeError, ValueError, AttributeError):
            text = ""  # A value that record() cannot have written: no hash fits it.
        yield event_id, row_hash, text, f"{row.action} {row.app}.{row.model} {object_id}"


def _last_finished_id() -> int:
    """The newest id below which no event can appear any more.

    Ids are dealt out before their transactions commit, so on PostgreSQL the table is locked
    against writers, for at most 50 ms at a try, and released at once: whoever holds a lower id
    has finished then.
    """
    if connection.vendor != "postgresql":
        return AuditEvent.objects.aggregate(last=Max("id"))["last"] or 0
    last_error: OperationalError | None = None
    for _ in range(100):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '50ms'")
                cursor.execute("LOCK TABLE audit_events IN SHARE MODE")
                cursor.execute("SELECT coalesce(max(id), 0) FROM audit_events")
                (last_id,) = cursor.fetchone()
                # A rollback to the savepoint is how PostgreSQL lets go of a table lock early.
                transaction.set_rollback(True)
                return int(last_id)
        except OperationalError as error:
            last_error = error
    raise RuntimeError(
        "A transaction that wrote audit events has been open all the while: seal again later."
    ) from last_error


def unsealed_since() -> datetime | None:
    """When the oldest event happened that no seal covers; a seal itself does not count."""
    previous = _last_seal()
    events = AuditEvent.objects.filter(id__gt=previous.last_id if previous else 0).order_by("id")
    oldest = events.exclude(id=previous.event_id if previous else 0).first()
    return oldest.occurred_at if oldest else None


def _seal_rows() -> Any:
    return AuditEvent.objects.filter(action="seal").order_by("id")


def _last_seal() -> Seal | None:
    row = _seal_rows().last()
    return _as_seal(row) if row else None


def _as_changes(seal: Seal) -> dict[str, tuple[audit.Leaf, audit.Leaf]]:
    names = ("first_id", "last_id", "count", "merkle_root", "previous_seal")
    return {name: (None, getattr(seal, name)) for name in names}


def _as_seal(row: AuditEvent) -> Seal:
    values = {name: after for name, (_, after) in row.changes.items()}
    return Seal(**values, event_id=row.pk, row_hash=row.row_hash)
