"""The entry of ``DATABASES``: SQLite as it must be told, or PostgreSQL, with a pool or without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from truledgr.environment import Environment

SQLITE_OPTIONS = {
    # A writer takes its lock at BEGIN and waits its turn, instead of failing half way.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # recursive_triggers: without it INSERT OR REPLACE deletes rows behind the triggers' back.
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
        "PRAGMA recursive_triggers=ON; PRAGMA cache_size=-65536;"
    ),
}


def database(env: Environment, *, default_file: Path) -> dict[str, Any]:
    """What ``DATABASE_URL`` names; SQLite in ``default_file`` when it names nothing."""
    config = env.database("DATABASE_URL", default_file=default_file)
    if config["ENGINE"].endswith("sqlite3"):
        return config | {"OPTIONS": SQLITE_OPTIONS}
    size = env.number("DATABASE_POOL_SIZE", default=10, minimum=0)
    timeout = env.number("DATABASE_POOL_TIMEOUT", default=10, minimum=1)
    options = config.get("OPTIONS", {})
    if size:  # without a pool, each thread has a connection of its own
        options |= {"pool": {"min_size": 1, "max_size": size, "timeout": timeout}}
    return config | {"OPTIONS": options}
