"""The scenarios of items; see ``service_scenarios``."""

from __future__ import annotations

from io import BytesIO

from core.ids import uuid7
from items.services import bulk, importing, items, moving, versions
from items.tests.factories import ItemFactory
from truledgr.tests.service_scenarios import Call
from truledgr.tests.service_scenarios_of_groups import group_of


def items_items__create_item():
    group = group_of()
    return Call(
        lambda a: items.create_item(actor=a, name="Kettle", group=group),
        group.owner,
        "create",
        lambda item: item,
    )


def items_items__create_item_once():
    group = group_of()
    return Call(
        lambda a: items.create_item_once(actor=a, key=uuid7(), name="Kettle", group=group)[0],
        group.owner,
        "create",
        lambda item: item,
    )


def items_items__update_item():
    item = ItemFactory()
    return Call(
        lambda a: items.update_item(actor=a, item=item, name="Other"), item.owner, "update", item
    )


def items_items__save_changes():
    item = ItemFactory()
    return Call(
        lambda a: items.save_changes(a, item, {"name": "Other"}),
        item.owner,
        "update",
        item,
        refused=lambda: items.save_changes(item.owner, item, {"name": "x" * 201}),
    )


def items_items__delete_item():
    item = ItemFactory()
    return Call(lambda a: items.delete_item(actor=a, item=item), item.owner, "delete", item)


def items_items__restore_item():
    item = ItemFactory()
    item.delete()
    return Call(lambda a: items.restore_item(actor=a, item=item), item.owner, "restore", item)


def items_moving__move_item():
    item = ItemFactory()
    group = group_of(item.owner)
    return Call(
        lambda a: moving.move_item(actor=a, item=item, group=group), item.owner, "move", item
    )


def items_versions__revert_item():
    item = ItemFactory()
    items.update_item(actor=item.owner, item=item, name="Other")
    return Call(
        lambda a: versions.revert_item(actor=a, item=item, to_version=1),
        item.owner,
        "revert",
        item,
    )


def items_bulk__run_operations():
    item = ItemFactory()
    operations = [bulk.Operation(bulk.Op.DELETE, item=item.pk)]
    return Call(
        lambda a: bulk.run_operations(actor=a, operations=operations), item.owner, "delete", item
    )


def items_importing__import_items():
    group = group_of()

    def run(actor):
        file = BytesIO(b"name\r\nKettle\r\n")
        return importing.import_items(actor=actor, file=file, file_format="csv", group=group)

    return Call(run, group.owner, "create", lambda _report: group.items.get())
