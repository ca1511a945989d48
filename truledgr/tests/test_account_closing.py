"""An account is deleted when its owner asked for it, and nothing tells whose it was."""

from datetime import timedelta
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from authentication.personal_data.closing import (
    CannotCloseError,
    ask_for_deletion,
    close_account,
    close_due_accounts,
)
from authentication.personal_data.tasks import close_accounts
from authentication.services.accounts import has_account, sign_up
from core.errors import ConflictError
from core.models import AuditEvent
from core.schedule import jobs
from core.soft_delete import is_soft_deleted
from core.tests.one_engine import on
from core.tests.parallel import at_once
from groups.models import Group, Membership
from groups.tests.factories import GroupFactory
from items.models import Item
from truledgr.tests.closing import annika, bobolink, fresh, make_due, places_of, supporter
from truledgr.tests.person_with_everything import Person
from users.models import EndReason, SessionActivity, User, UserSession
from users.tests.factories import DeviceFactory, UserFactory, UserSessionFactory

staff, ann, bob = map(pytest.fixture, (supporter, annika, bobolink))
pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


# --- What is left ---------------------------------------------------------------------------


def test_nothing_tells_whose_the_account_was(ann, bob):
    group = GroupFactory(owner=bob.user)
    ann.join(group)
    assert {kind for kind, _place in places_of(ann.words)} == set(ann.words)
    before = places_of(bob.words)
    make_due(ann.user)

    [closed] = close_due_accounts()

    assert (closed.username, closed.refused) == ("annika", "")
    assert places_of(ann.words) == set()
    assert places_of({"any": "annika"}) == set()
    assert places_of(bob.words) == before


def test_what_was_theirs_is_gone_and_what_is_others_stays(ann, bob):
    group = GroupFactory(owner=bob.user)
    ann.join(group)
    bob.join(group)
    theirs = Item.objects.filter(created_by=ann.user, group=group).get()
    make_due(ann.user)

    close_due_accounts()

    assert not Item.objects.filter(owner=ann.user).exists()
    assert not Group.objects.filter(pk=ann.own_group.pk).exists()
    assert not Item.objects.filter(group=ann.own_group.pk).exists()
    assert not Membership.objects.filter(user=ann.user).exists()
    group.refresh_from_db()
    assert group.member_count == group.memberships.count() == 1
    theirs.refresh_from_db()
    assert (theirs.is_deleted, theirs.created_by_id) == (False, ann.user.pk)
    bob.item.refresh_from_db()
    assert not bob.item.is_deleted
    assert Item.objects.filter(owner=bob.user).count() == 2


def test_every_row_about_them_is_gone_or_blank(ann):
    make_due(ann.user)
    open_before = UserSession.objects.filter(user=ann.user, ended_at=None).count()

    close_due_accounts()

    for name in ("devices", "api_tokens", "password_reset_tokens", "session_days", "activities"):
        assert not getattr(ann.user, name).exists(), name
    assert not ann.user.role_assignments.exists()
    assert not EmailAddress.objects.filter(user=ann.user).exists()
    sessions = UserSession.objects.filter(user=ann.user)
    assert open_before == sessions.filter(end_reason=EndReason.ACCOUNT_CLOSED).count() == 2
    for session in sessions:
        assert session.ended_at
        assert (session.client_ip, session.user_agent, session.city) == (None, "", "")
        assert (session.latitude, session.device_id, session.session_data) == (None, None, "")
    user = fresh(ann.user)
    assert user.is_deleted
    assert user.anonymised_at
    assert user.deletion_due_at is None
    assert not user.has_usable_password()
    assert user.email.endswith("@deleted.invalid")


def test_staff_who_leave_leave_no_trace_in_the_sessions_of_others(ann, staff):
    make_due(staff)
    staff_traces = {"client_ip": "203.0.113.99"}
    assert SessionActivity.objects.filter(**staff_traces).exists()

    close_due_accounts()

    ann.impersonated.refresh_from_db()
    assert ann.impersonated.impersonator_id == staff.pk
    assert ann.impersonated.end_reason == EndReason.IMPERSONATION_ENDED
    assert not UserSession.objects.filter(**staff_traces).exists()
    assert not SessionActivity.objects.filter(**staff_traces).exists()
    assert SessionActivity.objects.filter(user=ann.user).count() == 3


def test_the_trail_is_whole_and_says_what_was_done(ann):
    before = list(AuditEvent.objects.order_by("id").values())
    make_due(ann.user)

    close_due_accounts()

    assert list(AuditEvent.objects.order_by("id").values())[: len(before)] == before
    out = StringIO()
    call_command("audit_verify", stdout=out)
    event = AuditEvent.objects.get(action="anonymise")
    assert event.object_id == str(ann.user.pk)
    assert event.object_label.startswith("deleted-")
    assert event.changes["devices"] == [1, 0]
    assert event.changes["items"] == [3, 0]


def test_the_keys_of_the_database_still_fit(ann, bob):
    ann.join(GroupFactory(owner=bob.user))
    make_due(ann.user)

    close_due_accounts()

    connection.check_constraints()
    call_command("check_integrity", stdout=StringIO())


def test_the_last_mail_goes_to_the_old_address_and_holds_no_link(ann):
    make_due(ann.user)

    close_due_accounts()

    [message] = mail.outbox
    assert message.to == [ann.words["email"]]
    assert message.subject == "Your account is deleted"
    assert "Username: annika" in message.body
    assert "not-me" not in message.body


def test_the_name_and_the_address_are_free_again(ann):
    make_due(ann.user)
    close_due_accounts()

    assert not has_account(ann.words["email"])
    sign_up(user=User(username="annika", email=ann.words["email"]))

    assert User.objects.alive().named("annika").get().pk != ann.user.pk


def test_nobody_gets_in_any_more(ann, api_of):
    client, program = ann.client(), api_of(ann.user)
    make_due(ann.user)

    close_due_accounts()

    assert client.get("/api/v1/me").status_code == 401
    assert program.get("/api/v1/me").status_code == 401
    form = {"login": "annika", "password": "annika horse battery 9"}
    assert "sessionid" not in Client().post("/accounts/login/", form).cookies


def test_an_anonymised_account_cannot_be_restored(ann):
    make_due(ann.user)
    close_due_accounts()
    user = fresh(ann.user)

    for restore in (user.restore, User.objects.filter(pk=user.pk).restore):
        with pytest.raises(ConflictError, match="gone for good"):
            restore()
    assert fresh(user).is_deleted
    bystander = UserFactory()
    bystander.delete()
    bystander.restore()
    assert not fresh(bystander).is_deleted


def test_the_admin_offers_no_restore_and_says_why_among_others(ann, admin_client):
    make_due(ann.user)
    close_due_accounts()
    page = f"/admin/users/user/{ann.user.pk}/"

    assert f"{page}restore/" not in admin_client.get(f"{page}change/").content.decode()
    assert admin_client.post(f"{page}restore/").status_code == 403
    chosen = {"action": "restore_selected", "_selected_action": [str(ann.user.pk)]}
    answer = admin_client.post("/admin/users/user/?state=deleted", chosen, follow=True)

    assert "gone for good" in answer.content.decode()
    assert fresh(ann.user).is_deleted


def test_only_users_are_never_restored():
    assert is_soft_deleted(User)
    assert not hasattr(Item, "never_restored")


# --- Carrying it out ------------------------------------------------------------------------


def test_who_is_not_due_stays(ann, bob):
    ask_for_deletion(actor=ann.user, username="annika")

    assert close_due_accounts() == []
    assert not fresh(ann.user).is_deleted


def test_doing_it_twice_does_it_once(ann):
    make_due(ann.user)
    stale = fresh(ann.user)

    assert close_account(user=stale, must_be_due=True)
    events = AuditEvent.objects.count()
    assert not close_account(user=stale, must_be_due=True)
    assert not close_account(user=fresh(ann.user))

    assert AuditEvent.objects.count() == events


def test_one_that_fails_does_not_keep_the_others(ann, bob, monkeypatch, caplog):
    make_due(ann.user)
    make_due(bob.user)
    User.objects.filter(pk=ann.user.pk).update(deletion_due_at=timezone.now() - 2 * DAY)

    def fail_for_ann(owner):
        if owner.pk == ann.user.pk:
            raise RuntimeError("The disk is full.")

    monkeypatch.setattr("authentication.personal_data.closing._say_goodbye", fail_for_ann)

    done = {closed.username: closed.refused for closed in close_due_accounts()}

    assert "failed" in done["annika"]
    assert done["bobolink"] == ""
    assert fresh(ann.user).deletion_due_at  # tried again within the hour
    assert EmailAddress.objects.filter(user=ann.user).exists()
    assert "disk is full" in caplog.text


def test_what_a_late_request_writes_goes_with_the_next_run(ann):
    make_due(ann.user)
    close_due_accounts()
    closed_at = fresh(ann.user).anonymised_at
    where = {"user": ann.user, "client_ip": ann.words["ip"]}
    SessionActivity.objects.create(**where)
    session = UserSessionFactory(**where, device=DeviceFactory(user=ann.user))

    close_due_accounts()

    assert not SessionActivity.objects.filter(user=ann.user).exists()
    assert not ann.user.devices.exists()
    session.refresh_from_db()
    assert (session.end_reason, session.client_ip) == (EndReason.ACCOUNT_CLOSED, None)
    assert fresh(ann.user).anonymised_at == closed_at


@on("postgresql")  # SQLite has one writer at a time
@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_close_it_once(staff):
    ann = Person("annika", ip="198.51.100.17", staff=staff)
    make_due(ann.user)

    outcomes = at_once(*[close_due_accounts] * 4)

    assert [len(done) for done in outcomes].count(1) == 1, outcomes
    assert [closed.refused for done in outcomes for closed in done] == [""]
    assert AuditEvent.objects.filter(action="anonymise").count() == 1


@on("postgresql")  # SQLite has one writer at a time
@pytest.mark.django_db(transaction=True)
def test_of_the_last_two_administrators_who_leave_at_once_one_stays():
    people = [UserFactory(username=name, is_superuser=True) for name in ("ada", "bea")]
    done = at_once(
        *[lambda user=user: close_account(user=user) for user in people],
    )

    refused = [outcome for outcome in done if isinstance(outcome, CannotCloseError)]
    assert len(refused) == 1, done
    assert User.objects.active().filter(is_superuser=True).count() == 1


def test_the_clock_does_it_every_hour(ann):
    [job] = [job for job in jobs() if job.name == "close_accounts"]
    make_due(ann.user)

    close_accounts.call()

    assert fresh(ann.user).anonymised_at
    assert len(job.cron.split()) == 5
    assert job.cron.split()[1:] == ["*", "*", "*", "*"]
