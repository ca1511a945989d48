"""Many operations on items in one request."""

import json

import pytest

from core.models import AuditEvent
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.services.bulk import MOST_OPERATIONS
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

BULK = "/api/v1/items/bulk"
NOWHERE = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def member():
    return UserFactory()


@pytest.fixture
def client(api_of, member):
    return api_of(member)


def report_of(response):
    assert response.status_code == 422, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"]) == (422, "bulk_failed")
    assert body["request_id"] == response["X-Request-ID"]
    return body["results"]


def test_every_operation_is_answered_with_what_it_came_to(client, member):
    group = GroupFactory(owner=member)
    kept, going, gone = ItemFactory.create_batch(3, owner=member)
    gone.delete()

    response = client.post(
        BULK,
        {
            "operations": [
                {"op": "create", "name": " New ", "tags": ["a"], "data": {"a": 1}},
                {"op": "create", "name": "Ours", "group": str(group.pk)},
                {"op": "update", "id": str(kept.pk), "version": 1, "description": " as it is "},
                {"op": "delete", "id": str(going.pk), "version": 1},
                {"op": "restore", "id": str(gone.pk)},
            ]
        },
    )

    assert response.status_code == 200, response.content
    results = response.json()["results"]
    assert [row["index"] for row in results] == [0, 1, 2, 3, 4]
    assert [row["status"] for row in results] == [201, 201, 200, 204, 200]
    assert [row["version"] for row in results] == [1, 1, 2, 1, 1]
    assert [row["id"] for row in results[2:]] == [str(row.pk) for row in (kept, going, gone)]
    made = Item.objects.get(pk=results[0]["id"])
    assert (made.name, made.owner, made.tags) == ("New", member, ["a"])
    assert Item.objects.get(pk=results[1]["id"]).group == group
    assert Item.objects.get(pk=kept.pk).description == " as it is "
    assert AuditEvent.objects.filter(model="item", request_id=response["X-Request-ID"]).count() == 5


def test_the_report_names_every_fault_and_nothing_is_changed(client, member):
    mine, gone, stale = ItemFactory.create_batch(3, owner=member)
    gone.delete()
    theirs = ItemFactory()
    seen = ItemFactory(
        owner=None,
        group=MembershipFactory(user=member, role__permissions=["items.view_item"]).group,
    )

    def row(op, item, **values):
        return {"op": op, "id": str(item if isinstance(item, str) else item.pk), **values}

    faults = [
        (row("update", mine, name="Mine now"), None, None),
        ({"op": "create", "name": "Fine"}, None, None),
        (row("update", theirs, name="Mine now"), 404, "not_found"),
        (row("delete", NOWHERE), 404, "not_found"),
        (row("update", gone, name="Ghost"), 404, "not_found"),
        (row("update", seen, name="Mine now"), 403, "permission_denied"),
        (row("delete", stale, version=9), 412, "stale_version"),
        ({"op": "create"}, 400, "invalid"),
        ({"op": "create", "name": "x", "owner": str(member.pk)}, 400, "invalid"),
        ({"op": "create", "name": "x", "group": NOWHERE}, 400, "does_not_exist"),
        ({"op": "create", "name": "x", "data": {"a": "x" * 65_536}}, 400, "invalid"),
        ({"op": "update", "name": "No id"}, 400, "invalid"),
        (row("update", "1", name="x"), 400, "invalid"),
        ({"op": "update", "id": 1}, 400, "invalid"),
        (row("update", mine.pk.hex[:-1] + "g"), 400, "invalid"),
        ({"op": "delete", "id": None}, 400, "invalid"),
        (row("restore", NOWHERE, version=1), 400, "invalid"),
        *((row("delete", NOWHERE, version=v), 400, "invalid") for v in (0, "1", True, 1.5, 10**12)),
        *(({"op": op}, 400, "invalid") for op in ("", "Create", "merge", None, 1, [], {})),
        *((odd, 400, "invalid") for odd in (None, 1, "create", [], True)),
    ]

    results = report_of(client.post(BULK, {"operations": [row for row, *_ in faults]}))

    found = {row["index"]: (row["status"], row["problem"]["code"]) for row in results}
    expected = {n: (status, code) for n, (_row, status, code) in enumerate(faults) if status}
    assert found == expected
    assert results[0]["problem"]["status"] == 404
    assert Item.objects.count() == 5
    assert not Item.objects.exclude(version=1).exists()
    kinds = {"access_denied", "not_found_or_hidden"}
    assert (
        set(AuditEvent.objects.filter(action__in=kinds).values_list("action", flat=True)) == kinds
    )


def test_an_item_stands_once(client, member):
    item = ItemFactory(owner=member)
    row = {"op": "update", "id": str(item.pk), "name": "x"}

    results = report_of(
        client.post(BULK, {"operations": [row, row, {"op": "create", "name": "x"}]})
    )

    assert [(r["index"], r["problem"]["errors"][0]["field"]) for r in results] == [
        (0, "id"),
        (1, "id"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {}, [], {"operations": None}, {"operations": []}, {"operations": {}}, {"operations": "x"},
        {"operations": [{"op": "create", "name": "x"}] * (MOST_OPERATIONS + 1)},
        {"operations": [{"op": "create", "name": "x"}], "atomic": False},
        {"operations": [{"op": "create", "name": "a\0b"}]},
        {"operations": [{"op": "create", "name": "x", "data": {"a": float("inf")}}]},
    ],
)  # fmt: skip
def test_what_is_no_list_of_operations_is_refused_whole(client, body):
    response = client.generic("POST", BULK, json.dumps(body), "application/json")

    assert response.status_code == 400, response.content
    assert not Item.objects.exists()


def test_too_long_a_body_is_413_and_a_parameter_400(client):
    rows = [{"op": "create", "name": "x", "data": {"a": "x" * 60_000}}] * 50

    assert client.post(BULK, {"operations": rows}).status_code == 413
    assert client.post(f"{BULK}?dry_run=true", {"operations": rows[:1]}).status_code == 400


def test_the_scopes_of_a_token_narrow_each_operation(api_of, member):
    item = ItemFactory(owner=member)
    client = api_of(member, scopes=["items.change_item"])
    change = {"op": "update", "id": str(item.pk), "name": "x"}

    alone = client.post(BULK, {"operations": [change]})
    results = report_of(
        client.post(BULK, {"operations": [change, {"op": "create", "name": "x"}, {"op": "delete"}]})
    )

    assert alone.status_code == 200
    assert [(row["index"], row["status"]) for row in results] == [(1, 403), (2, 403)]
    assert Item.objects.count() == 1


def test_the_most_that_fits_is_done_in_few_queries(client, member, django_assert_max_num_queries):
    rows = [{"op": "create", "name": f"Item {n}"} for n in range(MOST_OPERATIONS)]

    # SQLite inserts 62 rows at a time.
    with django_assert_max_num_queries(18):
        response = client.post(BULK, {"operations": rows})

    assert response.status_code == 200
    assert Item.objects.filter(owner=member).count() == MOST_OPERATIONS
