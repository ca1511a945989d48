"""Groups in the admin."""

import pytest

from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.models import AuditEvent
from groups.models import Group, Membership
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

GROUPS = "/admin/groups/group/"


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
    assert group.memberships.get().user == group.owner != root
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


@pytest.mark.parametrize("is_member", [True, False], ids=["a member", "somebody else"])
def test_a_superuser_hands_a_group_over(client, root, is_member):
    group, heir = GroupFactory(), UserFactory()
    former = group.owner
    if is_member:
        MembershipFactory(group=group, user=heir)
    address = f"{GROUPS}{group.pk}/transfer/"

    page = client.get(address).content.decode()
    answer = client.post(address, {"to": str(heir.pk)}, follow=True)

    assert "admin-autocomplete" in page
    assert f"belongs to {heir}" in answer.content.decode()
    group = Group.objects.get(pk=group.pk)
    assert group.owner == heir
    assert set(group.memberships.values_list("user", "rank", "status")) == {
        (heir.pk, "owner", "active"),
        (former.pk, "owner", "active"),
    }
    refused = client.post(address, {"to": str(heir.pk)})
    assert "They own the group already." in refused.content.decode()


def test_staff_who_hold_less_than_an_owner_hand_no_group_over(client):
    user = UserFactory(is_staff=True)
    permissions = ["groups.view_group", "groups.change_group"]
    RoleAssignmentFactory(user=user, role=RoleFactory(permissions=permissions))
    client.force_login(user)
    group = MembershipFactory().group

    answer = client.post(
        f"{GROUPS}{group.pk}/transfer/", {"to": str(group.memberships.get().user_id)}
    )

    assert "Only the owner of the group hands it over." in answer.content.decode()
    assert Group.objects.get(pk=group.pk).owner_id == group.owner_id


def test_saving_over_what_somebody_else_saved_is_refused_at_the_form(client, root):
    group = GroupFactory()
    page = client.get(change(group)).content.decode()
    assert 'type="hidden" name="read_version" value="1"' in page

    client.post(change(group), filled(group, name="First", read_version=1))
    stale = client.post(change(group), filled(group, name="Second", read_version=1))

    assert "has changed since it was read" in stale.content.decode()
    saved = Group.objects.get(pk=group.pk)
    assert (saved.name, saved.version) == ("First", 2)


@pytest.mark.parametrize("way", ["one", "bulk"])
def test_archiving_asks_first_and_can_be_undone(client, root, way):
    group, system = GroupFactory(), GroupFactory(is_system=True)
    keys = [str(group.pk), str(system.pk)]

    def ask(name, **more):
        if way == "one":
            address = f"{GROUPS}{group.pk}/do/{name}/"
            return client.post(address, more, follow=True) if more else client.get(address)
        data = {"action": name, "_selected_action": keys, **more}
        return client.post(GROUPS, data, follow=True)

    page = ask("archive").content.decode()
    assert Group.objects.get(pk=group.pk).is_active
    ask("archive", confirmed="yes")
    archived = Group.objects.get(pk=group.pk)
    ask("unarchive", confirmed="yes")

    assert "grants its members nothing" in page
    assert (archived.is_active, Group.objects.get(pk=group.pk).is_active) == (False, True)
    assert Group.objects.get(pk=system.pk).is_active
    actions = AuditEvent.objects.filter(model="group").order_by("id")
    assert list(actions.values_list("action", flat=True)) == ["archive", "unarchive"]
    assert client.get(f"{GROUPS}{system.pk}/do/archive/").status_code == 403
    assert client.get(f"{GROUPS}{system.pk}/do/nonsense/").status_code == 404


def test_an_option_that_there_is_not_is_an_error_at_the_form(client, root):
    group = GroupFactory()

    response = client.post(change(group), filled(group, settings='{"colour": "red"}'))

    assert "settings" in response.context["adminform"].form.errors


def test_a_system_group_is_not_deleted(client, root):
    group = GroupFactory(is_system=True)
    data = {"action": "delete_selected", "_selected_action": [str(group.pk)], "post": "yes"}

    assert client.post(f"{GROUPS}{group.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(GROUPS, data).status_code == 403
    group.refresh_from_db()
    assert not group.is_deleted
