"""Why somebody may do something, and who may, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from authorization.api.serializers import RoleInBriefSerializer
from authorization.explaining import Explanation, explain, grounds_for, who_can
from authorization.grounds import Ground
from authorization.lookups import LONGEST_TEXT, UnknownError, find_object
from authorization.models import VIEW_ASSIGNMENT
from core.api.filters import PAGE_PARAMETERS, check_parameters
from core.api.permissions import ActionPermission, token_allows
from core.errors import NotAllowedError
from users.api.callers import current_user
from users.models import User

NAME = {"type": "string", "maxLength": LONGEST_TEXT}
PERMISSION = OpenApiParameter(
    "permission", NAME, required=True, description="`app.codename`, such as `items.view_item`."
)
OBJECT = OpenApiParameter(
    "object",
    NAME,
    description="On what, as `app.model:id`, such as `items.item:…`; everywhere when left out.",
)
USER = OpenApiParameter(
    "user",
    OpenApiTypes.UUID,
    description=f"Whom; yourself when left out. Others are for who holds `{VIEW_ASSIGNMENT}`.",
)


class PersonSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["id", "username"]
        read_only_fields = fields


class PermissionGroundSerializer(serializers.Serializer[Ground]):
    """What grants it, or what is missing. The role, dates and reason are of where it comes from."""

    code = serializers.CharField(help_text="Stable, for programs.")
    text = serializers.CharField(help_text="For people.")
    role = RoleInBriefSerializer(allow_null=True)
    rank = serializers.CharField(help_text="In the group; else empty.")
    granted_by = PersonSerializer(allow_null=True)
    granted_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()


class ExplainedObjectSerializer(serializers.Serializer[Model]):
    type = serializers.CharField(source="_meta.label_lower")
    id = serializers.CharField(source="pk")
    name = serializers.CharField(source="__str__")


class PermissionExplanationSerializer(serializers.Serializer[Explanation]):
    user = PersonSerializer()
    permission = serializers.CharField()
    object = ExplainedObjectSerializer(source="obj", allow_null=True)
    allowed = serializers.BooleanField()
    verdict = serializers.CharField(help_text="The answer in one sentence.")
    grants = PermissionGroundSerializer(
        many=True, help_text="All that grant it; none when it is denied."
    )
    missing = PermissionGroundSerializer(
        source="lacks", many=True, help_text="What is missing, has ended or is switched off."
    )
    roles = RoleInBriefSerializer(many=True, help_text="Those that hold it, of those you may see.")


class PermissionHolderSerializer(PersonSerializer):
    grants = serializers.SerializerMethodField()

    class Meta(PersonSerializer.Meta):
        fields = [*PersonSerializer.Meta.fields, "grants"]
        read_only_fields = fields

    def get_grants(self, user: User) -> list[dict[str, Any]]:
        shown: Any = PermissionGroundSerializer(self.context["grounds"].get(user.pk, ()), many=True)
        found: list[dict[str, Any]] = shown.data
        return found


class ExplainingViewSet(GenericViewSet[User]):
    """What both endpoints share: reading what is asked about."""

    queryset = User.objects.none()
    permission_classes = [ActionPermission]
    filter_backends: list[Any] = []

    def asked(self) -> tuple[str, Model | None]:
        """The permission and the object, which the caller may see.

        Raise ``NotFound`` for an object that they may not see, or that is not there.
        """
        params = self.request.query_params
        if "permission" not in params:
            raise _refused("permission", "Name a permission as app.codename.")
        obj = self._object(params["object"]) if "object" in params else None
        return params["permission"], obj

    def _object(self, text: str) -> Model:
        try:
            obj = find_object(text)
        except UnknownError:
            raise NotFound from None
        permission = f"{obj._meta.app_label}.view_{obj._meta.model_name}"
        # What is deleted is there for those only who look after everybody's.
        scope = None if getattr(obj, "is_deleted", False) else obj
        if not self.may(permission, scope):
            raise NotFound
        return obj

    def may(self, permission: str, obj: Model | None = None) -> bool:
        """Whether the caller may, and the scopes of their token include it."""
        caller = current_user(self.request)
        return token_allows(self.request, permission) and caller.has_perm(permission, obj)


@extend_schema(tags=["roles"])
class ExplanationViewSet(ExplainingViewSet):
    serializer_class: Any = PermissionExplanationSerializer
    action_permissions = {"explain": None}
    problem_statuses = {"explain": (404,)}
    pagination_class = None

    @extend_schema(
        summary="Explain why somebody may do something, or not",
        description="It is about the user, whatever the scopes of the token.",
        parameters=[PERMISSION, OBJECT, USER],
    )
    def explain(self, request: Request) -> Response:
        check_parameters(request, known=("permission", "object", "user"))
        user = self._user(request.query_params.get("user"))
        permission, obj = self.asked()
        found = explain(user, permission, obj, viewer=current_user(request))
        return Response(self.get_serializer(found).data)

    def _user(self, text: str | None) -> User:
        caller = current_user(self.request)
        try:
            key = caller.pk if text is None else UUID(text)
        except ValueError:
            raise _refused("user", "Not the id of a user.") from None
        if key == caller.pk:
            return caller
        if not self.may(VIEW_ASSIGNMENT):
            raise NotAllowedError(
                f"Only who holds {VIEW_ASSIGNMENT} asks about others.", field="user"
            )
        user: User | None = User.objects.filter(pk=key).first()
        if user is None:
            raise NotFound
        return user


@extend_schema(tags=["roles"])
class WhoCanViewSet(ExplainingViewSet):
    serializer_class = PermissionHolderSerializer
    action_permissions = {"list": VIEW_ASSIGNMENT}
    problem_statuses = {"list": (404,)}
    orderings = {"created_at": "id"}
    default_ordering = "-created_at"

    def get_queryset(self) -> QuerySet[User]:
        return who_can(*self.question)

    @extend_schema(
        operation_id="permissions_who_can",
        summary="List who may do something, and why",
        description=f"For who holds `{VIEW_ASSIGNMENT}`. Accounts out of use are left out.",
        parameters=[PERMISSION, OBJECT],
    )
    def list(self, request: Request) -> Response:
        check_parameters(request, known={"permission", "object", *PAGE_PARAMETERS})
        if not self.may(VIEW_ASSIGNMENT):
            raise NotAllowedError(f"You do not hold {VIEW_ASSIGNMENT}.")
        self.question = self.asked()
        page = self.paginate_queryset(self.get_queryset()) or []
        context = {**self.get_serializer_context(), "grounds": grounds_for(page, *self.question)}
        return self.get_paginated_response(
            self.serializer_class(page, many=True, context=context).data
        )


def _refused(parameter: str, text: str) -> ValidationError:
    return ValidationError({parameter: [ErrorDetail(text, code="invalid")]})
