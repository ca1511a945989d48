"""Rows that wait in this process, and the thread that writes them.

Nothing here raises into a request. While the database is away rows are kept, up to ``MOST``;
beyond that the oldest go, which is logged once, and once more with their number when it is over.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from uuid import UUID

from django.conf import settings
from django.db import connections

from users.activity.rows import Row
from users.activity.writing import Counts, write

logger = logging.getLogger(__name__)

MOST = 20_000  # rows, and sessions with requests to count: some 20 MB
SECONDS_TO_END = 10.0  # how long the end of a process goes on trying


class Buffer:
    """Rows and counts of requests, and at most one thread that writes them.

    ``store`` writes them and answers the counts that it could not write yet.
    """

    def __init__(self, store: Callable[[Sequence[Row], Counts], Counts] = write) -> None:
        self._store = store
        self.start_empty()

    def start_empty(self) -> None:
        """As new: a fork has neither the thread nor the rows, which its parent writes."""
        self._changed = threading.Condition(threading.Lock())
        self._writing = threading.Lock()
        self._rows: deque[Row] = deque()
        self._counts: Counter[UUID] = Counter()
        self._oldest_at = 0.0
        self._lost = 0
        self.lost = 0  # in all, since the process began
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """How many rows are not in the database yet."""
        return len(self._rows)

    def add(self, row: Row | None, *, counted: UUID | None = None) -> None:
        """Keep ``row`` and one request of the session ``counted`` until they are written."""
        with self._changed:
            is_first = not self._rows and not self._counts
            if row is not None:
                self._rows.append(row)
            if counted is not None and (counted in self._counts or len(self._counts) < MOST):
                self._counts[counted] += 1
            if len(self._rows) > MOST:
                self._drop_oldest()
            if is_first:
                self._oldest_at = time.monotonic()
            if settings.ACTIVITY_SYNC:
                return
            if is_first or len(self._rows) == settings.ACTIVITY_FLUSH_ROWS:
                self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="activity", daemon=True)
                self._thread.start()

    def flush(self, *, seconds: float = -1) -> bool:
        """Write what waits, after a batch that is on its way; answer whether all is written."""
        if not self._writing.acquire(timeout=seconds):
            return False
        try:
            return self._flush()
        finally:
            self._writing.release()

    def _flush(self) -> bool:
        with self._changed:
            rows, self._rows = self._rows, deque()
            counts, self._counts = self._counts, Counter()
        if not rows and not counts:
            return True
        try:
            left = self._store(rows, counts)
        except Exception as error:  # noqa: BLE001 (whatever it is, requests go on)
            # The class alone: messages of databases quote the row.
            logger.warning("Activity could not be written: %s.", type(error).__name__)
            self._put_back(rows, counts)
            return False
        self._put_back((), left)
        self._report_loss()
        return not left

    def _put_back(self, rows: Sequence[Row], counts: Counts) -> None:
        with self._changed:
            if not self._rows and not self._counts:
                self._oldest_at = time.monotonic()
            self._rows.extendleft(reversed(rows))
            self._counts.update(counts)
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        too_many = len(self._rows) - MOST
        if too_many <= 0:
            return
        if not self._lost:
            logger.error("Activity is being lost: more than %d rows wait for the database.", MOST)
        self._lost += too_many
        self.lost += too_many
        for _ in range(too_many):
            self._rows.popleft()

    def _report_loss(self) -> None:
        with self._changed:
            lost, self._lost = self._lost, 0
        if lost:
            logger.error("Activity is written again; %d rows were lost.", lost)

    def _run(self) -> None:
        """Write for as long as the process lives, on a connection that is not kept meanwhile."""
        while True:
            self._wait()
            is_written = self.flush()
            connections.close_all()
            if not is_written:
                time.sleep(settings.ACTIVITY_FLUSH_SECONDS)

    def _wait(self) -> None:
        """Until something waits, then until it is due: by its age, or because many wait."""
        with self._changed:
            while not self._rows and not self._counts:
                self._changed.wait()
            due_at = self._oldest_at + settings.ACTIVITY_FLUSH_SECONDS
            while (seconds := due_at - time.monotonic()) > 0:
                if len(self._rows) >= settings.ACTIVITY_FLUSH_ROWS:
                    return
                self._changed.wait(seconds)


buffer = Buffer()
add = buffer.add
flush = buffer.flush


def flush_at_exit() -> None:
    """Write what waits, and go on trying for a while; called at the end of the process."""
    until = time.monotonic() + SECONDS_TO_END
    while not flush(seconds=SECONDS_TO_END) and time.monotonic() < until:
        time.sleep(0.1)  # the database is away, or somebody holds a session


os.register_at_fork(after_in_child=buffer.start_empty)
atexit.register(flush_at_exit)
