"""What the headless views of second factors answer, and how the OpenAPI document describes it."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from allauth.headless.base.response import APIResponse, AuthenticationResponse
from django.http import HttpRequest, HttpResponse

from authentication import device_trust
from authentication.models import TOTPDevice
from authentication.qr import qr_code
from authentication.second_factors import SecondFactors, public_id_of
from core.audit import leaf
from core.errors import ConflictError, DomainError
from users.devices import is_app


def refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    """A rule's refusal in allauth's words: 409 for what the present state does not allow."""
    is_conflict = isinstance(error, ConflictError)
    entry = {"message": error.message, "code": error.code}
    if error.field:
        entry["param"] = error.field
    status = HTTPStatus.CONFLICT if is_conflict else HTTPStatus.BAD_REQUEST
    answer: HttpResponse = APIResponse(request, errors=[entry], status=status)
    return answer


def answer(request: HttpRequest, data: dict[str, Any] | None, status: int = 200) -> HttpResponse:
    """allauth's answer, which renews the token of an app whose session got a new key."""
    response: HttpResponse = APIResponse(request, data=data, status=status)
    return response


def signed_in(request: HttpRequest, **data: Any) -> HttpResponse:
    """allauth's answer to a sign-in that goes on, or is over, with more data."""
    answer: HttpResponse = AuthenticationResponse(request)
    body = json.loads(answer.content)
    body["data"] |= data
    answer.content = json.dumps(body).encode()
    return answer


def trust_given(request: HttpRequest) -> dict[str, Any]:
    """Trust the device of the sign-in that is just over; nothing to tell where that failed.

    A browser keeps the secret in a cookie; an app finds it here and nowhere else.
    """
    given = device_trust.trust_of_sign_in(request)
    if given is None:
        return {}
    device, secret = given
    told = {"trusted_until": leaf(device.trusted_until)}
    return {"device_trust": told | ({"secret": secret} if is_app(request) else {})}


def choices(factors: SecondFactors) -> dict[str, Any]:
    """What may be proven, for who is not through yet: nothing that tells of a device's history."""
    return {
        "apps": [{"id": public_id_of(app), "name": app.name} for app in factors.apps],
        "backup_codes": factors.backup is not None,
        "passkeys": bool(factors.passkeys),
    }


def enrolment(device: TOTPDevice) -> dict[str, Any]:
    return {
        "id": public_id_of(device),
        "name": device.name,
        "secret": device.secret,
        "otpauth_url": device.config_url,
        "qr_code_svg": str(qr_code(device.config_url)),
    }


def shown(device: Any) -> dict[str, Any]:
    """A factor as its owner sees it, without anything secret."""
    is_app = isinstance(device, TOTPDevice)
    used_at = getattr(device, "last_used_at", None)
    return {
        "id": public_id_of(device),
        "type": "app" if is_app else "passkey",
        "name": device.name,
        "created_at": device.created_at.isoformat() if device.created_at else None,
        "last_used_at": used_at.isoformat() if used_at else None,
        "is_locked": is_app and device.is_locked,
    }


def described(data: dict[str, Any], *, has_meta: bool = False) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "status": {"type": "integer"},
        "data": {"type": "object", "properties": data, "required": list(data)},
    }
    if has_meta:
        properties["meta"] = named("BaseAuthenticationMeta")
    return {"type": "object", "properties": properties, "required": ["status", "data"]}


def named(schema: str) -> dict[str, Any]:
    """A reference to one of ``SCHEMAS`` or of allauth's: generated clients make a class of each."""
    return {"$ref": f"#/components/schemas/{schema}"}


TEXT: dict[str, Any] = {"type": "string"}
FLAG: dict[str, Any] = {"type": "boolean"}
CODES: dict[str, Any] = {
    "type": "array",
    "items": TEXT,
    "description": "New backup codes, shown only now; none when there are some already.",
}
CHOICES: dict[str, Any] = {
    "apps": {
        "type": "array",
        "items": named("AuthenticatorApp"),
    },
    "backup_codes": FLAG,
    "passkeys": FLAG,
}
ENROLMENT: dict[str, Any] = dict.fromkeys(
    ("id", "name", "secret", "otpauth_url", "qr_code_svg"), TEXT
)
TRUST_HELP = "Skip the second factor on this device from now on, for some days."
FACTOR = named("SecondFactor")
REFUSED = named("FactorRefusal")
SCHEMAS: dict[str, dict[str, Any]] = {
    "AuthenticatorApp": {
        "type": "object",
        "properties": {"id": TEXT, "name": TEXT},
        "required": ["id", "name"],
    },
    "DeviceTrust": {
        "type": "object",
        "properties": {"trusted_until": TEXT, "secret": TEXT},
        "required": ["trusted_until"],
        "description": "With `trust_device` only; the secret for apps only.",
    },
    "SecondFactor": {
        "type": "object",
        "properties": {
            "id": TEXT,
            "type": {"type": "string", "enum": ["app", "passkey"]},
            "name": TEXT,
            "created_at": {"type": ["string", "null"]},
            "last_used_at": {"type": ["string", "null"]},
            "is_locked": FLAG,
        },
        "required": ["id", "type", "name", "created_at", "last_used_at", "is_locked"],
    },
    "FactorRefusal": {
        "type": "object",
        "properties": {
            "status": {"type": "integer"},
            "errors": {"type": "array", "items": named("FlowError")},
        },
        "required": ["status", "errors"],
    },
    "FlowError": {
        "type": "object",
        "properties": {"message": TEXT, "code": TEXT, "param": TEXT},
        "required": ["message", "code"],
    },
}
