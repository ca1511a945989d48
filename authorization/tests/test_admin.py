"""Roles and their assignments in the admin: nobody climbs."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from authorization.models import Role, RoleAssignment, RolePermission, RoleScope
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.models import AuditEvent
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ROLE_RIGHTS = [
    f"authorization.{verb}_{model}"
    for verb in ("view", "add", "change", "delete")
    for model in ("role", "rolepermission", "roleassignment")
]
ROLES = "/admin/authorization/role/"
ASSIGNMENTS = "/admin/authorization/roleassignment/"


@pytest.fixture
def clerk(client):
    """Manages people and roles, and may look at items."""
    user = UserFactory(username="clerk", is_staff=True)
    permissions = [
        *ROLE_RIGHTS, "items.view_item", "users.view_user", "users.change_user",
        "auth.view_permission",
    ]  # fmt: skip
    RoleAssignmentFactory(user=user, role=RoleFactory(permissions=permissions))
    client.force_login(user)
    return user


@pytest.fixture
def root(client):
    user = UserFactory(username="root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def pk_of(label):
    app, codename = label.split(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename).pk


def user_form(user, *roles, **extra):
    rows = {
        f"role_assignments-{n}-{name}": value
        for n, role in enumerate(roles)
        for name, value in {"id": "", "user": str(user.pk), "role": str(role.pk)}.items()
    }
    return {
        "username": user.username,
        "email": user.email,
        "is_active": "on",
        "locale": "en",
        "timezone": "UTC",
        "role_assignments-TOTAL_FORMS": len(roles),
        "role_assignments-INITIAL_FORMS": 0,
        **rows,
        **extra,
    }


def role_form(role=None, *labels, **extra):
    return {
        "name": "Readers",
        "slug": "readers",
        "scope": "global",
        "is_active": "on",
        "holds": [pk_of(label) for label in labels],
        **extra,
    }


def change(role):
    return f"{ROLES}{role.pk}/change/"


# --- Roles of a person ----------------------------------------------------------------------


def test_a_role_is_given_on_the_page_of_a_person(client, clerk):
    user, role = UserFactory(), RoleFactory(permissions=["items.view_item"])

    response = client.post(
        reverse("admin:users_user_change", args=[user.pk]), user_form(user, role)
    )

    assert response.status_code == 302
    assert RoleAssignment.objects.get(user=user).granted_by == clerk
    event = AuditEvent.objects.get(model="roleassignment")
    assert (event.actor_id, event.via) == (clerk.pk, "admin")


@pytest.mark.parametrize("slug", ["administrator", "staff"])
def test_a_stronger_role_is_refused_at_the_form(client, clerk, slug):
    user, role = UserFactory(), Role.objects.get(slug=slug)

    on_the_page = client.post(
        reverse("admin:users_user_change", args=[user.pk]), user_form(user, role)
    )
    on_its_own = client.post(ASSIGNMENTS + "add/", {"user": str(user.pk), "role": str(role.pk)})

    for response in (on_the_page, on_its_own):
        assert response.status_code == 200
        assert "permissions that you do not hold" in response.content.decode()
    assert not RoleAssignment.objects.filter(user=user).exists()


def test_nobody_gives_themselves_a_role(client, clerk):
    role = RoleFactory(permissions=["items.view_item"])

    client.post(reverse("admin:users_user_change", args=[clerk.pk]), user_form(clerk, role))
    client.post(ASSIGNMENTS + "add/", {"user": str(clerk.pk), "role": str(role.pk)})

    assert RoleAssignment.objects.filter(user=clerk).count() == 1


def test_taking_a_role_away_on_the_page_of_a_person_is_recorded(client, clerk):
    held = RoleAssignmentFactory(role=RoleFactory(permissions=["items.view_item"]))
    form = user_form(
        held.user,
        **{
            "role_assignments-TOTAL_FORMS": 1,
            "role_assignments-INITIAL_FORMS": 1,
            "role_assignments-0-id": held.pk,
            "role_assignments-0-user": str(held.user_id),
            "role_assignments-0-DELETE": "on",
        },
    )

    client.post(reverse("admin:users_user_change", args=[held.user_id]), form)

    assert not RoleAssignment.objects.filter(pk=held.pk).exists()
    assert AuditEvent.objects.get(model="roleassignment").action == "revoke"


def test_a_stronger_assignment_cannot_be_taken_away(client, clerk):
    held = RoleAssignmentFactory(role=Role.objects.get(slug="staff"))

    one = client.post(f"{ASSIGNMENTS}{held.pk}/delete/", {"post": "yes"})
    client.post(
        ASSIGNMENTS, {"action": "delete_selected", "_selected_action": [held.pk], "post": "yes"}
    )

    assert one.status_code == 403
    assert RoleAssignment.objects.filter(pk=held.pk).exists()


def test_only_the_end_and_the_reason_of_an_assignment_change(client, root):
    held, other = RoleAssignmentFactory(), RoleFactory()
    form = {"role": str(other.pk), "user": str(UserFactory().pk), "reason": "Longer"}

    client.post(f"{ASSIGNMENTS}{held.pk}/change/", form)

    changed = RoleAssignment.objects.get(pk=held.pk)
    assert (changed.role_id, changed.user_id) == (held.role_id, held.user_id)
    assert changed.reason == "Longer"


def test_an_end_in_the_past_is_a_message_and_no_crash(client, root):
    form = {"user": str(UserFactory().pk), "role": str(RoleFactory().pk)}
    form |= {"expires_at_0": "2001-01-01", "expires_at_1": "00:00"}

    response = client.post(ASSIGNMENTS + "add/", form, follow=True)

    assert "lies in the past" in response.content.decode()
    assert not RoleAssignment.objects.exists()


@pytest.mark.parametrize("flaw", ["group", "deleted"])
def test_a_role_that_cannot_be_held_everywhere_is_no_choice(client, root, flaw):
    role = RoleFactory(scope=RoleScope.GROUP if flaw == "group" else RoleScope.GLOBAL)
    if flaw == "deleted":
        role.delete()

    response = client.post(
        ASSIGNMENTS + "add/", {"user": str(UserFactory().pk), "role": str(role.pk)}
    )

    assert "role" in response.context["adminform"].form.errors


# --- Permissions of a role ------------------------------------------------------------------


def test_a_role_is_made_with_permissions_that_one_holds(client, clerk):
    form = role_form(None, "items.view_item", "users.view_user", slug="", grant_reason="So")
    client.post(ROLES + "add/", form)

    role = Role.objects.get(slug="readers")
    held = RolePermission.objects.filter(role=role)
    assert {row.permission.codename for row in held} == {"view_item", "view_user"}
    assert {(row.granted_by, row.reason) for row in held} == {(clerk, "So")}
    assert AuditEvent.objects.filter(model="rolepermission", action="create").count() == 2


def test_a_permission_that_one_does_not_hold_is_refused_at_the_form(client, clerk):
    response = client.post(ROLES + "add/", role_form(None, "items.view_item", "items.delete_item"))

    assert response.status_code == 200
    assert "You do not hold items.delete_item yourself." in response.content.decode()
    assert not Role.objects.filter(slug="readers").exists()


def test_a_permission_is_withdrawn_on_the_page_of_its_role(client, clerk):
    role = RoleFactory(permissions=["items.view_item"])

    client.post(change(role), role_form(role, name=role.name, slug=role.slug))

    assert not role.role_permissions.exists()
    assert AuditEvent.objects.get(model="rolepermission").action == "withdraw"


@pytest.mark.parametrize("who", ["clerk", "root"])
def test_system_roles_can_only_be_looked_at(client, who, request):
    request.getfixturevalue(who)
    role = Role.objects.get(slug="auditor")
    before = role.role_permissions.count()

    body = client.get(change(role)).content.decode()
    changed = client.post(change(role), role_form(role, "items.view_item"))
    deleted = client.post(f"{ROLES}{role.pk}/delete/", {"post": "yes"})
    client.post(
        ROLES, {"action": "delete_selected", "_selected_action": [str(role.pk)], "post": "yes"}
    )

    role.refresh_from_db()
    assert 'name="name"' not in body
    assert 'name="holds"' not in body
    assert "items.view_item" in body
    assert (changed.status_code, deleted.status_code) == (403, 403)
    assert (role.name, role.is_deleted, role.role_permissions.count()) == ("Auditor", False, before)


def test_a_role_that_holds_more_than_one_does_cannot_be_switched_on(client, clerk):
    role = RoleFactory(permissions=["items.delete_item"], is_active=False)

    response = client.post(change(role), role_form(role))

    role.refresh_from_db()
    assert response.status_code == 403
    assert not role.is_active


def test_a_role_that_holds_more_than_one_does_cannot_be_restored(client, clerk):
    role = RoleFactory(permissions=["items.delete_item"])
    role.delete()

    assert client.post(f"{ROLES}{role.pk}/restore/").status_code == 403
    role.refresh_from_db()
    assert role.is_deleted


def test_a_role_that_somebody_holds_is_not_deleted_and_the_page_says_who(client, root):
    held = RoleAssignmentFactory(user=UserFactory(username="anna"))

    page = client.get(f"{ROLES}{held.role_id}/delete/").content.decode()
    client.post(f"{ROLES}{held.role_id}/delete/", {"post": "yes"})

    assert "cannot be deleted while these refer to it" in page
    assert f"Role assignment: anna is {held.role}" in page
    held.role.refresh_from_db()
    assert not held.role.is_deleted


def test_a_role_that_becomes_protected_after_the_preview_is_a_message(client, root, monkeypatch):
    held = RoleAssignmentFactory()
    monkeypatch.setattr("core.deletion_preview._blockers", lambda *_args: [])

    one = client.post(f"{ROLES}{held.role_id}/delete/", {"post": "yes"}, follow=True)
    data = {"action": "delete_selected", "_selected_action": [str(held.role_id)], "post": "yes"}
    bulk = client.post(ROLES, data, follow=True)

    for response in (one, bulk):
        assert response.status_code == 200
        assert "role cannot be deleted" in response.content.decode().lower()
    held.role.refresh_from_db()
    assert not held.role.is_deleted


def test_a_large_role_opens_in_as_many_queries_as_a_small_one(
    client, root, django_assert_num_queries
):
    small, large = RoleFactory(permissions=["items.view_item"]), RoleFactory()
    RolePermission.objects.bulk_create(
        RolePermission(role=large, permission=p, granted_by=root)
        for p in Permission.objects.all()[:50]
    )

    client.get(change(small))  # fills the cache of content types

    for role in (small, large):
        # 1. session with user  2. the role  3. all permissions  4. those that it holds
        with django_assert_num_queries(4):
            assert client.get(change(role)).status_code == 200
