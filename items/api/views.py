from __future__ import annotations

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from core.api.client_ids import made
from core.api.conditional import answer_if_changed, etag_of, expected_version
from core.api.filters import StrictFilterBackend
from core.api.permissions import ActionPermission, token_allows
from core.api.schema import ETAG, ETAG_OF_READING, IF_MATCH, IF_NONE_MATCH
from core.api.shaping import ColumnsViewSet, shape_parameters
from groups.api.expanding import known_groups, known_people
from items.api.filters import ItemFilterSet
from items.api.serializers import (
    ItemCreateSerializer,
    ItemMoveSerializer,
    ItemRevertSerializer,
    ItemSerializer,
    ItemUpdateSerializer,
)
from items.models import Item, ItemQuerySet
from items.services import items as services
from items.services.moving import move_item
from items.services.versions import revert_item
from users.api.callers import current_user

EXPANDERS = {"owner": known_people, "group": known_groups, "created_by": known_people}
SHAPE = shape_parameters(ItemSerializer, EXPANDERS)


@extend_schema(tags=["items"])
@extend_schema_view(list=extend_schema(summary="List items", parameters=SHAPE))
class ItemViewSet(ColumnsViewSet[Item]):
    """Items of the caller, of the groups that let the caller see theirs, or of everybody."""

    queryset = Item.objects.none()  # names the model; get_queryset decides the rows
    serializer_class = ItemSerializer
    permission_classes = [ActionPermission]
    action_permissions = {
        "list": "items.view_item",
        "retrieve": "items.view_item",
        "create": "items.add_item",
        "partial_update": "items.change_item",
        "destroy": "items.delete_item",
        "restore": "items.delete_item",
        "move": "items.delete_item",  # and to add it, which the scopes of a token must include too
        "revert": "items.change_item",
    }
    problem_statuses = {
        "create": (409, "id_taken"),
        "partial_update": (409, 412, 428),
        "destroy": (409, 412, 428),
        "restore": (409,),
        "move": (409, 412, 428),
        "revert": (409, 412, 428),
    }
    shaped = {"list": ItemSerializer, "retrieve": ItemSerializer}
    expanders = EXPANDERS
    filter_backends = [StrictFilterBackend]
    filterset_class = ItemFilterSet
    # Keys are UUIDv7: by key is by the moment of making, and has an index.
    orderings = {"created_at": "id", "name": "name", "updated_at": "updated_at"}
    default_ordering = "-created_at"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> ItemQuerySet:
        user = current_user(self.request)
        if self.action == "list" and self.request.query_params.get("deleted") == "true":
            return Item.objects.restorable_by(user)
        items = Item.objects.visible_to(user)
        if self.action == "restore":
            restorable = Item.objects.restorable_by(user).values("pk")
            items = items.filter(Q(is_deleted=False) | Q(pk__in=restorable))
        else:
            items = items.alive()
        return items if self.action == "list" else items.select_related("group")

    @extend_schema(
        summary="Read an item",
        parameters=[ETAG_OF_READING, IF_NONE_MATCH, *SHAPE],
        responses={200: ItemSerializer, 304: None},
    )
    def retrieve(self, request: Request, pk: Any) -> Response:
        item = self.get_object()
        body = self.shaped_body(self.get_serializer(item))
        # What is expanded changes without the item.
        etag = etag_of(item.version, body if self.shape.expand else None)
        return answer_if_changed(request, body, etag)

    @extend_schema(
        summary="Make an item",
        description="Yours, or a group's where your role there holds `items.add_item`.",
        parameters=[ETAG],
        request=ItemCreateSerializer,
        responses={201: ItemSerializer, 200: ItemSerializer},
    )
    def create(self, request: Request) -> Response:
        context = self.get_serializer_context()
        payload = ItemCreateSerializer(data=request.data, context=context)
        payload.is_valid(raise_exception=True)
        item, is_new = made(
            payload.validated_data,
            services.create_item,
            services.create_item_once,
            actor=current_user(request),
        )
        response = self._shown(item, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)
        response["Location"] = reverse("item-detail", [item.pk], request=request)
        return response

    @extend_schema(
        summary="Change an item",
        parameters=[ETAG, IF_MATCH],
        request=ItemUpdateSerializer,
        responses=ItemSerializer,
    )
    def partial_update(self, request: Request, pk: Any) -> Response:
        item = self.get_object()
        version = expected_version(request, item.version)
        payload = ItemUpdateSerializer(data=request.data, partial=True)
        payload.is_valid(raise_exception=True)
        actor = current_user(request)
        return self._shown(
            services.update_item(actor=actor, item=item, version=version, **payload.validated_data)
        )

    @extend_schema(
        summary="Delete an item", description="It can be restored.", parameters=[IF_MATCH]
    )
    def destroy(self, request: Request, pk: Any) -> Response:
        item = self.get_object()
        version = expected_version(request, item.version)
        services.delete_item(actor=current_user(request), item=item, version=version)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Restore a deleted item",
        description="One that is not deleted stays as it is.",
        parameters=[ETAG],
        request=None,
        responses=ItemSerializer,
    )
    @action(methods=["post"], detail=True)
    def restore(self, request: Request, pk: Any) -> Response:
        return self._shown(
            services.restore_item(actor=current_user(request), item=self.get_object())
        )

    @extend_schema(
        summary="Move an item",
        description=(
            "To you or to a group, from wherever it is. It takes `items.delete_item` where it is "
            "and `items.add_item` where it goes. Who sees it there sees it as it is: the versions "
            "from before stay with those who could see them."
        ),
        parameters=[ETAG, IF_MATCH],
        request=ItemMoveSerializer,
        responses=ItemSerializer,
    )
    @action(methods=["post"], detail=True)
    def move(self, request: Request, pk: Any) -> Response:
        if not token_allows(request, "items.add_item"):
            raise PermissionDenied("The scopes of this token do not include items.add_item.")
        item = self.get_object()
        version = expected_version(request, item.version)
        payload = ItemMoveSerializer(data=request.data, context=self.get_serializer_context())
        payload.is_valid(raise_exception=True)
        holder = payload.validated_data["owner"]
        actor = current_user(request)
        return self._shown(move_item(actor=actor, item=item, version=version, **holder))

    @extend_schema(
        summary="Go back to an earlier version of an item",
        description=(
            "Its content becomes what it was in that version, as a new version; whose it is stays. "
            "409 when its history, as far as you may read it, does not reach back to that version."
        ),
        parameters=[ETAG, IF_MATCH],
        request=ItemRevertSerializer,
        responses=ItemSerializer,
    )
    @action(methods=["post"], detail=True)
    def revert(self, request: Request, pk: Any) -> Response:
        item = self.get_object()
        version = expected_version(request, item.version)
        payload = ItemRevertSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        to_version = payload.validated_data["version"]
        actor = current_user(request)
        return self._shown(
            revert_item(actor=actor, item=item, to_version=to_version, version=version)
        )

    def _shown(self, item: Item, code: int = status.HTTP_200_OK) -> Response:
        body = self.get_serializer(item).data
        return Response(body, status=code, headers={"ETag": etag_of(item.version)})
