"""The queue of mails: encrypted while they wait, tried again, gone when they have left."""

import json
import logging
import signal
import smtplib
import socketserver
from dataclasses import asdict
from datetime import timedelta
from email import message_from_string
from threading import Thread

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from django_tasks import TaskResultStatus, task_backends
from django_tasks_db.models import DBTaskResult

from authentication.mails import Notice, notify, queue
from authentication.mails.letters import Letter
from authentication.tasks import WAITS, is_final, send_letter
from core.encryption import encrypt
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

DATABASE = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
ADDRESS = "canary-address@example.org"


@pytest.fixture
def anna():
    user = UserFactory(username="canary-name", email=ADDRESS)
    EmailAddress.objects.create(user=user, email=ADDRESS, verified=True, primary=True)
    return user


@pytest.fixture
def waiting(settings):
    """Mails wait in the database for a worker."""
    settings.TASKS = DATABASE


@pytest.fixture(autouse=True)
def _signals_and_levels_as_before():
    """The worker's command changes both for the whole process."""
    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
    handlers = [signal.getsignal(kind) for kind in kinds]
    loggers = [logging.getLogger(name) for name in ("django_tasks", "django_tasks_db")]
    levels = [logger.level for logger in loggers]
    yield
    for kind, handler in zip(kinds, handlers, strict=True):
        signal.signal(kind, handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def server(monkeypatch):
    """A mail server that raises what it is told to, one after the other."""

    class Server:
        errors = []
        tried = 0

    def send(message, *_args, **_kwargs):
        Server.tried += 1
        if Server.errors:
            raise Server.errors.pop(0)
        mail.outbox.append(message)

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", send)
    return Server


def work():
    """A worker's turn: everything that is due now."""
    call_command(
        "db_worker", "--batch", "--interval", "0", "--no-startup-delay", "--no-reload", verbosity=0
    )


def everything_stored():
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {DBTaskResult._meta.db_table}")
        return repr(cursor.fetchall())


def make_due():
    DBTaskResult.objects.update(run_after=timezone.now() - timedelta(seconds=1))


# --- The way through the database -----------------------------------------------------------


def test_a_mail_waits_encrypted_and_leaves_with_the_worker(waiting, anna):
    with transaction.atomic():
        notify(anna, Notice.RESET_LINK_BY_STAFF, url="http://testserver/canary-link")

    assert mail.outbox == []
    assert DBTaskResult.objects.count() == 1
    assert "canary" not in everything_stored()

    work()

    assert mail.outbox[0].to == [ADDRESS]
    assert "http://testserver/canary-link" in mail.outbox[0].body


def test_nothing_of_a_mail_stays_once_it_has_left(waiting, anna):
    notify(anna, Notice.PASSWORD_CHANGED)

    work()

    assert len(mail.outbox) == 1
    assert DBTaskResult.objects.count() == 0


def test_without_a_worker_mails_wait_and_none_is_lost(waiting, anna):
    for notice in (Notice.PASSWORD_CHANGED, Notice.FACTOR_ADDED, Notice.NEW_DEVICE):
        notify(anna, notice)
    assert mail.outbox == []

    work()

    assert len(mail.outbox) == 3


def test_a_roll_back_queues_nothing(waiting, anna):
    with pytest.raises(RuntimeError), transaction.atomic():
        notify(anna, Notice.PASSWORD_CHANGED)
        raise RuntimeError

    assert DBTaskResult.objects.count() == 0


def test_a_queue_that_is_away_breaks_no_request_and_logs_no_address(
    waiting, anna, monkeypatch, caplog
):
    def refuse(*_args, **_kwargs):
        raise OSError(ADDRESS)

    monkeypatch.setattr(DBTaskResult.objects, "create", refuse)

    notify(anna, Notice.PASSWORD_CHANGED)

    assert "A mail was not queued: OSError." in caplog.text
    assert ADDRESS not in caplog.text


def test_a_mail_that_expired_while_it_waited_is_not_sent(waiting, caplog):
    letter = {"name": "code", "to": ADDRESS, "subject": "s", "text": "t", "html": "h"}
    sealed = sealed_letter(**letter, user_id="u-1", useless_after=1.0)

    send_letter.enqueue(sealed)
    work()

    assert mail.outbox == []
    assert DBTaskResult.objects.count() == 0
    assert "expired before it was sent: code for user u-1" in caplog.text


def sealed_letter(**fields):
    return encrypt(json.dumps(asdict(Letter(**fields))).encode())


class Server(socketserver.TCPServer):
    allow_reuse_address = True


class Mailbox(socketserver.StreamRequestHandler):
    """As much of a mail server as a client needs (RFC 5321); it keeps what it is given."""

    received = []

    def handle(self):
        self.wfile.write(b"220 test\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                Mailbox.received.append(b"".join(lines).decode())
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                return


def test_mails_reach_a_mail_server_that_was_away_at_first(waiting, anna, settings):
    Mailbox.received = []
    with Server(("127.0.0.1", 0), Mailbox) as server:
        port = server.server_address[1]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    notify(anna, Notice.PASSWORD_CHANGED)
    work()
    assert DBTaskResult.objects.get().status == TaskResultStatus.READY

    with Server(("127.0.0.1", port), Mailbox) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        make_due()
        work()
        server.shutdown()
        thread.join()

    (message,) = map(message_from_string, Mailbox.received)
    assert message["To"] == ADDRESS
    assert message["Subject"] == "Your password was changed"
    assert [part.get_content_type() for part in message.get_payload()] == [
        "text/plain",
        "text/html",
    ]


# --- Trying again ---------------------------------------------------------------------------


def test_a_mail_server_that_is_away_is_tried_again_later(waiting, anna, server, caplog):
    server.errors = [ConnectionRefusedError(ADDRESS), smtplib.SMTPServerDisconnected(ADDRESS)]
    notify(anna, Notice.PASSWORD_CHANGED)
    before = timezone.now()

    work()

    row = DBTaskResult.objects.get()
    assert WAITS[0] <= row.run_after - before < WAITS[0] + timedelta(seconds=30)
    assert row.status == TaskResultStatus.READY
    make_due()
    work()
    assert DBTaskResult.objects.get().run_after - timezone.now() > WAITS[0]
    make_due()
    work()
    assert len(mail.outbox) == 1
    assert server.tried == 3
    assert DBTaskResult.objects.count() == 0
    assert "A mail waits: password_changed for user" in caplog.text
    assert "canary" not in caplog.text


def test_a_mail_is_given_up_after_the_last_attempt_and_leaves_no_secret(
    waiting, anna, server, caplog
):
    server.errors = [smtplib.SMTPConnectError(421, ADDRESS) for _ in range(20)]
    notify(anna, Notice.RESET_LINK_BY_STAFF, url="http://testserver/canary-link")

    for _turn in range(len(WAITS) + 3):
        make_due()
        work()

    assert server.tried == len(WAITS) + 1
    row = DBTaskResult.objects.get()
    assert row.status == TaskResultStatus.FAILED
    assert row.args_kwargs == {"args": [], "kwargs": {}}
    assert "SMTPConnectError 421, attempt 6" in row.traceback
    assert "canary" not in everything_stored()
    assert f"given up: reset_link_by_staff for user {anna.pk}" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (smtplib.SMTPRecipientsRefused({ADDRESS: (550, b"no such user")}), True),
        (smtplib.SMTPRecipientsRefused({ADDRESS: (451, b"greylisted")}), False),
        (smtplib.SMTPDataError(554, b"spam"), True),
        (smtplib.SMTPDataError(452, b"full"), False),
        (smtplib.SMTPAuthenticationError(535, b"wrong password"), False),
        (TimeoutError(), False),
        (ValueError("a header with a line break"), True),
    ],
)
def test_only_what_a_later_attempt_can_mend_is_tried_again(error, final, waiting, anna, server):
    assert is_final(error) is final
    server.errors = [error]
    notify(anna, Notice.PASSWORD_CHANGED)

    work()

    row = DBTaskResult.objects.get()
    assert row.status == (TaskResultStatus.FAILED if final else TaskResultStatus.READY)
    assert "canary" not in everything_stored()


def test_a_failing_mail_server_does_not_break_a_request_that_mails_at_once(
    client, anna, server, caplog
):
    """Development and tests have no worker."""
    server.errors = [ConnectionRefusedError(ADDRESS) for _ in range(5)]

    response = client.post("/accounts/password/reset/", {"email": ADDRESS})

    assert response.status_code == 302
    assert server.tried == 1
    assert "given up" in caplog.text
    assert "canary" not in caplog.text


# --- Looking after the queue ----------------------------------------------------------------


def age(**fields):
    DBTaskResult.objects.update(**fields)


def test_a_mail_whose_worker_was_killed_is_put_back_and_sent(waiting, anna, capsys):
    notify(anna, Notice.PASSWORD_CHANGED)
    age(status=TaskResultStatus.RUNNING, started_at=timezone.now() - queue.DEAD_AFTER * 2)
    work()
    assert mail.outbox == []

    call_command("tend_mails")
    work()

    assert "Put back: 1" in capsys.readouterr().out
    assert len(mail.outbox) == 1


def test_a_mail_that_is_being_sent_is_left_alone(waiting, anna):
    notify(anna, Notice.PASSWORD_CHANGED)
    age(status=TaskResultStatus.RUNNING, started_at=timezone.now())

    assert queue.requeue_interrupted() == 0


def test_what_is_left_of_mails_that_were_given_up_goes_after_two_weeks(waiting, anna, capsys):
    notify(anna, Notice.PASSWORD_CHANGED)
    age(status=TaskResultStatus.FAILED, finished_at=timezone.now() - timedelta(days=13))
    call_command("tend_mails")
    assert DBTaskResult.objects.count() == 1
    age(finished_at=timezone.now() - timedelta(days=15))

    call_command("tend_mails")

    assert DBTaskResult.objects.count() == 0
    assert "None waits." in capsys.readouterr().out


def test_health_reports_a_queue_that_nobody_works_on_and_stays_ready(waiting, anna, client):
    notify(anna, Notice.PASSWORD_CHANGED)
    fresh = client.get("/health/ready")
    age(enqueued_at=timezone.now() - queue.LATE_AFTER * 2)

    late = client.get("/health/ready")

    assert (fresh.status_code, fresh.json()["checks"]["mails"]) == (200, "ok")
    assert (late.status_code, late.json()["checks"]["mails"]) == (200, "late")
    assert late.json()["status"] == "degraded"


def test_a_mail_that_waits_for_its_next_attempt_is_not_late(waiting, anna):
    notify(anna, Notice.PASSWORD_CHANGED)
    an_hour = timedelta(hours=1)
    age(enqueued_at=timezone.now() - an_hour, run_after=timezone.now() + an_hour)
    assert not queue.are_mails_late()

    age(run_after=timezone.now() - an_hour)

    assert queue.are_mails_late()


def test_where_mails_leave_at_once_health_asks_nothing_of_a_queue(client):
    assert not queue.has_queue()
    assert "mails" not in client.get("/health/ready").json()["checks"]


def test_the_back_end_of_the_test_is_the_one_of_production(waiting):
    assert type(task_backends["default"]).__name__ == "DatabaseBackend"
