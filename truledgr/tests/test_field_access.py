"""Which fields may be written and which are shown: rows 8.1.2 and 8.2.3 of OWASP ASVS 5.0.0."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from authentication.models import APIToken, PasswordResetToken
from authentication.tests.clients import make_app
from authorization.models import Role, RoleAssignment
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.api.serializers import StrictSerializer
from groups.models import Group, Membership
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.tests.factories import ItemFactory
from truledgr.tests.test_endpoints import API_VIEWS
from users.models import User
from users.tests.factories import DeviceFactory, UserFactory, UserSessionFactory

pytestmark = pytest.mark.django_db

VIEWS = [endpoint for endpoint in API_VIEWS if endpoint.route.startswith("api/v1/")]

# What nobody says of themselves or of their things: others grant it, or the server keeps it.
PRIVILEGED = {
    "id", "pk", "is_staff", "is_superuser", "is_verified", "is_active", "is_system", "is_deleted",
    "deleted_at", "email_verified", "password", "email", "username", "roles", "permissions",
    "role", "rank", "risk", "risk_score", "is_suspicious", "totp_required", "owner", "group",
    "user", "created_by", "granted_by", "invited_by", "version", "member_count", "status",
    "trusted_until", "token_hash", "scopes", "expires_at", "created_at", "last_login",
}  # fmt: skip
# Where such a name is what the endpoint is for: a line here is a decision.
ALLOWED = {
    "POST /api/v1/me/tokens": {"scopes", "expires_at"},
    "POST /api/v1/me/deletion": {"username"},  # typed again, to confirm
    "POST /api/v1/items": {"id", "group", "is_active"},  # one that is nobody's: it opens nothing
    "POST /api/v1/groups": {"id"},
    "PATCH /api/v1/items/{id}": {"is_active"},
    "POST /api/v1/items/{id}/move": {"owner", "group"},
    "POST /api/v1/items/{id}/revert": {"version"},
    "POST /api/v1/items/bulk": {"id", "version", "group", "is_active"},
    "POST /api/v1/items/import": {"group"},
    "POST /api/v1/roles": {"permissions", "totp_required", "is_active"},
    "PATCH /api/v1/roles/{id}": {"totp_required", "is_active"},
    "POST /api/v1/role-assignments": {"user", "role", "expires_at"},
    "PATCH /api/v1/role-assignments/{id}": {"expires_at"},
    "POST /api/v1/groups/{group_pk}/members": {"user", "role", "rank", "expires_at"},
    "PATCH /api/v1/groups/{group_pk}/members/{user_pk}": {"role", "rank", "expires_at"},
    "POST /api/v1/groups/{group_pk}/invitations": {"email", "role", "rank"},
}
HIDDEN = re.compile(
    r"password|(?<!row)_hash$|secret|session_data|salt|fingerprint$|codes$|(?<!t)otp_|recovery|canary"
)


def operations(document):
    for path, methods in document["paths"].items():
        if path.startswith("/api/v1/"):
            for method, operation in methods.items():
                yield f"{method.upper()} {path}", operation


def names_in(document, schema, seen=()):
    """The names of all properties, however deep."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in seen:
            yield from names_in(document, document["components"]["schemas"][name], (*seen, name))
        return
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from names_in(document, inner, seen)
    for inner in (*schema.get("allOf", ()), *schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from names_in(document, inner, seen)
    if isinstance(schema.get("items"), dict):
        yield from names_in(document, schema["items"], seen)


def test_asvs_8_1_2_the_fields_that_may_be_written_are_documented(document):
    """Each request body names its fields, takes no other one, and its page says what they are."""
    for name, operation in operations(document):
        for body in operation.get("requestBody", {}).get("content", {}).values():
            fields = set(names_in(document, body["schema"]))
            assert not fields & PRIVILEGED - ALLOWED.get(name, set()), name


def strict_serializers(kind=StrictSerializer):
    for serializer in kind.__subclasses__():
        yield serializer
        yield from strict_serializers(serializer)


def test_asvs_8_2_3_no_answer_has_a_field_for_a_secret(document):
    shown = {
        f"{name}: {field}"
        for name, operation in operations(document)
        for code, answer in operation["responses"].items()
        for body in answer.get("content", {}).values()
        if code < "400"
        for field in names_in(document, body["schema"])
        if HIDDEN.search(field)
    }

    # Made in that answer, and shown in no other one.
    assert shown == {"POST /api/v1/me/devices/{id}/trust: secret"}


def test_asvs_8_2_3_no_answer_holds_a_secret(client):
    root = UserFactory(is_superuser=True, password="canary")
    client.force_login(root)
    stored = {"token_hash": "canary", "user": root}
    APIToken.objects.create(name="x", prefix="x", **stored)
    PasswordResetToken.objects.create(
        email=root.email, expires_at=timezone.now() + timedelta(hours=1), **stored
    )
    DeviceFactory(user=root, fingerprint="canary", trust_secret_hash="canary-2")
    UserSessionFactory(user=root, key_hash="canary", session_data="canary")
    make_app(root, secret="CANARY" * 5 + "AA")
    MembershipFactory(group=GroupFactory(owner=root))
    tried = 0

    for endpoint in VIEWS:
        if "get" in endpoint.view.actions and "<" not in endpoint.route:
            answer = client.get(endpoint.path)
            body = b"".join(answer) if answer.streaming else answer.content
            assert b"canary" not in body.lower(), endpoint
            tried += answer.status_code == 200

    assert tried > 10


def paths_of(owner):
    """Each endpoint that changes something with a body, with something of ``owner`` behind it."""
    group = GroupFactory(owner=owner)
    member = MembershipFactory(group=group)
    role = RoleFactory()
    return {
        "api/v1/me": "/api/v1/me",
        "api/v1/me/devices/<uuid:pk>": f"/api/v1/me/devices/{DeviceFactory(user=owner).pk}",
        "api/v1/items/<uuid:pk>": f"/api/v1/items/{ItemFactory(owner=owner).pk}",
        "api/v1/groups/<uuid:pk>": f"/api/v1/groups/{group.pk}",
        "api/v1/groups/<uuid:group_pk>/members/<uuid:user_pk>": (
            f"/api/v1/groups/{group.pk}/members/{member.user_id}"
        ),
        "api/v1/roles/<uuid:pk>": f"/api/v1/roles/{role.pk}",
        "api/v1/role-assignments/<int:pk>": (
            f"/api/v1/role-assignments/{RoleAssignmentFactory(role=role).pk}"
        ),
    }


def facts():
    """What is stored of everybody and everything that the requests below are about."""
    return [
        list(model.objects.order_by("pk").values(*names))
        for model, names in (
            (User, ["is_staff", "is_superuser", "is_verified", "email", "username", "password"]),
            (Item, ["owner", "group", "version", "created_by", "is_deleted"]),
            (Group, ["owner", "member_count", "version", "is_system", "is_active"]),
            (Membership, ["user", "role", "rank", "status", "granted_by", "expires_at"]),
            (Role, ["is_system", "is_active", "totp_required", "scope"]),
            (RoleAssignment, ["user", "role", "granted_by", "expires_at"]),
        )
    ]


def test_asvs_8_2_3_a_field_that_is_not_theirs_to_write_is_refused_everywhere(api_of):
    """As somebody who may do everything: what they may do is not what keeps the field."""
    root = UserFactory(is_superuser=True)
    client, paths = api_of(root), paths_of(root)
    changing = {e.route: e for e in VIEWS if "patch" in e.view.actions}
    assert changing.keys() == paths.keys(), "say what stands behind a new endpoint"
    before = facts()

    for route, path in paths.items():
        name = "PATCH /" + re.sub(r"<\w+:(\w+)>", r"{\1}", route).replace("{pk}", "{id}")
        for field in sorted(PRIVILEGED - ALLOWED.get(name, set())):
            answer = client.patch(path, {field: True}, headers={"If-Match": "*"})
            assert answer.status_code == 400, (name, field, answer.content)
            assert [error["field"] for error in answer.json()["errors"]] == [field]

    assert facts() == before


def test_asvs_8_2_3_what_is_made_is_made_without_fields_that_are_not_theirs(api_of):
    root = UserFactory(is_superuser=True)
    client = api_of(root)
    other = UserFactory()
    before = facts()

    for path, body in (
        ("/api/v1/items", {"name": "x"}),
        ("/api/v1/groups", {"name": "x"}),
        ("/api/v1/me/tokens", {"name": "x"}),
    ):
        name = f"POST {path}"
        for field in sorted(PRIVILEGED - ALLOWED.get(name, set())):
            answer = client.post(path, {**body, field: str(other.pk)}, format="json")
            assert answer.status_code == 400, (name, field)

    assert facts() == before


def test_asvs_8_2_3_every_body_that_is_taken_is_taken_strictly(document):
    """So that a field nobody thought of is refused and not set."""
    strict = {serializer.__name__.removesuffix("Serializer") for serializer in strict_serializers()}

    for name, operation in operations(document):
        for body in operation.get("requestBody", {}).get("content", {}).values():
            reference = body["schema"].get("$ref", "").rpartition("/")[2]
            if reference:
                plain = re.sub(r"^Patched|Request$", "", reference)
                assert plain in strict or reference in strict, name
