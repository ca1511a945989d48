"""The start page of the admin: what it says, and to whom."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max

from authorization.tests.factories import RoleAssignmentFactory
from core.ids import first_key_of, uuid7
from core.models import AuditEvent
from groups.tests.factories import GroupFactory
from items.tests.factories import ItemFactory
from truledgr import admin_home, checkup
from truledgr.checkup import Finding, Status
from users.models import SessionActivity, User, UserSession
from users.tests.factories import UserFactory, UserSessionFactory

pytestmark = pytest.mark.django_db

PAGE = "/admin/"
QUEUE = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
# What each permission shows: the names of tiles.
TILES = {
    "users.view_session_analytics": {"Sign-ins", "Failed sign-ins"},
    "users.view_user": {"Sign-ups", "Accounts to be deleted", "Can be restored"},
    "users.view_usersession": {"Suspicious sign-ins", "Active sessions"},
    "django_tasks_database.view_dbtaskresult": {"Failed tasks", "Mails waiting"},
    "items.view_item": {"Can be restored"},
    "groups.view_group": {"Can be restored"},
    "authorization.view_role": {"Can be restored"},
}


@pytest.fixture(autouse=True)
def _in_development(settings):
    """Production wants a shared cache and a mail server, which tests have not."""
    settings.DEBUG = True


@pytest.fixture
def superuser(client):
    user = UserFactory(is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def staff_with(client):
    def sign_in(*permissions):
        user = RoleAssignmentFactory(user__is_staff=True, role__permissions=permissions).user
        client.force_login(user)
        return user

    return sign_in


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def tiles_of(response):
    return {tile.name: tile for tile in response.context["home"]["tiles"]}


def signed_in(**columns):
    moment = timezone.now()
    return UserSessionFactory(**{"signed_in_at": moment, "last_activity_at": moment, **columns})


def queued(status, **columns):
    return DBTaskResult.objects.create(
        args_kwargs={"args": [], "kwargs": {}},
        status=status,
        backend_name="default",
        run_after=get_date_max(),
        **{"task_path": "core.tasks.purge", **columns},
    )


# --- Is all well? -----------------------------------------------------------------------------


def test_a_fresh_installation_is_well(client, superuser):
    response = client.get(PAGE)

    assert response.status_code == 200
    assert "All is well" in text_of(response)
    assert "have not been looked at yet" in text_of(response)


def test_what_is_wrong_is_named_with_remedy_and_page_the_worst_first(client, superuser):
    MigrationRecorder(connection).record_unapplied("items", "0001_initial")
    checkup.note([Finding("documentation.stale", Status.WARNING, "Old pages.", "generate_erd")])

    response = client.get(PAGE)

    text = text_of(response)
    assert "2 things need attention" in text
    assert text.index("items.0001_initial") < text.index("Old pages.")
    assert "manage.py migrate" in text
    assert "/admin/schematools/migrationstatus/" in response.content.decode()


def test_a_broken_cache_and_late_mails_are_shown(client, superuser, settings, monkeypatch):
    settings.TASKS = QUEUE
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    row = queued(TaskResultStatus.READY, task_path="authentication.tasks.send_letter")
    DBTaskResult.objects.update(enqueued_at=timezone.now() - timedelta(hours=1))
    monkeypatch.setattr(cache, "set", lambda *_, **__: None)

    text = text_of(client.get(PAGE))

    assert "The cache does not answer (RuntimeError)." in text
    assert "Mails have been waiting for 1 hour" in text.replace("\xa0", " ")
    assert "Mails waiting 1 to be sent" in text
    assert str(row.pk) not in text


def test_only_who_may_see_the_migrations_sees_the_state(client, staff_with):
    staff_with("users.view_user")
    assert client.get(PAGE).context["home"]["state"] is None

    staff_with(admin_home.VIEW_STATE)
    MigrationRecorder(connection).record_unapplied("items", "0001_initial")
    response = client.get(PAGE)

    assert "1 thing needs attention" in text_of(response)


def test_a_finding_leads_only_where_one_may_go(client, staff_with):
    staff_with(admin_home.VIEW_STATE)
    checkup.note([Finding("drift.column-missing", Status.FAILED, "users has no name.")])

    ((finding, page),) = client.get(PAGE).context["home"]["state"]["wrong"]

    assert (finding.check, page) == ("drift.column-missing", "")


# --- Numbers ----------------------------------------------------------------------------------


def test_the_numbers_are_right(client, superuser, settings):
    settings.TASKS = QUEUE
    before = UserFactory(id=first_key_of(timezone.now() - timedelta(days=40)))
    User.objects.filter(pk=before.pk).update(created_at=timezone.now() - timedelta(days=40))
    UserSession.objects.all().delete()
    signed_in(user=before, is_suspicious=True)
    over = signed_in(user=before)
    UserSession.objects.filter(pk=over.pk).update(idle_expires_at=timezone.now())
    SessionActivity.objects.create(activity_type="sign_in_failed", extra={"reason": "locked"})
    for status in (TaskResultStatus.FAILED, TaskResultStatus.SUCCESSFUL, TaskResultStatus.READY):
        queued(status)
    queued(TaskResultStatus.READY, task_path="authentication.tasks.send_letter")
    User.objects.filter(pk=superuser.pk).update(deletion_due_at=timezone.now())
    ItemFactory(owner=before).delete()
    GroupFactory(owner=before, created_by=before).delete()
    client.force_login(superuser)

    tiles = tiles_of(client.get(PAGE))

    assert {name: tile.number for name, tile in tiles.items()} == {
        "Sign-ins": "2",
        "Sign-ups": "1",
        "Suspicious sign-ins": "1",
        "Failed sign-ins": "1",
        "Active sessions": "2",  # the one of this test, too
        "Failed tasks": "1",
        "Mails waiting": "1",
        "Accounts to be deleted": "1",
        "Can be restored": "2",
    }
    assert [part[:2] for part in tiles["Can be restored"].parts] == [("1", "group"), ("1", "item")]
    assert [column.over for column in tiles["Sign-ins"].chart.columns] == [0] * 29 + [2]
    assert tiles["Sign-ins"].chart.columns[-1].under == 1


def test_every_link_of_a_tile_opens_a_list_that_has_what_was_counted(client, superuser):
    suspicious, usual = signed_in(is_suspicious=True), signed_in()
    leaving = UserFactory(deletion_due_at=timezone.now(), username="leaving")
    staying = UserFactory(username="staying")
    gone = ItemFactory(name="Gone")
    gone.delete()

    tiles = tiles_of(client.get(PAGE))
    pages = {name: client.get(tile.link) for name, tile in tiles.items() if tile.link}

    assert {response.status_code for response in pages.values()} == {200}
    sessions = pages["Suspicious sign-ins"].content.decode()
    assert str(suspicious.pk) in sessions
    assert str(usual.pk) not in sessions
    people = pages["Accounts to be deleted"].content.decode()
    assert str(leaving.pk) in people
    assert str(staying.pk) not in people
    ((_number, _name, link),) = tiles["Can be restored"].parts
    assert "Gone" in client.get(link).content.decode()


def test_nothing_is_counted_further_than_it_must(client, superuser, monkeypatch):
    monkeypatch.setattr(admin_home, "MOST", 2)
    for _each in range(3):
        signed_in(is_suspicious=True)

    assert tiles_of(client.get(PAGE))["Suspicious sign-ins"].number == "more than 2"


@pytest.mark.parametrize("permission", TILES)
def test_each_permission_shows_its_tiles_and_no_other(client, staff_with, permission):
    staff_with(permission)

    assert tiles_of(client.get(PAGE)).keys() == TILES[permission]


def test_who_may_see_nothing_has_a_page_that_says_so(client):
    client.force_login(UserFactory(is_staff=True))

    response = client.get(PAGE)

    assert response.context["home"]["tiles"] == []
    assert "no role of yours lets you view anything here yet" in text_of(response)
    assert "Nothing yet." in text_of(response)


def test_deleted_things_are_counted_for_whom_may_see_their_kind(client, staff_with):
    ItemFactory().delete()
    GroupFactory().delete()
    staff_with("items.view_item")

    tile = tiles_of(client.get(PAGE))["Can be restored"]

    assert (tile.number, len(tile.parts)) == ("1", 1)


# --- What one did last ------------------------------------------------------------------------


def test_ones_own_last_actions_are_listed_and_nobody_elses(client, superuser):
    values = {"name": "Mine", "kind": "note", "owner": superuser.pk, "data": "{}", "tags": "[]"}
    client.post("/admin/items/item/add/", values)
    ItemFactory(name="Theirs")

    actions = client.get(PAGE).context["home"]["actions"]

    assert ("create", "Mine") in {(each["action"], each["label"]) for each in actions}
    assert "Theirs" not in {each["label"] for each in actions}
    assert AuditEvent.objects.filter(object_label="Mine", actor=superuser.pk).exists()


# --- What it costs ----------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 4])
def test_the_page_costs_a_fixed_number_of_queries(
    client, superuser, rows, django_assert_num_queries
):
    for _each in range(rows):
        signed_in(is_suspicious=True)
        ItemFactory().delete()
    client.get(PAGE)  # reads the migrations on disk

    # 1. the session with its user
    # Checks: 2. whether the database answers  3.-4. the migrations  5.-10. a value at each end
    # of three encrypted columns  11. the newest seal  12. the oldest event after it.
    # Tiles: 13. the roll-ups  14. since when there is anything, as most days have none
    # 15. the days without  16. sign-ups  17. suspicious sign-ins  18. open sessions
    # 19. failed tasks  20. accounts to be deleted  21.-24. deleted rows of four kinds
    # 25. the last actions
    # On PostgreSQL also whether it is writable, whether there are partitions, which, and its
    # clock; and a savepoint with limits, which is taken back and released, for each of nine checks.
    number = {"sqlite": 25, "postgresql": 25 + 4 + 9 * 4}[connection.vendor]
    with django_assert_num_queries(number):
        client.get(PAGE)


def test_a_key_made_at_a_moment_is_not_before_the_first_of_it():
    first, key = first_key_of(timezone.now() - timedelta(milliseconds=2)), uuid7()

    assert first < key < first_key_of(timezone.now() + timedelta(seconds=1))
    assert (first.version, first.variant) == (7, key.variant)
