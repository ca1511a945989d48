"""Races: running jobs in threads that start together, each on a connection of its own."""

from threading import Barrier, Thread

from django.db import connection, connections


def at_once(*jobs, connected=True):
    """Run the jobs in parallel; answer what each returned or raised, in their order.

    More jobs than the pool has connections start without one (``connected=False``) and queue.
    """
    outcomes = [None] * len(jobs)
    start = Barrier(len(jobs))

    def run(position, job):
        try:
            if connected:
                connection.ensure_connection()
            start.wait(timeout=10)
            outcomes[position] = job()
        except Exception as error:  # noqa: BLE001 (it is the answer)
            outcomes[position] = error
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
