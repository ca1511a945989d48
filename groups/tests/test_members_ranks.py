"""Who manages whom: nobody bends the order of ranks."""

from datetime import timedelta

import pytest
from django.utils import timezone

from authorization.models import Role, RoleScope
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.errors import ConflictError, DomainError, NotAllowedError
from core.models import AuditEvent
from groups.models import Membership
from groups.services import members as services
from groups.services.invitations import invite
from groups.tests.factories import member_of, owned_group
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

RANKS = {"member": 0, "admin": 1, "owner": 2, "primary": 3, "staff": 4}
EVERYTHING = "group-owner"  # so that nothing but the rank is in the way


def soon(days=1):
    return timezone.now() + timedelta(days=days)


def staff():
    permissions = ["groups.add_membership", "groups.change_membership", "groups.delete_membership"]
    role = RoleFactory(permissions=[*permissions, *member_permissions()])
    return RoleAssignmentFactory(role=role).user


def member_permissions():
    return [
        f"{permission.content_type.app_label}.{permission.codename}"
        for permission in Role.objects.get(slug="group-member").permissions.select_related(
            "content_type"
        )
    ]


def actor_of(group, rank):
    if rank == "primary":
        return group.owner
    return staff() if rank == "staff" else member_of(group, EVERYTHING, rank=rank).user


def is_refused(error, job, **values):
    try:
        job(**values)
    except error:
        return True
    return False


WAYS = {
    "change": lambda actor, m: services.change_member(actor=actor, membership=m, expires_at=soon()),
    "remove": lambda actor, m: services.remove_member(actor=actor, membership=m),
    "ban": lambda actor, m: services.ban_member(
        actor=actor, group=m.group, user=m.user, reason="Trouble"
    ),
}


def test_only_who_stands_above_changes_removes_and_bans():
    group = owned_group()

    for actor_rank, level in RANKS.items():
        actor = actor_of(group, actor_rank)
        for rank in ("member", "admin", "owner"):
            may = level > RANKS[rank]
            for name, way in WAYS.items():
                target = member_of(group, rank=rank)
                refused = is_refused(NotAllowedError, way, actor=actor, m=target)
                assert refused != may, (actor_rank, name, rank)


def test_nobody_makes_somebody_their_equal():
    group = owned_group()
    role = Role.objects.get(slug="group-viewer")

    for actor_rank, level in RANKS.items():
        actor = actor_of(group, actor_rank)
        for rank in ("member", "admin", "owner"):
            target, may = member_of(group), level > max(RANKS[rank], RANKS["member"])
            assert may != is_refused(
                NotAllowedError,
                services.change_member,
                actor=actor,
                membership=target,
                rank=rank,
            ), (actor_rank, rank)
            assert (level > RANKS[rank]) != is_refused(
                NotAllowedError,
                services.add_member,
                actor=actor,
                group=group,
                user=UserFactory(),
                role=role,
                rank=rank,
            ), (actor_rank, rank)


def test_nobody_changes_their_own_place_not_even_a_superuser():
    group = owned_group()
    root = UserFactory(is_superuser=True)
    own = [
        member_of(group, EVERYTHING, rank="owner", expires_at=soon()),
        member_of(group, rank="member", user=root),
        group.memberships.get(user=group.owner),
    ]

    for membership in own:
        actor = membership.user
        for change in ({"rank": "owner"}, {"expires_at": None}, {"expires_at": soon(9)}):
            with pytest.raises(NotAllowedError, match="own place"):
                services.change_member(actor=actor, membership=membership, **change)
        with pytest.raises(NotAllowedError, match="own place"):
            services.remove_member(actor=actor, membership=membership)
        with pytest.raises(NotAllowedError, match="own place"):
            services.ban_member(actor=actor, group=group, user=actor, reason="Enough")


def test_the_membership_of_who_answers_for_the_group_is_left_alone_by_everybody():
    group = owned_group()
    membership = group.memberships.get(user=group.owner)
    other = member_of(group, EVERYTHING, rank="owner").user

    for actor in (UserFactory(is_superuser=True), other):
        for change in ({"rank": "member"}, {"expires_at": soon()}):
            with pytest.raises(ConflictError, match="Hand the group over"):
                services.change_member(actor=actor, membership=membership, **change)
        with pytest.raises(ConflictError, match="Hand the group over"):
            services.remove_member(actor=actor, membership=membership)
        with pytest.raises(ConflictError, match="Hand the group over"):
            services.ban_member(actor=actor, group=group, user=group.owner, reason="Coup")


def test_nobody_gives_a_role_that_holds_more_than_they_do_there():
    group, elsewhere = owned_group(), owned_group()
    admin = member_of(group, "group-admin", rank="admin").user
    member_of(elsewhere, EVERYTHING, user=admin, rank="owner")
    strong = Role.objects.get(slug=EVERYTHING)
    target = member_of(group)

    with pytest.raises(NotAllowedError, match="do not hold"):
        services.change_member(actor=admin, membership=target, role=strong)
    with pytest.raises(NotAllowedError, match="do not hold"):
        services.add_member(actor=admin, group=group, user=UserFactory(), role=strong)
    with pytest.raises(DomainError, match="scope group"):
        services.change_member(actor=group.owner, membership=target, role=RoleFactory())
    extended = member_of(group, EVERYTHING, expires_at=soon())
    with pytest.raises(NotAllowedError, match="do not hold"):
        services.change_member(actor=admin, membership=extended, expires_at=soon(30))

    weaker = Role.objects.get(slug="group-viewer")
    changed = services.change_member(
        actor=admin, membership=extended, role=weaker, reason="Out of practice"
    )
    assert (changed.role, changed.granted_by, changed.reason) == (weaker, admin, "Out of practice")
    event = AuditEvent.objects.filter(object_id=str(changed.pk)).latest("id")
    assert event.changes["reason"] == ["", "Out of practice"]
    assert services.change_member(actor=group.owner, membership=target, role=strong).role == strong


def test_what_somebody_holds_everywhere_counts_in_each_group():
    group = owned_group()
    admin = member_of(group, "group-admin", rank="admin").user
    role = RoleFactory(scope=RoleScope.GROUP, permissions=["users.view_user"])

    with pytest.raises(NotAllowedError, match="do not hold"):
        services.add_member(actor=admin, group=group, user=UserFactory(), role=role)
    RoleAssignmentFactory(user=admin, role=RoleFactory(permissions=["users.view_user"]))
    admin = type(admin).objects.get(pk=admin.pk)

    assert services.add_member(actor=admin, group=group, user=UserFactory(), role=role).pk


def test_a_temporary_member_gives_nothing_beyond_their_own_end():
    group = owned_group()
    end = soon(10)
    admin = member_of(group, "group-admin", rank="admin", expires_at=end).user
    request = member_of(group, status="requested", joined_at=None)
    short = member_of(group, expires_at=soon(2))

    for expires_at in (None, soon(11)):
        with pytest.raises(NotAllowedError, match="Your own membership ends"):
            services.add_member(actor=admin, group=group, user=UserFactory(), expires_at=expires_at)
        with pytest.raises(NotAllowedError, match="Your own membership ends"):
            services.change_member(actor=admin, membership=short, expires_at=expires_at)
    with pytest.raises(NotAllowedError, match="Your own membership ends"):
        services.approve_request(actor=admin, membership=request)
    with pytest.raises(NotAllowedError, match="Your own membership ends"):
        invite(actor=admin, group=group, email="guest@example.org")

    assert services.change_member(actor=admin, membership=short, expires_at=end).expires_at == end
    assert services.add_member(actor=admin, group=group, user=request.user, expires_at=end).pk
    lasting = member_of(group)
    assert services.change_member(actor=admin, membership=lasting, expires_at=soon()).expires_at


def test_who_has_expired_has_neither_rank_nor_rights():
    group = owned_group()
    expired = member_of(group, EVERYTHING, rank="owner", expires_at=soon(-1))
    target = member_of(group)

    for job in (
        lambda: services.remove_member(actor=expired.user, membership=target),
        lambda: services.change_member(actor=expired.user, membership=target, rank="admin"),
        lambda: services.add_member(actor=expired.user, group=group, user=UserFactory()),
    ):
        with pytest.raises(NotAllowedError):
            job()
    admin = member_of(group, "group-admin", rank="admin").user
    with pytest.raises(NotAllowedError):  # who would come back as an owner
        services.change_member(actor=admin, membership=expired, expires_at=soon())
    assert services.remove_member(actor=admin, membership=expired).rank == "member"


def test_a_rank_without_the_permission_manages_nobody_and_neither_the_other_way_round():
    group = owned_group()
    powerless = member_of(group, "group-viewer", rank="owner").user
    rankless = member_of(group, EVERYTHING, rank="member").user
    target = member_of(group)

    for actor in (powerless, rankless, UserFactory()):
        with pytest.raises(NotAllowedError):
            services.remove_member(actor=actor, membership=target)
        with pytest.raises(NotAllowedError):
            services.ban_member(actor=actor, group=group, user=target.user, reason="Trouble")
        with pytest.raises(NotAllowedError):
            services.unban_member(actor=actor, membership=target)


def test_what_was_remembered_of_the_actor_does_not_count():
    group = owned_group()
    admin = member_of(group, "group-admin", rank="admin")
    target = member_of(group)
    actor = admin.user
    assert actor.has_perm("groups.delete_membership", group)

    Membership.objects.filter(pk=admin.pk).update(rank="member", role=target.role)

    with pytest.raises(NotAllowedError):
        services.remove_member(actor=actor, membership=target)


def test_only_an_active_member_is_changed_and_removed_rows_are_told():
    group = owned_group()
    waiting = member_of(group, status="requested", joined_at=None)
    gone = member_of(group, status="left")
    deleted = member_of(group)
    Membership.objects.filter(pk=deleted.pk).delete()

    with pytest.raises(ConflictError, match="Approve"):
        services.change_member(actor=group.owner, membership=waiting, rank="admin")
    with pytest.raises(ConflictError, match="not a member"):
        services.remove_member(actor=group.owner, membership=gone)
    with pytest.raises(ConflictError, match="not banned"):
        services.unban_member(actor=group.owner, membership=gone)
    with pytest.raises(ConflictError, match="not there any more"):
        services.remove_member(actor=group.owner, membership=deleted)
    for rank in ("boss", ""):
        with pytest.raises(DomainError):
            services.add_member(actor=group.owner, group=group, user=UserFactory(), rank=rank)
    assert services.remove_member(actor=group.owner, membership=waiting).status == "left"
