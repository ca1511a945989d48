from __future__ import annotations

import logging
from typing import Any

from apscheduler.events import (  # type: ignore[import-untyped]
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobEvent,
)
from apscheduler.executors.pool import ThreadPoolExecutor  # type: ignore[import-untyped]
from apscheduler.schedulers.blocking import BlockingScheduler  # type: ignore[import-untyped]
from django.core.management.base import CommandError, CommandParser
from django.db import connections
from django.utils import timezone

from core.management.base import INTERRUPTED, FindingsError
from core.management.base import Command as BaseCommand
from core.schedule import Job, enqueue_due, jobs, jobs_named, run_now

logger = logging.getLogger(__name__)

THREADS = 4  # a job that waits for the database holds no other up
LATEST = 300  # seconds after which a run that came too late is left to the next one


class Command(BaseCommand):
    help = """Hand every job to the queue when it is due, until it is told to stop.

A worker (manage.py db_worker) runs what is queued. Several schedulers may run side by side: a job
is queued once a minute at most. Without a scheduler, let cron run run_schedule --once NAME."""
    examples = (
        ("python manage.py run_schedule", "run until Ctrl-C or SIGTERM"),
        ("python manage.py run_schedule --list", "each job, and when it is due next"),
        ("python manage.py run_schedule --once", "run all jobs now, in this process"),
        ("python manage.py run_schedule --once purge", "run one of them"),
    )
    exit_codes = {
        0: "done; or, without --list and --once, stopped as it was told to",
        1: "with --once: a job failed",
        INTERRUPTED: "with --once: stopped by Ctrl-C or SIGTERM",
    }
    page = "docs/developer/retention.md"
    when_stopped = "The job that was running was not finished; it is run again when it is due."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--list", action="store_true", help="show the schedule and end")
        what.add_argument(
            "--once",
            nargs="*",
            metavar="NAME",
            help="run the named jobs now in this process, all without a name, and end",
        )

    def handle(self, *args: Any, once: list[str] | None, **options: Any) -> None:
        if options["list"]:
            self._list()
        elif once is not None:
            self._run_once(once)
        elif self.is_json:
            raise CommandError("--format json goes with --list or --once.")
        else:
            self._run()

    def _list(self) -> None:
        now = timezone.now()
        if self.is_json:
            self.write_json(
                {
                    "jobs": [
                        {
                            "name": job.name,
                            "crontab": job.cron,
                            "next_run": job.next_run(now),
                            "purpose": job.purpose,
                        }
                        for job in jobs()
                    ]
                }
            )
            return
        rows = [
            (job.name, job.cron, f"{job.next_run(now):%Y-%m-%d %H:%M}", job.purpose)
            for job in jobs()
        ]
        table = [("job", "crontab", "next (UTC)", "what it does"), *rows]
        name, cron, moment = (max(len(row[column]) for row in table) for column in range(3))
        for row in table:
            self.stdout.write(f"{row[0]:<{name}}  {row[1]:<{cron}}  {row[2]:<{moment}}  {row[3]}")

    def _run_once(self, names: list[str]) -> None:
        chosen, outcomes = jobs_named(names), {}
        self.require_database()
        for job in chosen:
            outcomes[job.name] = run_now(job)
            if not self.is_json:
                self.stdout.write(f"{job.name}: {'done' if outcomes[job.name] else 'failed'}")
        if self.is_json:
            self.write_json(
                {"jobs": [{"name": name, "done": is_done} for name, is_done in outcomes.items()]}
            )
        failed = [name for name, is_done in outcomes.items() if not is_done]
        if failed:
            raise FindingsError(f"Failed: {', '.join(failed)}. The log says why.")

    def _run(self) -> None:
        """Run until SIGTERM, which the base turns into Ctrl-C: that is no failure of a service."""
        scheduler = scheduler_of(jobs())
        self.stdout.write(f"{len(jobs())} jobs are on the schedule. Stop with Ctrl-C or SIGTERM.")
        try:
            scheduler.start()
        except KeyboardInterrupt:
            self.stdout.write("Stopping: what is being queued is finished first.")
        finally:
            scheduler.shutdown()


def scheduler_of(chosen: list[Job]) -> BlockingScheduler:
    """A scheduler that hands each of ``chosen`` to the queue, and logs what it misses."""
    scheduler = BlockingScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(THREADS)},
        job_defaults={"coalesce": True, "misfire_grace_time": LATEST, "max_instances": 1},
    )
    for job in chosen:
        scheduler.add_job(queue, job.trigger, args=[job], id=job.name, name=job.name)
    scheduler.add_listener(_log_missed, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
    return scheduler


def queue(job: Job) -> None:
    """What a thread of the scheduler does; it keeps no connection until the next time."""
    try:
        enqueue_due(job)
    finally:
        connections.close_all()


def _log_missed(event: JobEvent) -> None:
    logger.warning("The job %s missed a run; it waits for the next.", event.job_id)
