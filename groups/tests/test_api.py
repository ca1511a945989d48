import pytest

from authorization.tests.factories import RoleAssignmentFactory
from groups.models import Membership
from groups.tests.factories import GroupFactory, MembershipFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

GROUPS = "/api/v1/groups"


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


def test_reading_one_shows_what_members_may_know(client, member):
    group = joined(member, name="Crew", tags=["a"], settings={"secret": 1})

    response = client.get(f"{GROUPS}/{group.pk}")

    body = response.json()
    assert (body["name"], body["owner"], body["tags"]) == ("Crew", str(group.owner_id), ["a"])
    assert "settings" not in body


def test_filters_narrow_the_list(client, member):
    joined(member, name="Alpha", group_type="project", is_public=True)
    joined(member, name="Beta", slug="second", description="The 50% club")
    joined(member, name="Gamma", group_type="project")

    for parameters, expected in [
        ({"group_type": "project"}, ["Alpha", "Gamma"]),
        ({"is_public": "true"}, ["Alpha"]),
        ({"is_public": "false"}, ["Beta", "Gamma"]),
        ({"search": "50%"}, ["Beta"]),
        ({"search": "SECOND"}, ["Beta"]),
        ({"ordering": "-name"}, ["Gamma", "Beta", "Alpha"]),
        ({"ordering": "created_at"}, ["Alpha", "Beta", "Gamma"]),
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
    response = client.get(f"{GROUPS}/{GroupFactory().pk}")

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_a_deleted_group_is_gone_even_for_superusers(api_of, client, member):
    group = joined(member)
    group.delete()

    for caller in (client, api_of(UserFactory(is_superuser=True))):
        assert names(caller.get(GROUPS)) == []
        assert caller.get(f"{GROUPS}/{group.pk}").status_code == 404
    assert Membership.objects.filter(user=member).exists(), "the row stays, and shows nothing"


def test_who_may_see_every_group_does(api_of):
    auditor = RoleAssignmentFactory(role__permissions=["groups.view_group"]).user
    GroupFactory.create_batch(2)

    assert len(names(api_of(auditor).get(GROUPS))) == 2


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_groups_are_read_only_here(api_of, method):
    superuser = UserFactory(is_superuser=True)
    group = GroupFactory()

    for url in (GROUPS, f"{GROUPS}/{group.pk}"):
        response = getattr(api_of(superuser), method)(url, {})
        assert response.status_code == 405


def test_a_token_without_the_scope_sees_no_groups(api_of, member):
    response = api_of(member, scopes=["items.view_item"]).get(GROUPS)

    assert response.status_code == 403
