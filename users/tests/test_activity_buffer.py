"""The buffer by itself, with a store that is no database."""

import logging
import os
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import OperationalError

from users.activity import buffer as buffering
from users.activity.buffer import Buffer
from users.activity.rows import Row

SESSION = UUID(int=1)


def row(number=0):
    return Row(
        session_id=SESSION,
        user_id=None,
        activity_type="request",
        route=str(number),
        method="GET",
        status=200,
        duration_ms=number,
        client_ip=None,
        request_id="",
        extra={},
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


class Store:
    """Remembers what it was given; fails while ``error`` is set."""

    def __init__(self):
        self.batches, self.counts, self.error = [], Counter(), None
        self.written = threading.Event()

    def __call__(self, rows, counts):
        if self.error:
            raise self.error
        self.batches.append(list(rows))
        self.counts.update(counts)
        self.written.set()
        return {}

    @property
    def rows(self):
        return [row for batch in self.batches for row in batch]


@pytest.fixture
def store(settings, monkeypatch):
    """Nothing is written by itself, unless a test turns ``ACTIVITY_SYNC`` off."""
    settings.ACTIVITY_SYNC = True
    monkeypatch.setattr(buffering.connections, "close_all", lambda: None)
    return Store()


@pytest.fixture
def buffer(store):
    return Buffer(store)


def test_what_is_added_is_written_once_in_order(buffer, store):
    for number in range(3):
        buffer.add(row(number), counted=SESSION)

    assert buffer.flush()
    assert buffer.flush()

    assert store.batches == [[row(0), row(1), row(2)]]
    assert store.counts == {SESSION: 3}


def test_rows_are_written_after_the_time_by_one_thread(buffer, store, settings):
    settings.ACTIVITY_SYNC, settings.ACTIVITY_FLUSH_SECONDS = False, 0.05
    started = time.monotonic()

    for number in range(20):
        buffer.add(row(number))

    assert store.written.wait(5)
    assert time.monotonic() - started >= 0.05
    assert store.batches == [[row(number) for number in range(20)]]
    assert sum(thread is buffer._thread for thread in threading.enumerate()) == 1


def test_many_rows_are_written_before_the_time(buffer, store, settings):
    settings.ACTIVITY_SYNC, settings.ACTIVITY_FLUSH_ROWS = False, 5
    settings.ACTIVITY_FLUSH_SECONDS = 60

    for number in range(5):
        buffer.add(row(number))

    assert store.written.wait(5)
    assert len(store.rows) == 5


def test_a_count_alone_is_written_too(buffer, store, settings):
    settings.ACTIVITY_SYNC, settings.ACTIVITY_FLUSH_SECONDS = False, 0.01

    buffer.add(None, counted=SESSION)

    assert store.written.wait(5)
    assert store.counts == {SESSION: 1}


def test_a_database_that_is_away_loses_nothing_and_raises_nothing(buffer, store, caplog):
    store.error = OperationalError("server closed the connection; DETAIL: secret")
    buffer.add(row(1), counted=SESSION)
    assert not buffer.flush()
    buffer.add(row(2), counted=SESSION)

    store.error = None
    assert buffer.flush()

    assert store.rows == [row(1), row(2)]
    assert store.counts == {SESSION: 2}
    assert "OperationalError" in caplog.text
    assert "secret" not in caplog.text


def test_the_thread_goes_on_after_an_error(buffer, store, settings):
    settings.ACTIVITY_SYNC, settings.ACTIVITY_FLUSH_SECONDS = False, 0.01
    store.error = RuntimeError("whatever")
    buffer.add(row())
    time.sleep(0.05)

    store.error = None

    assert store.written.wait(5)
    assert store.rows == [row()]


@pytest.mark.parametrize("is_away", [False, True])
def test_the_oldest_rows_go_when_too_many_wait_and_it_is_said_once(
    buffer, store, monkeypatch, caplog, is_away
):
    monkeypatch.setattr(buffering, "MOST", 10)
    for number in range(25):
        buffer.add(row(number))
        if is_away:
            store.error = OperationalError()
            buffer.flush()
            store.error = None

    assert buffer.flush()

    assert store.rows == [row(number) for number in range(15, 25)]
    errors = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert errors == [
        "Activity is being lost: more than 10 rows wait for the database.",
        "Activity is written again; 15 rows were lost.",
    ]


def test_counts_are_bounded_too(buffer, store, monkeypatch):
    monkeypatch.setattr(buffering, "MOST", 3)

    for number in range(5):
        buffer.add(None, counted=UUID(int=number))
        buffer.add(None, counted=UUID(int=0))

    buffer.flush()
    assert store.counts == {UUID(int=0): 6, UUID(int=1): 1, UUID(int=2): 1}


def test_counts_that_could_not_be_written_yet_wait(settings):
    settings.ACTIVITY_SYNC = True
    asked = []

    def locked(rows, counts):
        asked.append((list(rows), dict(counts)))
        return counts if len(asked) == 1 else {}

    buffer = Buffer(locked)
    buffer.add(row(), counted=SESSION)

    assert not buffer.flush()
    assert buffer.flush()

    assert asked == [([row()], {SESSION: 1}), ([], {SESSION: 1})]


def test_who_flushes_second_waits_for_the_first(store):
    started, go_on = threading.Event(), threading.Event()

    def slow(rows, counts):
        started.set()
        go_on.wait(5)
        return store(rows, counts)

    buffer = Buffer(slow)
    buffer.add(row())
    first = threading.Thread(target=buffer.flush)
    first.start()
    started.wait(5)

    assert not buffer.flush(seconds=0.01)
    go_on.set()
    assert buffer.flush()
    first.join()
    assert store.rows == [row()]


def test_threads_lose_and_double_nothing(buffer, store, settings):
    settings.ACTIVITY_SYNC, settings.ACTIVITY_FLUSH_ROWS = False, 50
    settings.ACTIVITY_FLUSH_SECONDS = 0.01

    def add_many(first):
        for number in range(first, first + 500):
            buffer.add(row(number), counted=SESSION)

    threads = [threading.Thread(target=add_many, args=[n * 500]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    buffer.flush()

    assert sorted(row.duration_ms for row in store.rows) == list(range(2000))
    assert store.counts == {SESSION: 2000}


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_fork_starts_empty_with_a_thread_of_its_own(settings):
    """Even one that happens while another thread holds the lock."""
    settings.ACTIVITY_SYNC, settings.ACTIVITY_FLUSH_SECONDS = False, 0.01
    reader, writer = os.pipe()
    buffer = buffering.buffer
    settings.ACTIVITY_SYNC = True
    buffer.add(row(1))
    settings.ACTIVITY_SYNC = False
    with buffer._changed:
        pid = os.fork()
        if pid == 0:
            buffer._store = lambda rows, _counts: os.write(writer, str(len(rows)).encode()) and {}
            buffering.connections.close_all = lambda: None
            buffer.add(row(2))
            time.sleep(5)
            os._exit(1)
    os.close(writer)
    try:
        assert os.read(reader, 10) == b"1"
        assert len(buffer._rows) == 1
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(reader)
        buffer.start_empty()
