"""A Redis for the tests that count in one: the machine's own, or one in this process."""

import os
import socket
from contextlib import closing, contextmanager
from threading import Thread

import redis
from fakeredis import TcpFakeServer

USUAL = "redis://127.0.0.1:6379/9"


@contextmanager
def redis_server():
    """Answer the URL of ``TEST_CACHE_URL``, of a server that answers here, or of a new one.

    The new one speaks Redis's protocol in a thread; it is no Redis, but runs each transaction
    alone as Redis does.
    """
    named = os.environ.get("TEST_CACHE_URL")
    if named or answers(USUAL):
        yield named or USUAL
        return
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = TcpFakeServer(("127.0.0.1", port), server_type="redis")
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"redis://127.0.0.1:{port}/0"
    server.shutdown()
    server.server_close()


def answers(url):
    with closing(redis.Redis.from_url(url, socket_connect_timeout=1)) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
