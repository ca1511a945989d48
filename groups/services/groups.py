"""Making, changing, archiving, deleting and restoring groups."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from authorization.access import forget_access
from authorization.models import Role
from core import audit
from core.client_ids import is_made_as, made_as, make_once, refuse_taken
from core.context import attributed_to
from core.errors import ConflictError, DomainError, NotAllowedError, StaleVersionError
from core.ids import uuid7
from core.json_values import flaw_of
from core.tags import check_tags
from groups.models import Group, GroupType, MembershipRank
from groups.options import check_settings
from groups.services.ownership import OWNER_ROLE, make_owner, successor_of, system_role
from groups.services.places import recount, seat
from groups.services.ranks import lock_group, lock_user, standing_of
from users.models import User

CHANGEABLE = frozenset(
    {
        "name", "slug", "description", "group_type", "is_public", "is_open", "max_members",
        "tags", "settings",
    }
)  # fmt: skip
ADD_GROUP, CHANGE_GROUP, DELETE_GROUP = (
    "groups.add_group",
    "groups.change_group",
    "groups.delete_group",
)
LONGEST_SLUG = 120
ATTEMPTS = 5


@transaction.atomic
def create_group(
    *,
    actor: User,
    name: str,
    slug: str = "",
    description: str = "",
    group_type: str = GroupType.TEAM,
    is_public: bool = False,
    is_open: bool = False,
    max_members: int | None = None,
    tags: list[str] | None = None,
    settings: dict[str, Any] | None = None,
    owner: User | None = None,
    key: UUID | None = None,
) -> Group:
    """Create a group that the actor owns, or somebody else for whom it is; as its first member.

    Without ``slug`` it is made from the name, and numbered when that is taken. It has the id
    ``key``, if that is given; raise ``IdTakenError`` when a group has it. Raise
    ``NotAllowedError`` for another ``owner`` unless the actor holds ``groups.add_group``
    everywhere, ``ConflictError`` when a live group uses the slug that was asked for,
    ``ValidationError`` or ``DomainError`` for a bad value.
    """
    group = Group(
        id=key or uuid7(),
        name=name,
        slug=slug,
        description=description,
        group_type=group_type,
        is_public=is_public,
        is_open=is_open,
        max_members=max_members,
        tags=[] if tags is None else tags,
        settings={} if settings is None else settings,
        owner=owner or actor,
        created_by=actor,
    )
    if key:
        refuse_taken(group)
    group.owner = owner = lock_user(owner or actor, field="owner")
    if not (owner.can_sign_in and actor.can_sign_in):
        raise NotAllowedError("This account cannot be signed in to.", field="owner")
    if owner.pk != actor.pk and not actor.has_perm(ADD_GROUP):
        raise NotAllowedError("You make groups for yourself only.", field="owner")
    check_settings(group.settings)  # the owner holds whatever a default role does
    _save_with_slug(group, slug, actor)
    seat(
        group=group,
        user=owner,
        role=system_role(OWNER_ROLE),
        rank=MembershipRank.OWNER,
        expires_at=None,
        action="create",
        actor=actor,
        granted_by=actor,
    )
    forget_access(actor)
    return group


def create_group_once(*, actor: User, key: UUID, **values: Any) -> tuple[Group, bool]:
    """``create_group()`` under an id that the actor chose, and whether it made the group.

    The same again answers the group as it is now. Raise ``IdTakenError`` for other values, a group
    that somebody else made, a deleted one and one that the actor does not see any more.
    """

    def own() -> Group | None:
        forget_access(actor)  # read before the group was there
        return Group.objects.alive().visible_to(actor).filter(pk=key, created_by=actor).first()

    return make_once(
        lambda: create_group(actor=actor, key=key, **values), own=own, is_same=_is_made_as
    )


@transaction.atomic
def update_group(*, actor: User, group: Group, version: int | None = None, **changes: Any) -> Group:
    """Change fields of ``CHANGEABLE``; answer the group as it is then.

    ``version`` is the one the caller read; what changes nothing keeps it. An empty ``slug`` is
    made from the name. Raise ``StaleVersionError`` when the group has another version,
    ``NotAllowedError`` for who may not change it, who names a default role that holds more than
    they do, or renames a system group; ``ConflictError`` for a deleted group, a slug that is taken
    and fewer places than members; ``ValidationError`` or ``DomainError`` for a bad value.
    """
    if strange := changes.keys() - CHANGEABLE:
        raise TypeError(f"Not a field of a group that changes: {', '.join(sorted(strange))}.")
    group = _locked(group, version)
    standing = standing_of(actor, group)
    standing.require(CHANGE_GROUP)
    before = audit.snapshot(group)
    slug = changes.pop("slug", group.slug)
    for name, value in changes.items():
        setattr(group, name, value)
    if group.is_system and (group.name, slug) != (before["name"], before["slug"]):
        raise NotAllowedError("A system group keeps its name and its slug.", field="name")
    if "settings" in changes:
        role = check_settings(group.settings)
        if role is not None and not standing.holds_all_of(role):
            _refuse_default(role)
    if "max_members" in changes:
        _refuse_too_few_places(group)
    if slug == group.slug and audit.snapshot(group) == before:
        return group
    group.version += 1
    _save_with_slug(group, slug, actor, before=before)
    return group


@transaction.atomic
def archive_group(*, actor: User, group: Group) -> Group:
    """Let the group grant nothing to its members until it is brought back.

    One that is archived already stays as it is. Raise ``NotAllowedError`` for who may not delete
    it, which ends the same rights, and for a system group; ``ConflictError`` for a deleted one.
    """
    return _set_active(actor, group, is_active=False, action="archive")


@transaction.atomic
def unarchive_group(*, actor: User, group: Group) -> Group:
    """Bring an archived group back: its owner can, and who may delete every group."""
    return _set_active(actor, group, is_active=True, action="unarchive")


@transaction.atomic
def delete_group(*, actor: User, group: Group, version: int | None = None) -> None:
    """Soft-delete a group, with its items; memberships stay and grant nothing.

    Raise ``StaleVersionError`` as ``update_group()`` does, ``NotAllowedError`` for who may not
    delete it and for a system group, ``ConflictError`` for a deleted one.
    """
    group = _locked(group, version)
    _require_deleting(actor, group)
    with attributed_to(actor):
        group.delete()
    forget_access(actor)


@transaction.atomic
def restore_group(*, actor: User, group: Group) -> Group:
    """Bring back a deleted group and what went with it; one that is live stays as it is.

    Where its owner's account is gone by then, the longest-standing other owner takes over.
    Raise ``NotAllowedError`` for who may not delete it, ``ConflictError`` when a live group uses
    its slug, or nobody is there to own it.
    """
    rows = Group.objects.select_for_update(no_key=True, of=("self",)).select_related("owner")
    group = rows.get(pk=group.pk)
    if not group.is_deleted:
        standing_of(actor, group).require(DELETE_GROUP)
        return group
    if not Group.objects.restorable_by(actor).filter(pk=group.pk).exists():
        raise NotAllowedError("Only who may delete this group brings it back.")
    with attributed_to(actor):
        group.restore()
    if group.owner.is_deleted:
        successor = successor_of(group)
        if successor is None:
            raise ConflictError(
                "The account that owned the group is closed, and nobody else in it has the rank "
                "of an owner: it cannot be brought back."
            )
        make_owner(group, successor, actor=actor)
    recount(group)
    forget_access(actor)
    return group


# --- Rules ------------------------------------------------------------------------------------


def _locked(group: Group, version: int | None) -> Group:
    group = lock_group(group)
    if version is not None and version != group.version:
        raise StaleVersionError(
            f"The group has changed since it was read: its version is {group.version} now."
        )
    return group


def _require_deleting(actor: User, group: Group) -> None:
    standing_of(actor, group).require(DELETE_GROUP)
    if group.is_system:
        raise NotAllowedError(f"{group} is a system group: it is neither deleted nor archived.")


def _set_active(actor: User, group: Group, *, is_active: bool, action: str) -> Group:
    group = lock_group(group)
    _require_deleting(actor, group)
    if group.is_active != is_active:
        before = audit.snapshot(group)
        group.is_active = is_active
        group.version += 1
        audit.save(group, action=action, before=before, actor=actor)
        forget_access(actor)
    return group


def _refuse_default(role: Role) -> None:
    raise NotAllowedError(
        f"default_role: The role {role} holds permissions that you do not hold in this group.",
        field="settings",
    )


def _refuse_too_few_places(group: Group) -> None:
    limit = group.max_members
    if limit is None:
        return
    members = group.memberships.unexpired().count()
    if isinstance(limit, int) and limit < max(members, 1):
        raise ConflictError(
            f"The group has {members} members: max_members cannot be less.", field="max_members"
        )
    Group.objects.filter(pk=group.pk).update(member_count=members)
    group.member_count = members


def _check(group: Group) -> None:
    group.full_clean(
        exclude=["owner", "created_by"], validate_unique=False, validate_constraints=False
    )
    if group.max_members == 0:
        raise DomainError("At least 1, or nothing for no limit.", field="max_members")
    check_tags(group.tags)
    for field in ("name", "description"):
        if flaw := flaw_of(getattr(group, field)):
            raise DomainError(flaw, field=field)


# --- Slugs ------------------------------------------------------------------------------------


def _save_with_slug(
    group: Group, slug: str, actor: User, *, before: dict[str, Any] | None = None
) -> None:
    """Save the group with ``slug``, or one made from its name; another group may be as fast."""
    for attempt in range(ATTEMPTS):
        group.slug = slug or _free_slug(group)
        _check(group)
        _refuse_taken(group)
        try:
            with transaction.atomic():
                audit.save(group, before=before, actor=actor)
        except IntegrityError:
            group._state.adding = before is None
            if before is None:
                group.slug = slug  # what was asked for, which is what is compared
                refuse_taken(group)
            if slug or attempt == ATTEMPTS - 1:
                raise _taken() from None
        else:
            return


def _refuse_taken(group: Group) -> None:
    if Group.objects.alive().filter(slug=group.slug).exclude(pk=group.pk).exists():
        raise _taken()


def _taken() -> ConflictError:
    return ConflictError("A group with this slug already exists. Choose another.", field="slug")


def _is_made_as(group: Group, asked: Group) -> bool:
    """Without a slug of its own, ``asked`` is met by each that can be made from its name."""
    if asked.slug:
        return is_made_as(group, asked)
    from_name = re.fullmatch(rf"{_stem(asked.name)}(-\d+)?", made_as(group).get("slug", ""))
    return bool(from_name) and is_made_as(group, asked, but=frozenset({"slug"}))


def _stem(name: str) -> str:
    return slugify(name)[: LONGEST_SLUG - 8].strip("-_") or "group"


def _free_slug(group: Group) -> str:
    """The name as a slug, or with the lowest number from 2 that makes it unique."""
    stem = _stem(group.name)
    others = Group.objects.alive().exclude(pk=group.pk)
    taken = set(others.filter(slug__startswith=stem).values_list("slug", flat=True))
    if stem not in taken:
        return stem
    return next(
        slug for number in range(2, len(taken) + 3) if (slug := f"{stem}-{number}") not in taken
    )
