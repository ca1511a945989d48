from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from truledgr.environment import Environment

FILE = Path("here.sqlite3")


def refused(read, **environ):
    """What the environment says against the given variables."""
    env = Environment(environ)
    read(env)
    with pytest.raises(ImproperlyConfigured) as refusal:
        env.check()
    return str(refusal.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", True), ("TRUE", True), (" on ", True), ("0", False), ("no", False), ("", True)],
)
def test_a_flag_is_read(value, expected):
    env = Environment({"DEBUG": value})

    assert env.flag("DEBUG", default=True) is expected
    env.check()


@pytest.mark.parametrize("value", ["maybe", "2", "yes please"])
def test_a_flag_that_is_neither_is_refused_not_taken_for_off(value):
    assert "DEBUG: is" in refused(lambda env: env.flag("DEBUG", default=True), DEBUG=value)


@pytest.mark.parametrize("value", ["ten", "-1", "1.5", "\uff11\uff10", "0"])
def test_a_number_below_its_minimum_or_no_number_is_refused(value):
    message = refused(lambda env: env.number("POOL", default=5, minimum=1), POOL=value)

    assert "whole number of at least 1" in message


def test_a_rate_that_is_no_rate_is_refused_with_an_example():
    message = refused(
        lambda env: env.matching("RATE", r"\d+/min", default="1/min", example="60/min"), RATE="fast"
    )

    assert "60/min" in message


def test_a_list_is_split_at_commas():
    assert Environment({"HOSTS": "a.example, b.example,"}).words("HOSTS") == [
        "a.example",
        "b.example",
    ]


def test_a_key_that_is_none_is_refused_without_being_shown():
    good = Fernet.generate_key().decode()
    message = refused(
        lambda env: env.fernet_keys("KEYS", default=good, required_because=""),
        KEYS=f"{good},s3cret",
    )

    assert "key 2" in message
    assert "s3cret" not in message


def test_without_a_url_the_database_is_the_default_file():
    config = Environment({}).database("DATABASE_URL", default_file=FILE)

    assert (config["ENGINE"], config["NAME"]) == ("django.db.backends.sqlite3", str(FILE))


def test_a_postgresql_url_is_taken_apart():
    env = Environment({"DATABASE_URL": "postgres://ann:s%40crt@db.example:6432/ledger"})

    config = env.database("DATABASE_URL", default_file=FILE)

    assert config["ENGINE"] == "django.db.backends.postgresql"
    assert (config["USER"], config["PASSWORD"], config["HOST"]) == ("ann", "s@crt", "db.example")
    assert (config["PORT"], config["NAME"]) == (6432, "ledger")


@pytest.mark.parametrize(
    "url",
    ["mysql://h/db", "db.example", "postgres://user:s3cret@host:port/db", "postgres://s3cret@host"],
)
def test_a_database_url_that_cannot_be_used_is_refused_without_its_secret(url):
    message = refused(lambda env: env.database("DATABASE_URL", default_file=FILE), DATABASE_URL=url)

    assert "DATABASE_URL" in message
    assert "s3cret" not in message


def test_a_redis_url_makes_a_redis_cache():
    config = Environment({"CACHE_URL": "redis://cache.example:6379/1"}).cache("CACHE_URL")

    assert config["BACKEND"] == "django.core.cache.backends.redis.RedisCache"
    assert config["LOCATION"] == "redis://cache.example:6379/1"


def test_an_unknown_cache_is_refused():
    assert "CACHE_URL" in refused(lambda env: env.cache("CACHE_URL"), CACHE_URL="memcache://h")


def test_every_problem_is_named_at_once():
    def read(env):
        env.flag("DEBUG", default=True)
        env.text("SECRET_KEY", required_because="DEBUG is 0.")

    message = refused(read, DEBUG="maybe")

    assert "DEBUG" in message
    assert "SECRET_KEY: is missing. DEBUG is 0." in message
