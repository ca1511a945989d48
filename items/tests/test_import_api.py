"""The endpoint of imports: what is sent, who may, and how it answers."""

import io

import pytest
from rest_framework.test import APIClient

from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

IMPORT = "/api/v1/items/import"
LINES = "application/x-ndjson"


def send(client, content="name\nPlan\n", query="", content_type="text/csv", **headers):
    return client.generic("POST", IMPORT + query, content, content_type, headers=headers or None)


def fields(response):
    return [error["field"] for error in response.json()["errors"]]


def test_a_good_file_is_imported_and_counted(api_of):
    ada = UserFactory()
    client = api_of(ada)

    answer = send(client, '{"name": "Plan", "tags": ["q3"]}\n', content_type=LINES)

    assert answer.status_code == 200
    assert answer.json() == {
        "mode": "create", "dry_run": False, "rows": 1, "created": 1, "updated": 0, "unchanged": 0,
        "bad_rows": 0, "is_cut": False, "errors": [],
    }  # fmt: skip
    assert Item.objects.get().owner == ada
    assert send(client, query="?dry_run=true").json()["created"] == 1
    assert Item.objects.count() == 1


def test_a_bad_file_is_a_problem_with_the_report_and_a_dry_run_is_not(api_of):
    client = api_of(UserFactory())

    answer = send(client, "name,kind\nPlan,note\nPlan,ship\n")

    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, "invalid_rows")
    assert answer["Content-Type"] == "application/problem+json"
    assert body["detail"].startswith("1 of 2 rows cannot be imported")
    [error] = body["report"]["errors"]
    assert (error["line"], error["field"], error["code"]) == (3, "kind", "invalid_choice")
    assert not Item.objects.exists()
    dry = send(client, "nam\nx\n", "?dry_run=true")
    assert (dry.status_code, dry.json()["bad_rows"]) == (200, 1)
    assert send(client, "nam\nx\n").json()["detail"].startswith("The file cannot be imported")


def test_it_goes_where_the_caller_may_add_items(api_of):
    adding = MembershipFactory(role__permissions=["items.add_item", "groups.view_group"])
    seeing = MembershipFactory(user=adding.user, role__permissions=["groups.view_group"])
    client = api_of(adding.user)

    assert send(client, query=f"?group={adding.group_id}").status_code == 200
    assert Item.objects.get().group == adding.group
    assert send(client, query=f"?group={seeing.group_id}").status_code == 403
    for hidden in (GroupFactory().pk, "x", "%00", "9" * 10_000):
        refused = send(client, query=f"?group={hidden}")
        assert (refused.status_code, fields(refused)) == (400, ["group"])
    assert Item.objects.count() == 1


def test_a_token_without_the_scope_imports_nothing(api_of):
    ada = UserFactory()
    item = ItemFactory(owner=ada)

    assert send(api_of(ada, scopes=["items.view_item"])).status_code == 403
    client = api_of(ada, scopes=["items.add_item"])
    assert send(client, f"id,name\n{item.pk},x\n", "?mode=upsert").status_code == 403
    assert send(client).status_code == 200
    assert send(APIClient()).status_code == 401


def test_what_is_no_file_is_refused(api_of, settings):
    client = api_of(UserFactory())

    assert send(client, "{}", content_type="application/json").status_code == 415
    assert send(client, content_type="text/csv; charset=latin-1").status_code == 415
    assert send(client, **{"Content-Encoding": "gzip"}).status_code == 415
    assert send(client, "").status_code == 400
    for query in ("?mode=replace", "?dry_run=yes", "?dry=true", "?mode=create&mode=upsert"):
        assert send(client, query=query).status_code == 400, query
    settings.ITEM_IMPORT_MAX_BYTES = 20
    assert send(client, "name\n" + "x" * 16).status_code == 413
    assert send(client, "name\n" + "x" * 15).status_code == 200


def test_the_body_is_read_in_blocks_however_large_request_bodies_may_be(api_of, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10

    assert send(api_of(UserFactory()), "name\n" + "Plan\n" * 500).json()["created"] == 500


class Cut(io.BytesIO):
    """A connection that ends, or breaks, before all that was announced has come."""

    def __init__(self, content, error=None):
        super().__init__(content)
        self.error = error

    def read(self, *args):
        block = super().read(*args)
        if not block and self.error:
            raise self.error
        return block


@pytest.mark.parametrize("error", [None, OSError("reset")], ids=["ends", "breaks"])
def test_a_client_that_hangs_up_leaves_nothing(api_of, error):
    stream = Cut(b"name\nPlan\n", error)

    answer = api_of(UserFactory()).post(
        IMPORT,
        content_type="text/csv",
        **{"wsgi.input": stream, "CONTENT_LENGTH": "1000"},
    )

    assert answer.status_code == 400
    assert not Item.objects.exists()
