from __future__ import annotations

import logging
import signal
import sys
from typing import Any

from apscheduler.events import (  # type: ignore[import-untyped]
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobEvent,
)
from apscheduler.executors.pool import ThreadPoolExecutor  # type: ignore[import-untyped]
from apscheduler.schedulers.blocking import BlockingScheduler  # type: ignore[import-untyped]
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.utils import timezone

from core.management.base import HelpFormatter
from core.schedule import Job, UnknownJobError, enqueue_due, jobs, jobs_named, run_now

logger = logging.getLogger(__name__)

THREADS = 4  # a job that waits for the database holds no other up
LATEST = 300  # seconds after which a run that came too late is left to the next one


class Command(BaseCommand):
    help = """Hand every job to the queue when it is due, until it is told to stop.

A worker (manage.py db_worker) runs what is queued. Several schedulers may run side by side: a job
is queued once a minute at most. Without a scheduler, let cron run `run_schedule --once NAME`.

  manage.py run_schedule                   runs until SIGTERM or Ctrl-C
  manage.py run_schedule --list            shows each job, when it is due next, and what it does
  manage.py run_schedule --once            runs all jobs now, in this process
  manage.py run_schedule --once purge      runs one of them
"""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, formatter_class=HelpFormatter, **kwargs)

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
        else:
            self._run()

    def _list(self) -> None:
        now = timezone.now()
        rows = [
            (job.name, job.cron, f"{job.next_run(now):%Y-%m-%d %H:%M}", job.purpose)
            for job in jobs()
        ]
        table = [("job", "crontab", "next (UTC)", "what it does"), *rows]
        name, cron, moment = (max(len(row[column]) for row in table) for column in range(3))
        for row in table:
            self.stdout.write(f"{row[0]:<{name}}  {row[1]:<{cron}}  {row[2]:<{moment}}  {row[3]}")

    def _run_once(self, names: list[str]) -> None:
        try:
            chosen = jobs_named(names)
        except UnknownJobError as error:
            raise CommandError(error.message) from error
        failed = []
        for job in chosen:
            is_done = run_now(job)
            self.stdout.write(f"{job.name}: {'done' if is_done else 'failed'}")
            if not is_done:
                failed.append(job.name)
        if failed:
            raise CommandError(f"Failed: {', '.join(failed)}. The log says why.")

    def _run(self) -> None:
        scheduler = scheduler_of(jobs())
        before = signal.signal(signal.SIGTERM, _stop)
        self.stdout.write(f"{len(jobs())} jobs are on the schedule. Stop with Ctrl-C or SIGTERM.")
        try:
            scheduler.start()
        except (KeyboardInterrupt, SystemExit):
            self.stdout.write("Stopping: what is being queued is finished first.")
        finally:
            signal.signal(signal.SIGTERM, before)
            scheduler.shutdown()


def _stop(_signal: int, _frame: Any) -> None:
    sys.exit(0)


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
