"""Who holds which role, over HTTP; what one may do oneself; and the end of it."""

import pytest
from django.test import Client
from django.utils import timezone

from authorization.models import RoleAssignment, RoleScope
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from authorization.tests.test_services import fresh, holder_of
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ASSIGNMENTS = "/api/v1/role-assignments"
VIEW = "authorization.view_roleassignment"
NOWHERE = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def manager():
    return holder_of("items.view_item", "authorization.view_role", VIEW)


def url(assignment):
    return f"{ASSIGNMENTS}/{assignment.pk}"


def ids(response):
    return {row["id"] for row in response.json()["results"]}


def warm(client):
    """A token notes its first use; later ones cost no query of their own."""
    client.get("/api/v1/me")
    return client


def moment(**delta):
    return timezone.now() + timezone.timedelta(**delta)


def test_a_role_is_given_changed_and_taken_and_tells_who_when_why_and_until_when(api_of, manager):
    client, user = api_of(manager), UserFactory(username="anna")
    role = RoleFactory(permissions=["items.view_item"])
    body = {"user": str(user.pk), "role": str(role.pk), "reason": "New hire"}

    made = client.post(ASSIGNMENTS, body)
    again = client.post(ASSIGNMENTS, {**body, "expires_at": moment(days=9).isoformat()})

    assert (made.status_code, again.status_code) == (201, 200)
    shown = client.get(made["Location"]).json()
    assert shown == again.json()
    assert (shown["username"], shown["role"]["slug"], shown["state"], shown["reason"]) == (
        "anna", role.slug, "in_force", "New hire",
    )  # fmt: skip
    assert shown["granted_by"] == str(manager.pk)
    changed = client.patch(made["Location"], {"expires_at": None})
    assert (changed.status_code, changed.json()["expires_at"]) == (200, None)
    assert fresh(user).has_perm("items.view_item")
    assert client.delete(made["Location"]).status_code == 204
    assert not fresh(user).has_perm("items.view_item")


def test_others_see_what_they_hold_themselves_and_change_nothing(api_of, manager):
    own, foreign = RoleAssignmentFactory(), RoleAssignmentFactory()
    client = api_of(own.user)

    assert ids(client.get(ASSIGNMENTS)) == {own.pk}
    assert client.get(url(own)).status_code == 200
    assert client.patch(url(own), {"expires_at": None}).status_code == 403
    assert client.delete(url(own)).status_code == 403
    assert client.post(ASSIGNMENTS, {}).status_code == 403
    for method in ("get", "patch", "delete"):
        assert getattr(client, method)(url(foreign)).status_code == 404
    assert RoleAssignment.objects.filter(pk__in=[own.pk, foreign.pk]).count() == 2
    for user in (own.user, manager):
        for permission in (VIEW, "authorization.delete_roleassignment"):
            seen = set(RoleAssignment.objects.visible_to(fresh(user), permission))
            for row in RoleAssignment.objects.all():
                assert fresh(user).has_perm(permission, row) == (row in seen)


def test_a_list_is_filtered_in_a_constant_number_of_queries(
    api_of, manager, django_assert_num_queries
):
    expired = RoleAssignmentFactory(expires_at=moment(days=-1))
    ending = RoleAssignmentFactory(expires_at=moment(days=1), granted_by=manager)
    off = RoleAssignmentFactory(role=RoleFactory(is_active=False))
    lasting = RoleAssignmentFactory(user=ending.user)
    own = manager.role_assignments.get()
    client = warm(api_of(manager))

    for query, expected in {
        "": {expired, ending, off, lasting, own},
        "state=in_force": {ending, lasting, own},
        "state=expired": {expired},
        "state=switched_off": {off},
        f"user={ending.user_id}": {ending, lasting},
        f"role={off.role_id}": {off},
        f"granted_by={manager.pk}": {ending},
        f"ends_before={moment(days=2):%Y-%m-%dT%H:%M:%SZ}": {expired, ending},
    }.items():
        # 1. token with user  2. what they may do  3. the page with users and roles
        with django_assert_num_queries(3):
            response = client.get(f"{ASSIGNMENTS}?{query}")
        assert ids(response) == {row.pk for row in expected}, query
        by_state = {row["id"]: row["state"] for row in response.json()["results"]}
        assert all(by_state[row.pk] == row.state for row in expected)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("user", value) for value in (None, "", 1, "x", "9" * 10_000, [], NOWHERE)],
        *[("role", value) for value in (None, "", 1, "x", {}, NOWHERE)],
        *[
            ("expires_at", value)
            for value in ("", "x", 1, "2020-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59")
        ],
        *[("reason", value) for value in (None, 1, "x" * 201)],
        ("granted_by", NOWHERE),
    ],
)  # fmt: skip
def test_a_bad_value_of_an_assignment_is_named(api_of, field, value):
    client = api_of(UserFactory(is_superuser=True))
    body = {"user": str(UserFactory().pk), "role": str(RoleFactory().pk), field: value}

    response = client.post(ASSIGNMENTS, body)

    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_what_cannot_be_held_everywhere_is_refused(api_of):
    client, user = api_of(UserFactory(is_superuser=True)), UserFactory()
    gone = RoleFactory()
    gone.delete()

    for role in (RoleFactory(scope=RoleScope.GROUP), gone):
        refusal = client.post(ASSIGNMENTS, {"user": str(user.pk), "role": str(role.pk)})
        assert refusal.status_code == 400
        assert refusal.json()["errors"][0]["field"] == "role"


@pytest.mark.parametrize("key", ["x", "0", "9" * 30, "9" * 10_000, "-1", "%00"])
def test_what_is_no_assignment_is_not_found(api_of, manager, key):
    for method in ("get", "patch", "delete"):
        assert getattr(api_of(manager), method)(f"{ASSIGNMENTS}/{key}").status_code == 404


# --- The end ----------------------------------------------------------------------------------


def test_an_end_ends_every_way_in_at_the_very_next_request(api_of):
    """A token, a session and the admin that were at work a moment before; nothing restarts."""
    staff = UserFactory(is_staff=True)
    held = RoleAssignmentFactory(
        user=staff,
        role=RoleFactory(permissions=["items.view_item", VIEW, "authorization.view_role"]),
        expires_at=moment(hours=1),
    )
    item, custom = ItemFactory(), RoleFactory()
    by_token, browser = api_of(staff), Client()
    browser.force_login(staff)
    paths = [f"/api/v1/items/{item.pk}", f"/api/v1/roles/{custom.pk}", "/admin/authorization/role/"]

    def answers():
        found = [
            client.get(path).status_code for client in (by_token, browser) for path in paths[:2]
        ]
        return [*found, browser.get(paths[2]).status_code]

    assert answers() == [200] * 5
    assert by_token.get("/api/v1/me/permissions").json()["everywhere"]
    RoleAssignment.objects.filter(pk=held.pk).update(expires_at=timezone.now())

    assert answers() == [404, 404, 404, 404, 403]
    assert by_token.get("/api/v1/me/permissions").json()["everywhere"] == []
    assert not fresh(staff).has_perm("items.view_item", item)
    assert not Item.objects.visible_to(fresh(staff)).exists()
    assert by_token.get(url(held)).json()["state"] == "expired"


# --- What one may do oneself ------------------------------------------------------------------


def test_the_caller_is_told_what_they_may_do_in_a_constant_number_of_queries(
    api_of, django_assert_num_queries
):
    user = holder_of("users.view_user", managing=False)
    member = MembershipFactory(
        user=user, group__name="Aardvarks", role__permissions=["items.view_item"]
    )
    GroupFactory(owner=user, name="Bears")
    GroupFactory(name="Others")
    client = warm(api_of(user))

    # 1. token with user  2. what they may do  3. the groups' names  4. the roles' names
    with django_assert_num_queries(4):
        body = client.get("/api/v1/me/permissions").json()

    assert body["everywhere"] == ["users.view_user"]
    first, second = body["groups"]
    assert (first["name"], first["id"]) == ("Aardvarks", str(member.group_id))
    assert first["role"]["slug"] == member.role.slug
    assert (first["permissions"], first["holds_everything"]) == (["items.view_item"], False)
    assert (second["name"], second["role"]) == ("Bears", None)
    assert (second["permissions"], second["holds_everything"]) == ([], True)
    narrowed = api_of(user, scopes=["items.view_item"]).get("/api/v1/me/permissions").json()
    assert narrowed["everywhere"] == []
    assert [group["permissions"] for group in narrowed["groups"]] == [["items.view_item"]] * 2


def test_all_permissions_are_listed_in_words_for_anybody_who_is_signed_in(
    api, api_of, django_assert_num_queries
):
    client = warm(api_of(UserFactory()))

    # 1. token with user  2. the permissions
    with django_assert_num_queries(2):
        modules = client.get("/api/v1/permissions").json()["modules"]

    items = next(module for module in modules if module["app"] == "items")
    assert items["permissions"][0] == {
        "permission": "items.view_item", "name": "View items", "model": "item",
    }  # fmt: skip
    assert client.get("/api/v1/permissions?x=1").status_code == 400
    assert api.get("/api/v1/permissions").status_code == 401
