"""What ``gunicorn truledgr.wsgi`` runs with; its own options on the command line come first.

docs/developer/logging.md and the README say what the variables are for.
"""

import os
import shutil
import sys
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from truledgr.environment import Environment
from truledgr.log_settings import log_settings

MOST_WORKERS = 8
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (for what a slow disk would delay)
METRICS = "PROMETHEUS_MULTIPROC_DIR"  # where the processes keep what they count

env = Environment(os.environ)

# Without a shared cache each process counts tries for itself, so there is one of them.
several = min((os.cpu_count() or 1) + 1, MOST_WORKERS) if env.text("CACHE_URL") else 1
workers = env.number("WEB_CONCURRENCY", default=several, minimum=1)
threads = env.number("WEB_THREADS", default=4, minimum=1)
timeout = env.number("WEB_TIMEOUT", default=30, minimum=1)
graceful_timeout = env.number("WEB_GRACEFUL_SECONDS", default=30, minimum=1)
keepalive = 5
control_socket_disable = True  # nothing here is managed through it
worker_tmp_dir = str(SHARED_MEMORY) if os.access(SHARED_MEMORY, os.W_OK) else None  # heartbeats
metrics_directory = env.text("METRICS_DIRECTORY", default=worker_tmp_dir or gettempdir())

logconfig_dict = log_settings(env, debug=env.flag("DEBUG", default=True))

try:
    env.check()
except ImproperlyConfigured as error:
    sys.exit(f"TruLedgr cannot start: {error}")


def on_starting(_server: Any) -> None:
    """Before the first process begins, which decides by the variable how it counts."""
    os.environ[METRICS] = mkdtemp(prefix="truledgr-metrics-", dir=metrics_directory)


def child_exit(_server: Any, worker: Any) -> None:
    """What a process has counted stays, how many it has open does not."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 (see on_starting)

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    shutil.rmtree(os.environ[METRICS], ignore_errors=True)
