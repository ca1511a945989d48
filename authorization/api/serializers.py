from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import Permission
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from authorization.labels import PermissionLabel, described, permissions_named
from authorization.models import AssignmentState, Role, RoleAssignment, RolePermission, RoleScope
from authorization.services.roles import LONGEST_DESCRIPTION
from core.api.serializers import StrictSerializer
from users.api.callers import current_user
from users.models import User

LONGEST_LABEL = 200
LONGEST_REASON = 200
MOST_PERMISSIONS = 1_000
SLUG_HELP = "Letters, digits, - and _, unique among live roles; made from the name when left out."


# --- Permissions ------------------------------------------------------------------------------


class PermissionLabelSerializer(serializers.Serializer[PermissionLabel]):
    permission = serializers.CharField(help_text="For programs: `app.codename`.")
    name = serializers.CharField(help_text='For people, such as "View items".')
    model = serializers.CharField(help_text="What it is about.")


class PermissionModuleSerializer(serializers.Serializer[Any]):
    app = serializers.CharField()
    name = serializers.CharField()
    permissions = PermissionLabelSerializer(many=True)


class PermissionListSerializer(serializers.Serializer[Any]):
    modules = PermissionModuleSerializer(many=True)


class HeldPermissionSerializer(serializers.Serializer[Any]):
    """``granted_by`` and ``reason`` are for those who may look at role permissions."""

    permission = serializers.CharField(help_text="`app.codename`")
    name = serializers.CharField()
    module = serializers.CharField()
    granted_at = serializers.DateTimeField()
    granted_by = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField()


class PermissionField(serializers.CharField):
    """The permission that is called so."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_LABEL, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        name = super().run_validation(data)  # which looks at the length of what it answers
        return _found(permissions_named([name]), name)


class PermissionsField(serializers.ListField):
    """The permissions that are called so, found by one query."""

    def __init__(self, **kwargs: Any) -> None:
        child = serializers.CharField(max_length=LONGEST_LABEL)
        super().__init__(child=child, max_length=MOST_PERMISSIONS, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, list) and not all(isinstance(name, str) for name in data):
            raise serializers.ValidationError("Must be a list of strings.", code="wrong_type")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> Any:
        names = list(dict.fromkeys(super().to_internal_value(data)))
        known = permissions_named(names)
        return [_found(known, name) for name in names]


def _found(known: Mapping[str, Permission], name: str) -> Permission:
    if name not in known:
        raise serializers.ValidationError(
            f"There is no permission {name!r}; GET /api/v1/permissions lists them.",
            code="does_not_exist",
        )
    return known[name]


# --- Roles ------------------------------------------------------------------------------------


class RoleSerializer(serializers.ModelSerializer[Role]):
    class Meta:
        model = Role
        fields = [
            "id", "name", "slug", "description", "scope", "is_system", "is_active",
            "totp_required", "created_at", "updated_at", "deleted_at",
        ]  # fmt: skip
        read_only_fields = fields


class RoleDetailSerializer(RoleSerializer):
    permissions = serializers.SerializerMethodField()

    class Meta(RoleSerializer.Meta):
        fields = [*RoleSerializer.Meta.fields, "permissions"]
        read_only_fields = fields

    @extend_schema_field(HeldPermissionSerializer(many=True))
    def get_permissions(self, role: Role) -> list[dict[str, Any]]:
        rows = role.role_permissions.order_by().select_related("permission__content_type")
        return shown_of(rows, for_whom=current_user(self.context["request"]))


def shown_of(rows: Iterable[RolePermission], *, for_whom: User) -> list[dict[str, Any]]:
    """As ``HeldPermissionSerializer`` has it, in reading order."""
    held = {row.permission_id: row for row in rows}
    tells = for_whom.has_perm("authorization.view_rolepermission")
    moment = serializers.DateTimeField()
    return [
        {
            "permission": label.permission,
            "name": label.name,
            "module": label.module,
            "granted_at": moment.to_representation(held[label.pk].granted_at),
            "granted_by": held[label.pk].granted_by_id if tells else None,
            "reason": held[label.pk].reason if tells else "",
        }
        for label in described(row.permission for row in held.values())
    ]


class RoleUpdateSerializer(StrictSerializer):
    name = serializers.CharField(max_length=120)
    slug = serializers.SlugField(max_length=120, required=False, help_text=SLUG_HELP)
    description = serializers.CharField(
        max_length=LONGEST_DESCRIPTION, required=False, allow_blank=True, trim_whitespace=False
    )
    scope = serializers.ChoiceField(
        choices=RoleScope.choices, required=False, help_text="Fixed once somebody holds it."
    )
    is_active = serializers.BooleanField(required=False)
    totp_required = serializers.BooleanField(
        required=False, help_text="Whether its holders must use a second factor."
    )


class RoleCreateSerializer(RoleUpdateSerializer):
    permissions = PermissionsField(required=False, help_text="`app.codename` of each; yours only.")
    reason = serializers.CharField(
        max_length=LONGEST_REASON, required=False, allow_blank=True, help_text="Why it holds them."
    )


class RoleCloneSerializer(StrictSerializer):
    name = serializers.CharField(max_length=120)
    slug = serializers.SlugField(max_length=120, required=False, help_text=SLUG_HELP)


class PermissionGrantSerializer(StrictSerializer):
    permission = PermissionField(help_text="`app.codename`, one that you hold.")
    reason = serializers.CharField(max_length=LONGEST_REASON, required=False, allow_blank=True)


class RoleInBriefSerializer(serializers.ModelSerializer[Role]):
    class Meta:
        model = Role
        fields = ["id", "slug", "name"]
        read_only_fields = fields


class ComparedPermissionSerializer(serializers.Serializer[PermissionLabel]):
    permission = serializers.CharField()
    name = serializers.CharField()
    module = serializers.CharField()


class RoleComparisonSerializer(serializers.Serializer[Any]):
    """Which permissions only one of two roles holds, and which both do."""

    left = RoleInBriefSerializer()
    right = RoleInBriefSerializer()
    only_left = ComparedPermissionSerializer(many=True)
    only_right = ComparedPermissionSerializer(many=True)
    both = ComparedPermissionSerializer(many=True)


# --- Assignments ------------------------------------------------------------------------------


class RoleAssignmentSerializer(serializers.ModelSerializer[RoleAssignment]):
    username = serializers.CharField(source="user.username", read_only=True)
    role = RoleInBriefSerializer(read_only=True)
    state = serializers.ChoiceField(choices=AssignmentState.choices, read_only=True)

    class Meta:
        model = RoleAssignment
        fields = [
            "id", "user", "username", "role", "state", "granted_by", "granted_at", "expires_at",
            "reason",
        ]  # fmt: skip
        read_only_fields = fields


class LiveUserField(serializers.PrimaryKeyRelatedField[User]):
    def get_queryset(self) -> Any:
        return User.objects.alive()


class VisibleRoleField(serializers.PrimaryKeyRelatedField[Role]):
    """The id of a role that the caller may see; others are as good as not there."""

    def get_queryset(self) -> Any:
        return Role.objects.alive().visible_to(current_user(self.context["request"]))


class AssignmentUpdateSerializer(StrictSerializer):
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="For good, when null."
    )
    reason = serializers.CharField(max_length=LONGEST_REASON, required=False, allow_blank=True)


class AssignmentCreateSerializer(AssignmentUpdateSerializer):
    user = LiveUserField(pk_field=serializers.UUIDField())
    role = VisibleRoleField(
        pk_field=serializers.UUIDField(),
        help_text="A role of scope global, none stronger than you.",
    )


# --- The caller -------------------------------------------------------------------------------


class GroupPermissionsSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    role = RoleInBriefSerializer(allow_null=True, help_text="Null for who owns it.")
    holds_everything = serializers.BooleanField(help_text="Owners do; `permissions` is empty then.")
    permissions = serializers.ListField(child=serializers.CharField())


class OwnPermissionsSerializer(serializers.Serializer[Any]):
    """What the caller may do, as far as the scopes of the token go."""

    everywhere = serializers.ListField(child=serializers.CharField())
    groups = GroupPermissionsSerializer(many=True)
