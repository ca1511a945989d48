import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string

from groups.models import Group
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.tests.factories import ItemFactory
from truledgr import hot_queries
from users.models import User, UserSession
from users.tests.factories import UserFactory, UserSessionFactory

# Queries that do read all of a table, by engine; whoever mends one takes it out here.
READ_ALL = {
    # Of "mine or of one of my groups, newest first", SQLite takes the order and reads on until it
    # has a page full.
    "sqlite": {
        "items visible to member": "all of items by item_newest_idx",
        "groups visible to member": "all of groups by group_alive_idx",
    },
    # "Public or one of mine" is read in the order of names until a page is full.
    "postgresql": {"groups visible to member": "all of groups by group_alive_idx"},
}

MANY = 300

pytestmark = pytest.mark.django_db


@pytest.fixture
def member():
    permissions = ["items.view_item", "groups.view_group"]
    membership = MembershipFactory(role__permissions=permissions, group=GroupFactory())
    return membership.user


@pytest.fixture
def rows(db):
    """Enough of what grows that it matters by which index it is read, counted by PostgreSQL."""
    people = User.objects.bulk_create(UserFactory.build_batch(MANY))
    UserSession.objects.bulk_create(UserSessionFactory.build(user=one) for one in people)
    Group.objects.bulk_create(GroupFactory.build(owner=one, created_by=one) for one in people)
    Item.objects.bulk_create(ItemFactory.build(owner=one, created_by=one) for one in people)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for model in (User, UserSession, Group, Item):
                cursor.execute(f"ANALYZE {model._meta.db_table}")


def analyze():
    """What ``analyze_indexes`` says of the declared queries, and how many it explained."""
    out = io.StringIO()
    try:
        call_command("analyze_indexes", "--format=json", stdout=out, stderr=io.StringIO())
    except CommandError as error:
        assert error.returncode == 1, error  # noqa: PT017
    report = json.loads(out.getvalue())
    found = {
        item["object"]: item["found"].removeprefix("that it reads ")
        for item in report["findings"]
        if item["id"] in {"query-scans", "query-broken"}
    }
    return found, report["queries"]


def test_no_hot_query_reads_a_table_whole(member, rows, settings):
    settings.SCHEMATOOLS = {**settings.SCHEMATOOLS, "INDEX_IGNORE": {}}

    assert analyze() == (READ_ALL[connection.vendor], len(hot_queries.HOT))


def test_a_query_that_does_is_found(member, rows, settings):
    settings.SCHEMATOOLS = {**settings.SCHEMATOOLS, "QUERIES": {"all": f"{__name__}.unserved"}}

    (found,), _ = analyze()

    assert found == "all"


def unserved():
    return hot_queries.Item.objects.alive().filter(kind="task")[: hot_queries.PAGE]


def test_what_a_member_sees_includes_their_groups(member):
    with CaptureQueriesContext(connection) as context:
        list(hot_queries.items_visible_to_member())

    (sql,) = (query["sql"] for query in context if 'FROM "items"' in query["sql"])
    assert '"items"."group_id" IN (' in sql
    assert '"items"."owner_id" = ' in sql


def test_every_query_can_be_made_and_run_where_nobody_is():
    found = {query.__name__: len(query()) for query in hot_queries.HOT}

    # What migrating leaves behind: system roles, and the trail of their making.
    assert {name for name, rows in found.items() if rows} <= {"role_by_slug", "newest_events"}


def test_every_query_is_found_by_its_name():
    for name, path in hot_queries.named().items():
        assert import_string(path).__name__ == name.replace(" ", "_")
