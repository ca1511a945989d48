import logging
import os
import signal
from datetime import UTC, datetime
from io import StringIO
from threading import Timer
from types import SimpleNamespace

import pytest
from apscheduler.events import EVENT_JOB_MISSED, JobExecutionEvent
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from core import schedule
from core.context import Via, current
from core.management.commands import run_schedule
from core.schedule import UnknownJobError, enqueue_due, jobs_named, periodic
from core.tests.parallel import at_once

DATABASE = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday

seen = []


@task()
def note_it() -> None:
    """Note that it ran.

    This line is not shown.
    """
    seen.append(current().via)


@task()
def fail_it() -> None:
    """Fail."""
    raise RuntimeError("out of paper")


def _namesake() -> None:
    """Has the name of another."""


_namesake.__name__ = "note_it"
namesake = task()(_namesake)


@pytest.fixture(autouse=True)
def own_schedule(monkeypatch):
    """Nothing on the schedule but what the test puts there."""
    seen.clear()
    monkeypatch.setattr(schedule, "_jobs", {})


def run(*args):
    out = StringIO()
    call_command("run_schedule", *args, stdout=out)
    return out.getvalue()


# --- Putting on the schedule ----------------------------------------------------------------


def test_a_task_stays_the_task_that_it_was():
    assert periodic("*/5 * * * *")(note_it) is note_it
    assert [job.name for job in schedule.jobs()] == ["note_it"]


def test_the_same_task_may_be_registered_again_but_no_other_of_its_name():
    periodic("*/5 * * * *")(note_it)
    periodic("0 * * * *")(note_it)

    with pytest.raises(ImproperlyConfigured, match="Two tasks on the schedule are called note_it"):
        periodic("0 * * * *")(namesake)
    assert [job.cron for job in schedule.jobs()] == ["0 * * * *"]


@pytest.mark.parametrize("cron", ["* * * *", "61 * * * *", "every day", "0 0 31 13 *"])
def test_what_is_no_crontab_is_refused(cron):
    with pytest.raises(ImproperlyConfigured, match="is no crontab"):
        periodic(cron)(note_it)


@pytest.mark.parametrize("weekday", ["0", "1-5", "mon,3"])
def test_a_weekday_is_a_name_because_numbers_mean_different_days(weekday):
    with pytest.raises(ImproperlyConfigured, match="as a name"):
        periodic(f"0 0 * * {weekday}")(note_it)


@pytest.mark.parametrize(
    ("cron", "due"),
    [
        ("*/5 * * * *", datetime(2026, 11, 23, 12, 5, tzinfo=UTC)),
        ("0 12 * * *", datetime(2026, 11, 24, 12, tzinfo=UTC)),
        ("30 2 * * mon", datetime(2026, 11, 30, 2, 30, tzinfo=UTC)),
        ("0 0 1 * *", datetime(2026, 12, 1, tzinfo=UTC)),
    ],
)
def test_the_next_run_is_after_the_moment_and_in_utc(cron, due):
    periodic(cron)(note_it)

    assert schedule.jobs()[0].next_run(NOON) == due


# --- Queueing -------------------------------------------------------------------------------


def rows():
    return DBTaskResult.objects.filter(task_path__in=[note_it.module_path, fail_it.module_path])


@pytest.fixture
def noted():
    periodic("*/5 * * * *")(note_it)
    return schedule.jobs()[0]


@pytest.fixture
def at_noon(monkeypatch):
    """A clock that stands at noon until it is set."""
    clock = [NOON]
    monkeypatch.setattr("django.utils.timezone.now", lambda: clock[0])
    return clock


@pytest.mark.django_db
def test_a_due_job_is_queued_once_a_minute(settings, noted, at_noon):
    settings.TASKS = DATABASE

    assert enqueue_due(noted)
    at_noon[0] = NOON.replace(second=59)
    assert not enqueue_due(noted)
    at_noon[0] = NOON.replace(minute=1)
    assert enqueue_due(noted)
    assert rows().count() == 2
    assert seen == []


@pytest.mark.django_db(transaction=True)
def test_of_schedulers_side_by_side_one_queues(settings, noted, at_noon):
    settings.TASKS = DATABASE

    outcomes = at_once(*[lambda: enqueue_due(noted)] * 4)

    assert sorted(outcomes) == [False, False, False, True]
    assert rows().count() == 1


@pytest.mark.django_db
def test_without_a_queue_the_job_runs_at_once(noted):
    assert enqueue_due(noted)
    assert len(seen) == 1


@pytest.mark.django_db
def test_a_job_that_cannot_be_queued_is_logged_and_stops_nothing(noted, monkeypatch, caplog):
    def broken(_job):
        raise OSError("no database")

    monkeypatch.setattr(schedule, "_enqueue_once", broken)

    assert not enqueue_due(noted)
    assert "note_it could not be queued" in caplog.text


# --- Names ----------------------------------------------------------------------------------


def test_an_unknown_name_is_answered_with_the_known_ones(noted):
    with pytest.raises(UnknownJobError, match=r"No job is called nix\. There are: note_it\."):
        jobs_named(["nix"])
    assert jobs_named([]) == [noted]


# --- The command ----------------------------------------------------------------------------


def test_the_list_says_when_each_is_due_and_what_it_does(noted, at_noon):
    heading, line = run("--list").splitlines()

    assert heading.split() == ["job", "crontab", "next", "(UTC)", "what", "it", "does"]
    assert line.split("  ") == ["note_it", "*/5 * * * *", "2026-11-23 12:05", "Note that it ran."]


@pytest.mark.django_db
def test_once_runs_the_named_jobs_here_and_now(settings, noted):
    settings.TASKS = DATABASE
    periodic("0 0 * * *")(fail_it)

    assert run("--once", "note_it") == "note_it: done\n"
    assert seen == [Via.TASK]


@pytest.mark.django_db
def test_a_failing_job_is_logged_and_the_others_run(noted, caplog):
    periodic("0 0 * * *")(fail_it)
    out = StringIO()

    with pytest.raises(CommandError, match=r"Failed: fail_it\."):
        call_command("run_schedule", "--once", stdout=out)

    assert out.getvalue() == "fail_it: failed\nnote_it: done\n"
    assert "out of paper" in caplog.text
    assert len(seen) == 1


def test_once_with_an_unknown_name_runs_nothing(noted):
    with pytest.raises(CommandError, match="There are: note_it"):
        run("--once", "note_it", "nix")
    assert seen == []


def test_every_job_is_handed_to_the_scheduler_with_its_trigger(noted):
    (job,) = run_schedule.scheduler_of([noted]).get_jobs()

    assert (job.func, job.args, job.trigger) == (run_schedule.queue, (noted,), noted.trigger)


def test_a_job_leaves_no_connection_behind(noted, monkeypatch):
    closed = []
    monkeypatch.setattr(run_schedule.connections, "close_all", lambda: closed.append(True))

    run_schedule.queue(noted)

    assert (len(seen), closed) == (1, [True])


def test_a_missed_run_is_logged(noted, caplog):
    scheduler = run_schedule.scheduler_of([noted])

    scheduler._dispatch_event(JobExecutionEvent(EVENT_JOB_MISSED, "note_it", "default", NOON))

    assert "The job note_it missed a run" in caplog.text


def test_sigterm_ends_it_cleanly(capsys, monkeypatch):
    monkeypatch.setattr("django.core.management.base.connections", SimpleNamespace(close_all=int))
    before = signal.getsignal(signal.SIGTERM)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    timer = Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()

    run_schedule.Command().run_from_argv(["manage.py", "run_schedule", "--skip-checks"])

    timer.join()
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "0 jobs are on the schedule. Stop with Ctrl-C or SIGTERM."
    assert said[1].startswith("Stopping")
    assert signal.getsignal(signal.SIGTERM) is before
