"""Importing items from a file: all of its rows or none, each bad one named.

The file is read twice. The first time checks every row and writes nothing: a dry run ends there,
and so does an import with a bad row. The second time writes, in one transaction that is no longer
than the writing takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from core import audit
from core.audit_many import About, record_created, record_many
from core.errors import DomainError
from groups.models import Group
from items.models import Item
from items.services.import_rows import FORMATS, Fault, HeaderError, Row, read_rows
from items.services.items import check_item, locked_group, locked_owner
from users.models import User

CREATE, UPSERT = "create", "upsert"
MODES = (CREATE, UPSERT)

MOST_REPORTED = 10_000  # faults named in a report
BATCH_ROWS = 500
BATCH_BYTES = 1024 * 1024  # what a file says in a byte may take fifty in memory
CHANGED_COLUMNS = ("name", "description", "kind", "is_active", "tags", "data", "version")


@dataclass(frozen=True, slots=True)
class RowError:
    """A fault and the line on which its row begins."""

    line: int
    field: str
    code: str
    detail: str


@dataclass(slots=True)
class Report:
    """What an import did, or with ``dry_run`` would do.

    With ``bad_rows`` nothing has been written. ``errors`` names them all unless ``is_cut``.
    """

    mode: str
    dry_run: bool
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    bad_rows: int = 0
    is_cut: bool = False
    errors: list[RowError] = field(default_factory=list)

    def refuse(self, line: int, faults: list[Fault]) -> None:
        self.bad_rows += 1
        for fault in faults:
            if len(self.errors) == MOST_REPORTED:
                self.is_cut = True
                return
            self.errors.append(RowError(line, fault.field, fault.code, fault.detail))

    @property
    def is_good(self) -> bool:
        return not self.bad_rows


def import_items(
    *,
    actor: User,
    file: BinaryIO,
    file_format: str,
    mode: str = CREATE,
    dry_run: bool = False,
    owner: User | None = None,
    group: Group | None = None,
    advance: Callable[[int], object] = lambda _rows: None,
) -> Report:
    """Import the items of ``file``, which can be read from its beginning more than once.

    ``create`` makes an item of each row, of ``group``, or of ``owner``, or else of the actor.
    ``upsert`` changes the item whose id a row gives, if it still has the row's version, and makes
    one of each row without an id. What a row does not say stays as it is. ``advance`` is told the
    rows that have been read since it was last told, the second reading included.

    All or nothing: where a row is bad, nothing is written, and the report says which and why.
    Raise ``NotAllowedError``, ``ConflictError`` or ``DomainError`` where ``create_item`` would,
    whatever the rows.
    """
    if mode not in MODES or file_format not in FORMATS:
        raise ValueError(f"{mode!r} or {file_format!r} is unknown.")
    if owner and group:
        raise DomainError("An item belongs to a person or to a group, not both.", field="group")
    run = _Run(actor=actor, mode=mode, owner=owner, group=group, advance=advance)
    with transaction.atomic():
        run.lock_target()
    checked = run.read(file, file_format, Report(mode, dry_run))
    if dry_run or not checked.is_good:
        return checked
    with transaction.atomic():
        run.lock_target()
        run.is_writing = True
        written = run.read(file, file_format, Report(mode, dry_run))
        if not written.is_good:  # somebody changed an item between the readings
            transaction.set_rollback(True)
    return written


class _Run:
    """One import: its target, and what becomes of a batch of rows."""

    def __init__(
        self,
        *,
        actor: User,
        mode: str,
        owner: User | None,
        group: Group | None,
        advance: Callable[[int], object],
    ) -> None:
        self.actor = actor
        self.mode = mode
        self.owner = owner or actor
        self.group = group
        self.advance = advance
        self.is_writing = False

    def lock_target(self) -> None:
        """Keep the group or owner from being deleted; raise where it takes no items."""
        if self.group:
            self.group = locked_group(self.actor, self.group)
        else:
            self.owner = locked_owner(self.actor, self.owner)

    def read(self, file: BinaryIO, file_format: str, report: Report) -> Report:
        needed = ("name",) if self.mode == CREATE else ()
        lines_of_ids: dict[int, int] = {}
        try:
            for batch in _batches(read_rows(file, file_format=file_format, needed=needed)):
                report.rows += len(batch)
                if report.rows > settings.ITEM_IMPORT_MAX_ROWS:
                    report.refuse(batch[-1].line, [_too_many_rows()])
                    return report
                for row in batch:
                    _refuse_double(row, lines_of_ids)
                self._take(batch, report)
                self.advance(len(batch))
        except HeaderError as error:
            report.refuse(1, list(error.faults))
        report.errors.sort(key=lambda error: error.line)
        return report

    def _take(self, batch: list[Row], report: Report) -> None:
        """Check the rows of a batch; write them too where all rows so far are good."""
        known = self._items_of(batch)
        new: list[Item] = []
        changed: list[About] = []
        for row in batch:
            item, before = (None, None) if row.faults else self._item_of(row, known)
            # The first reading has checked new items, which depend on nothing but the row.
            if item is not None and not (self.is_writing and before is None):
                self._check(item, row)
            if row.faults or item is None:
                report.refuse(row.line, row.faults)
            elif before is None:
                report.created += 1
                new.append(item)
            elif changes := _changes_since(item, before):
                report.updated += 1
                changed.append((item, changes))
            else:
                report.unchanged += 1
        if self.is_writing and report.is_good:
            self._write(new, changed)

    def _write(self, new: list[Item], changed: list[About]) -> None:
        if new:
            Item.objects.bulk_create(new)
            record_created(new, actor=self.actor)
        if changed:
            # The rows are there and locked, so that each INSERT becomes an UPDATE of them.
            Item.objects.bulk_create(
                [item for item, _changes in changed],  # type: ignore[misc]
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=[*CHANGED_COLUMNS, "updated_at"],
            )
            record_many(changed, action="update", actor=self.actor)

    def _items_of(self, batch: list[Row]) -> dict[UUID, Item]:
        """The live items that the rows name and the actor may see; locked before writing."""
        ids = [row.id for row in batch if row.id is not None] if self.mode == UPSERT else []
        if not ids:
            return {}
        # By key alone: with whose they are in the query, SQLite reads all that are theirs.
        rows = Item.objects.alive().filter(pk__in=ids)
        if self.is_writing:
            # In the order of the keys, so that two imports of the same items do not lock up.
            rows = rows.select_for_update(of=("self",)).order_by("pk")
        return {
            item.pk: item
            for item in rows.select_related("group")
            if self.actor.has_perm("items.view_item", item)
        }

    def _item_of(
        self, row: Row, known: dict[UUID, Item]
    ) -> tuple[Item | None, dict[str, audit.Leaf] | None]:
        """The item as the row wants it, and as it was before where it is there already."""
        if self.mode == CREATE or row.id is None:
            return self._made(row), None
        item = self._existing(row, known)
        if item is None:
            return None, None
        before = audit.snapshot(item)
        for name, value in row.values.items():
            setattr(item, name, value)
        return item, before

    def _existing(self, row: Row, known: dict[UUID, Item]) -> Item | None:
        item = known.get(row.id) if row.id else None
        if item is None:
            row.refuse(
                "id", "does_not_exist", "No such item. To make a new one, leave the id empty."
            )
        elif not self.actor.has_perm("items.change_item", item):
            row.refuse("id", "permission_denied", "You may not change this item.")
        elif row.version is not None and row.version != item.version:
            row.refuse(
                "version",
                "stale_version",
                f"The item has changed since it was exported: its version is {item.version} now.",
            )
        else:
            return item
        return None

    def _made(self, row: Row) -> Item | None:
        if "name" not in row.values:
            row.refuse("name", "required", "A new item needs a name.")
            return None
        # By key, which takes a third less time than by object.
        group_id = self.group.pk if self.group else None
        owner_id = None if self.group else self.owner.pk
        return Item(owner_id=owner_id, group_id=group_id, created_by_id=self.actor.pk, **row.values)

    def _check(self, item: Item, row: Row) -> None:
        if not item.name.strip():
            row.refuse("name", "blank", "A name has a character that can be seen.")
            return
        try:
            check_item(item)
        except DomainError as error:
            row.refuse(error.field or "file", error.code, error.message)
        except ValidationError as error:
            for name, errors in error.error_dict.items():
                for inner in errors:
                    row.refuse(name, inner.code or "invalid", " ".join(inner.messages))


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += row.size
        if len(batch) == BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _refuse_double(row: Row, lines_of_ids: dict[int, int]) -> None:
    if row.id is None:
        return
    first = lines_of_ids.setdefault(row.id.int, row.line)  # a third of what a UUID takes
    if first != row.line:
        row.refuse("id", "duplicate", f"The id stands on line {first} too.")


def _too_many_rows() -> Fault:
    most = settings.ITEM_IMPORT_MAX_ROWS
    detail = f"More than {most:,} rows, which is the most for one file. Cut it into several."
    return Fault("file", "too_many_rows", detail)


def _changes_since(item: Item, before: dict[str, audit.Leaf]) -> audit.Changes:
    """What the row changes, the version counted up; nothing where it says what is there."""
    if audit.snapshot(item) == before:
        return {}
    item.version += 1
    spec = audit.spec_of(Item)
    assert spec is not None  # noqa: S101 (for the type checker)
    return audit.changes_between(spec, before, audit.snapshot(item))
