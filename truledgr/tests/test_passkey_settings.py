"""Which domain and origins passkeys have, by the environment."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from truledgr.environment import Environment
from truledgr.passkey_settings import passkey_domain, passkey_origins


def settings_of(*, hosts=(), production=True, **environ):
    env = Environment(environ)
    domain = passkey_domain(env, hosts=hosts, production=production)
    origins = passkey_origins(env, domain=domain)
    env.check()
    return domain, origins


def test_in_development_passkeys_belong_to_localhost_whatever_port_is_free():
    domain, origins = settings_of(production=False)

    assert domain == "localhost"
    assert {"http://localhost:8000", "http://localhost:8001"} <= set(origins)


@pytest.mark.parametrize(
    "hosts",
    [["ledger.example"], [".ledger.example"], ["127.0.0.1", "ledger.example", "[::1]"]],
)
def test_in_production_the_one_domain_of_the_allowed_hosts_is_taken(hosts):
    assert settings_of(hosts=hosts) == ("ledger.example", ["https://ledger.example"])


@pytest.mark.parametrize("hosts", [["a.example", "b.example"], ["*"], ["10.0.0.1"]])
def test_where_the_hosts_do_not_say_which_domain_it_has_to_be_set(hosts):
    with pytest.raises(ImproperlyConfigured, match="PASSKEY_DOMAIN: is missing"):
        settings_of(hosts=hosts)

    assert settings_of(hosts=hosts, PASSKEY_DOMAIN="B.example")[0] == "b.example"


def test_without_any_host_only_the_hosts_are_complained_about():
    assert settings_of(hosts=[])[0] == "localhost"


@pytest.mark.parametrize(
    "domain",
    ["https://a.example", "a.example:8000", "127.0.0.1", "::1", "a..example", "-a.example", "*",
     "a.example/", "a b", "ä.example", "a" * 64 + ".example"],
)  # fmt: skip
def test_what_is_no_domain_is_refused(domain):
    with pytest.raises(ImproperlyConfigured, match="PASSKEY_DOMAIN: is "):
        settings_of(PASSKEY_DOMAIN=domain)


@pytest.mark.parametrize(
    ("origin", "flaw"),
    [
        ("http://a.example", "is not https"),
        ("https://b.example", "lies outside"),
        ("https://evil-a.example", "lies outside"),
        ("https://a.example.evil.example", "lies outside"),
        ("https://a.example/", "is not like"),
        ("https://A.example", "is not like"),
        ("a.example", "is not like"),
        ("https://me@a.example", "is not like"),
        ("https://a.example:443", "usual port"),
        ("https://a.example:port", "cannot be read"),
        ("https://[a.example", "cannot be read"),
    ],
)
def test_an_origin_that_no_browser_would_send_for_the_domain_is_refused(origin, flaw):
    with pytest.raises(ImproperlyConfigured, match=flaw):
        settings_of(PASSKEY_DOMAIN="a.example", PASSKEY_ORIGINS=origin)


def test_subdomains_and_other_ports_are_accepted():
    origins = "https://a.example,https://books.a.example,https://a.example:8443"

    assert settings_of(PASSKEY_DOMAIN="a.example", PASSKEY_ORIGINS=origins)[1] == origins.split(",")
