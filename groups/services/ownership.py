"""Who answers for a group: one user, always, who is an active member for good."""

from __future__ import annotations

from django.db import transaction

from authorization.access import forget_access
from authorization.models import Role
from authorization.services.roles import permissions_of
from core import audit
from core.errors import ConflictError, NotAllowedError
from groups.models import Group, Membership, MembershipRank, MembershipStatus
from groups.options import options_of
from groups.services.places import recount, row_of, seat
from groups.services.ranks import level_of_rank, lock_group, lock_user
from users.models import User

OWNER_ROLE, ADMIN_ROLE = "group-owner", "group-admin"


def system_role(slug: str) -> Role:
    return Role.objects.alive().get(slug=slug, is_system=True)


@transaction.atomic
def transfer_ownership(
    *, actor: User, group: Group, to: User, former_rank: str = MembershipRank.OWNER
) -> Group:
    """Make ``to`` the owner of ``group``; who owned it stays a member in ``former_rank``.

    The new owner must be an active member: their rank, role and end become those of an owner.
    Whoever becomes an administrator or a member by it holds the role that goes with it.

    Raise ``NotAllowedError`` for anybody but the owner and those who hold everywhere all that
    the role group-owner holds, and for taking it oneself; ``ConflictError`` when ``to`` is no
    active member, owns it already, or their account is closed.
    """
    level_of_rank(former_rank)
    lock_user(to, field="to")
    group = lock_group(group)
    _refuse_transfer(actor, group, to)
    membership = row_of(group, to)
    if membership is None or not membership.is_unexpired or not to.can_sign_in:
        raise ConflictError(
            "The new owner has to be an active member. Let them join first.", field="to"
        )
    former = group.owner
    make_owner(group, membership, actor=actor)
    _keep(group, former, former_rank, actor=actor)
    recount(group)
    return group


def successor_of(group: Group) -> Membership | None:
    """The member who takes over when the owner goes: the longest-standing other owner.

    One who is in force, without an end, and can sign in. The group is locked. Who is locked at
    this moment, perhaps because their account is being closed, is passed over: waiting for them
    here, behind the group's lock, could wait for ever.
    """
    owners = group.memberships.unexpired().filter(
        rank=MembershipRank.OWNER,
        expires_at=None,
        user__is_active=True,
        user__is_deleted=False,
    )
    others = owners.exclude(user=group.owner_id).select_related("user", "role")
    free = others.select_for_update(no_key=True, skip_locked=True, of=("user",))
    found = free.order_by("joined_at", "id").first()
    if found is not None:
        found.group = group
    return found


def make_owner(group: Group, membership: Membership, *, actor: User) -> None:
    """Write that the member owns the locked group, and their membership as an owner's."""
    before, held = audit.snapshot(group), audit.snapshot(membership)
    forget_access(group.owner)
    group.owner = membership.user
    group.version += 1
    audit.save(group, action="transfer", before=before, actor=actor)
    membership.role = system_role(OWNER_ROLE)
    membership.rank = MembershipRank.OWNER
    membership.expires_at = None
    membership.granted_by = actor
    membership.reason = ""
    audit.save(membership, before=held, actor=actor)
    forget_access(membership.user)


def _refuse_transfer(actor: User, group: Group, to: User) -> None:
    if to.pk == group.owner_id:
        raise ConflictError("They own the group already.", field="to")
    if actor.pk != group.owner_id:
        everything = permissions_of(system_role(OWNER_ROLE))
        if not (actor.can_sign_in and everything <= actor.get_all_permissions()):
            raise NotAllowedError("Only the owner of the group hands it over.")
        if actor.pk == to.pk:
            raise NotAllowedError("Nobody makes themselves the owner.", field="to")
    elif not actor.can_sign_in:
        raise NotAllowedError("This account cannot be signed in to.")


def _keep(group: Group, former: User, rank: str, *, actor: User) -> None:
    """The former owner stays a member; an older row or none at all becomes one."""
    membership = row_of(group, former)
    stays = membership is not None and membership.status == MembershipStatus.ACTIVE
    if rank == MembershipRank.OWNER:
        role = membership.role if membership and stays else system_role(OWNER_ROLE)
    elif rank == MembershipRank.ADMIN:
        role = system_role(ADMIN_ROLE)
    else:
        role = options_of(group).role()
    if membership is None or not stays:
        seat(
            group=group,
            user=former,
            role=role,
            rank=rank,
            expires_at=None,
            action="update" if membership else "create",
            actor=actor,
            granted_by=actor,
        )
        return
    before = audit.snapshot(membership)
    membership.role, membership.rank, membership.expires_at = role, rank, None
    audit.save(membership, before=before, actor=actor)
    forget_access(former)
