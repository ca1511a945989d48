"""Ids that clients choose: which are taken, and that a repeated creation makes nothing twice."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from core.ids import uuid7
from core.models import AuditEvent
from core.tests.parallel import at_once
from groups.models import Group
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ITEMS, GROUPS = "/api/v1/items", "/api/v1/groups"


def key_of(moment, *, version=7, variant=0b10):
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | version << 76 | variant << 62 | 12345)


def refused(response):
    body = response.json()
    assert (response.status_code, body["code"]) == (409, "id_taken")
    assert {error["field"] for error in body["errors"]} == {"id"}
    return body["detail"]


@pytest.fixture
def person():
    return UserFactory()


@pytest.fixture
def client(api_of, person):
    return api_of(person)


@pytest.mark.parametrize("path", [ITEMS, GROUPS])
def test_the_same_creation_again_answers_the_same_row(client, path):
    body = {"id": str(uuid7()), "name": " Ours ", "tags": ["a"], "description": "  as it is "}

    first = client.post(path, body)
    again = client.post(path, {**body, "name": "Ours"})

    assert (first.status_code, again.status_code) == (201, 200), again.content
    assert first.json()["id"] == body["id"]
    assert again.json() == first.json()
    assert (again["Location"], again["ETag"]) == (first["Location"], first["ETag"])
    assert AuditEvent.objects.filter(action="create", object_id=body["id"]).count() == 1


def test_what_became_of_the_row_since_is_what_is_answered(client):
    body = {"id": str(uuid7()), "name": "One"}
    made = client.post(ITEMS, body)
    client.patch(f"{ITEMS}/{body['id']}", {"name": "Two"}, headers={"If-Match": made["ETag"]})

    again = client.post(ITEMS, body)

    assert (again.status_code, again.json()["name"], again["ETag"]) == (200, "Two", '"2"')
    refused(client.post(ITEMS, {**body, "name": "Two"}))


def test_a_default_is_the_same_said_or_unsaid(client):
    said = {"id": str(uuid7()), "name": "x", "kind": "note", "is_active": True, "tags": []}

    assert client.post(ITEMS, {"id": said["id"], "name": "x"}).status_code == 201
    assert client.post(ITEMS, said).status_code == 200


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        (ITEMS, {"name": "y"}), (ITEMS, {"tags": ["b"]}), (ITEMS, {"data": {"a": 1}}),
        (ITEMS, {"description": "x"}), (ITEMS, {"is_active": False}),
        (GROUPS, {"name": "y"}), (GROUPS, {"slug": "other"}), (GROUPS, {"max_members": 5}),
        (GROUPS, {"settings": {"invitation_days": 3}}), (GROUPS, {"is_public": True}),
    ],
)  # fmt: skip
def test_another_creation_with_the_same_id_is_refused(client, path, changes):
    body = {"id": str(uuid7()), "name": "x", "tags": ["a"]}
    assert client.post(path, body).status_code == 201

    refused(client.post(path, body | changes))


def test_a_slug_that_was_asked_for_is_part_of_the_body_and_a_made_one_is_not(client):
    GroupFactory(name="Crew", slug="crew")
    made, chosen = ({"id": str(uuid7()), "name": "Crew"} for _ in "ab")
    chosen["slug"] = "rowing"

    assert client.post(GROUPS, made).json()["slug"] == "crew-2"
    assert client.post(GROUPS, made).status_code == 200
    assert client.post(GROUPS, chosen).status_code == 201
    refused(client.post(GROUPS, {**chosen, "slug": ""}))


def test_what_is_somebody_elses_deleted_or_hidden_answers_alike(client, api_of, person):
    theirs, deleted = ItemFactory(), ItemFactory(owner=person, created_by=person)
    deleted.delete()
    membership = MembershipFactory(
        user=person, role__permissions=["groups.view_group", "items.view_item", "items.add_item"]
    )
    in_group = {"id": str(uuid7()), "name": "x", "group": str(membership.group_id)}
    assert client.post(ITEMS, in_group).status_code == 201
    assert client.post(ITEMS, in_group).status_code == 200
    mine = {"id": str(uuid7()), "name": "x"}
    assert client.post(ITEMS, mine).status_code == 201
    Item.objects.filter(pk=in_group["id"]).update(owner=UserFactory(), group=None)

    words = {
        refused(client.post(ITEMS, {"id": str(theirs.pk), "name": theirs.name})),
        refused(client.post(ITEMS, {"id": str(deleted.pk), "name": deleted.name})),
        refused(client.post(ITEMS, in_group)),
        refused(api_of(UserFactory()).post(ITEMS, mine)),
        refused(api_of(UserFactory(is_superuser=True)).post(ITEMS, mine)),
        refused(client.post(GROUPS, {"id": str(GroupFactory(is_public=True).pk), "name": "x"})),
    }

    assert len(words) == 1, "the words tell them apart"


def test_what_is_no_such_id_is_named(client):
    late, early = datetime.now(UTC) + timedelta(days=2), datetime(2019, 12, 31, 23, 59, tzinfo=UTC)

    for key, words in [
        ("x", "Must be a valid UUID"), (7, "Must be a string"), (None, "null"), ([], "string"),
        ("01890000-0000-4000-8000-000000000000", "version 7"),
        ("01890000-0000-7000-c000-000000000000", "version 7"),
        (str(key_of(early)), "before 2020"), (str(key_of(late)), "a day ahead"),
        ("ffffffff-ffff-7fff-bfff-ffffffffffff", "a day ahead"),
    ]:  # fmt: skip
        for path in (ITEMS, GROUPS):
            response = client.post(path, {"id": key, "name": "x"})
            assert response.status_code == 400, key
            [error] = response.json()["errors"]
            assert error["field"] == "id"
            assert words in error["detail"]


def test_a_clock_may_be_a_little_ahead_and_an_id_some_years_old(client):
    for moment in (datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(hours=23)):
        body = {"id": str(key_of(moment)), "name": "x"}
        assert client.post(ITEMS, body).status_code == 201


@pytest.mark.parametrize(("path", "model"), [(ITEMS, Item), (GROUPS, Group)])
@pytest.mark.django_db(transaction=True)
def test_of_creations_at_once_with_one_id_one_is_made(api_of, path, model):
    clients = [api_of(UserFactory()) for _ in range(4)]
    mine = api_of(UserFactory())
    alike, unlike, foreign = (str(uuid7()) for _ in range(3))

    def statuses(*calls):
        return sorted(answer.status_code for answer in at_once(*calls))

    same = [lambda: mine.post(path, {"id": alike, "name": "Same"})] * 10
    assert statuses(*same) == [200] * 9 + [201]
    other = [lambda n=n: mine.post(path, {"id": unlike, "name": f"No. {n}"}) for n in range(10)]
    assert statuses(*other) == [201] + [409] * 9
    others = [lambda c=c: c.post(path, {"id": foreign, "name": "Same"}) for c in clients]
    assert statuses(*others) == [201] + [409] * 3
    assert model.objects.filter(pk__in=[alike, unlike, foreign]).count() == 3
