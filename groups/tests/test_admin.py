"""Groups and memberships in the admin."""

import pytest

from authorization.models import Role
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.models import AuditEvent
from groups.models import Group, Membership
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

GROUPS, MEMBERSHIPS = "/admin/groups/group/", "/admin/groups/membership/"


@pytest.fixture
def root(client):
    user = UserFactory(username="root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def filled(group=None, **changes):
    values = {"name": "Finance", "slug": "finance", "group_type": "team", "is_active": "on"}
    if group:
        values |= {"name": group.name, "slug": group.slug, "owner": str(group.owner_id)}
    return values | {"tags": "", "settings": "{}"} | changes


def change(group):
    return f"{GROUPS}{group.pk}/change/"


def test_adding_a_group_records_it_and_who_made_it(client, root):
    client.post(GROUPS + "add/", filled(owner=str(UserFactory().pk), tags="q3"))

    group = Group.objects.get()
    assert (group.created_by, group.tags, group.settings) == (root, ["q3"], {})
    assert AuditEvent.objects.get(model="group").action == "create"


def test_the_slug_of_a_live_group_is_taken_and_that_of_a_deleted_one_is_free(client, root):
    GroupFactory(slug="finance")
    GroupFactory(slug="platform").delete()
    owner = str(UserFactory().pk)

    taken = client.post(GROUPS + "add/", filled(owner=owner))
    free = client.post(GROUPS + "add/", filled(owner=owner, slug="platform"))

    assert "A group with this slug already exists." in taken.content.decode()
    assert free.status_code == 302


def test_a_limit_below_the_present_members_is_an_error_at_the_form(client, root):
    group = GroupFactory(member_count=5)

    response = client.post(change(group), filled(group, max_members=4))

    assert response.status_code == 200
    assert "max_members" in response.context["adminform"].form.errors


def test_the_confirmation_counts_what_goes_along_and_the_delete_does_just_that(client, root):
    group = GroupFactory()
    ItemFactory.create_batch(3, owner=None, group=group)
    ItemFactory(owner=None, group=group).delete()
    MembershipFactory(group=group)

    page = client.get(f"{GROUPS}{group.pk}/delete/").content.decode()
    client.post(f"{GROUPS}{group.pk}/delete/", {"post": "yes"})

    assert "<strong>1</strong> group<" in page
    assert "<strong>3</strong> items<" in page
    assert "Memberships stay" in page
    group.refresh_from_db()
    assert Item.objects.filter(deletion_id=group.deletion_id).count() == 3
    assert Membership.objects.count() == 1


def test_the_confirmation_costs_the_same_queries_however_large_the_group(
    client, root, django_assert_num_queries
):
    small, large = GroupFactory.create_batch(2)
    ItemFactory(owner=None, group=small)
    ItemFactory.create_batch(30, owner=None, group=large)
    client.get(f"{GROUPS}{small.pk}/delete/")  # fills the cache of content types

    for group in (small, large):
        # 1. session with user  2. the group  3. counted again  4. its items counted
        with django_assert_num_queries(4):
            client.get(f"{GROUPS}{group.pk}/delete/")


def test_deleting_a_group_takes_the_right_to_delete_its_items(client):
    user = UserFactory(is_staff=True)
    permissions = ["groups.view_group", "groups.delete_group"]
    RoleAssignmentFactory(user=user, role=RoleFactory(permissions=permissions))
    client.force_login(user)
    group = ItemFactory(owner=None, group=GroupFactory()).group

    page = client.get(f"{GROUPS}{group.pk}/delete/").content.decode()
    answer = client.post(f"{GROUPS}{group.pk}/delete/", {"post": "yes"})

    assert "also delete objects that you may not delete" in page
    assert answer.status_code == 403
    assert Group.objects.alive().count() == 1


def test_restoring_a_group_brings_its_items_back(client, root):
    group = GroupFactory()
    ItemFactory.create_batch(2, owner=None, group=group)
    group.delete()

    response = client.post(f"{GROUPS}{group.pk}/restore/", follow=True)

    assert "Restored: 1 group, and 2 rows that were deleted with them." in response.content.decode()
    assert Item.objects.alive().count() == 2


def test_an_owner_cannot_be_deleted_and_the_page_names_the_group(client, root):
    group = GroupFactory(name="Finance")

    page = client.get(f"/admin/users/user/{group.owner_id}/delete/").content.decode()
    client.post(f"/admin/users/user/{group.owner_id}/delete/", {"post": "yes"})

    assert "Group: Finance" in page
    group.owner.refresh_from_db()
    assert not group.owner.is_deleted


def test_staff_cannot_make_themselves_the_owner_of_a_group(client):
    user = UserFactory(is_staff=True)
    permissions = ["groups.view_group", "groups.change_group"]
    RoleAssignmentFactory(user=user, role=RoleFactory(permissions=permissions))
    client.force_login(user)
    group = GroupFactory()

    client.post(change(group), filled(group, name="Seen", owner=str(user.pk)))

    changed = Group.objects.get(pk=group.pk)
    assert (changed.name, changed.owner_id) == ("Seen", group.owner_id)


def test_a_superuser_hands_a_group_over(client, root):
    group, heir = GroupFactory(), UserFactory()

    client.post(change(group), filled(group, owner=str(heir.pk)))

    assert Group.objects.get(pk=group.pk).owner == heir


def test_a_system_group_is_not_deleted(client, root):
    group = GroupFactory(is_system=True)
    data = {"action": "delete_selected", "_selected_action": [str(group.pk)], "post": "yes"}

    assert client.post(f"{GROUPS}{group.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(GROUPS, data).status_code == 403
    group.refresh_from_db()
    assert not group.is_deleted


# --- Memberships ----------------------------------------------------------------------------


def membership_form(**changes):
    values = {
        "group": str(GroupFactory().pk),
        "user": str(UserFactory().pk),
        "role": str(Role.objects.get(slug="group-member").pk),
        "rank": "member",
        "status": "active",
    }
    return values | changes


def test_a_member_is_added_counted_and_recorded(client, root):
    form = membership_form()

    client.post(MEMBERSHIPS + "add/", form)

    membership = Membership.objects.select_related("group").get()
    assert (membership.granted_by, membership.invited_by) == (root, root)
    assert membership.joined_at is not None
    assert membership.group.member_count == 1
    assert AuditEvent.objects.get(model="membership").action == "create"


def test_a_member_twice_is_an_error_at_the_form(client, root):
    there = MembershipFactory()

    response = client.post(
        MEMBERSHIPS + "add/",
        membership_form(group=str(there.group_id), user=str(there.user_id)),
    )

    assert response.status_code == 200
    assert "already exists" in response.content.decode()


def test_a_full_group_is_a_message(client, root):
    group = GroupFactory(max_members=0)

    response = client.post(MEMBERSHIPS + "add/", membership_form(group=str(group.pk)), follow=True)

    assert "is full" in response.content.decode()
    assert not Membership.objects.exists()


def test_a_stronger_group_role_is_refused_at_the_form(client):
    clerk = UserFactory(is_staff=True)
    permissions = ["groups.add_membership", "groups.view_membership"]
    RoleAssignmentFactory(user=clerk, role=RoleFactory(permissions=permissions))
    client.force_login(clerk)

    response = client.post(MEMBERSHIPS + "add/", membership_form())

    assert "role" in response.context["adminform"].form.errors
    assert not Membership.objects.exists()


@pytest.mark.parametrize("way", ["one", "bulk"])
def test_removing_members_keeps_the_count(client, root, way):
    client.post(MEMBERSHIPS + "add/", membership_form())
    membership = Membership.objects.get()
    bulk = {"action": "delete_selected", "_selected_action": [membership.pk]}

    if way == "one":
        client.post(f"{MEMBERSHIPS}{membership.pk}/delete/", {"post": "yes"})
    else:
        client.post(MEMBERSHIPS, bulk | {"post": "yes"})

    assert not Membership.objects.exists()
    assert Group.objects.get(pk=membership.group_id).member_count == 0
    assert AuditEvent.objects.filter(model="membership").latest("id").action == "delete"


def test_the_members_of_a_deleted_group_are_left_as_they_are(client, root):
    membership = MembershipFactory()
    membership.group.delete()
    address = f"{MEMBERSHIPS}{membership.pk}/"

    assert client.get(address + "change/").status_code == 200
    assert client.post(address + "change/", membership_form()).status_code == 403
    assert client.post(address + "delete/", {"post": "yes"}).status_code == 403
