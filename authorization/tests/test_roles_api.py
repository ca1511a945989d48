"""Roles over HTTP."""

import pytest

from authorization.models import Role, RoleScope
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from authorization.tests.test_assignments_api import warm
from authorization.tests.test_services import MANAGING, fresh, holder_of
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ROLES = "/api/v1/roles"
VIEWING = ["authorization.view_role", "authorization.view_rolepermission"]


@pytest.fixture
def manager():
    """Looks at roles and manages them, and may look at items."""
    return holder_of("items.view_item", *VIEWING)


def url(role, *parts):
    return "/".join([ROLES, str(role.pk), *parts])


def ids(response):
    return {row["id"] for row in response.json()["results"]}


def test_those_who_may_look_see_all_and_others_those_of_groups_and_their_own(api_of, manager):
    custom, off = RoleFactory(), RoleFactory(scope=RoleScope.GROUP, is_active=False)
    gone, stranger = RoleFactory(), UserFactory()
    gone.delete()
    own = RoleAssignmentFactory(user=stranger).role
    of_groups = Role.objects.active().filter(scope=RoleScope.GROUP)

    assert ids(api_of(stranger).get(ROLES)) == {str(role.pk) for role in (own, *of_groups)}
    assert ids(api_of(manager).get(ROLES)) == {
        str(pk) for pk in Role.objects.alive().values_list("pk", flat=True)
    }
    for role, user in [(custom, stranger), (off, stranger), (gone, manager)]:
        assert api_of(user).get(url(role)).status_code == 404
        assert api_of(user).delete(url(role)).status_code == 404
    assert api_of(stranger).get(url(own)).status_code == 200
    assert api_of(stranger).delete(url(own)).status_code == 403


def test_the_row_at_hand_and_the_rows_of_a_query_agree(manager):
    held = RoleAssignmentFactory().role
    off, gone = RoleFactory(scope=RoleScope.GROUP, is_active=False), RoleFactory()
    gone.delete()
    holder = held.assignments.get().user

    for user in (manager, holder, UserFactory(), UserFactory(is_superuser=True)):
        for permission in ("authorization.view_role", "authorization.change_role"):
            seen = set(Role.objects.visible_to(fresh(user), permission))
            for role in (*Role.objects.all(), off, gone):
                assert fresh(user).has_perm(permission, role) == (role in seen), (user, role)


def test_a_list_costs_three_queries_however_long(api_of, manager, django_assert_num_queries):
    RoleFactory.create_batch(20, permissions=["items.view_item"])
    client = warm(api_of(manager))

    for query in (
        "",
        "?scope=group&is_system=true&ordering=-created_at",
        "?search=role&page_size=5",
    ):
        # 1. token with user  2. what they may do  3. the page
        with django_assert_num_queries(3):
            assert client.get(ROLES + query).status_code == 200


def test_a_role_tells_what_it_holds_since_when_and_to_staff_who_gave_it_and_why(api_of, manager):
    client = api_of(manager)
    given = {
        "name": "Readers",
        "scope": "group",
        "permissions": ["items.view_item"],
        "reason": "So",
    }

    made = client.post(ROLES, given)

    assert made.status_code == 201
    body = client.get(made["Location"]).json()
    assert body == made.json()
    assert body["slug"] == "readers"
    [held] = body["permissions"]
    assert (held["permission"], held["name"], held["module"]) == (
        "items.view_item", "View items", "Items",
    )  # fmt: skip
    assert (held["granted_by"], held["reason"]) == (str(manager.pk), "So")
    [held] = api_of(UserFactory()).get(made["Location"]).json()["permissions"]
    assert (held["granted_by"], held["reason"]) == (None, "")


def test_reading_a_role_costs_the_same_whatever_it_holds(
    api_of, manager, django_assert_num_queries
):
    client = warm(api_of(manager))
    for role in (Role.objects.get(slug="user"), Role.objects.get(slug="administrator")):
        # 1. token with user  2. what they may do  3. the role  4. what it holds
        with django_assert_num_queries(4):
            assert client.get(url(role)).status_code == 200


def test_a_role_is_changed_deleted_and_restored(api_of, manager):
    role, client = RoleFactory(name="Readers"), api_of(manager)

    changed = client.patch(url(role), {"name": "Writers", "is_active": False})
    assert (changed.status_code, changed.json()["name"]) == (200, "Writers")
    assert client.delete(url(role)).status_code == 204
    assert client.get(url(role)).status_code == 404
    assert ids(client.get(ROLES + "?deleted=true")) == {str(role.pk)}
    assert not ids(api_of(UserFactory()).get(ROLES + "?deleted=true"))
    assert api_of(UserFactory()).post(url(role, "restore")).status_code == 404
    assert client.post(url(role, "restore")).status_code == 200
    assert client.post(url(role, "restore")).json()["deleted_at"] is None


def test_a_role_that_is_held_is_a_conflict_that_says_by_whom(api_of, manager):
    held = RoleAssignmentFactory(user=UserFactory(username="anna"))

    refusal = api_of(manager).delete(url(held.role))

    assert refusal.status_code == 409
    assert f"1 role assignment (anna is {held.role})" in refusal.json()["detail"]


@pytest.mark.parametrize("slug", ["administrator", "group-member"])
def test_a_system_role_is_looked_at_and_cloned_and_nothing_else(api_of, slug):
    client, role = api_of(UserFactory(is_superuser=True)), Role.objects.get(slug=slug)
    before = role.role_permissions.count()

    for response in (
        client.patch(url(role), {"name": "Mine"}),
        client.delete(url(role)),
        client.post(url(role, "permissions"), {"permission": "auth.view_group"}),
        client.delete(url(role, "permissions", "items.view_item")),
    ):
        assert response.status_code == 403
        assert "system role" in response.json()["detail"]
    clone = client.post(url(role, "clone"), {"name": "Mine"})
    assert clone.status_code == 201
    assert len(clone.json()["permissions"]) == before == role.role_permissions.count()


def test_a_permission_is_granted_with_a_reason_and_withdrawn(api_of, manager):
    role, client = RoleFactory(), api_of(manager)

    given = client.post(url(role, "permissions"), {"permission": "items.view_item", "reason": "x"})
    again = client.post(url(role, "permissions"), {"permission": "items.view_item"})
    stronger = client.post(url(role, "permissions"), {"permission": "items.delete_item"})
    one = url(role, "permissions", "items.view_item")
    taken = [client.delete(one).status_code for _ in range(2)]

    assert (given.status_code, given.json()["reason"]) == (201, "x")
    assert (again.status_code, stronger.status_code) == (409, 403)
    assert taken == [204, 404]
    assert not role.role_permissions.exists()


def test_two_roles_are_compared(api_of, manager, django_assert_num_queries):
    left = RoleFactory(permissions=["items.view_item", "items.add_item"])
    right, client = RoleFactory(permissions=["items.view_item"]), warm(api_of(manager))

    # 1. token with user  2. what they may do  3. one role  4. the other  5. what both hold
    with django_assert_num_queries(5):
        body = client.get(url(left, "compare"), {"with": str(right.pk)}).json()

    assert (body["left"]["id"], body["right"]["id"]) == (str(left.pk), str(right.pk))
    assert [row["permission"] for row in body["only_left"]] == ["items.add_item"]
    assert [row["name"] for row in body["both"]] == ["View items"]
    assert body["only_right"] == []
    hidden = api_of(UserFactory()).get(
        url(Role.objects.get(slug="group-viewer"), "compare"), {"with": str(right.pk)}
    )
    assert hidden.status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        *[({"name": value}, "name") for value in (None, "", 7, "x" * 121)],
        *[({"name": "x", "slug": value}, "slug") for value in (None, "", "a b", "é", "x" * 121)],
        ({"name": "日本"}, "slug"),
        *[({"name": "x", "scope": value}, "scope") for value in (None, "galaxy", 1)],
        *[({"name": "x", "is_active": value}, "is_active") for value in (None, "yes", 1)],
        ({"name": "x", "is_system": True}, "is_system"),
        *[
            ({"name": "x", "permissions": value}, "permissions")
            for value in ("items.view_item", [1], [None], ["x"], ["items.fly_item"], [[]], {},
                          [""], ["."], ["x"] * 1_001, ["items.view_item" + "9" * 5_000])
        ],
        ({"name": "x", "reason": "x" * 201}, "reason"),
    ],
)  # fmt: skip
def test_a_bad_value_of_a_role_is_named(api_of, body, field):
    response = api_of(UserFactory(is_superuser=True)).post(ROLES, body)

    assert response.status_code == 400
    assert {e["field"].split("[")[0].split(".")[0] for e in response.json()["errors"]} == {field}


@pytest.mark.parametrize("query", ["", "?with=x", "?with=" + "9" * 10_000, "?with=%00", "?x=1"])
def test_a_comparison_with_what_is_no_role_is_a_bad_request(api_of, manager, query):
    assert api_of(manager).get(url(RoleFactory(), "compare") + query).status_code == 400


def test_what_is_no_permission_is_not_found_and_not_withdrawn(api_of, manager):
    role = RoleFactory(permissions=["items.view_item"])
    for name in ("x", "items.", ".view_item", "items.fly_item", "%00", "9" * 10_000, "items"):
        assert api_of(manager).delete(url(role, "permissions", name)).status_code == 404


def test_scopes_of_a_token_narrow_what_a_manager_may_do(api_of, manager):
    client = api_of(manager, scopes=["authorization.view_role"])

    assert client.get(ROLES).status_code == 200
    assert client.post(ROLES, {"name": "x"}).status_code == 403
    assert set(MANAGING) <= fresh(manager).get_all_permissions()
