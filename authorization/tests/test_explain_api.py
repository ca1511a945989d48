"""``/api/v1/permissions/explain`` and ``/api/v1/permissions/who-can``."""

import pytest
from django.utils import timezone

from authorization.tests.factories import RoleAssignmentFactory
from groups.models import Group
from groups.tests.factories import GroupFactory, MembershipFactory
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

EXPLAIN, WHO_CAN = "/api/v1/permissions/explain", "/api/v1/permissions/who-can"
VIEW, ASSIGNMENTS = "items.view_item", "authorization.view_roleassignment"
NOWHERE = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def auditor():
    """Who may ask about others, and look at everybody's items and groups."""
    permissions = [ASSIGNMENTS, VIEW, "groups.view_group"]
    return RoleAssignmentFactory(role__permissions=permissions).user


def problem(response):
    body = response.json()
    return response.status_code, [error["field"] for error in body.get("errors", [])]


def test_anybody_asks_why_they_may_or_may_not(api_of):
    membership = MembershipFactory(role__permissions=[VIEW], reason="New here")
    item = ItemFactory(owner=None, group=membership.group)
    api = api_of(membership.user)

    allowed = api.get(EXPLAIN, {"permission": VIEW, "object": f"items.item:{item.pk}"}).json()
    denied = api.get(EXPLAIN, {"permission": "items.delete_item"}).json()

    assert allowed["allowed"] is True
    assert allowed["user"] == {"id": str(membership.user_id), "username": membership.user.username}
    assert allowed["object"] == {"type": "items.item", "id": str(item.pk), "name": item.name}
    [ground] = allowed["grants"]
    role = {
        "id": str(membership.role_id),
        "slug": membership.role.slug,
        "name": membership.role.name,
    }
    assert (ground["code"], ground["role"], ground["rank"]) == ("membership", role, "member")
    assert ground["reason"] == "New here"
    assert denied["allowed"] is False
    assert denied["object"] is None
    assert [ground["code"] for ground in denied["missing"]] == ["no_role"]
    assert denied["verdict"].endswith("may not do items.delete_item everywhere.")
    assert denied["roles"] == []  # those that are held everywhere are not theirs to see


def test_others_are_for_who_may_look_at_role_assignments(api_of, auditor):
    somebody = UserFactory()
    ask = {"permission": VIEW, "user": str(somebody.pk)}

    assert api_of(somebody).get(EXPLAIN, ask).status_code == 200
    for key in (auditor.pk, NOWHERE):
        asked = {"permission": VIEW, "user": str(key)}
        assert problem(api_of(somebody).get(EXPLAIN, asked)) == (403, ["user"])
    assert api_of(auditor).get(EXPLAIN, ask).json()["user"]["id"] == str(somebody.pk)
    assert api_of(auditor).get(EXPLAIN, ask | {"user": NOWHERE}).status_code == 404
    assert api_of(auditor, scopes=[VIEW]).get(EXPLAIN, ask).status_code == 403
    somebody.delete()
    body = api_of(auditor).get(EXPLAIN, ask).json()
    assert body["missing"][0]["code"] == "account_deleted"


def test_an_object_that_the_caller_may_not_see_is_as_good_as_not_there(api_of, auditor):
    own, others = ItemFactory(), ItemFactory()
    api = api_of(own.owner)

    def status_of(api, obj):
        return api.get(EXPLAIN, {"permission": VIEW, "object": obj}).status_code

    assert status_of(api, f"items.item:{own.pk}") == 200
    assert status_of(api, f"items.item:{others.pk}") == 404
    assert status_of(api, f"items.item:{NOWHERE}") == 404
    assert status_of(api_of(own.owner, scopes=["items.add_item"]), f"items.item:{own.pk}") == 404
    assert status_of(api_of(auditor), f"items.item:{others.pk}") == 200
    own.delete()
    others.delete()
    assert status_of(api, f"items.item:{own.pk}") == 404
    assert status_of(api_of(auditor), f"items.item:{others.pk}") == 200


@pytest.mark.parametrize("path", [EXPLAIN, WHO_CAN])
@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "permission"),
        ({"permission": "items.view_itm"}, "permission"),
        ({"permission": ""}, "permission"),
        ({"permission": "\0"}, "permission"),
        ({"permission": VIEW, "object": "items.item:x"}, "object"),
        ({"permission": VIEW, "object": "items.item:\0"}, "object"),
        ({"permission": VIEW, "object": "groups.membership:" + "9" * 10_000}, "object"),
        ({"permission": VIEW, "object": "users.user:" + NOWHERE}, "object"),
        ({"permission": VIEW, "surprise": "x"}, "surprise"),
    ],
)
def test_what_cannot_be_read_is_named(api_of, auditor, path, asked, field):
    assert problem(api_of(auditor).get(path, asked)) == (400, [field])


def test_what_only_one_of_them_takes_is_refused_by_the_other(api_of, auditor):
    api = api_of(auditor)

    assert problem(api.get(EXPLAIN, {"permission": VIEW, "user": "x"})) == (400, ["user"])
    assert problem(api.get(EXPLAIN, {"permission": VIEW, "cursor": "x"})) == (400, ["cursor"])
    assert problem(api.get(WHO_CAN, {"permission": VIEW, "user": NOWHERE})) == (400, ["user"])
    assert problem(api.get(WHO_CAN, {"permission": VIEW, "cursor": "x"})) == (400, ["cursor"])


def test_strangers_are_told_nothing(api):
    for path in (EXPLAIN, WHO_CAN):
        assert api.get(path, {"permission": VIEW}).status_code == 401


def test_who_can_is_a_list_in_pages_that_costs_the_same_however_many_there_are(
    api_of, auditor, django_assert_num_queries
):
    group = GroupFactory()
    item = ItemFactory(owner=None, group=group)
    role = MembershipFactory(group=group, role__permissions=[VIEW]).role
    for _n in range(4):
        MembershipFactory(group=group, role=role)
    MembershipFactory(group=group, role=role, expires_at=timezone.now())
    api = api_of(auditor)
    asked = {"permission": VIEW, "object": f"items.item:{item.pk}", "page_size": 3}

    # 1. the token and its owner  2. the token's last use  3. what the caller may do
    # 4. the object  5. the permission  6. the page  7. roles held everywhere  8. memberships
    with django_assert_num_queries(8):
        first = api.get(WHO_CAN, asked).json()
    seen = list(first["results"])
    page = first
    while page["next"]:
        page = api.get(page["next"]).json()
        seen += page["results"]

    assert len(first["results"]) == 3
    assert len({row["id"] for row in seen}) == len(seen) == 7
    found = {row["username"]: [ground["code"] for ground in row["grants"]] for row in seen}
    assert found[group.owner.username] == ["group_owner"]
    assert found[auditor.username] == ["role"]
    assert list(found.values()).count(["membership"]) == 5


def test_who_can_is_for_who_may_look_at_role_assignments(api_of, auditor):
    asked = {"permission": VIEW}

    assert api_of(UserFactory()).get(WHO_CAN, asked).status_code == 403
    assert api_of(auditor, scopes=[VIEW]).get(WHO_CAN, asked).status_code == 403
    body = api_of(auditor, scopes=[ASSIGNMENTS]).get(WHO_CAN, asked).json()
    assert [row["username"] for row in body["results"]] == [auditor.username]
    group = Group.objects.create(name="x", slug="x", owner=auditor)
    hidden = asked | {"object": f"groups.group:{group.pk}"}
    assert api_of(auditor, scopes=[ASSIGNMENTS]).get(WHO_CAN, hidden).status_code == 404
