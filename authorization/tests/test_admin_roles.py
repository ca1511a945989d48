"""Choosing permissions, cloning and comparing roles, and many assignments at once, in the admin."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from authorization.models import Role, RoleAssignment
from authorization.services.roles import permissions_of
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from authorization.tests.test_admin import ASSIGNMENTS, ROLE_RIGHTS, ROLES, change, role_form
from core.models import AuditEvent
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(client):
    """Manages roles, and may look at items."""
    user = UserFactory(username="clerk", is_staff=True)
    RoleAssignmentFactory(
        user=user, role=RoleFactory(permissions=[*ROLE_RIGHTS, "items.view_item"])
    )
    client.force_login(user)
    return user


@pytest.fixture
def root(client):
    user = UserFactory(username="root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def body_of(response):
    return " ".join(response.content.decode().split())


def box(label):
    app, codename = label.split(".")
    permission = Permission.objects.get(content_type__app_label=app, codename=codename)
    return f'name="holds" value="{permission.pk}"'


def test_permissions_are_boxes_in_words_and_those_of_others_are_locked(client, clerk):
    role = RoleFactory(permissions=["items.view_item"])
    role.role_permissions.update(granted_by=clerk, reason="They asked")

    page = client.get(change(role))

    body = body_of(page)
    assert f"{box('items.view_item')} checked>" in body
    assert f"{box('items.delete_item')} disabled>" in body
    assert "View items" in body
    assert "clerk: They asked" in body
    assert "truledgr/permissions.js" in body
    assert "<script>" not in body


def test_a_role_is_changed_as_a_whole_and_each_change_is_recorded(client, root):
    role = RoleFactory(permissions=["items.view_item", "items.add_item"])
    form = role_form(role, "items.view_item", "items.delete_item", grant_reason="Clean-up")

    response = client.post(change(role), form)

    assert response.status_code == 302
    role.refresh_from_db()
    assert role.name == "Readers"
    assert permissions_of(role) == {"items.view_item", "items.delete_item"}
    assert role.role_permissions.get(permission__codename="delete_item").reason == "Clean-up"
    events = AuditEvent.objects.filter(model="rolepermission").values_list("action", flat=True)
    assert sorted(events) == ["create", "withdraw"]


@pytest.mark.parametrize("key", ["x", "0", "9" * 30, "-1", "\0"])
def test_a_permission_that_is_none_is_an_error_of_the_form(client, root, key):
    response = client.post(ROLES + "add/", role_form(None, holds=[key]))

    assert response.status_code == 200
    assert "holds" in response.context["adminform"].form.errors


def test_who_may_not_take_permissions_leaves_those_that_a_role_holds(client):
    user = UserFactory(is_staff=True)
    rights = [
        *(right for right in ROLE_RIGHTS if right != "authorization.delete_rolepermission"),
        "items.view_item", "items.add_item",
    ]  # fmt: skip
    RoleAssignmentFactory(user=user, role=RoleFactory(permissions=rights))
    client.force_login(user)
    role = RoleFactory(permissions=["items.view_item"])

    client.post(change(role), role_form(role, "items.add_item"))

    assert permissions_of(role) == {"items.view_item", "items.add_item"}


def test_a_system_role_is_cloned_on_its_page(client, root):
    auditor = Role.objects.get(slug="auditor")
    page = f"{ROLES}{auditor.pk}/clone/"

    assert page in body_of(client.get(change(auditor)))
    assert "Nobody holds it" in body_of(client.get(page))
    taken = client.post(page, {"name": "Auditor"})
    made = client.post(page, {"name": "Night auditor"}, follow=True)

    assert "belongs to a system role" in body_of(taken)
    clone = Role.objects.get(slug="night-auditor")
    assert made.redirect_chain[-1][0] == change(clone)
    assert permissions_of(clone) == permissions_of(auditor)


def test_cloning_a_stronger_role_is_refused_and_looking_at_two_is_not(client, clerk):
    staff, user = Role.objects.get(slug="staff"), Role.objects.get(slug="user")

    refused = client.post(f"{ROLES}{staff.pk}/clone/", {"name": "Mine"})
    compared = client.get(f"{ROLES}{staff.pk}/compare/", {"with": str(user.pk)})

    assert "do not hold" in body_of(refused)
    assert not Role.objects.filter(slug="mine").exists()
    assert "Only Staff" in body_of(compared)
    assert "items.view_item" in body_of(compared)
    for key in ("x", "", str(staff.pk), "\0"):
        answer = client.get(f"{ROLES}{staff.pk}/compare/", {"with": key})
        assert answer.status_code == 200
        assert "comparison" not in answer.context
    client.force_login(UserFactory(is_staff=True))
    for page in ("clone", "compare"):
        assert client.get(f"{ROLES}{staff.pk}/{page}/").status_code == 403


@pytest.mark.parametrize("page", ["clone", "compare"])
def test_the_pages_of_no_role_lead_to_the_start_page(client, root, page):
    gone = RoleFactory()
    gone.delete()

    for key in (gone.pk, "x"):
        assert client.get(f"{ROLES}{key}/{page}/")["Location"] == "/admin/"


def test_a_role_is_deleted_and_restored_by_its_service(client, root):
    role = RoleFactory(permissions=["items.view_item"])

    client.post(f"{ROLES}{role.pk}/delete/", {"post": "yes"})
    client.post(f"{ROLES}{role.pk}/restore/")
    client.post(ROLES, {"action": "delete_selected", "_selected_action": [role.pk], "post": "yes"})
    rows = {"action": "restore_selected", "_selected_action": [role.pk]}
    client.post(f"{ROLES}?state=deleted", rows)

    role.refresh_from_db()
    assert not role.is_deleted
    events = AuditEvent.objects.filter(object_id=str(role.pk)).order_by("id")
    assert [event.action for event in events] == ["delete", "restore"] * 2


# --- Many assignments ---------------------------------------------------------------------------


def test_the_list_finds_what_is_in_force_expired_or_about_to_end(client, root):
    now = timezone.now()
    rows = {
        "in_force": RoleAssignmentFactory(),
        "expired": RoleAssignmentFactory(expires_at=now),
        "switched_off": RoleAssignmentFactory(role=RoleFactory(is_active=False)),
        "ending": RoleAssignmentFactory(expires_at=now + timezone.timedelta(days=3)),
    }

    for state, row in rows.items():
        found = set(client.get(ASSIGNMENTS, {"state": state}).context["cl"].result_list)
        assert found == ({row, rows["ending"]} if state == "in_force" else {row})


def test_an_end_is_set_for_many_after_a_confirmation_but_not_for_those_above(client, clerk):
    mine = RoleAssignmentFactory.create_batch(3, reason="Before")
    above = RoleAssignmentFactory(user=UserFactory(is_superuser=True))
    chosen = {"action": "set_end", "_selected_action": [row.pk for row in (*mine, above)]}
    end = {"expires_at_0": "2099-01-01", "expires_at_1": "12:00", "confirmed": "yes"}

    asked = client.post(ASSIGNMENTS, chosen)
    assert "The ends of 4 role assignments" in body_of(asked)
    wrong = client.post(ASSIGNMENTS, {**chosen, **end, "expires_at_0": "soon"})
    assert wrong.context["form"].errors
    assert not RoleAssignment.objects.exclude(expires_at=None).exists()
    done = client.post(ASSIGNMENTS, {**chosen, **end}, follow=True)

    assert "The end was set: 3" in body_of(done)
    assert "1 left alone" in body_of(done)
    ends = RoleAssignment.objects.exclude(expires_at=None)
    assert set(ends) == set(mine)
    assert {(row.granted_by, row.reason) for row in ends} == {(clerk, "Before")}


def test_many_are_revoked_after_a_confirmation_that_costs_the_same_for_more(
    client, root, django_assert_max_num_queries
):
    rows = RoleAssignmentFactory.create_batch(30)
    chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in rows]}

    # The session with its user, the count of the list, and the rows a few times over.
    with django_assert_max_num_queries(8):
        asked = client.post(ASSIGNMENTS, chosen)
    assert "and 10 more" in body_of(asked)
    client.post(ASSIGNMENTS, {**chosen, "post": "yes"})

    assert not RoleAssignment.objects.exists()
    assert AuditEvent.objects.filter(model="roleassignment", action="revoke").count() == 30


def test_permissions_are_found_by_words_and_shown_in_words(client, root):
    found = client.get(reverse("admin:auth_permission_changelist"), {"q": "items view"})

    assert "View items" in body_of(found)
