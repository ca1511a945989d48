import pytest
from rest_framework.test import APIClient

from core.models import AuditEvent
from core.tests.parallel import at_once
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ITEMS = "/api/v1/items"
WHATEVER = {"If-Match": "*"}
EVERYTHING = ("items.view_item", "items.add_item", "items.change_item", "items.delete_item")


def url_of(item):
    return f"{ITEMS}/{item.pk}"


@pytest.fixture
def member():
    return UserFactory()


@pytest.fixture
def mine(member):
    return ItemFactory(owner=member, name="Mine", tags=["red"], data={"a": 1})


@pytest.fixture
def client(api_of, member):
    return api_of(member)


def group_of(user, *permissions):
    return MembershipFactory(user=user, role__permissions=permissions).group


def problem_of(response, status, code):
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == response["X-Request-ID"]
    return body


# --- Creating ---------------------------------------------------------------------------------


def test_a_created_item_is_mine_and_is_where_location_says(client, member):
    response = client.post(ITEMS, {"name": " Mine ", "tags": ["red"], "data": {"a": [1]}})

    assert response.status_code == 201
    assert response["ETag"] == '"1"'
    body = response.json()
    assert (body["name"], body["owner"], body["group"]) == ("Mine", str(member.pk), None)
    assert client.get(response["Location"]).json() == body


def test_a_creation_is_recorded_with_the_request(client, member):
    response = client.post(ITEMS, {"name": "Mine"}, headers={"X-Request-ID": "request-4711"})

    event = AuditEvent.objects.get(model="item")
    assert response["X-Request-ID"] == "request-4711"
    assert (event.actor, event.via, event.request_id) == (member, "api", "request-4711")


def test_an_item_can_be_made_in_a_group_whose_role_allows_it(client, member):
    group = group_of(member, "groups.view_group", *EVERYTHING)

    response = client.post(ITEMS, {"name": "Ours", "group": str(group.pk)})

    assert response.status_code == 201
    assert (response.json()["owner"], response.json()["group"]) == (None, str(group.pk))


def test_a_viewer_of_a_group_may_not_add_to_it(client, member):
    group = group_of(member, "groups.view_group", "items.view_item")

    response = client.post(ITEMS, {"name": "Ours", "group": str(group.pk)})

    body = problem_of(response, 403, "permission_denied")
    assert body["errors"][0]["field"] == "group"


def test_a_group_one_may_not_see_is_as_good_as_not_there(client):
    hidden, gone = GroupFactory(), GroupFactory()
    gone.delete()
    nowhere = "01890000-0000-7000-8000-000000000000"

    answers = [
        problem_of(client.post(ITEMS, {"name": "Ours", "group": str(pk)}), 400, "invalid")
        for pk in (hidden.pk, gone.pk, nowhere)
    ]

    assert {answer["errors"][0]["code"] for answer in answers} == {"does_not_exist"}


def test_an_archived_group_is_a_conflict(client, member):
    group = GroupFactory(owner=member, is_active=False)

    response = client.post(ITEMS, {"name": "Ours", "group": str(group.pk)})

    assert problem_of(response, 409, "conflict")["errors"][0]["field"] == "group"


def test_a_session_makes_items_as_a_token_does(member):
    client = APIClient()
    client.force_login(member)

    response = client.post(ITEMS, {"name": "Mine"})

    assert (response.status_code, response.json()["owner"]) == (201, str(member.pk))
    assert AuditEvent.objects.get(model="item").session_id is not None


# --- Reading and writing one ------------------------------------------------------------------


def test_reading_answers_an_etag_that_saves_the_next_transfer(client, mine):
    first = client.get(url_of(mine))

    again = client.get(url_of(mine), headers={"If-None-Match": first["ETag"]})

    assert (first.status_code, first["ETag"]) == (200, '"1"')
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", '"1"')


def test_a_change_answers_the_new_version(client, mine):
    response = client.patch(url_of(mine), {"name": "Renamed"}, headers=WHATEVER)

    assert (response.status_code, response["ETag"]) == (200, '"2"')
    assert (response.json()["name"], response.json()["tags"]) == ("Renamed", ["red"])


@pytest.mark.parametrize("if_match", ['"1"', "*", '"7", "1"'])
def test_a_write_goes_through_while_the_version_matches(client, mine, if_match):
    response = client.patch(url_of(mine), {"name": "New"}, headers={"If-Match": if_match})

    assert response.status_code == 200


@pytest.mark.parametrize("if_match", ['"2"', 'W/"1"', '"abc"'])
@pytest.mark.parametrize("method", ["patch", "delete"])
def test_a_write_with_a_stale_version_is_refused(client, mine, method, if_match):
    response = getattr(client, method)(
        url_of(mine), {"name": "New"}, headers={"If-Match": if_match}
    )

    problem_of(response, 412, "stale_version")
    mine.refresh_from_db()
    assert (mine.name, mine.is_deleted) == ("Mine", False)


def test_an_if_match_that_is_no_entity_tag_is_named(client, mine):
    response = client.patch(url_of(mine), {"name": "New"}, headers={"If-Match": "1"})

    assert problem_of(response, 400, "invalid")["errors"][0]["field"] == "If-Match"


def test_put_is_not_a_verb_here(client, mine):
    response = client.put(url_of(mine), {"name": "New"})

    problem_of(response, 405, "method_not_allowed")
    assert "PATCH" in response["Allow"]


# --- Deleting and restoring -------------------------------------------------------------------


def test_a_deleted_item_is_gone_until_it_is_restored(client, mine):
    assert client.delete(url_of(mine), headers=WHATEVER).status_code == 204
    problem_of(client.get(url_of(mine)), 404, "not_found")
    problem_of(client.patch(url_of(mine), {"name": "x"}), 404, "not_found")
    problem_of(client.delete(url_of(mine)), 404, "not_found")
    assert client.get(ITEMS).json()["results"] == []
    [deleted] = client.get(ITEMS, {"deleted": "true"}).json()["results"]
    assert deleted["id"] == str(mine.pk)
    assert deleted["deleted_at"]

    response = client.post(f"{url_of(mine)}/restore")

    assert (response.status_code, response.json()["deleted_at"]) == (200, None)
    assert client.get(url_of(mine)).status_code == 200
    assert client.get(ITEMS, {"deleted": "true"}).json()["results"] == []


def test_restoring_twice_is_harmless(client, mine):
    mine.delete()

    answers = [client.post(f"{url_of(mine)}/restore").status_code for _ in range(2)]

    assert answers == [200, 200]


def test_deleted_items_of_others_can_be_neither_seen_nor_restored(client):
    theirs = ItemFactory()
    theirs.delete()

    assert client.get(ITEMS, {"deleted": "true"}).json()["results"] == []
    problem_of(client.post(f"{url_of(theirs)}/restore"), 404, "not_found")


def test_only_who_may_delete_in_a_group_sees_and_restores_its_deleted_items(api_of):
    group = GroupFactory()
    item = ItemFactory(owner=None, group=group)
    viewer = MembershipFactory(group=group, role__permissions=["items.view_item"]).user
    keeper = MembershipFactory(group=group, role__permissions=EVERYTHING).user
    item.delete()

    assert api_of(viewer).get(ITEMS, {"deleted": "true"}).json()["results"] == []
    problem_of(api_of(viewer).post(f"{url_of(item)}/restore"), 404, "not_found")
    assert len(api_of(keeper).get(ITEMS, {"deleted": "true"}).json()["results"]) == 1
    assert api_of(keeper).post(f"{url_of(item)}/restore").status_code == 200


def test_items_of_a_deleted_group_are_gone_for_everybody(api_of):
    superuser = UserFactory(is_superuser=True)
    member = MembershipFactory(role__permissions=EVERYTHING)
    item = ItemFactory(owner=None, group=member.group)
    member.group.delete()

    for client in (api_of(superuser), api_of(member.user)):
        for parameters in ({}, {"deleted": "true"}, {"group": str(member.group_id)}):
            assert client.get(ITEMS, parameters).json()["results"] == []
        problem_of(client.get(url_of(item)), 404, "not_found")
        problem_of(client.post(f"{url_of(item)}/restore"), 404, "not_found")


def test_items_of_a_deleted_user_are_gone_even_for_superusers(api_of):
    superuser = UserFactory(is_superuser=True)
    item = ItemFactory()
    item.owner.delete()
    client = api_of(superuser)

    assert client.get(ITEMS).json()["results"] == []
    assert client.get(ITEMS, {"deleted": "true"}).json()["results"] == []
    problem_of(client.get(url_of(item)), 404, "not_found")
    problem_of(client.post(f"{url_of(item)}/restore"), 404, "not_found")


# --- Who may do what --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "suffix"), [("get", ""), ("patch", ""), ("delete", ""), ("post", "/restore")]
)
def test_an_item_of_somebody_else_is_not_there(client, method, suffix):
    theirs = ItemFactory()

    response = getattr(client, method)(url_of(theirs) + suffix)

    problem_of(response, 404, "not_found")
    theirs.refresh_from_db()
    assert not theirs.is_deleted


@pytest.mark.parametrize(
    ("method", "suffix"), [("patch", ""), ("delete", ""), ("post", "/restore")]
)
def test_a_verb_one_may_not_use_on_a_visible_item_is_forbidden(client, member, method, suffix):
    item = ItemFactory(owner=None, group=group_of(member, "items.view_item"))

    response = getattr(client, method)(url_of(item) + suffix, {"name": "Mine now"})

    problem_of(response, 403, "permission_denied")


def test_an_archived_group_grants_nothing(client, member):
    membership = MembershipFactory(user=member, role__permissions=EVERYTHING)
    item = ItemFactory(owner=None, group=membership.group)
    membership.group.is_active = False
    membership.group.save()

    problem_of(client.get(url_of(item)), 404, "not_found")


@pytest.mark.parametrize(
    ("scope", "status_by_method"),
    [
        ("items.view_item", {"get": 200, "patch": 403, "delete": 403}),
        ("items.change_item", {"get": 403, "patch": 200, "delete": 403}),
        ("groups.view_group", {"get": 403, "patch": 403, "delete": 403}),
    ],
)
def test_a_scoped_token_does_only_what_its_scopes_say(
    api_of, member, mine, scope, status_by_method
):
    client = api_of(member, scopes=[scope])

    for method, status in status_by_method.items():
        body = {} if method == "get" else {"name": "x"}
        response = getattr(client, method)(url_of(mine), body, headers=WHATEVER)
        assert response.status_code == status, method


def test_a_scope_gives_nothing_that_its_owner_may_not_do(api_of, member):
    item = ItemFactory(owner=None, group=group_of(member, "items.view_item"))
    client = api_of(member, scopes=["items.view_item", "items.change_item"])

    problem_of(client.patch(url_of(item), {"name": "x"}), 403, "permission_denied")


def test_losing_the_role_takes_effect_with_the_next_request(client, member):
    membership = MembershipFactory(user=member, role__permissions=["items.view_item"])
    item = ItemFactory(owner=None, group=membership.group)
    assert client.get(url_of(item)).status_code == 200

    membership.delete()

    problem_of(client.get(url_of(item)), 404, "not_found")


def test_nothing_is_counted_or_joined_over_deleted_rows(api_of, client, member):
    ItemFactory.create_batch(2, owner=member)
    ItemFactory(owner=member).delete()

    assert len(client.get(ITEMS).json()["results"]) == 2
    assert member.items.count() == 3, "relations see deleted rows, so views never use them"
    assert Item.objects.alive().visible_to(member).count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_requests_that_read_the_same_version_one_wins_and_the_others_get_412(api_of):
    user = UserFactory()
    item = ItemFactory(owner=user)
    clients = [api_of(user) for _ in range(5)]

    answers = at_once(
        *(
            lambda n=n, client=client: client.patch(
                url_of(item), {"name": f"By {n}"}, headers={"If-Match": '"1"'}
            )
            for n, client in enumerate(clients)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    [won] = [answer for answer in answers if answer.status_code == 200]
    item.refresh_from_db()
    assert (item.version, item.name) == (2, won.json()["name"])
    assert AuditEvent.objects.filter(model="item", action="update").count() == 1


def test_every_answer_with_one_item_has_its_etag(client, mine):
    made = client.post(ITEMS, {"name": "New"})
    read = client.get(url_of(mine))
    changed = client.patch(url_of(mine), {"name": "Newer"}, headers=WHATEVER)
    reverted = client.post(f"{url_of(mine)}/revert", {"version": 1}, headers=WHATEVER)
    moved = client.post(f"{url_of(mine)}/move", {"owner": "me"}, headers=WHATEVER)
    client.delete(url_of(mine), headers=WHATEVER)
    restored = client.post(f"{url_of(mine)}/restore")

    answers = [made, read, changed, reverted, moved, restored]
    assert [a["ETag"] for a in answers] == [f'"{a.json()["version"]}"' for a in answers]
    assert [a.json()["version"] for a in answers] == [1, 1, 2, 3, 3, 3]
