import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from authorization.models import Role, RolePermission
from authorization.system_roles import SYSTEM_ROLES, sync_after_migrate, sync_system_roles
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.ids import uuid7
from core.models import AuditEvent

pytestmark = pytest.mark.django_db


def permissions_of(slug):
    pairs = Role.objects.get(slug=slug).permissions.values_list(
        "content_type__app_label", "codename"
    )
    return {f"{app}.{codename}" for app, codename in pairs}


def test_migrate_made_them_all_with_the_permissions_of_every_app():
    assert set(Role.objects.filter(is_system=True).values_list("slug", flat=True)) == {
        role.slug for role in SYSTEM_ROLES
    }
    assert len(permissions_of("administrator")) == Permission.objects.count()
    assert "items.delete_item" in permissions_of("group-owner")


def test_an_auditor_changes_nothing():
    assert {label.split(".")[1].split("_")[0] for label in permissions_of("auditor")} == {"view"}


def test_every_pattern_matches_something():
    for definition in SYSTEM_ROLES:
        if definition.permissions:
            assert permissions_of(definition.slug)


def test_a_second_sync_changes_and_records_nothing(django_assert_num_queries):
    events = AuditEvent.objects.count()

    sync_system_roles()

    assert AuditEvent.objects.count() == events


def test_a_role_that_was_tampered_with_is_put_right_and_that_is_recorded():
    auditor = Role.objects.get(slug="auditor")
    Role.objects.filter(pk=auditor.pk).update(name="Spy", is_active=False)
    RolePermission.objects.filter(role=auditor).first().delete()
    RolePermission.objects.create(
        role=auditor, permission=Permission.objects.get(codename="delete_user")
    )

    sync_system_roles()

    auditor.refresh_from_db()
    assert (auditor.name, auditor.is_active) == ("Auditor", True)
    assert "users.delete_user" not in permissions_of("auditor")
    actions = set(
        AuditEvent.objects.filter(object_id=str(auditor.pk)).values_list("action", flat=True)
    )
    assert {"update", "sync_permissions"} <= actions


def test_a_system_role_that_was_deleted_comes_back_to_those_who_hold_it():
    """By SQL: no door deletes one. A custom role that has taken its slug makes room."""
    auditor = Role.objects.get(slug="auditor")
    held = RoleAssignmentFactory(role=auditor)
    Role.objects.filter(pk=auditor.pk).update(
        is_deleted=True, deleted_at=timezone.now(), deletion_id=uuid7(), totp_required=True
    )
    twin = RoleFactory(slug="auditor", permissions=["users.delete_user"])
    RoleAssignmentFactory(role=twin, user=held.user)

    sync_system_roles()
    sync_system_roles()

    auditor.refresh_from_db()
    twin.refresh_from_db()
    assert (auditor.is_deleted, auditor.totp_required) == (False, False)
    assert (twin.is_system, twin.is_deleted) == (False, False)
    assert twin.slug.startswith("auditor-")
    assert "users.delete_user" not in permissions_of("auditor")
    assert twin.role_permissions.count() == 1
    events = AuditEvent.objects.filter(object_id=str(auditor.pk), action="restore")
    assert events.count() == 1


def test_a_system_role_that_lost_its_mark_gets_it_back():
    Role.objects.filter(slug="support").update(is_system=False, scope="group")

    sync_system_roles()

    role = Role.objects.get(slug="support")
    assert (role.is_system, role.scope) == (True, "global")


def test_nothing_is_touched_while_the_tables_are_not_there():
    class NoTables:
        def get_model(self, label):
            raise LookupError(label)

    Role.objects.filter(slug="auditor").update(name="Spy")

    sync_after_migrate(apps=NoTables())

    assert Role.objects.get(slug="auditor").name == "Spy"
