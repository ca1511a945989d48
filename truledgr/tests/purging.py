"""Runs of `manage.py purge`, with rows that go by each of its rules and rows that stay."""

from datetime import timedelta
from io import StringIO
from itertools import count

from django.core.management import call_command
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from authentication.models import APIToken, PasswordResetToken
from core.retention import rules_named
from users.models import EndReason, SessionDay
from users.tests.activity_months import activity
from users.tests.factories import UserFactory, UserSessionFactory

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
NAMES = ["activity", "analytics", "invitations", "sessions", "tasks", "tokens", "deleted"]
numbers = count()


def limit_of_a_rule(monkeypatch):
    """Answers before when a rule removes; the clock stands still."""
    now = timezone.now()
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    return lambda name: rules_named([name])[0].before()


def run(*args):
    out = StringIO()
    call_command("purge", *args, stdout=out)
    return out.getvalue()


def table(text):
    """{rule: (removed, kept)} as the command printed it."""
    lines = [line.split() for line in text.splitlines()]
    return {words[0]: (words[2], words[3]) for words in lines if words[0] in NAMES}


def left(model):
    return set(model.objects.values_list("pk", flat=True))


def session(ended=None, **values):
    reason = {"end_reason": EndReason.SIGNED_OUT, "session_data": ""} if ended else {}
    return UserSessionFactory(ended_at=ended, **reason, **values)


def sessions_around(before):
    now = timezone.now()
    later, past = now + DAY, before - SECOND
    goes = [
        session(past),
        session(expires_at=past, idle_expires_at=later),
        session(expires_at=later, idle_expires_at=past),
        session(user=None, expires_at=now - SECOND),
        session(user=None, expires_at=later, idle_expires_at=now - SECOND),
    ]
    stays = [
        session(before),
        session(now - DAY),
        session(expires_at=later),
        session(expires_at=before),
        session(expires_at=now - DAY),
        session(user=None, expires_at=later),
    ]
    return goes, stays


def activity_around(before):
    goes = [activity(before - SECOND), activity(before - 400 * DAY)]
    return goes, [activity(before), activity(timezone.now())]


def days_around(before):
    def day(on, user=None):
        return SessionDay.objects.create(day=on, user=user)

    user = UserFactory()
    goes = [day((before - DAY).date()), day((before - DAY).date(), user)]
    return goes, [day(before.date()), day(before.date(), user), day(timezone.now().date())]


def task_row(finished, status=TaskResultStatus.SUCCESSFUL):
    return DBTaskResult.objects.create(
        status=status,
        finished_at=finished,
        args_kwargs={"args": [], "kwargs": {}},
        task_path="core.tasks.purge",
        backend_name="default",
        run_after=timezone.now(),
    )


def tasks_around(before):
    failed, ready = TaskResultStatus.FAILED, TaskResultStatus.READY
    goes = [task_row(before - SECOND), task_row(before - SECOND, failed)]
    return goes, [task_row(before), task_row(before, failed), task_row(None, ready)]


def reset_token(expires, **values):
    return PasswordResetToken.objects.create(
        user=UserFactory(), token_hash=f"r{next(numbers)}", expires_at=expires, **values
    )


def resets_around(before):
    later, past = timezone.now() + DAY, before - SECOND
    goes = [
        reset_token(past),
        reset_token(later, used_at=past),
        reset_token(later, revoked_at=past),
    ]
    return goes, [reset_token(before), reset_token(later), reset_token(later, used_at=before)]


def api_token(**values):
    return APIToken.objects.create(
        user=UserFactory(), name="t", prefix="tl", token_hash=f"a{next(numbers)}", **values
    )


def api_tokens_around(before):
    later, past = timezone.now() + DAY, before - SECOND
    goes = [api_token(expires_at=past), api_token(expires_at=later, revoked_at=past)]
    return goes, [api_token(), api_token(expires_at=before), api_token(revoked_at=before)]


BUILDERS = [
    ("sessions", sessions_around),
    ("activity", activity_around),
    ("analytics", days_around),
    ("tasks", tasks_around),
    ("tokens", resets_around),
    ("tokens", api_tokens_around),
]
