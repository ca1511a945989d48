"""What has been noted stays as it was noted: for staff, for the ORM, and for the database."""

from http import HTTPStatus

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import NoReverseMatch, reverse

from core.models import AuditEvent
from core.security_events import Kind, note
from users.models import SessionActivity
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff():
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def event():
    note(Kind.TAMPERED_STATE, reason="oauth_state")
    return AuditEvent.objects.get(action="tampered_state")


@pytest.mark.parametrize("model", [AuditEvent, SessionActivity], ids=lambda model: model.__name__)
def test_asvs_16_4_2_the_admin_neither_adds_nor_changes_nor_deletes(rf, model):
    registered = admin.site._registry.get(model)
    request = rf.get("/")
    request.user = UserFactory(is_staff=True, is_superuser=True)

    assert registered is not None
    assert not registered.has_add_permission(request)
    assert not registered.has_change_permission(request)
    assert not registered.has_delete_permission(request)
    assert "delete_selected" not in registered.get_actions(request)


def test_asvs_16_4_2_a_superuser_cannot_post_a_change_of_an_event(staff, event):
    for page in ("change", "delete"):
        try:
            url = reverse(f"admin:core_auditevent_{page}", args=[event.pk])
        except NoReverseMatch:
            continue
        answer = staff.post(url, {"action": "nothing", "post": "yes"})
        assert answer.status_code in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}

    assert AuditEvent.objects.get(pk=event.pk).action == "tampered_state"


@pytest.mark.parametrize(
    "attack",
    ["UPDATE audit_events SET action = 'nothing'", "DELETE FROM audit_events"],
    ids=["update", "delete"],
)
def test_asvs_16_4_2_the_database_refuses_to_change_a_security_event(event, attack):
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(attack)

    assert AuditEvent.objects.get(pk=event.pk).row_hash == event.row_hash


def test_asvs_16_4_2_nobody_can_be_given_the_right_to_change_an_event():
    permissions = apps.get_model("auth.Permission").objects

    names = permissions.filter(content_type__model="auditevent").values_list("codename", flat=True)
    assert list(names) == ["view_auditevent"]
