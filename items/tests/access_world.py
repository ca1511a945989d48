"""A small random world in which everything that decides access differs, in few statements."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import Permission
from django.utils import timezone

from authorization.models import Role, RoleAssignment, RolePermission, RoleScope
from groups.models import Group, Invitation, Membership, MembershipRank, MembershipStatus
from items.models import Item
from users.models import User

PERMISSIONS = {
    Item: ("items.view_item", "items.change_item"),
    Group: ("groups.view_group", "groups.change_group"),
    Membership: ("groups.view_membership", "groups.change_membership"),
    Invitation: ("groups.view_invitation",),
    Role: ("authorization.view_role", "authorization.change_role"),
    RoleAssignment: ("authorization.view_roleassignment",),
}
LABELS = tuple(label for labels in PERMISSIONS.values() for label in labels)
USERS, ROLES, GROUPS, ITEMS = 8, 5, 4, 12


@dataclass(frozen=True)
class World:
    users: list
    objects: dict  # by model

    def rows(self, model):
        return self.objects[model]


def deletion(is_deleted):
    if not is_deleted:
        return {}
    return {"is_deleted": True, "deleted_at": timezone.now(), "deletion_id": uuid.uuid4()}


def make_world(random):
    """Make one; read it from the database anew, as a request would."""

    def often(share):
        return random.random() < share

    def end():
        days = random.choice([None, None, -1, 1])
        return None if days is None else timezone.now() + timedelta(days=days)

    users = User.objects.bulk_create(
        User(
            username=f"person{n}",
            email=f"person{n}@example.org",
            is_superuser=often(0.1),
            is_active=often(0.85),
            **deletion(often(0.1)),
        )
        for n in range(USERS)
    )
    roles = make_roles(random, often)
    RoleAssignment.objects.bulk_create(
        RoleAssignment(user=user, role=role, expires_at=end())
        for user in users
        for role in roles
        if role.scope == RoleScope.GLOBAL and often(0.2)
    )
    groups = Group.objects.bulk_create(
        Group(
            name=f"Group {n}",
            slug=f"group-{n}",
            owner=random.choice(users),
            is_public=often(0.3),
            is_active=often(0.75),
            settings=random.choice([{}, {"members_see_members": False}]),
            **deletion(often(0.15)),
        )
        for n in range(GROUPS)
    )
    make_members(random, often, end, users=users, roles=roles, groups=groups)
    Item.objects.bulk_create(
        Item(
            name=f"Item {n}",
            **({"owner": random.choice(users)} if n % 3 == 0 else {"group": groups[n % GROUPS]}),
            **deletion(often(0.15)),
        )
        for n in range(ITEMS)
    )
    related = {Item: ("group",), Membership: ("group",), Invitation: ("group",)}
    rows = {
        model: list(model.objects.order_by("pk").select_related(*related.get(model, ())))
        for model in PERMISSIONS
    }
    return World(users=list(User.objects.order_by("pk")), objects=rows)


def make_roles(random, often):
    """Two that are held everywhere and the rest in groups; the system's own hold nothing here."""
    keys = {
        f"{row.content_type.app_label}.{row.codename}": row.pk
        for row in Permission.objects.select_related("content_type")
    }
    Role.objects.all().hard_delete()
    roles = Role.objects.bulk_create(
        Role(
            name=f"Role {n}",
            slug=f"some-{n}",
            scope=RoleScope.GLOBAL if n < 2 else RoleScope.GROUP,
            is_active=often(0.8),
            **deletion(often(0.1)),
        )
        for n in range(ROLES)
    )
    RolePermission.objects.bulk_create(
        RolePermission(role=role, permission_id=keys[label])
        for role in roles
        for label in LABELS
        if often(0.35)
    )
    return roles


def make_members(random, often, end, *, users, roles, groups):
    inside = [role for role in roles if role.scope == RoleScope.GROUP]
    statuses = [*MembershipStatus.values, *[MembershipStatus.ACTIVE] * 5]
    Membership.objects.bulk_create(
        Membership(
            group=group,
            user=user,
            role=random.choice(inside),
            rank=random.choice(MembershipRank.values),
            status=random.choice(statuses),
            joined_at=timezone.now(),
            expires_at=end(),
        )
        for group in groups
        for user in users
        if often(0.3)
    )
    Invitation.objects.bulk_create(
        Invitation(
            group=group,
            email="somebody@example.org",
            role=random.choice(inside),
            token_hash=str(n),
            expires_at=timezone.now(),
            sent_at=timezone.now(),
            invited_by=random.choice([None, *users]),
        )
        for n, group in enumerate(groups)
    )
