"""What only a process itself knows: its pool of connections, and its activity that waits.

Where several processes answer as one, a thread of each notes its own every ``SECONDS``.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict

from django.db import connections
from prometheus_client import Counter, Gauge

from users.activity.buffer import buffer

SHARED = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own: set where processes share numbers
SECONDS = 5

# By the names that psycopg_pool gives them.
POOL_GAUGES = {
    "pool_max": Gauge(
        "truledgr_database_pool_connections_max",
        "Connections that the pools may open.",
        ["database"],
        multiprocess_mode="livesum",
    ),
    "pool_size": Gauge(
        "truledgr_database_pool_connections",
        "Connections that the pools have open.",
        ["database"],
        multiprocess_mode="livesum",
    ),
    "pool_available": Gauge(
        "truledgr_database_pool_connections_available",
        "Connections that nobody is using.",
        ["database"],
        multiprocess_mode="livesum",
    ),
    "requests_waiting": Gauge(
        "truledgr_database_pool_waiting",
        "Threads that wait for a connection.",
        ["database"],
        multiprocess_mode="livesum",
    ),
}
POOL_COUNTERS = {
    "requests_num": Counter(
        "truledgr_database_pool_requests", "Times a connection was asked for.", ["database"]
    ),
    "requests_queued": Counter(
        "truledgr_database_pool_requests_queued",
        "Times none was free, so that somebody had to wait.",
        ["database"],
    ),
    "requests_errors": Counter(
        "truledgr_database_pool_requests_failed", "Times there was none in time.", ["database"]
    ),
    "requests_wait_ms": Counter(
        "truledgr_database_pool_wait_seconds", "Time spent waiting for one.", ["database"]
    ),
}
ACTIVITY_WAITING = Gauge(
    "truledgr_activity_rows_waiting",
    "Rows of activity that are not in the database yet.",
    multiprocess_mode="livesum",
)
ACTIVITY_LOST = Counter(
    "truledgr_activity_rows_lost", "Rows of activity that were given up: too many waited."
)

_lock = threading.Lock()
_counted: defaultdict[tuple[str, str], float] = defaultdict(float)


def sample() -> None:
    """Note how this process is doing."""
    with _lock:
        for alias in connections:
            pool = getattr(connections[alias], "pool", None)
            if pool is not None:
                _note_pool(alias, pool.get_stats())
        ACTIVITY_WAITING.set(buffer.waiting)
        ACTIVITY_LOST.inc(_increase("activity", "lost", buffer.lost))


def _note_pool(alias: str, stats: dict[str, int]) -> None:
    for name, gauge in POOL_GAUGES.items():
        gauge.labels(alias).set(stats.get(name, 0))
    for name, counter in POOL_COUNTERS.items():
        increase = _increase(alias, name, stats.get(name, 0))
        counter.labels(alias).inc(increase / 1000 if name.endswith("_ms") else increase)


def _increase(owner: str, name: str, total: float) -> float:
    """By how much a total has grown since it was noted last; a smaller one began anew."""
    before, _counted[owner, name] = _counted[owner, name], total
    return total - before if total >= before else total


def start_sampling() -> None:
    """Begin the thread, where it is needed; called once, by the entry point of a server."""
    if SHARED in os.environ:
        threading.Thread(target=_sample_for_ever, name="metrics", daemon=True).start()


def _sample_for_ever() -> None:
    while True:
        sample()
        time.sleep(SECONDS)
