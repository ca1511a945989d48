"""What ``gunicorn truledgr.wsgi`` runs with; its own options on the command line come first.

docs/developer/logging.md and the README say what the variables are for.
"""

import os
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from truledgr.environment import Environment
from truledgr.log_settings import log_settings

MOST_WORKERS = 8
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (for heartbeats, which a slow disk would delay)

env = Environment(os.environ)

# Without a shared cache each process counts tries for itself, so there is one of them.
several = min((os.cpu_count() or 1) + 1, MOST_WORKERS) if env.text("CACHE_URL") else 1
workers = env.number("WEB_CONCURRENCY", default=several, minimum=1)
threads = env.number("WEB_THREADS", default=4, minimum=1)
timeout = env.number("WEB_TIMEOUT", default=30, minimum=1)
graceful_timeout = env.number("WEB_GRACEFUL_SECONDS", default=30, minimum=1)
keepalive = 5
control_socket_disable = True  # nothing here is managed through it
if SHARED_MEMORY.is_dir():
    worker_tmp_dir = str(SHARED_MEMORY)

logconfig_dict = log_settings(env, debug=env.flag("DEBUG", default=True))

try:
    env.check()
except ImproperlyConfigured as error:
    sys.exit(f"TruLedgr cannot start: {error}")
