"""What the checks of an installation say, and that they never raise.

``test_doctor`` breaks what is left out here.
"""

from datetime import timedelta

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.management import CommandError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max

from authentication.tasks import send_letter
from core.schedule import jobs, jobs_named, run_now
from core.seals import seal
from core.tasks import purge
from core.tests.one_engine import on
from truledgr import checkup, tasks
from truledgr.checkup import CHECKS, SLOW, Finding, Status, database, files, findings, schema
from truledgr.checkup.findings import area
from users.tests.factories import UserFactory

LONG_AGO = timedelta(days=400)


@pytest.fixture
def queue(settings, db):
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"


def found(name):
    return {each.check: each for each in CHECKS[name]()}


def queued(task_path, ago, **columns):
    """A task in the queue, as if it had been put there that long ago."""
    row = DBTaskResult.objects.create(
        args_kwargs={"args": [], "kwargs": {}},
        task_path=task_path,
        backend_name="default",
        run_after=get_date_max(),
        **columns,
    )
    DBTaskResult.objects.filter(pk=row.pk).update(enqueued_at=timezone.now() - ago)


def installed(ago):
    MigrationRecorder(connection).migration_qs.update(applied=timezone.now() - ago)


# --- All of them ------------------------------------------------------------------------------


def test_every_finding_bears_the_name_of_its_area(db):
    for name in CHECKS.keys() - SLOW:
        answers = CHECKS[name]()

        assert answers, name
        assert {each.area for each in answers} == {name}


def test_a_check_that_raises_is_a_finding_without_its_text(caplog):
    @area("shelf", asks_database=False)
    def check_shelf():
        raise RuntimeError("shelf.internal is broken")

    (finding,) = check_shelf()

    assert (finding.check, finding.status) == ("shelf.not-checked", Status.FAILED)
    assert "internal" not in f"{finding.summary}{finding.remedy}"
    assert "shelf.internal is broken" in caplog.text


@on("postgresql")
def test_a_query_that_takes_long_is_given_up_and_the_next_one_works(db, monkeypatch, caplog):
    @area("well", asks_database=True)
    def check_well():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")
        yield Finding("well.deep", Status.OK, "")

    monkeypatch.setattr(findings, "LONGEST_QUERY", "20ms")

    assert [each.check for each in check_well()] == ["well.not-checked"]
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_without_a_database_nothing_else_asks_it(monkeypatch):
    away = Finding(database.UNREACHABLE, Status.FAILED, "")
    asked = []
    monkeypatch.setitem(CHECKS, "database", lambda: [away])
    monkeypatch.setitem(CHECKS, "keys", lambda: asked.append("keys") or [])

    found = checkup.run(["database", "keys", "static"])

    assert asked == []
    assert [each.area for each in found] == ["database", "static"]


# --- The database -----------------------------------------------------------------------------


def test_a_version_that_is_too_old(db, monkeypatch):
    monkeypatch.setattr(connection, "get_database_version", lambda: (3, 1))

    finding = found("database")["database.version"]

    assert finding.status is Status.FAILED
    assert "or newer" in finding.remedy


def test_moments_in_another_time_zone(db, settings):
    settings.TIME_ZONE = "Europe/Berlin"

    assert found("database")["database.time-zone"].status is Status.FAILED


@on("postgresql")
def test_a_database_that_refuses_to_be_written(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        try:
            assert found("database")["database.read-only"].status is Status.FAILED
        finally:
            cursor.execute("SET default_transaction_read_only = off")


@on("sqlite")
def test_a_file_that_cannot_be_written(db, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)

    assert found("database")["database.read-only"].status is Status.FAILED


@on("postgresql")
def test_a_month_without_a_partition(db, monkeypatch):
    assert found("partitions")["partitions.made"].status is Status.OK

    later = timezone.now() + LONG_AGO
    monkeypatch.setattr(database.timezone, "now", lambda: later)

    finding = found("partitions")["partitions.missing"]
    assert f"{later:%Y-%m}" in finding.summary
    assert finding.remedy == "manage.py make_partitions"


@on("postgresql")
def test_clocks_that_are_apart(db, monkeypatch):
    class Ahead(database.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + timedelta(seconds=30)

    monkeypatch.setattr(database, "datetime", Ahead)

    finding = found("clock")["clock.apart"]
    assert finding.status is Status.WARNING
    assert "30 s apart" in finding.summary


# --- The cache, and what is noted in it -------------------------------------------------------


def test_production_wants_a_cache_that_processes_share(settings):
    settings.DEBUG = False

    assert found("cache")["cache.not-shared"].status is Status.WARNING


def test_what_slow_checks_found_is_noted_without_the_rest():
    slow = Finding("drift.column-missing", Status.FAILED, "…")
    assert checkup.noted() is None

    checkup.note([slow, Finding("cache.shared", Status.OK, "…")])

    assert checkup.noted().findings == (slow,)


def test_the_job_notes_and_logs_what_the_slow_checks_find(monkeypatch, caplog):
    drift = Finding("drift.column-missing", Status.FAILED, "users has no name.", "migrate")
    monkeypatch.setattr(checkup, "run", lambda areas: [drift] if areas == SLOW else [])

    tasks.check_installation.call()

    assert checkup.noted().findings == (drift,)
    assert "drift.column-missing: users has no name. migrate" in caplog.text


# --- Work -------------------------------------------------------------------------------------


def test_mails_and_other_tasks_that_wait_are_told_apart(queue):
    queued(send_letter.module_path, timedelta(minutes=9))

    assert found("mail")["mail.late"].remedy == "Start a worker: manage.py db_worker"
    assert found("tasks").keys() == {"tasks.done"}

    queued(purge.module_path, timedelta(minutes=9))

    assert "9 minutes" in found("tasks")["tasks.late"].summary.replace("\xa0", " ")


def test_what_waits_for_a_moment_is_not_late(queue):
    queued(send_letter.module_path, timedelta(minutes=1))
    queued(purge.module_path, timedelta(minutes=1))

    assert found("mail").keys() | found("tasks").keys() == {"mail.on-time", "tasks.done"}


def test_many_failed_tasks_are_counted_no_further(queue, monkeypatch):
    monkeypatch.setattr("truledgr.checkup.work.MOST", 1)
    for _each in range(3):
        queued("any", timedelta(), status=TaskResultStatus.FAILED)

    assert found("tasks")["tasks.failed"].summary.startswith("More than 1 tasks have failed")


# --- The schedule -----------------------------------------------------------------------------


def test_a_fresh_installation_is_not_overdue(queue):
    installed(timedelta(minutes=1))

    for name in ("schedule", "retention", "trail"):
        assert {each.status for each in CHECKS[name]()} == {Status.OK}, name


def test_a_schedule_that_stands_still(queue):
    installed(LONG_AGO)
    assert found("schedule")["schedule.overdue"].status is Status.FAILED

    for job in jobs():
        queued(job.task.module_path, timedelta(minutes=5))
    assert found("schedule")["schedule.on-time"].status is Status.OK

    DBTaskResult.objects.filter(task_path=purge.module_path).update(
        enqueued_at=timezone.now() - timedelta(days=2)
    )
    finding = found("schedule")["schedule.overdue"]
    assert (finding.status, finding.summary) == (Status.WARNING, "Overdue: purge.")


def test_what_cron_runs_counts_too(queue):
    installed(LONG_AGO)

    run_now(*jobs_named(["purge"]))

    assert " purge" not in found("schedule")["schedule.overdue"].summary
    assert found("retention").keys() == {"retention.on-time"}


def test_a_purge_that_fails_every_day_is_overdue(queue):
    installed(LONG_AGO)
    queued(purge.module_path, timedelta(), status=TaskResultStatus.FAILED)

    assert found("retention")["retention.overdue"].remedy == "manage.py purge"


def test_a_trail_that_nobody_seals(queue, monkeypatch):
    UserFactory()
    later = timezone.now() + timedelta(hours=4)
    monkeypatch.setattr("truledgr.checkup.schedule.timezone.now", lambda: later)
    assert found("trail")["trail.unsealed"].remedy == "manage.py audit_seal"

    seal()

    assert found("trail").keys() == {"trail.sealed"}


# --- Files ------------------------------------------------------------------------------------


@pytest.fixture
def collected(monkeypatch):
    """The names that ``collectstatic`` has left behind."""
    storage = ManifestStaticFilesStorage.__new__(ManifestStaticFilesStorage)
    storage.hashed_files = {}
    monkeypatch.setattr(files, "staticfiles_storage", storage)
    return storage.hashed_files


def test_static_files_that_were_never_collected(collected):
    assert found("static")["static.not-collected"].status is Status.FAILED


def test_static_files_of_another_version(collected):
    collected.update({str(path.relative_to(files.OURS)): "" for path in files.OURS.rglob("*")})
    assert found("static").keys() == {"static.collected"}

    del collected["truledgr/admin.css"]

    finding = found("static")["static.outdated"]
    assert "truledgr/admin.css" in finding.summary
    assert "collectstatic" in finding.remedy


# --- What takes seconds -----------------------------------------------------------------------


def test_a_document_that_is_stale_names_its_command(monkeypatch):
    def answer(command, *_arguments, **_options):
        if command == "generate_erd":
            raise CommandError("stale", returncode=schema.FOUND)

    monkeypatch.setattr(schema, "call_command", answer)

    assert found("documentation")["documentation.generate-erd"].remedy == "manage.py generate_erd"


def test_a_generator_that_cannot_run_is_not_called_stale(monkeypatch, caplog):
    def answer(*_arguments, **_options):
        raise CommandError("broken", returncode=2)

    monkeypatch.setattr(schema, "call_command", answer)

    assert found("documentation").keys() == {"documentation.not-checked"}


def test_a_package_of_another_version(monkeypatch):
    assert found("packages").keys() == {"packages.pinned"}
    installed = schema.version
    monkeypatch.setattr(
        schema, "version", lambda name: "0.0" if name == "django" else installed(name)
    )

    assert found("packages")["packages.other"].summary.endswith("requirements.txt: django.")
