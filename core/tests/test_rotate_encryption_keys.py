"""``rotate_encryption_keys``: everything under the newest key, and nothing lost meanwhile."""

import json
from datetime import UTC, datetime
from io import StringIO
from threading import Event, Thread

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from authentication.models import TOTPDevice
from core import key_rotation
from core.encryption import decrypt, encrypt, encrypted_columns, position_of_key
from core.key_rotation import Outcome, rotate_column
from users.models import UserSession
from users.sessions import SessionStore
from users.tests.factories import UserFactory

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))
PAYLOAD = json.dumps({"to": "ada@example.org", "body": "a link"})

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _old_key(settings):
    settings.FIELD_ENCRYPTION_KEYS = [OLD]


def change_keys(settings, *keys):
    settings.FIELD_ENCRYPTION_KEYS = list(keys)


def run(*options):
    out = StringIO()
    call_command("rotate_encryption_keys", *options, stdout=out, stderr=StringIO())
    return out.getvalue()


def stored(table, column):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} ORDER BY id")
        return [value for (value,) in cursor.fetchall()]


def make_session(color="green"):
    store = SessionStore()
    store["color"] = color
    store.create()
    store.save()
    return store


def make_task(status=TaskResultStatus.READY):
    now = datetime.now(UTC)
    return DBTaskResult.objects.create(
        args_kwargs={"args": [encrypt(PAYLOAD.encode()), 7], "kwargs": {"é": "plain gAAAA"}},
        task_path="authentication.tasks.send_letter",
        backend_name="default",
        run_after=now,
        status=status,
    )


def column_named(label):
    return next(column for column in encrypted_columns() if column.label.endswith(label))


def everything(table_columns):
    return "".join(str(value) for pair in table_columns for value in stored(*pair))


def test_every_encrypted_column_is_found():
    labels = [column.label for column in encrypted_columns()]

    assert "authentication.TOTPDevice.secret" in labels
    assert "users.UserSession.session_data" in labels
    assert "django_tasks_database.DBTaskResult.args_kwargs" in labels


def test_afterwards_the_new_key_alone_opens_everything(settings):
    device = TOTPDevice.objects.create(user=UserFactory(), name="Phone")
    session, task = make_session(), make_task()
    change_keys(settings, NEW, OLD)

    output = run()
    change_keys(settings, NEW)

    assert TOTPDevice.objects.get().secret == device.secret
    assert SessionStore(session.session_key)["color"] == "green"
    arguments = DBTaskResult.objects.get(pk=task.pk).args_kwargs
    assert decrypt(arguments["args"][0]).decode() == PAYLOAD
    assert (arguments["args"][1], arguments["kwargs"]) == (7, {"é": "plain gAAAA"})
    assert "re-encrypted: 1" in output
    assert "older keys may be removed" in output


def test_a_second_run_writes_nothing(settings):
    make_session()
    change_keys(settings, NEW, OLD)
    run()
    before = stored("user_sessions", "session_data")

    output = run()

    assert stored("user_sessions", "session_data") == before
    assert "re-encrypted" not in output


def test_what_a_sign_in_or_a_rotation_prints_holds_no_secret(settings):
    device = TOTPDevice.objects.create(user=UserFactory(), name="Phone")
    session = make_session()
    change_keys(settings, NEW, OLD)

    output = run("--dry-run") + run()

    for secret in (OLD, NEW, device.secret, session.session_key, "gAAAA"):
        assert secret not in output


def test_a_dry_run_counts_by_key_and_writes_nothing(settings):
    make_session()
    change_keys(settings, NEW, OLD)
    make_session()
    make_session()
    before = stored("user_sessions", "session_data")

    output = run("--dry-run")

    assert "users.UserSession.session_data: 2 under key 1 (" in output
    assert ", 1 under key 2 (" in output
    assert "Run this without --dry-run" in output
    assert stored("user_sessions", "session_data") == before


def test_a_row_that_no_key_opens_is_named_and_left_alone(settings):
    lost = make_session()
    change_keys(settings, LOST)
    good = make_session()
    change_keys(settings, NEW, LOST)
    before = UserSession.objects.get(pk=lost.row_id).session_data

    output = StringIO()
    with pytest.raises(CommandError, match="Remove no key") as error:
        call_command("rotate_encryption_keys", stdout=output)

    assert "1 that no key opens" in output.getvalue()
    assert f"no key opens {lost.row_id}" in str(error.value)
    assert before not in str(error.value)
    assert UserSession.objects.get(pk=lost.row_id).session_data == before
    change_keys(settings, NEW)
    assert SessionStore(good.session_key)["color"] == "green"


@pytest.mark.parametrize("status", [TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED])
def test_tasks_that_are_over_are_left_alone(settings, status):
    task = make_task(status)
    before = DBTaskResult.objects.get(pk=task.pk).args_kwargs
    change_keys(settings, NEW)

    assert "nothing stored" in run()
    assert DBTaskResult.objects.get(pk=task.pk).args_kwargs == before


def test_it_goes_on_where_it_was_stopped(settings, monkeypatch):
    monkeypatch.setattr(key_rotation, "BATCH", 2)
    for number in range(7):
        make_session(str(number))
    change_keys(settings, NEW, OLD)
    column = column_named("session_data")
    stopped = rotate_column(column, Outcome(column.label))
    next(stopped)
    stopped.close()

    half = [position_of_key(value) for value in stored("user_sessions", "session_data")]
    output = run()

    assert sorted(half) == [0] * 2 + [1] * 5
    assert "re-encrypted: 5" in output
    assert {position_of_key(v) for v in stored("user_sessions", "session_data")} == {0}


def test_a_value_written_meanwhile_is_kept(settings, monkeypatch):
    """The site writes between the read of a batch and the write of the row."""
    session = make_session("old")
    change_keys(settings, NEW, OLD)
    encrypt_again = key_rotation.encrypt

    def overtaken(plaintext):
        monkeypatch.setattr(key_rotation, "encrypt", encrypt_again)
        session["color"] = "new"
        session.save()
        return encrypt_again(plaintext)

    monkeypatch.setattr(key_rotation, "encrypt", overtaken)

    run()

    assert SessionStore(session.session_key)["color"] == "new"


@pytest.mark.django_db(transaction=True)
def test_no_write_is_lost_while_the_site_runs(settings, monkeypatch):
    """Threads go on writing sessions, some under the old key, while the command works."""
    monkeypatch.setattr(key_rotation, "BATCH", 3)
    sessions = [make_session("0") for _ in range(12)]
    change_keys(settings, NEW, OLD)
    done, written = Event(), {}

    def write(mine):
        number = 0
        try:
            while not done.is_set() or number == 0:
                number += 1
                for session in mine:
                    session["color"] = str(number)
                    session.save()
                    written[session.session_key] = str(number)
        finally:
            connections.close_all()

    writers = [Thread(target=write, args=(sessions[start::3],)) for start in range(3)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(5):
            run()
    finally:
        done.set()
        for writer in writers:
            writer.join()
    run()

    change_keys(settings, NEW)
    kept = {session.session_key: reread(session) for session in sessions}
    assert kept == written
    assert all(int(number) >= 1 for number in kept.values())


def reread(session):
    return SessionStore(session.session_key)["color"]


def test_a_session_that_ends_meanwhile_stays_ended(settings, monkeypatch):
    session = make_session()
    change_keys(settings, NEW, OLD)
    encrypt_again = key_rotation.encrypt

    def ended(plaintext):
        session.delete()
        return encrypt_again(plaintext)

    monkeypatch.setattr(key_rotation, "encrypt", ended)

    run()

    assert stored("user_sessions", "session_data") == [""]
