"""``manage.py end_sessions``."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from core.models import AuditEvent
from users import ending
from users.models import EndReason, UserSession
from users.tests.factories import UserFactory, UserSessionFactory

pytestmark = pytest.mark.django_db

REASON = "Laptop stolen"


def run(*args, reason=REASON):
    out = StringIO()
    call_command("end_sessions", *args, f"--reason={reason}", stdout=out)
    return out.getvalue()


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def status_of(client):
    return client.get("/api/v1/me").status_code


@pytest.fixture
def anna():
    return UserFactory(username="anna")


@pytest.fixture
def bob():
    return UserFactory(username="bob")


def test_asvs_7_4_5_operators_end_the_sessions_of_a_user(anna, bob):
    phone, laptop, other = signed_in(anna), signed_in(anna), signed_in(bob)

    said = run("--user", "ANNA")

    assert said == "anna: 2 sessions ended.\n"
    assert (status_of(phone), status_of(laptop), status_of(other)) == (401, 401, 200)
    rows = UserSession.objects.filter(user=anna)
    assert {row.end_reason for row in rows} == {EndReason.REVOKED_BY_STAFF}
    assert {row.session_data for row in rows} == {""}


def test_asvs_7_4_5_operators_end_everybodys_sessions(anna, bob):
    clients = [signed_in(anna), signed_in(bob)]

    said = run("--all", "--yes")

    assert said == "Everybody: 2 sessions ended.\n"
    assert [status_of(client) for client in clients] == [401, 401]


def test_asvs_7_4_5_each_session_and_the_reason_are_in_the_trail(anna, bob):
    root = UserFactory(username="root", is_superuser=True)
    sessions = [UserSessionFactory(user=user) for user in (anna, anna, bob)]

    run("--user=anna", "--user=bob", "--actor=root")

    asked = AuditEvent.objects.filter(action="end_sessions").order_by("id")
    assert [event.object_id for event in asked] == [str(anna.pk), str(bob.pk)]
    assert {event.changes["reason"][1] for event in asked} == {REASON}
    ended = AuditEvent.objects.filter(action="revoke", model="usersession")
    assert {event.object_id for event in ended} == {str(session.pk) for session in sessions}
    events = [*asked, *ended]
    assert len({event.request_id for event in events}) == 1
    assert {(event.actor_id, event.via) for event in events} == {(root.pk, "command")}


def test_everybodys_are_ended_in_batches_with_one_event_each(monkeypatch):
    monkeypatch.setattr(ending, "BATCH", 3)
    UserSessionFactory.create_batch(8)

    counts = list(ending.end_all(reason=REASON, batch=3))

    assert counts == [3, 3, 2]
    assert AuditEvent.objects.filter(action="revoke").count() == 8
    [event] = AuditEvent.objects.filter(action="end_sessions")
    assert (event.object_label, event.object_id) == ("everybody", "")
    assert not ending.open_sessions().exists()


def test_the_command_answers_programs(anna):
    signed_in(anna)

    said = json.loads(run("--user", "anna", "--format", "json"))

    assert said == {"dry_run": False, "sessions": [{"user": "anna", "count": 1}]}


def test_an_unknown_user_is_named_and_nothing_is_done(anna):
    session = UserSessionFactory(user=anna)

    with pytest.raises(CommandError, match="no user called 'nobody'"):
        run("--user", "anna", "--user", "nobody")

    session.refresh_from_db()
    assert session.ended_at is None
    assert not AuditEvent.objects.filter(action="end_sessions").exists()


@pytest.mark.parametrize("reason", ["", "   ", "x", "x" * 501, "nul \0 inside"])
def test_a_reason_that_is_none_is_refused_and_nothing_is_done(anna, reason):
    session = UserSessionFactory(user=anna)

    with pytest.raises(CommandError, match="--reason"):
        run("--user", "anna", reason=reason)

    session.refresh_from_db()
    assert session.ended_at is None


def test_a_dry_run_counts_and_ends_nothing(anna):
    client = signed_in(anna)

    assert run("--user", "anna", "--dry-run") == "anna: 1 session would be ended.\n"
    assert run("--all", "--dry-run") == "Everybody: 1 session would be ended.\n"
    assert status_of(client) == 200
    assert not AuditEvent.objects.filter(action="end_sessions").exists()


@pytest.mark.parametrize(("answer", "is_done"), [("yes", True), ("no", False), ("", False)])
def test_everybodys_are_ended_after_a_yes_at_the_terminal(monkeypatch, anna, answer, is_done):
    client = signed_in(anna)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked = []
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or answer)

    if is_done:
        run("--all")
    else:
        with pytest.raises(CommandError, match="Nothing was ended"):
            run("--all")

    assert asked == ["End 1 session of everybody? Type yes to go on: "]
    assert status_of(client) == (401 if is_done else 200)


def test_without_a_terminal_everybodys_take_a_yes_on_the_command_line(monkeypatch, anna):
    client = signed_in(anna)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    with pytest.raises(CommandError, match="Say --yes"):
        run("--all")

    assert status_of(client) == 200


@pytest.mark.parametrize("args", [(), ("--all", "--user=anna")])
def test_it_is_either_named_users_or_everybody(args):
    with pytest.raises(CommandError):
        run(*args)


def test_half_way_sign_ins_and_past_sessions_are_left_alone(anna):
    pending = UserSessionFactory(user=None)

    assert run("--all", "--yes") == "Everybody: 0 sessions ended.\n"
    pending.refresh_from_db()
    assert pending.ended_at is None
