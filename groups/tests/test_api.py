"""Groups: lists, reading, making, changing and what becomes of them."""

from datetime import timedelta
from json import dumps as as_json

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from authorization.tests.factories import RoleAssignmentFactory
from groups.models import Group, Membership
from groups.tests.factories import GroupFactory, MembershipFactory, member_of, owned_group
from items.models import Item
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

GROUPS = "/api/v1/groups"
JSON = "application/json"
WHATEVER = {"If-Match": "*"}


def url_of(group, *rest):
    return "/".join([GROUPS, str(group.pk), *map(str, rest)])


@pytest.fixture
def member():
    return UserFactory()


@pytest.fixture
def client(api_of, member):
    return api_of(member)


def joined(user, **fields):
    return MembershipFactory(
        user=user,
        role__permissions=["groups.view_group"],
        **{f"group__{name}": value for name, value in fields.items()},
    ).group


def names(response):
    assert response.status_code == 200, response.content
    return [row["name"] for row in response.json()["results"]]


def refused(response, status, *fields):
    assert response.status_code == status, response.content
    body = response.json()
    assert {error["field"] for error in body.get("errors", ())} >= set(fields), body
    return body["code"]


# --- Lists --------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 30])
def test_list_shows_my_groups_in_a_fixed_number_of_queries(
    client, member, count, django_assert_num_queries
):
    mine = [joined(member) for _ in range(count)]
    GroupFactory()

    # 1. the token with its user  2. its last use  3. permissions by role  4. the page
    with django_assert_num_queries(4):
        response = client.get(GROUPS)

    assert [row["id"] for row in response.json()["results"]] == [str(group.pk) for group in mine]


def test_filters_narrow_the_list(client, member):
    joined(member, name="Alpha", group_type="project", is_public=True, is_open=True)
    joined(member, name="Beta", slug="second", description="The 50% club")
    joined(member, name="Gamma", group_type="project")
    GroupFactory(name="Delta", owner=member, is_active=False)

    for parameters, expected in [
        ({"group_type": "project"}, ["Alpha", "Gamma"]),
        ({"is_public": "true"}, ["Alpha"]),
        ({"is_public": "false"}, ["Beta", "Delta", "Gamma"]),
        ({"is_open": "true"}, ["Alpha"]),
        ({"is_active": "false"}, ["Delta"]),
        ({"search": "50%"}, ["Beta"]),
        ({"search": "SECOND"}, ["Beta"]),
        ({"ordering": "-name"}, ["Gamma", "Delta", "Beta", "Alpha"]),
        ({"ordering": "created_at"}, ["Alpha", "Beta", "Gamma", "Delta"]),
    ]:
        assert names(client.get(GROUPS, parameters)) == expected, parameters


def test_pages_follow_one_another(client, member):
    for name in ("a", "b", "b", "c", "d"):
        joined(member, name=name)

    seen, url = [], f"{GROUPS}?page_size=2"
    while url:
        page = client.get(url).json()
        seen += [row["name"] for row in page["results"]]
        url = page["next"]

    assert seen == ["a", "b", "b", "c", "d"]


def test_a_group_of_others_is_not_there(client):
    response = client.get(url_of(GroupFactory()))

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_a_deleted_group_is_gone_even_for_superusers(api_of, client, member):
    group = joined(member)
    group.delete()

    for caller in (client, api_of(UserFactory(is_superuser=True))):
        assert names(caller.get(GROUPS)) == []
        assert caller.get(url_of(group)).status_code == 404
    assert Membership.objects.filter(user=member).exists(), "the row stays, and shows nothing"


def test_who_may_see_every_group_does(api_of):
    auditor = RoleAssignmentFactory(role__permissions=["groups.view_group"]).user
    GroupFactory.create_batch(2)

    assert len(names(api_of(auditor).get(GROUPS))) == 2


# --- One group ----------------------------------------------------------------------------------


def test_a_member_sees_the_options_and_what_they_are_there(
    client, member, django_assert_num_queries
):
    group = owned_group(settings={"invitation_days": 3}, tags=["a"])
    member_of(group, "group-viewer", user=member, expires_at=timezone.now() + timedelta(days=1))

    # 1. token and user  2. its last use  3. permissions by role  4. the group  5. the membership
    with django_assert_num_queries(5):
        response = client.get(url_of(group))

    body = response.json()
    assert response["ETag"].startswith('"1-')
    assert (body["owner"], body["tags"], body["settings"]) == (
        str(group.owner_id), ["a"], {"invitation_days": 3},
    )  # fmt: skip
    assert body["my"].pop("expires_at")
    assert body["my"] == {
        "status": "active",
        "rank": "member",
        "role": "group-viewer",
        "permissions": ["groups.view_group", "groups.view_membership", "items.view_item"],
    }


def test_an_outsider_sees_of_a_public_group_neither_options_nor_members(client, member):
    group = owned_group(is_public=True)
    members = url_of(group, "members")

    shown = client.get(url_of(group))
    refused(client.get(members), 403)

    assert shown.json()["settings"] is None
    assert shown.json()["my"] == {
        "status": None, "rank": None, "role": None, "expires_at": None,
        "permissions": ["groups.view_group"],
    }  # fmt: skip
    assert group.owner.email not in shown.content.decode()
    past = timezone.now() - timedelta(days=1)
    member_of(group, "group-owner", user=member, rank="owner", expires_at=past)
    body = client.get(url_of(group)).json()
    assert (body["settings"], body["my"]["status"], body["my"]["rank"]) == (None, "expired", None)
    refused(client.get(members), 403)


def test_owners_and_staff_may_do_all_there_is(api_of):
    group = owned_group()
    root = UserFactory(is_superuser=True)

    of_owner, of_root = (
        api_of(user).get(url_of(group)).json()["my"] for user in (group.owner, root)
    )

    assert of_owner["permissions"] == of_root["permissions"]
    assert {"groups.delete_group", "items.add_item"} <= set(of_owner["permissions"])
    assert (of_owner["rank"], of_root["rank"]) == ("owner", None)


# --- Making and changing ------------------------------------------------------------------------


def test_anybody_makes_a_group_and_owns_it(client, member):
    values = {"name": " Rowing ", "is_public": True, "max_members": 9, "tags": ["a"]}

    response = client.post(GROUPS, values | {"settings": {"members_may_invite": True}})

    assert response.status_code == 201, response.content
    body = response.json()
    assert (body["name"], body["slug"], body["owner"]) == ("Rowing", "rowing", str(member.pk))
    assert (body["member_count"], body["my"]["rank"]) == (1, "owner")
    assert body["settings"] == {"members_may_invite": True}
    assert client.get(response["Location"]).json() == body
    assert client.post(GROUPS, values).json()["slug"] == "rowing-2"
    assert refused(client.post(GROUPS, {"name": "x", "slug": "rowing"}), 409) == "conflict"


BAD = [
    ("name", ""), ("name", "a\0"), ("name", "\ud800"), ("name", 5), ("name", "x" * 121),
    ("slug", "a b"), ("slug", ["a"]), ("description", "x" * 5001), ("group_type", "gang"),
    ("is_public", "true"), ("max_members", 0), ("max_members", "5"), ("max_members", True),
    ("max_members", 10**100), ("max_members", 1.5), ("max_members", -1),
    ("tags", "a"), ("tags", [1]), ("tags", ["\0"]), ("settings", []), ("settings", None),
    ("settings", {"x": 1}), ("settings", {"default_role": "\0"}),
    ("settings", {"default_role": "administrator"}), ("settings", {"\ud800": 1}),
    ("owner", "x"), ("is_active", False), ("is_system", True), ("version", 1),
]  # fmt: skip


def test_bad_input_is_refused_by_field(client, member):
    group = owned_group(owner=member)

    for field, value in BAD:
        for response in (
            client.post(GROUPS, as_json({"name": "x", field: value}), content_type=JSON),
            client.patch(
                url_of(group), as_json({field: value}), content_type=JSON, headers=WHATEVER
            ),
        ):
            assert response.status_code == 400, (field, value, response.content)
            assert response["Content-Type"] == "application/problem+json"

    assert Group.objects.get().version == 1


def test_a_change_needs_the_present_version_and_the_right(client, member, api_of):
    group = owned_group(owner=member)
    plain, stranger = member_of(group).user, UserFactory()

    stale = client.patch(url_of(group), {"name": "a"}, headers={"If-Match": '"7"'})
    changed = client.patch(url_of(group), {"name": "b"}, headers={"If-Match": '"1"'})

    assert refused(stale, 412) == "stale_version"
    assert (changed.json()["name"], changed["ETag"][:3]) == ("b", '"2-')
    for user, status in ((plain, 403), (stranger, 404)):
        for method in ("patch", "delete"):
            refused(getattr(api_of(user), method)(url_of(group), {"name": "c"}), status)
    assert refused(client.delete(url_of(group), headers={"If-Match": '"1"'}), 412)
    member_of(group)
    fewer = client.patch(url_of(group), {"max_members": 2}, headers=WHATEVER)
    assert refused(fewer, 409) == "conflict"


def test_a_deleted_group_is_listed_and_restored_by_who_may(client, member, api_of, settings):
    settings.RETENTION_DAYS = settings.RETENTION_DAYS | {"deleted": 30}
    group = owned_group(owner=member, name="Crew")
    ItemFactory(owner=None, group=group)
    plain, stranger = member_of(group).user, UserFactory()

    assert client.delete(url_of(group), headers=WHATEVER).status_code == 204
    assert not Item.objects.alive().exists()
    row = client.get(GROUPS, {"deleted": "true"}).json()["results"][0]
    assert row["id"] == str(group.pk)
    until = parse_datetime(row["restorable_until"]) - parse_datetime(row["deleted_at"])
    assert until == timedelta(days=30)
    for user in (plain, stranger):
        assert names(api_of(user).get(GROUPS, {"deleted": "true"})) == []
        refused(api_of(user).post(url_of(group, "restore")), 404)
    restored = client.post(url_of(group, "restore"))
    assert restored.status_code == 200
    assert restored.json()["my"]["rank"] == "owner"
    assert restored.json()["restorable_until"] is None
    refused(api_of(plain).post(url_of(group, "restore")), 403)
    assert Item.objects.alive().count() == 1


def test_an_archived_group_is_there_for_its_owner_only(client, member, api_of):
    group = owned_group(owner=member, is_public=True)
    admin = api_of(member_of(group, "group-admin", rank="admin").user)

    refused(admin.post(url_of(group, "archive")), 403)
    archived = client.post(url_of(group, "archive"))

    assert (archived.json()["is_active"], archived["ETag"][:3]) == (False, '"2-')
    for path in (url_of(group), url_of(group, "members")):
        assert admin.get(path).status_code == 404
        assert client.get(path).status_code == 200
    assert admin.post(url_of(group, "unarchive")).status_code == 404
    assert api_of(UserFactory()).post(url_of(group, "join")).status_code == 404
    assert client.post(url_of(group, "unarchive")).json()["is_active"] is True
    assert admin.get(url_of(group)).status_code == 200


def test_a_group_is_handed_over(client, member, api_of):
    group = owned_group(owner=member)
    heir = member_of(group, "group-owner", rank="owner").user
    transfer = url_of(group, "transfer")

    refused(api_of(heir).post(transfer, {"to": str(heir.pk)}), 403)
    for to in (str(UserFactory().pk), "x", 5, None):
        refused(client.post(transfer, {"to": to}), 400, "to")
    refused(client.post(transfer, {"to": str(heir.pk), "former_rank": "king"}), 400, "former_rank")
    refused(client.post(transfer, {"to": str(member.pk)}), 409)
    done = client.post(transfer, {"to": str(heir.pk), "former_rank": "member"})

    assert done.json()["owner"] == str(heir.pk)
    assert (done.json()["my"]["rank"], done.json()["my"]["role"]) == ("member", "group-member")


def test_a_token_does_no_more_than_its_scopes(api_of, member):
    public = owned_group(is_public=True, is_open=True)
    mine = owned_group(owner=member)
    reader = api_of(member, scopes=["groups.view_group"])
    nothing = api_of(member, scopes=["items.view_item"])

    assert nothing.get(GROUPS).status_code == 403
    assert nothing.get("/api/v1/me/memberships").status_code == 403
    assert len(names(reader.get(GROUPS))) == 2
    for response in (
        reader.post(GROUPS, {"name": "x"}),
        reader.patch(url_of(mine), {"name": "x"}),
        reader.delete(url_of(mine)),
        reader.post(url_of(public, "join")),
        reader.post(url_of(mine, "leave")),
        *(reader.post(url_of(mine, verb)) for verb in ("archive", "unarchive", "restore")),
        reader.post(url_of(mine, "transfer"), {"to": str(member.pk)}),
        reader.get(url_of(mine, "members")),
    ):
        refused(response, 403)
