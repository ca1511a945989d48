"""Rules about the whole project that imports do not show."""

import pytest
from django.apps import apps
from django.conf import settings

from core import audit
from core.models import AuditEvent
from core.soft_delete import is_soft_deleted
from users.models import SessionActivity, SessionDay, User

LAYERS = {
    "core": 0, "users": 1, "authentication": 2, "authorization": 2, "groups": 3, "items": 4,
}  # fmt: skip
MODELS = [model for label in LAYERS for model in apps.get_app_config(label).get_models()]
TABLES = {
    "users": {"users", "devices", "user_sessions", "session_activities"} | {"session_days"},
    "authentication": {
        "totp_devices", "backup_code_devices", "password_reset_tokens", "api_tokens",
    },
    "authorization": {"roles", "role_permissions", "role_assignments"},
    "groups": {"groups", "group_memberships", "group_invitations"},
    "items": {"items"},
    "core": {"audit_events"},
}  # fmt: skip
ids = {"ids": lambda model: model._meta.label}


def test_there_are_the_fifteen_tables_the_roll_ups_and_the_invitations():
    tables = {
        label: {m._meta.db_table for m in apps.get_app_config(label).get_models()}
        for label in LAYERS
    }

    assert tables == TABLES
    assert sum(map(len, tables.values())) == 15 + 2


@pytest.mark.parametrize("model", MODELS, **ids)
def test_no_foreign_key_points_upward_or_sideways(model):
    own = LAYERS[model._meta.app_label]
    for field in model._meta.concrete_fields:
        target = field.related_model
        if target is None or (model is AuditEvent and target is User):
            continue
        label = target._meta.app_label
        below = LAYERS.get(label, -1) < own
        assert below or label == model._meta.app_label, f"{field} points at {target._meta.label}"


def test_the_schema_toolkit_has_no_relation_to_the_apps():
    for model in apps.get_app_config("schematools").get_models():
        assert not [field for field in model._meta.get_fields() if field.is_relation]


@pytest.mark.parametrize("model", MODELS, **ids)
def test_no_generic_foreign_key(model):
    assert model._meta.private_fields == []


@pytest.mark.parametrize("model", MODELS, **ids)
def test_every_column_explains_itself_or_is_explained(model):
    plain = {
        "id", "created_at", "updated_at", "is_deleted", "deleted_at", "user", "group", "name",
        "description", "kind", "first_name", "last_name", "device_type", "first_seen_at",
        "last_seen_at", "device", "last_activity_at", "ended_at", "end_reason", "activity_type",
        "client_ip", "occurred_at", "expires_at", "revoked_at", "last_used_ip", "role",
        "permission", "granted_by", "granted_at", "group_type", "created_by", "status",
        "invited_by", "revocation_reason",
    }  # fmt: skip
    for field in model._meta.concrete_fields:
        assert field.help_text or field.name in plain, f"{field} needs a help_text"


@pytest.mark.parametrize("model", MODELS, **ids)
def test_every_model_says_what_it_is(model):
    assert model.__doc__
    assert not model.__doc__.startswith(f"{model.__name__}(")


@pytest.mark.parametrize("model", MODELS, **ids)
def test_names_of_constraints_and_tables_are_ours(model):
    prefix = f"{model._meta.app_label}_{model._meta.model_name}_"
    for constraint in model._meta.constraints:
        assert constraint.name.startswith(prefix)
        assert constraint.name.endswith(("_uniq", "_check"))


@pytest.mark.parametrize("model", [m for m in MODELS if is_soft_deleted(m)], **ids)
def test_a_soft_deleted_model_is_unique_among_live_rows_only(model):
    for constraint in model._meta.total_unique_constraints:
        pytest.fail(f"{constraint.name} forgets is_deleted=False")
    assert not [f for f in model._meta.concrete_fields if f.unique and not f.primary_key]


@pytest.mark.parametrize(
    "model",
    [m for m in MODELS if m not in {AuditEvent, SessionActivity, SessionDay}],
    **ids,
)
def test_every_model_that_people_change_takes_part_in_the_audit_trail(model):
    spec = audit.spec_of(model)

    assert spec is not None
    names = {field.name for field in model._meta.fields} | {
        field.attname for field in model._meta.fields
    }
    assert set(spec.fields) | {spec.label} <= names


@pytest.mark.parametrize("model", MODELS, **ids)
def test_no_secret_is_on_an_audit_allow_list(model):
    spec = audit.spec_of(model)
    listed = set(spec.fields) - set(spec.redacted) if spec else set()

    assert not [n for n in listed if any(w in n for w in ("secret", "hash", "password", "data_"))]
    assert not listed & {"session_data", "codes", "salt", "trust_secret_hash"}


def test_authorization_comes_last_so_that_all_permissions_exist():
    assert settings.INSTALLED_APPS[-1] == "authorization"
