"""What a caller may know of the people, groups and roles whose ids an answer has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers

from authorization.models import Role
from groups.models import Group, Membership
from users.models import User

Known = Mapping[UUID, Mapping[str, Any]]


class PersonInBriefSerializer(serializers.Serializer[Any]):
    """Somebody, as lists of members show them."""

    id = serializers.UUIDField()
    username = serializers.CharField()


class GroupInBriefSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.CharField()


def known_people(viewer: User, keys: set[UUID]) -> Known:
    """The viewer, and whose memberships they may see; everybody, for who may see every user."""
    if viewer.has_perm("users.view_user"):
        names = dict(User.objects.filter(pk__in=keys).values_list("pk", "username"))
    else:
        seen = Membership.objects.visible_to(viewer).filter(user__in=keys)
        names = dict(seen.values_list("user_id", "user__username"))
        names[viewer.pk] = viewer.get_username()
    return {key: {"id": key, "username": name} for key, name in names.items()}


def known_groups(viewer: User, keys: set[UUID]) -> Known:
    """Live groups that the viewer may see."""
    seen = Group.objects.alive().visible_to(viewer).filter(pk__in=keys)
    return {row["id"]: row for row in seen.order_by().values("id", "name", "slug")}


def known_roles(viewer: User, keys: set[UUID]) -> Known:
    """Live roles that the viewer may see."""
    seen = Role.objects.alive().visible_to(viewer).filter(pk__in=keys)
    return {row["id"]: row for row in seen.order_by().values("id", "slug", "name")}
