"""Members of groups in the admin: added, changed, let in and put out through the services."""

from datetime import timedelta

import pytest
from django.utils import timezone

from authorization.models import Role
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.models import AuditEvent
from groups.models import Group, Membership
from groups.tests.factories import GroupFactory, MembershipFactory
from groups.tests.inviting import admin_of, group_with_owner, member_of, role
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

GROUPS, MEMBERSHIPS = "/admin/groups/group/", "/admin/groups/membership/"


@pytest.fixture
def root(client):
    user = UserFactory(username="root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def membership_form(**changes):
    values = {
        "group": str(GroupFactory().pk),
        "user": str(UserFactory().pk),
        "role": str(Role.objects.get(slug="group-member").pk),
        "rank": "member",
    }
    return values | changes


def clerk_with(*permissions):
    clerk = UserFactory(is_staff=True)
    RoleAssignmentFactory(user=clerk, role=RoleFactory(permissions=permissions))
    return clerk


def do(client, name, *rows, **form):
    """Confirm an action on the list."""
    data = {"action": name, "_selected_action": [row.pk for row in rows], "confirmed": "yes"}
    return client.post(MEMBERSHIPS, data | form, follow=True)


def test_a_member_is_added_counted_and_recorded(client, root):
    form = membership_form(reason="They asked by phone")

    client.post(MEMBERSHIPS + "add/", form)

    membership = Membership.objects.select_related("group").get()
    assert (membership.granted_by, membership.invited_by) == (root, root)
    assert (membership.status, membership.reason) == ("active", "They asked by phone")
    assert membership.joined_at is not None
    assert membership.group.member_count == 1
    assert AuditEvent.objects.get(model="membership").action == "add"


def test_a_member_twice_is_an_error_at_the_form(client, root):
    there = MembershipFactory()

    response = client.post(
        MEMBERSHIPS + "add/",
        membership_form(group=str(there.group_id), user=str(there.user_id)),
    )

    assert response.status_code == 200
    assert response.context["adminform"].form.errors == {"user": ["They are a member already."]}


def test_a_full_group_is_a_message(client, root):
    group = MembershipFactory(group=GroupFactory(max_members=1, member_count=1)).group

    response = client.post(MEMBERSHIPS + "add/", membership_form(group=str(group.pk)), follow=True)

    assert "is full" in response.content.decode()
    assert Membership.objects.count() == 1


def test_a_stronger_group_role_is_refused_at_the_form(client):
    client.force_login(clerk_with("groups.add_membership", "groups.view_membership"))

    response = client.post(MEMBERSHIPS + "add/", membership_form())

    assert "role" in response.context["adminform"].form.errors
    assert not Membership.objects.exists()


def test_role_rank_and_end_are_changed_with_a_reason(client, root):
    group = group_with_owner()
    member = Membership.objects.get(user=member_of(group))
    end = timezone.now().replace(microsecond=0) + timedelta(days=3)
    form = {
        "role": str(role("group-admin").pk), "rank": "admin", "reason": "While Ann is away",
        "expires_at_0": f"{end:%Y-%m-%d}", "expires_at_1": f"{end:%H:%M:%S}",
    }  # fmt: skip

    client.post(f"{MEMBERSHIPS}{member.pk}/change/", form)
    past = client.post(f"{MEMBERSHIPS}{member.pk}/change/", form | {"expires_at_0": "2020-01-01"})

    member.refresh_from_db()
    assert (member.rank, member.role, member.expires_at) == ("admin", role("group-admin"), end)
    assert (member.reason, member.granted_by) == ("While Ann is away", root)
    assert "expires_at" in past.context["adminform"].form.errors
    owner = Membership.objects.get(user=group.owner)
    refused = client.post(f"{MEMBERSHIPS}{owner.pk}/change/", form)
    assert "They answer for the group" in refused.content.decode()


@pytest.mark.parametrize("way", ["one", "bulk"])
def test_removing_members_asks_for_a_reason_and_keeps_the_count(client, root, way):
    client.post(MEMBERSHIPS + "add/", membership_form())
    row = Membership.objects.get()
    address = f"{MEMBERSHIPS}{row.pk}/do/remove/"
    bulk = {"action": "remove", "_selected_action": [row.pk]}

    asked = client.get(address) if way == "one" else client.post(MEMBERSHIPS, bulk)
    for reason in ("", "They left the company"):
        form = {"confirmed": "yes", "reason": reason}
        if way == "one":
            answer = client.post(address, form, follow=True)
        else:
            answer = do(client, "remove", row, reason=reason)
        removed = Membership.objects.get().status == "left"
        assert removed == bool(reason)

    assert 'name="reason"' in asked.content.decode()
    assert "They lose what the membership gave them" in asked.content.decode()
    assert "Remove: 1 done." in answer.content.decode()
    row.refresh_from_db()
    assert row.reason == "They left the company"
    assert Group.objects.get(pk=row.group_id).member_count == 0
    assert AuditEvent.objects.filter(model="membership").latest("id").action == "remove"


def test_requests_are_approved_and_declined_in_bulk(client, root):
    group = group_with_owner(max_members=3)
    asking = MembershipFactory.create_batch(4, group=group, status="requested", role=role())
    member = Membership.objects.get(user=group.owner)

    approved = do(client, "approve", *asking[:3], member)
    declined = do(client, "decline", asking[3])

    text = approved.content.decode()
    assert "1 is left as it is." in text  # the owner
    assert "Approve: 2 done." in text
    assert "is full" in text
    assert "Decline: 1 done." in declined.content.decode()
    states = [Membership.objects.get(pk=row.pk).status for row in asking]
    assert states == ["active", "active", "requested", "left"]
    assert Group.objects.get(pk=group.pk).member_count == 3


def test_a_ban_keeps_them_out_until_it_is_lifted(client, root):
    group = group_with_owner()
    rows = [Membership.objects.get(user=member_of(group)) for _n in range(2)]
    owner = Membership.objects.get(user=group.owner)

    without = do(client, "ban", *rows)
    banned = do(client, "ban", *rows, owner, reason="Spam in every thread")

    assert "Give a reason" in without.content.decode()
    assert "Ban: 2 done." in banned.content.decode()
    assert "They answer for the group" in banned.content.decode()
    assert {Membership.objects.get(pk=row.pk).status for row in rows} == {"banned"}
    again = client.post(
        MEMBERSHIPS + "add/", membership_form(group=str(group.pk), user=str(rows[0].user_id))
    )
    assert "Lift the ban first" in again.content.decode()
    do(client, "unban", rows[0])
    rows[0].refresh_from_db()
    assert rows[0].status == "left"


def test_staff_are_offered_what_their_roles_let_them_do(client):
    group = group_with_owner()
    asking = MembershipFactory(group=group, status="requested", role=role())
    client.force_login(clerk_with("groups.view_membership"))

    page = client.get(f"{MEMBERSHIPS}{asking.pk}/change/").content.decode()
    listed = client.get(MEMBERSHIPS).content.decode()
    answers = {
        client.post(f"{MEMBERSHIPS}{asking.pk}/do/{name}/", {"reason": "None at all"}).status_code
        for name in ("approve", "decline", "remove", "ban")
    }
    do(client, "ban", asking, reason="None at all")

    assert "/do/" not in page
    assert 'value="ban"' not in listed
    assert answers == {403}
    asking.refresh_from_db()
    assert asking.status == "requested"


def test_a_group_administrator_who_is_staff_without_the_role_gets_nowhere(client):
    """The admin is for who looks after all groups; members use the API."""
    group = group_with_owner()
    user = admin_of(group, user=UserFactory(is_staff=True))
    client.force_login(user)

    assert client.get(f"{GROUPS}{group.pk}/change/").status_code == 403
    assert client.get(MEMBERSHIPS).status_code == 403


def test_the_members_of_a_deleted_group_are_left_as_they_are(client, root):
    membership = MembershipFactory()
    membership.group.delete()
    address = f"{MEMBERSHIPS}{membership.pk}/"

    assert client.get(address + "change/").status_code == 200
    assert client.post(address + "change/", membership_form()).status_code == 403
    for page in ("delete/", "do/remove/", "do/ban/"):
        assert client.post(address + page, {"post": "yes", "reason": "Some"}).status_code == 403


def test_the_page_of_a_group_costs_the_same_with_three_members_and_with_three_thousand(
    client, root, django_assert_num_queries
):
    group = group_with_owner()
    users = UserFactory.create_batch(30)
    for user in users[:3]:
        MembershipFactory(group=group, user=user, role=role())
    address = f"{GROUPS}{group.pk}/change/"
    client.get(address)

    sizes = []
    for more in (users[3:3], users[3:]):
        rows = [
            Membership(group=group, user=user, role=role(), joined_at=timezone.now())
            for user in more
        ]
        Membership.objects.bulk_create(rows)
        # 1. session with user  2. the group  3. its owner and maker  4. the newest ten members
        with django_assert_num_queries(4):
            page = client.get(address).content.decode()
        table = page.partition('class="tl-members"')[2].partition("</table>")[0]
        sizes.append(table.count("<td><a href="))

    assert sizes == [4, 10]
    assert f"{MEMBERSHIPS}?group__id__exact={group.pk}" in page
    assert "status__exact=requested" in page
