"""What happened to an item, as its viewers may read it."""

import json

import pytest

from authorization.tests.factories import RoleAssignmentFactory
from groups.models import Group, MembershipRank
from groups.tests.factories import GroupFactory, MembershipFactory
from items.history import MOST_PATHS, changes_in, diff_of
from items.models import Item
from items.services.items import create_item, delete_item, restore_item, update_item
from items.services.moving import move_item
from items.services.versions import revert_item
from items.tests.factories import ItemFactory
from users.models import User
from users.tests.factories import UserFactory

VIEW = ("groups.view_membership", "items.view_item")


def url_of(item):
    return f"/api/v1/items/{item.pk}/history"


def fresh(user):
    return User.objects.get(pk=user.pk)


def results(response):
    assert response.status_code == 200, response.content
    return response.json()["results"]


# --- Differences ------------------------------------------------------------------------------


def test_a_short_value_is_shown_before_and_after():
    name, tags = changes_in({"tags": ['["a"]', '["a","b"]'], "name": ["x", "y"], "version": [1, 2]})

    assert (name.field, name.before, name.after, name.diff) == ("name", "x", "y", None)
    assert (tags.field, tags.before, tags.after) == ("tags", ["a"], ["a", "b"])


def test_a_long_text_is_shown_as_a_unified_diff():
    [short] = changes_in({"description": ["one line", "another"]})
    [long] = changes_in({"description": ["first\nsecond\nthird", "first\n2nd\nthird"]})
    [new] = changes_in({"description": [None, "x" * 300]})

    assert (short.before, short.after, short.diff) == ("one line", "another", None)
    assert (long.before, long.after) == (None, None)
    assert long.diff.splitlines() == ["@@ -1,3 +1,3 @@", " first", "-second", "+2nd", " third"]
    assert new.diff.splitlines() == ["@@ -0,0 +1 @@", "+" + "x" * 300]


def test_texts_of_very_many_lines_are_not_compared_for_long():
    before, after = "a\n" * 5000, "b\n" * 5000

    assert diff_of(before, after).splitlines()[0] == "@@ -1,5000 +1,5000 @@"
    assert len(diff_of(before, after).splitlines()) == 10_001


def test_of_data_the_paths_that_changed_are_shown():
    before = '{"a":{"b":1,"c":[1,2,3]},"d/e":true,"gone":null,"same":{"x":[{}]}}'
    after = '{"a":{"b":2,"c":[1,5]},"d/e":1,"new~":{"x":1},"same":{"x":[{}]}}'

    [change] = changes_in({"data": [before, after]})

    assert [(p.op, p.path, p.before, p.after) for p in change.paths] == [
        ("replace", "/a/b", 1, 2),
        ("replace", "/a/c/1", 2, 5),
        ("remove", "/a/c/2", 3, None),
        ("replace", "/d~1e", True, 1),
        ("remove", "/gone", None, None),
        ("add", "/new~0", None, {"x": 1}),
    ]
    [many] = changes_in({"data": [None, json.dumps(dict.fromkeys(map(str, range(150)), 0))]})
    assert (len(many.paths), many.more_paths) == (MOST_PATHS, 50)


# --- Over HTTP --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_version_is_told_newest_first(api_of):
    owner = UserFactory()
    group = GroupFactory(owner=owner)
    item = create_item(actor=owner, name="One", data={"a": 1})
    update_item(actor=owner, item=item, name="Two", data={"a": 2}, description="x\ny")
    delete_item(actor=owner, item=item)
    restore_item(actor=owner, item=item)
    move_item(actor=owner, item=item, group=group)
    revert_item(actor=owner, item=item, to_version=1)
    client = api_of(owner)

    rows = results(client.get(url_of(item)))

    assert [(row["version"], row["action"]) for row in rows] == [
        (4, "revert"), (3, "move"), (2, "restore"), (2, "delete"), (2, "update"), (1, "create"),
    ]  # fmt: skip
    assert {(row["actor"]["id"], row["actor"]["username"]) for row in rows} == {
        (str(owner.pk), owner.username)
    }
    assert {row["via"] for row in rows} == {"task"}
    moved = {change["field"]: (change["before"], change["after"]) for change in rows[1]["changes"]}
    assert moved == {"owner": (str(owner.pk), None), "group": (None, str(group.pk))}
    data, description, name = rows[4]["changes"]
    assert data["paths"] == [{"op": "replace", "path": "/a", "before": 1, "after": 2}]
    assert description["diff"] == "@@ -0,0 +1,2 @@\n+x\n+y"
    assert (name["before"], name["after"], name["is_hidden"]) == ("One", "Two", False)
    first = client.get(url_of(item), {"page_size": 4}).json()
    assert first["results"] == rows[:4]
    assert client.get(first["next"]).json() == {"next": None, "results": rows[4:]}
    assert results(client.get(url_of(item), {"ordering": "at"})) == rows[::-1]


@pytest.mark.django_db
@pytest.mark.parametrize("count", [3, 30])
def test_it_costs_the_same_however_much_has_happened(api_of, count, django_assert_num_queries):
    group = GroupFactory()
    people = [MembershipFactory(group=group, role__permissions=VIEW).user for _ in range(3)]
    item = create_item(actor=group.owner, name="0", group=group)
    for number in range(count):
        update_item(actor=group.owner, item=item, name=f"{number + 1}")
    client = api_of(people[0])

    # 1. the token with its user  2. its last use  3. what I may do  4. the item with its group
    # 5. where it has been  6. the events  7. the names of members
    with django_assert_num_queries(7):
        rows = results(client.get(url_of(item), {"page_size": 200}))

    assert len(rows) == count + 1


@pytest.mark.django_db
def test_names_are_told_to_those_who_may_see_the_members(api_of):
    group = GroupFactory()
    editing = (*VIEW, "items.change_item")
    chief = MembershipFactory(
        group=group, rank=MembershipRank.ADMIN, role__permissions=editing
    ).user
    member, left, reader = (
        MembershipFactory(group=group, role__permissions=editing).user for _ in range(3)
    )
    blind = MembershipFactory(group=group, role__permissions=["items.view_item"]).user
    root = UserFactory(is_superuser=True)
    item = ItemFactory(owner=None, group=group)
    for actor in (chief, member, left, reader, root):
        update_item(actor=actor, item=item, name=f"By {actor}")
    left.memberships.all().delete()

    def told(viewer):
        rows = results(api_of(viewer).get(url_of(item), {"ordering": "at"}))
        assert all(
            (row["actor"]["id"] is None) == (row["actor"]["username"] is None) for row in rows
        )
        return [row["actor"]["username"] for row in rows]

    assert told(reader) == [chief.username, member.username, None, reader.username, None]
    assert told(blind) == [None] * 5
    assert told(root) == [u.username for u in (chief, member, left, reader, root)]
    Group.objects.filter(pk=group.pk).update(settings={"members_see_members": False})
    assert told(reader) == [chief.username, None, None, reader.username, None]


@pytest.mark.django_db
def test_where_it_was_before_is_not_told_to_those_it_came_to(api_of):
    owner = UserFactory()
    member = MembershipFactory(group__owner=owner, role__permissions=VIEW)
    auditor = RoleAssignmentFactory(role__permissions=["items.view_item"]).user
    item = create_item(actor=owner, name="Secret", description="Of mine only")
    update_item(actor=owner, item=item, name="Shared", description="")
    move_item(actor=fresh(owner), item=item, group=member.group)

    [row] = results(api_of(member.user).get(url_of(item)))

    assert (row["action"], row["version"]) == ("move", 3)
    change = {one["field"]: one for one in row["changes"]}
    assert (change["owner"]["before"], change["owner"]["is_hidden"]) == (None, True)
    assert change["group"]["after"] == str(member.group.pk)
    assert "Secret" not in str(row)
    assert len(results(api_of(auditor).get(url_of(item)))) == 3


@pytest.mark.django_db
def test_it_is_as_hidden_as_the_item_and_takes_its_own_parameters(api_of):
    owner = UserFactory()
    item = create_item(actor=owner, name="Mine")
    client = api_of(owner)

    assert api_of(UserFactory()).get(url_of(item)).status_code == 404
    assert api_of(owner, scopes=["items.change_item"]).get(url_of(item)).status_code == 403
    for query in ("ordering=name", "kind=note", "cursor=x", "page_size=0", "ordering=created_at"):
        assert client.get(f"{url_of(item)}?{query}").status_code == 400, query
    assert client.post(url_of(item)).status_code == 405
    Item.objects.filter(pk=item.pk).delete()
    assert client.get(url_of(item)).status_code == 404


@pytest.mark.django_db
def test_going_back_over_http(api_of):
    owner = UserFactory()
    item = create_item(actor=owner, name="One", tags=["a"])
    update_item(actor=owner, item=item, name="Two", tags=[])
    client = api_of(owner)
    url = f"/api/v1/items/{item.pk}/revert"
    whatever = {"If-Match": "*"}

    stale = client.post(url, {"version": 1}, headers={"If-Match": '"1"'})
    done = client.post(url, {"version": 1}, headers={"If-Match": '"2"'})

    assert (stale.status_code, done.status_code, done["ETag"]) == (412, 200, '"3"')
    assert (done.json()["name"], done.json()["tags"]) == ("One", ["a"])
    for version in (0, 4, -1, "1", None, True, 1.0, [], {}, 2**31, 10**99):
        answer = client.post(url, {"version": version}, headers=whatever)
        assert answer.status_code == 400, version
        assert answer.json()["errors"][0]["field"] == "version"
    assert client.post(url, {}, headers=whatever).status_code == 400
    Item.objects.filter(pk=item.pk).update(version=9)
    beyond = client.post(url, {"version": 1}, headers=whatever)
    assert (beyond.status_code, beyond.json()["code"]) == (409, "conflict")
