"""The browsers and apps that the caller has signed in from."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from authentication import device_trust
from authentication.api.own_rows import StepUpToChange, session_in_use
from authentication.services.devices import report_device
from core.api.filters import StrictFilterBackend
from core.api.permissions import OwnRowsPermission
from core.api.serializers import StrictSerializer
from users.api.callers import current_user
from users.devices import HEADER, device_of, is_app
from users.models import Device
from users.services import LONGEST_DEVICE_NAME, rename_device


class DeviceSerializer(serializers.ModelSerializer[Device]):
    """A device, without what it is known or trusted by."""

    is_current = serializers.SerializerMethodField(
        help_text="Whether this request comes from it, as its cookie or X-Device-ID says."
    )
    title = serializers.CharField(source="__str__", help_text="Its name, else what it is.")
    is_trusted = serializers.SerializerMethodField(
        help_text="Whether it skips the second factor at a sign-in."
    )
    last_ip = serializers.IPAddressField(allow_null=True)

    class Meta:
        model = Device
        fields = [
            "id", "is_current", "title", "name", "device_type", "browser", "os", "first_seen_at",
            "last_seen_at", "last_ip", "is_trusted", "trusted_until", "reported_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_is_current(self, device: Device) -> bool:
        return bool(device.pk == self.context["this"])

    def get_is_trusted(self, device: Device) -> bool:
        return device.trusted_until is not None and device.trusted_until > timezone.now()


class DeviceNameSerializer(StrictSerializer):
    name = serializers.CharField(
        max_length=LONGEST_DEVICE_NAME,
        allow_blank=True,
        help_text="Empty: its browser and system again.",
    )


class TrustedDeviceSerializer(DeviceSerializer):
    """A device just trusted; for an app with the secret that makes it so."""

    secret = serializers.CharField(
        read_only=True, allow_null=True, help_text="Shown only now, to apps: X-Device-Trust."
    )

    class Meta(DeviceSerializer.Meta):
        fields = [*DeviceSerializer.Meta.fields, "secret"]
        read_only_fields = fields


class DeviceReportSerializer(serializers.Serializer[Any]):
    sessions = serializers.IntegerField(help_text="How many sessions ended.")
    tokens = serializers.IntegerField(help_text="How many access tokens were revoked.")
    reset_mailed = serializers.BooleanField(help_text="A link to set a new password is mailed.")


DEVICE_ID = OpenApiParameter(
    HEADER, str, OpenApiParameter.HEADER, description="Of apps: which device this one is."
)


@extend_schema(tags=["me"], parameters=[DEVICE_ID])
@extend_schema_view(list=extend_schema(summary="List your devices"))
class DeviceViewSet(StepUpToChange, ListModelMixin, GenericViewSet[Device]):
    """The caller's devices; each change needs a recent step-up."""

    queryset = Device.objects.none()  # names the model; get_queryset decides the rows
    serializer_class = DeviceSerializer
    permission_classes = [OwnRowsPermission]
    action_permissions = {
        "list": "users.view_device",
        "partial_update": "users.change_device",
        "trust": "users.change_device",
        "distrust": "users.change_device",
        "not_me": "users.change_device",
    }
    problem_statuses = {"trust": ("no_device_trust",), "not_me": (409,)}
    filter_backends = [StrictFilterBackend]
    orderings = {"last_seen_at": "last_seen_at", "created_at": "id"}
    default_ordering = "-last_seen_at"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Device]:
        return Device.objects.filter(user=current_user(self.request)).defer(
            "fingerprint", "trust_secret_hash"
        )

    def get_serializer_context(self) -> dict[str, Any]:
        """With the device that the request comes from: one query for a whole page."""
        here = device_of(self.request._request) if hasattr(self.request, "_request") else None
        return {**super().get_serializer_context(), "this": here.pk if here else None}

    @extend_schema(
        summary="Rename a device", request=DeviceNameSerializer, responses=DeviceSerializer
    )
    def partial_update(self, request: Request, pk: Any) -> Response:
        device = self.get_object()
        payload = DeviceNameSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        rename_device(actor=current_user(request), device=device, **payload.validated_data)
        return Response(self.get_serializer(device).data)

    @extend_schema(
        summary="Trust this device",
        description=(
            "It skips the second factor at sign-ins for some days. Only the device that the "
            "request comes from, in a session with a second factor; not for accounts that must "
            "use one (409 `no_device_trust`)."
        ),
        request=None,
        responses=TrustedDeviceSerializer,
    )
    @action(methods=["post"], detail=True)
    def trust(self, request: Request, pk: Any) -> Response:
        device = self.get_object()
        here = device_of(request._request)
        if session_in_use(request) is None or here is None or here.pk != device.pk:
            raise device_trust.NoTrustError(_("Only the device that you are using."))
        secret = device_trust.trust(request._request, current_user(request), device)
        shown = self.get_serializer(device).data
        body = {**shown, "secret": secret if is_app(request._request) else None}
        return Response(body, headers={"Cache-Control": "no-store"})

    @extend_schema(
        operation_id="me_devices_distrust",
        summary="Trust a device no more",
        description="One that is not trusted stays as it is.",
    )
    @trust.mapping.delete
    def distrust(self, request: Request, pk: Any) -> Response:
        device_trust.distrust(actor=current_user(request), device=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Say that a device is not yours",
        description=(
            "Its sessions end, it is not trusted any more, access tokens made there are revoked, "
            "and a link to set a new password is mailed to you. The device in use, and one "
            "reported before, are refused (409)."
        ),
        request=None,
        responses=DeviceReportSerializer,
    )
    @action(methods=["post"], detail=True, url_path="not-me")
    def not_me(self, request: Request, pk: Any) -> Response:
        report = report_device(
            actor=current_user(request), device=self.get_object(), this=session_in_use(request)
        )
        return Response(DeviceReportSerializer(report).data)
