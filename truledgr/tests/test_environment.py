from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from truledgr.environment import Environment
from truledgr.mail_settings import public_url, sender_at

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


def test_variables_are_found_by_their_beginning_unless_they_are_empty():
    env = Environment({"OAUTH_B": "1", "OAUTH_A": "2", "OAUTH_C": "", "OTHER": "3"})

    assert env.names("OAUTH_") == ["OAUTH_A", "OAUTH_B"]


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


# --- Mail -----------------------------------------------------------------------------------


def test_without_a_url_mails_go_to_the_console():
    config = Environment({}).mail_server("EMAIL_URL")

    assert config["EMAIL_BACKEND"].endswith("console.EmailBackend")
    assert config == Environment({"EMAIL_URL": "consolemail://"}).mail_server("EMAIL_URL")


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp+tls://ann%40x:s%2Fcrt@mail.example:2525", 2525, True, False),
        ("smtp+tls://ann%40x:s%2Fcrt@mail.example", 587, True, False),
        ("smtp+ssl://ann%40x:s%2Fcrt@mail.example", 465, False, True),
        ("smtp://ann%40x:s%2Fcrt@mail.example", 25, False, False),
    ],
)
def test_a_mail_server_url_is_taken_apart(url, port, tls, ssl):
    env = Environment({"EMAIL_URL": url})

    assert env.mail_server("EMAIL_URL") == {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "mail.example",
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": "ann@x",
        "EMAIL_HOST_PASSWORD": "s/crt",
        "EMAIL_USE_TLS": tls,
        "EMAIL_USE_SSL": ssl,
    }
    env.check()


@pytest.mark.parametrize(
    "url",
    [
        "smtp://", "smtp://ann:s3cret@", "smtp://ann:s3cret@mail.example:many", "mail.example",
        "http://ann:s3cret@mail.example", "filemail:///tmp/s3cret", "smtp://[s3cret",
    ],
)  # fmt: skip
def test_a_mail_server_url_that_is_none_is_refused_without_being_shown(url):
    message = refused(lambda env: env.mail_server("EMAIL_URL"), EMAIL_URL=url)

    assert "EMAIL_URL: " in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    "value", ["no-reply@ledger.example", "Ledger <no-reply@ledger.example>", '"A, B" <a@b.example>']
)
def test_a_sender_is_read(value):
    env = Environment({"FROM": value})

    assert env.sender("FROM", default="x@localhost") == value
    env.check()


@pytest.mark.parametrize(
    "value",
    ["ledger", "a@b.example, c@d.example", "A <a@b.example>\nBcc: x@y.example", "A <a b@c>"],
)
def test_a_sender_that_is_none_is_refused(value):
    assert "FROM: is " in refused(lambda env: env.sender("FROM", default="x@y"), FROM=value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://ledger.example", "https://ledger.example"),
        ("https://ledger.example/", "https://ledger.example"),
        ("https://ledger.example:8443", "https://ledger.example:8443"),
        ("https://LEDGER.example", "https://ledger.example"),
        ("", ""),
    ],
)
def test_an_origin_is_read(value, expected):
    env = Environment({"PUBLIC_URL": value})

    assert env.origin("PUBLIC_URL", needs_https=True) == expected
    env.check()


@pytest.mark.parametrize(
    "value",
    [
        "ledger.example", "http://ledger.example", "https://ledger.example/path",
        "https://ann:s3cret@ledger.example", "https://ledger.example?x", "https://a:port",
        "javascript:alert(1)", "https://", "https://a.example#x",
    ],
)  # fmt: skip
def test_an_origin_that_is_none_is_refused(value):
    message = refused(lambda env: env.origin("PUBLIC_URL", needs_https=True), PUBLIC_URL=value)

    assert "PUBLIC_URL: " in message
    assert "s3cret" not in message


def test_origins_are_read_each_once():
    env = Environment({"CORS": "https://a.example, https://A.example/,http://localhost:3000"})

    assert env.origins("CORS", needs_https=False) == ["https://a.example", "http://localhost:3000"]
    assert env.origins("NONE", needs_https=True) == []
    env.check()


@pytest.mark.parametrize("value", ["*", "null", "https://*.example", "a.example", "https://a/b"])
def test_one_that_is_no_origin_is_refused_among_others(value):
    given = f"https://a.example,{value}"

    message = refused(lambda env: env.origins("CORS", needs_https=False), CORS=given)

    assert "CORS: has what is no origin. Set http://HOST or https://HOST" in message
    refused(lambda env: env.origins("CORS", needs_https=True), CORS="http://a.example")


def test_in_production_links_lead_to_the_one_host_that_is_served():
    env = Environment({})

    assert public_url(env, hosts=["ledger.example"], production=True) == "https://ledger.example"
    assert public_url(env, hosts=[], production=False) == ""
    env.check()


@pytest.mark.parametrize("hosts", [["a.example", "b.example"], [".example"], ["*"]])
def test_in_production_with_several_hosts_one_has_to_be_named(hosts):
    message = refused(lambda env: public_url(env, hosts=hosts, production=True))

    assert "PUBLIC_URL: is missing" in message


def test_a_public_url_that_is_refused_is_not_called_missing_too():
    message = refused(
        lambda env: public_url(env, hosts=["a.example"], production=True), PUBLIC_URL="http://a"
    )

    assert message.count("PUBLIC_URL") == 1


def test_the_sender_is_at_the_public_host():
    assert sender_at("https://ledger.example:8443") == "TruLedgr <no-reply@ledger.example>"
    assert sender_at("") == "TruLedgr <no-reply@localhost>"
