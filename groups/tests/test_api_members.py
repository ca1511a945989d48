"""Members of a group over the API, and the caller's own memberships."""

from datetime import timedelta
from json import dumps as as_json

import pytest
from django.utils import timezone

from authorization.models import Role
from authorization.tests.factories import RoleFactory
from groups.models import Group, Membership
from groups.tests.factories import MembershipFactory, member_of, owned_group
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

JSON = "application/json"
GROUPS, MINE = "/api/v1/groups", "/api/v1/me/memberships"
PAST = timezone.now() - timedelta(days=1)


def url_of(group, *rest):
    return "/".join([GROUPS, str(group.pk), *map(str, rest)])


@pytest.fixture
def group():
    return owned_group(owner=UserFactory(username="olga"))


@pytest.fixture
def owner(group, api_of):
    return api_of(group.owner)


def people(response):
    assert response.status_code == 200, response.content
    return [row["username"] for row in response.json()["results"]]


def status_of(group, user):
    return Membership.objects.get(group=group, user=user).status


@pytest.mark.parametrize("count", [3, 30])
def test_members_are_listed_in_a_fixed_number_of_queries(
    api_of, group, count, django_assert_num_queries
):
    member = member_of(group).user
    for _ in range(count):
        member_of(group)
    client = api_of(member)

    # 1. token and user  2. its last use  3. permissions by role  4. the group  5. the page
    with django_assert_num_queries(5):
        response = client.get(url_of(group, "members"))

    assert len(people(response)) == count + 2
    row = response.json()["results"][0]
    assert row == {
        "user": str(group.owner_id),
        "username": "olga",
        "role": str(Role.objects.get(slug="group-owner").pk),
        "role_slug": "group-owner",
        "rank": "owner",
        "status": "active",
        "joined_at": row["joined_at"],
        "expires_at": None,
        "reason": None,
    }
    assert "@" not in response.content.decode()


def test_pages_and_filters_of_members(group, owner):
    ann, bob, cy, dan, eve = (
        UserFactory(username=name) for name in ("ann", "bob", "cy", "dan", "eve")
    )
    viewer = Role.objects.get(slug="group-viewer")
    member_of(group, user=ann)
    member_of(group, "group-admin", rank="admin", user=bob)
    member_of(group, "group-viewer", user=cy)
    member_of(group, user=dan, expires_at=PAST)
    member_of(group, user=eve, status="requested", joined_at=None)
    for status in ("left", "banned"):
        member_of(group, status=status, user=UserFactory(username=status), reason="Oars")
    url = url_of(group, "members")

    for parameters, expected in [
        ({}, ["olga", "ann", "bob", "cy"]),
        ({"ordering": "-created_at"}, ["cy", "bob", "ann", "olga"]),
        ({"rank": "admin"}, ["bob"]),
        ({"role": str(viewer.pk)}, ["cy"]),
        ({"status": "active"}, ["olga", "ann", "bob", "cy"]),
        ({"status": "expired"}, ["dan"]),
        ({"status": "requested"}, ["eve"]),
        ({"status": "banned"}, ["banned"]),
        ({"search": "AN"}, ["ann"]),
    ]:
        assert people(owner.get(url, parameters)) == expected, parameters
    assert owner.get(url, {"status": "left"}).json()["results"][0]["reason"] == "Oars"
    seen, page = [], f"{url}?page_size=3"
    while page:
        seen += people(owner.get(page))
        page = owner.get(page).json()["next"]
    assert seen == ["olga", "ann", "bob", "cy"]
    for wrong in ({"status": "x"}, {"rank": "x"}, {"role": "x"}, {"x": "1"}, {"page_size": "0"}):
        assert owner.get(url, wrong).status_code == 400, wrong


def test_who_waits_was_banned_or_expired_is_for_who_runs_the_group(api_of, group):
    member = api_of(member_of(group, user=UserFactory(username="ann")).user)
    admin = api_of(member_of(group, "group-admin", user=UserFactory(username="bob")).user)
    for status in ("requested", "invited", "left", "banned"):
        member_of(group, status=status)
    member_of(group, expires_at=PAST)
    url = url_of(group, "members")

    for status in ("requested", "invited", "left", "banned", "expired"):
        assert people(member.get(url, {"status": status})) == []
        assert len(people(admin.get(url, {"status": status}))) == 1
    assert people(member.get(url)) == people(admin.get(url)) == ["olga", "ann", "bob"]


def test_where_the_group_says_so_members_see_only_themselves_and_who_runs_it(api_of, group):
    Group.objects.filter(pk=group.pk).update(settings={"members_see_members": False})
    names = ["ann", "bob", "cy"]
    ann, bob, _cy = (member_of(group, user=UserFactory(username=name)) for name in names)
    Membership.objects.filter(pk=bob.pk).update(rank="admin")

    seen = people(api_of(ann.user).get(url_of(group, "members")))

    assert seen == ["olga", "ann", "bob"]
    assert len(people(api_of(group.owner).get(url_of(group, "members")))) == 4


def test_strangers_and_members_without_the_right_see_no_list(api_of, group):
    stranger = UserFactory()
    limited = MembershipFactory(group=group, role__permissions=["groups.view_group"]).user
    url = url_of(group, "members")

    for method, path in [
        ("get", url),
        ("post", url),
        ("patch", f"{url}/{group.owner_id}"),
        ("delete", f"{url}/{group.owner_id}"),
        *(("post", f"{url}/{group.owner_id}/{verb}") for verb in ("approve", "decline", "unban")),
        ("post", f"{url}/{group.owner_id}/ban"),
    ]:
        for user, status in ((stranger, 404), (limited, 403)):
            response = getattr(api_of(user), method)(path, {})
            assert response.status_code == status, (method, path, response.content)


def test_a_member_is_added_changed_and_removed(owner, group):
    user, viewer = UserFactory(), Role.objects.get(slug="group-viewer")
    url = url_of(group, "members")
    one = f"{url}/{user.pk}"
    end = "2999-01-01T00:00:00Z"

    added = owner.post(url, {"user": str(user.pk), "rank": "admin", "reason": "Knows the boat"})
    changed = owner.patch(one, {"role": str(viewer.pk), "rank": "member", "expires_at": end})
    removed = owner.delete(one)

    assert added.status_code == 201, added.content
    assert (added.json()["rank"], added.json()["reason"]) == ("admin", "Knows the boat")
    assert (changed.json()["role_slug"], changed.json()["expires_at"]) == ("group-viewer", end)
    assert changed.json()["rank"] == "member"
    assert removed.status_code == 204
    assert status_of(group, user) == "left"
    assert owner.delete(one).status_code == 409
    assert owner.patch(f"{url}/{group.owner_id}", {"rank": "member"}).status_code == 403
    assert owner.delete(f"{url}/{UserFactory().pk}").status_code == 404


BAD = [
    ("user", None), ("user", 5), ("user", "x"), ("user", "0" * 36), ("role", "x"), ("role", 5),
    ("role", ""), ("rank", "king"), ("rank", 1), ("expires_at", "x"),
    ("expires_at", 5), ("expires_at", "2001-01-01T00:00:00Z"),
    ("expires_at", "9999-12-31T23:59:59-14:00"), ("expires_at", "0001-01-01T00:00:00+14:00"),
    ("reason", "\0"), ("reason", "\ud800"), ("reason", "x" * 501), ("reason", {}),
    ("status", "active"), ("email", "x@example.com"),
]  # fmt: skip


def test_bad_input_is_refused_by_field(owner, group):
    member, other = member_of(group).user, str(UserFactory().pk)
    wrong_scope = ("role", str(RoleFactory().pk))
    url = url_of(group, "members")

    for field, value in [*BAD, wrong_scope]:
        for response in (
            owner.post(url, as_json({"user": other, field: value}), content_type=JSON),
            owner.patch(f"{url}/{member.pk}", as_json({field: value}), content_type=JSON),
        ):
            assert response.status_code == 400, (field, value, response.content)
            assert response["Content-Type"] == "application/problem+json"

    assert Membership.objects.filter(group=group).count() == 2


def test_a_request_is_made_approved_declined_and_taken_back(api_of, owner, group):
    Group.objects.filter(pk=group.pk).update(is_public=True)
    user = UserFactory()
    client, one = api_of(user), url_of(group, "members", user.pk)

    asked = client.post(url_of(group, "join"))
    assert (asked.status_code, asked.json()["status"]) == (200, "requested")
    assert client.get(url_of(group)).json()["my"]["status"] == "requested"
    assert client.post(f"{one}/approve").status_code == 403
    assert owner.post(f"{one}/decline").json()["status"] == "left"
    assert owner.post(f"{one}/approve").status_code == 409
    client.post(url_of(group, "join"))
    assert client.post(url_of(group, "leave")).status_code == 204
    client.post(url_of(group, "join"))
    assert owner.post(f"{one}/approve").json()["status"] == "active"
    assert client.post(url_of(group, "join")).status_code == 409
    assert client.get(url_of(group)).json()["member_count"] == 2


def test_a_member_is_banned_and_the_ban_lifted(api_of, owner, group):
    Group.objects.filter(pk=group.pk).update(is_public=True, is_open=True)
    user = member_of(group).user
    one = url_of(group, "members", user.pk)

    for reason in ({}, {"reason": ""}, {"reason": "\0"}, {"reason": 5}, {"reason": "x"}):
        assert owner.post(f"{one}/ban", reason).status_code == 400
    banned = owner.post(f"{one}/ban", {"reason": "Sold the boat"})
    assert (banned.json()["status"], banned.json()["reason"]) == ("banned", "Sold the boat")
    assert api_of(user).post(url_of(group, "join")).status_code == 403
    assert owner.post(url_of(group, "members"), {"user": str(user.pk)}).status_code == 409
    assert owner.post(f"{one}/unban").json()["status"] == "left"
    assert owner.post(f"{one}/unban").status_code == 409
    assert api_of(user).post(url_of(group, "join")).json()["status"] == "active"


def test_who_was_invited_to_a_group_they_do_not_see_joins_or_refuses(api_of, group):
    invited, other = (member_of(group, status="invited", joined_at=None).user for _ in range(2))

    assert api_of(invited).get(url_of(group)).status_code == 404
    assert api_of(invited).post(url_of(group, "join")).json()["status"] == "active"
    assert api_of(other).post(url_of(group, "leave")).status_code == 204
    assert api_of(other).post(url_of(group, "join")).status_code == 404
    assert api_of(group.owner).post(url_of(group, "leave")).status_code == 409


@pytest.mark.parametrize("count", [2, 20])
def test_my_memberships_in_a_fixed_number_of_queries(api_of, count, django_assert_num_queries):
    user = UserFactory()
    for _ in range(count):
        member_of(owned_group(), user=user)
    client = api_of(user)

    # 1. token and user  2. its last use  3. the page with groups and roles
    with django_assert_num_queries(3):
        response = client.get(MINE)

    assert len(response.json()["results"]) == count


def test_my_memberships_are_those_in_live_groups_requested_and_invited_too(api_of):
    user = UserFactory()
    gone = owned_group()
    member_of(gone, user=user)
    gone.delete()
    for status in ("requested", "invited", "left", "banned"):
        member_of(owned_group(name=status), user=user, status=status, joined_at=None)
    member_of(owned_group(name="active"), "group-admin", user=user, rank="admin")
    member_of(owned_group(name="expired"), user=user, expires_at=PAST)
    client = api_of(user)

    rows = client.get(MINE, {"ordering": "created_at"}).json()["results"]

    assert [row["group_name"] for row in rows] == ["requested", "invited", "active", "expired"]
    assert (rows[2]["role_slug"], rows[2]["rank"], rows[2]["status"]) == (
        "group-admin", "admin", "active",
    )  # fmt: skip
    assert [
        row["group_name"] for row in client.get(MINE, {"status": "expired"}).json()["results"]
    ] == ["expired"]
    assert client.get(MINE, {"status": "banned"}).status_code == 400
