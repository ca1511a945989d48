"""Fields and expansions of what is read, links between pages, and preconditions."""

import pytest
from rest_framework.renderers import JSONRenderer

from authorization.tests.factories import RoleAssignmentFactory
from groups.tests.factories import GroupFactory, MembershipFactory
from items.api.serializers import ItemSerializer
from items.models import Item
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ITEMS, GROUPS = "/api/v1/items", "/api/v1/groups"
SEEING = ["items.view_item", "groups.view_group", "groups.view_membership"]


@pytest.fixture
def person():
    return UserFactory()


@pytest.fixture
def client(api_of, person):
    return api_of(person)


def rows(response):
    assert response.status_code == 200, response.content
    return response.json()["results"]


def refused(response, status, field=None, code=None):
    body = response.json()
    assert response.status_code == status, body
    if code:
        assert body["code"] == code
    if field:
        [error] = body["errors"]
        assert error["field"] == field
    return body["detail"]


# --- Fields -----------------------------------------------------------------------------------


def test_a_list_without_fields_is_byte_for_byte_what_the_serializer_makes(client, person):
    ItemFactory(owner=person, name="é\u2028", data={"big": 10**30, "a": [1.5, None]}, tags=["x"])
    ItemFactory.create_batch(2, owner=person)

    response = client.get(ITEMS)

    shown = ItemSerializer(Item.objects.order_by("-pk"), many=True).data
    assert response.content.partition(b'"results":')[2] == JSONRenderer().render(shown) + b"}"
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", [ITEMS, GROUPS])
def test_only_what_is_asked_for_is_shown_in_the_order_of_all(client, person, path):
    group = GroupFactory(owner=person)
    row = ItemFactory(owner=person) if path == ITEMS else group

    [listed] = rows(client.get(path, {"fields": "version,name,id,name"}))
    read = client.get(f"{path}/{row.pk}", {"fields": "name"})

    assert list(listed) == ["id", "name", "version"]
    assert read.json() == {"name": row.name}


def test_pages_go_on_without_the_field_that_sorts_them(client, person):
    for name in ("a", "b", "b", "c"):
        ItemFactory(owner=person, name=name)

    seen, url = [], f"{ITEMS}?fields=kind&page_size=1&ordering=-name"
    while url:
        page = client.get(url)
        seen += rows(page)
        url = page.json()["next"]

    assert seen == [{"kind": "note"}] * 4


def test_members_roles_and_assignments_take_fields_too(api_of):
    root = UserFactory(is_superuser=True)
    client = api_of(root)
    membership = MembershipFactory()
    assignment = RoleAssignmentFactory()

    members = f"{GROUPS}/{membership.group_id}/members"
    [member] = rows(client.get(members, {"fields": "username,rank", "expand": "role"}))
    role = client.get(f"/api/v1/roles/{membership.role_id}", {"fields": "id,permissions"})
    held = client.get(f"/api/v1/role-assignments/{assignment.pk}", {"fields": "reason"})

    assert member.keys() == {"username", "rank", "expanded"}
    assert member["expanded"]["role"]["slug"] == membership.role.slug
    assert role.json() == {"id": str(membership.role_id), "permissions": []}
    assert held.json() == {"reason": assignment.reason}
    assert all(row.keys() == {"slug"} for row in rows(client.get("/api/v1/roles?fields=slug")))
    refused(client.get("/api/v1/roles", {"expand": "permissions"}), 400, "expand")


@pytest.mark.parametrize("parameter", ["fields", "expand"])
def test_names_that_are_none_are_refused_with_those_that_are(client, person, parameter):
    item = ItemFactory(owner=person)

    for path in (ITEMS, f"{ITEMS}/{item.pk}"):
        for value in ("secret", "owner,", "owner, group", "OWNER", "expanded", "owner__password"):
            words = refused(client.get(path, {parameter: value}), 400, parameter, "invalid")
            assert "created_by" in words
        assert "Empty" in refused(client.get(path, {parameter: ""}), 400, parameter)
    refused(client.get(f"{ITEMS}/{item.pk}/history", {parameter: "id"}), 400, parameter)
    refused(client.get(f"{ITEMS}?{parameter}=owner&{parameter}=group"), 400, parameter)


# --- Expansions -------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 6])
def test_expansions_cost_one_query_each(client, person, count, django_assert_num_queries):
    for _ in range(count):
        group = MembershipFactory(user=person, role__permissions=SEEING).group
        ItemFactory(owner=None, group=group, created_by=MembershipFactory(group=group).user)
        ItemFactory(owner=person, created_by=person)

    # 1. the token with its user  2. its last use  3. permissions by role  4. the page
    # 5. owners: the caller  6. groups  7. who made them
    with django_assert_num_queries(7):
        found = rows(client.get(ITEMS, {"expand": "owner,group,created_by"}))

    assert len(found) == 2 * count
    for row in found:
        expanded = row["expanded"]
        assert expanded["created_by"]["id"] == row["created_by"]
        if row["group"]:
            assert expanded["group"].keys() == {"id", "name", "slug"}
            assert expanded["owner"] is None
        else:
            assert expanded["owner"] == {"id": str(person.pk), "username": person.username}


def test_expanding_shows_nothing_that_the_caller_may_not_see(client, person):
    """The id stays; what it stands for is null."""
    seen_items_only = MembershipFactory(user=person, role__permissions=["items.view_item"]).group
    stranger = UserFactory()
    ItemFactory(owner=None, group=seen_items_only, created_by=stranger)
    GroupFactory(owner=stranger, is_public=True, name="Open")

    [item] = rows(client.get(ITEMS, {"expand": "group,created_by"}))
    [public] = rows(client.get(GROUPS, {"expand": "owner", "fields": "id", "is_public": "true"}))

    assert item["group"] == str(seen_items_only.pk)
    assert item["created_by"] == str(stranger.pk)
    assert item["expanded"] == {"group": None, "created_by": None}
    assert public["expanded"] == {"owner": None}


def test_who_may_see_every_user_sees_their_names(api_of):
    item = ItemFactory()

    read = api_of(UserFactory(is_superuser=True)).get(
        f"{ITEMS}/{item.pk}", {"expand": "owner", "fields": "id"}
    )

    name = {"id": str(item.owner_id), "username": item.owner.username}
    assert read.json() == {"id": str(item.pk), "expanded": {"owner": name}}


# --- Links ------------------------------------------------------------------------------------


def test_links_of_a_page_stand_in_a_header_too(client, person):
    ItemFactory.create_batch(3, owner=person)

    first = client.get(f"{ITEMS}?page_size=2&kind=note")
    last = client.get(first.json()["next"])

    start = f'<http://testserver{ITEMS}?page_size=2&kind=note>; rel="first"'
    assert first["Link"] == f'{start}, <{first.json()["next"]}>; rel="next"'
    assert last["Link"] == start
    assert client.get(ITEMS)["Link"] == f'<http://testserver{ITEMS}>; rel="first"'


# --- Preconditions ----------------------------------------------------------------------------


def test_a_write_without_if_match_is_told_how_to_send_one(client, person):
    item, group = ItemFactory(owner=person), GroupFactory(owner=person)

    for method, path, body in [
        ("patch", f"{ITEMS}/{item.pk}", {"name": "x"}),
        ("delete", f"{ITEMS}/{item.pk}", None),
        ("post", f"{ITEMS}/{item.pk}/move", {"owner": "me"}),
        ("post", f"{ITEMS}/{item.pk}/revert", {"version": 1}),
        ("patch", f"{GROUPS}/{group.pk}", {"name": "x"}),
        ("delete", f"{GROUPS}/{group.pk}", None),
    ]:
        answer = getattr(client, method)(path, body)
        words = refused(answer, 428, code="precondition_required")
        assert "ETag" in words
        assert "If-Match: *" in words
    assert Item.objects.alive().get().version == 1
    refused(client.delete(f"{ITEMS}/{ItemFactory().pk}"), 404)


def test_what_an_answer_shows_beyond_the_row_is_in_its_tag(client, person):
    group = GroupFactory(owner=person)
    path = f"{GROUPS}/{group.pk}"
    first = client.get(path)

    same = client.get(path, headers={"If-None-Match": first["ETag"]})
    MembershipFactory(group=group)
    type(group).objects.update(member_count=2)  # a new member is no new version
    changed = client.get(path, headers={"If-None-Match": first["ETag"]})
    written = client.patch(path, {"name": "x"}, headers={"If-Match": first["ETag"]})

    assert (same.status_code, same.content, same["ETag"]) == (304, b"", first["ETag"])
    assert (changed.status_code, changed.json()["member_count"]) == (200, 2)
    assert written.status_code == 200


def test_a_new_name_of_an_owner_is_no_304(client, person):
    path = f"{ITEMS}/{ItemFactory(owner=person).pk}?expand=owner"
    first = client.get(path)

    type(person).objects.update(username="renamed")
    again = client.get(path, headers={"If-None-Match": first["ETag"]})

    assert again.status_code == 200
    assert again.json()["expanded"]["owner"]["username"] == "renamed"
