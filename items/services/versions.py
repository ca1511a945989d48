"""The versions of an item, as the audit trail has them, and going back to one.

A version is shown to those who may see the items of whom the item belonged to then. Moving an
item to a group shares it as it is, and not what its owner had written in it before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast

from authorization.access import access_of
from core import audit
from core.errors import ConflictError, NoSuchError
from core.models import AuditEvent
from groups.models import GROUPS, Membership, MembershipRank
from groups.options import options_of
from items.models import Item
from items.services.items import CHANGEABLE, locked_item, require, save_changes
from items.services.moving import MOVE, MOVE_OUT
from users.models import User

VIEW = "items.view_item"
MOST_MOVES = 100  # of an item that has been moved more often, the time before is shown to nobody
AT_A_TIME = 20

Holder = tuple[str | None, str | None]  # keys of owner and group, as the trail writes them
State = dict[str, audit.Leaf]


def versions_of(*, item: Item, viewer: User) -> QuerySet[AuditEvent]:
    """What happened to the item, as far as ``viewer`` may know; each event with its ``version``.

    A move is what happened to whoever got the item. The version is ``None`` where the trail is
    older than its mention of versions.
    """
    events = _events_of(str(item.pk)).exclude(action=MOVE_OUT)
    if not viewer.has_perm(VIEW):
        events = events.filter(_periods(item, viewer))
    numbered = _events_of(OuterRef("object_id")).filter(
        id__lte=OuterRef("id"), changes__has_key="version"
    )
    after = Cast(KeyTextTransform("1", KeyTransform("version", "changes")), IntegerField())
    latest = numbered.order_by("-id").values_list(after)[:1]
    return events.annotate(version=Subquery(latest))


def state_at(item: Item, version: int) -> State:
    """The audited fields as they were in that version, by undoing what the trail says since.

    Raise ``NoSuchError`` for a version that the item has not had, ``ConflictError`` for one that
    the trail does not reach back to.
    """
    if not 1 <= version <= item.version:
        raise NoSuchError(
            f"The item has no such version; its versions are 1 to {item.version}.", field="version"
        )
    state = audit.snapshot(item)
    if state["version"] == version:
        return state
    events = _events_of(str(item.pk)).filter(changes__has_key="version")
    recorded = events.order_by("-id").values_list("changes", flat=True)
    for changes in recorded.iterator(chunk_size=AT_A_TIME):
        if changes["version"][1] != state["version"]:
            break  # a write that left no event
        state.update({name: before for name, (before, _after) in changes.items()})
        if state["version"] == version:
            return state
    raise _out_of_reach(version)


@transaction.atomic
def revert_item(*, actor: User, item: Item, to_version: int, version: int | None = None) -> Item:
    """Make the content what it was in ``to_version``, as a new version; answer the item.

    Whose it is stays. Raise as ``update_item`` does, ``NoSuchError`` for a version that the item
    has not had, and ``ConflictError`` for one that the trail does not reach back to or that is
    not for the actor to see.
    """
    item = locked_item(item, version=version)
    require(actor, "items.change_item", item)
    state = state_at(item, to_version)
    if not _may_see(actor, _holder_in(state)):
        raise _out_of_reach(to_version)
    content = {name: state[name] for name in CHANGEABLE}
    for name in ("tags", "data"):
        content[name] = json.loads(str(state[name]))
    return save_changes(actor, item, content, action="revert")


def names_of(*, item: Item, viewer: User, people: Iterable[UUID]) -> dict[UUID, str]:
    """The usernames of ``people``, of those whom ``viewer`` may know by name.

    That is the viewer; whoever is a member of the item's group, for whom the members of the
    group may see; and everybody, for whom may see every user.
    """
    wanted = set(people)
    if viewer.has_perm("users.view_user"):
        rows = User.objects.filter(pk__in=wanted)
        return dict(rows.values_list("pk", "username"))
    names = {viewer.pk: viewer.get_username()} if viewer.pk in wanted else {}
    others = wanted - {viewer.pk}
    if item.group is None or not viewer.has_perm("groups.view_membership", item.group):
        return names
    members = Membership.objects.in_force().filter(group=item.group, user__in=others)
    shows_all = options_of(item.group).members_see_members
    if not (shows_all or viewer.has_perm("groups.change_membership", item.group)):
        members = members.exclude(rank=MembershipRank.MEMBER)
    return names | dict(members.values_list("user_id", "user__username"))


def may_see_holder(viewer: User, *, owner: str | None, group: str | None) -> bool:
    """Whether ``viewer`` may see the items of that person or group."""
    return _may_see(viewer, (owner, group))


def _events_of(object_id: Any) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(app="items", model="item", object_id=object_id)


def _holder_in(state: Mapping[str, Any]) -> Holder:
    return state["owner"], state["group"]


def _may_see(viewer: User, holder: Holder) -> bool:
    if viewer.has_perm(VIEW):
        return True
    owner, group = holder
    if group is not None:
        return access_of(viewer).grants(GROUPS, UUID(group), VIEW)
    return owner == str(viewer.pk)


def _periods(item: Item, viewer: User) -> Q:
    """Events from the times in which the item belonged to whose items ``viewer`` may see."""
    moves = _events_of(str(item.pk)).filter(action=MOVE).order_by("-id")
    state: dict[str, Any] = audit.snapshot(item)
    periods = Q(pk__in=[])
    until: int | None = None
    rows = moves.values_list("pk", "changes")[:MOST_MOVES]
    for moved_at, changes in rows:
        if _may_see(viewer, _holder_in(state)):
            periods |= _period(moved_at, until)
        state |= {name: before for name, (before, _after) in changes.items()}
        until = moved_at
    if len(rows) < MOST_MOVES and _may_see(viewer, _holder_in(state)):
        periods |= _period(None, until)
    return periods


def _period(start: int | None, until: int | None) -> Q:
    period = ~Q(pk__in=[])
    if start is not None:
        period &= Q(pk__gte=start)
    if until is not None:
        period &= Q(pk__lt=until)
    return period


def _out_of_reach(version: int) -> ConflictError:
    return ConflictError(
        f"Version {version} cannot be brought back: the trail that you may read does not reach "
        "that far. The item's history lists those that can.",
        field="version",
    )
