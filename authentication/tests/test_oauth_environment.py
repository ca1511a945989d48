"""Which providers there are is said by environment variables, and nowhere else."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.exceptions import ImproperlyConfigured

from authentication.oauth.environment import read_providers
from truledgr.environment import Environment
from truledgr.tests.test_settings import manage

KEY = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    .decode()
)
GOOGLE = {"OAUTH_GOOGLE_CLIENT_ID": "g", "OAUTH_GOOGLE_CLIENT_SECRET": "gs"}
GITHUB = {"OAUTH_GITHUB_CLIENT_ID": "h", "OAUTH_GITHUB_CLIENT_SECRET": "hs"}
MICROSOFT = {"OAUTH_MICROSOFT_CLIENT_ID": "m", "OAUTH_MICROSOFT_CLIENT_SECRET": "ms"}
APPLE = {
    "OAUTH_APPLE_CLIENT_ID": "a", "OAUTH_APPLE_TEAM_ID": "t", "OAUTH_APPLE_KEY_ID": "k",
    "OAUTH_APPLE_PRIVATE_KEY": KEY.replace("\n", "\\n"),
}  # fmt: skip
CORP = {
    "OAUTH_OIDC": "corp", "OAUTH_OIDC_CORP_ISSUER": "https://id.corp.example/realms/main",
    "OAUTH_OIDC_CORP_CLIENT_ID": "c", "OAUTH_OIDC_CORP_CLIENT_SECRET": "cs",
}  # fmt: skip
PARTNER = {
    "OAUTH_OIDC_PARTNER_ISSUER": "https://partner.example/",
    "OAUTH_OIDC_PARTNER_CLIENT_ID": "p", "OAUTH_OIDC_PARTNER_CLIENT_SECRET": "ps",
    "OAUTH_OIDC_PARTNER_NAME": "Our partner", "OAUTH_OIDC_PARTNER_TRUST_EMAIL": "yes",
}  # fmt: skip


def read(environ, *, production=True):
    env = Environment(environ)
    found = read_providers(env, production=production)
    env.check()
    return found


def refused(environ, **options):
    with pytest.raises(ImproperlyConfigured) as refusal:
        read(environ, **options)
    return str(refusal.value)


def apps(found, kind):
    return found.settings[kind]["APPS"]


def test_without_variables_there_is_no_provider():
    found = read({})

    assert [options["APPS"] for options in found.settings.values()] == [[]] * 5
    assert found.origins == []


def test_several_at_once_with_two_issuers():
    both = CORP | PARTNER | {"OAUTH_OIDC": "corp, partner"}

    found = read(GOOGLE | GITHUB | MICROSOFT | APPLE | both)

    assert {kind: len(options["APPS"]) for kind, options in found.settings.items()} == {
        "google": 1, "github": 1, "microsoft": 1, "apple": 1, "openid_connect": 2,
    }  # fmt: skip
    corp, partner = apps(found, "openid_connect")
    assert (corp["name"], partner["name"]) == ("Corp", "Our partner")
    assert corp["settings"]["server_url"] == "https://id.corp.example/realms/main"
    assert (corp["settings"]["trust_email"], partner["settings"]["trust_email"]) == (False, True)
    assert found.origins == [
        "https://accounts.google.com", "https://github.com",
        "https://login.microsoftonline.com", "https://login.live.com",
        "https://appleid.apple.com", "https://id.corp.example", "https://partner.example",
    ]  # fmt: skip


def test_whose_word_about_an_address_counts_by_default():
    found = read(GOOGLE | GITHUB | MICROSOFT | APPLE)

    trusted = {
        kind: options["APPS"][0]["settings"]["trust_email"]
        for kind, options in found.settings.items()
        if options["APPS"]
    }
    assert trusted == {"google": True, "github": True, "microsoft": False, "apple": True}


def test_no_more_is_asked_for_than_who_somebody_is():
    found = read(GOOGLE | GITHUB | MICROSOFT | APPLE | CORP)

    scopes = {
        kind: options["APPS"][0]["settings"]["scope"] for kind, options in found.settings.items()
    }
    assert scopes == {
        "google": ["openid", "profile", "email"],
        "github": ["user:email"],
        "microsoft": ["User.Read"],
        "apple": ["name", "email"],
        "openid_connect": ["openid", "profile", "email"],
    }


def test_apples_key_may_be_one_line():
    (app,) = apps(read(APPLE), "apple")

    assert app["settings"]["certificate_key"] == KEY
    assert (app["secret"], app["key"]) == ("k", "t")


def test_client_ids_of_phones_are_accepted_without_a_button():
    found = read(GOOGLE | {"OAUTH_GOOGLE_APP_CLIENT_IDS": "ios, android, g"})

    shown, *hidden = apps(found, "google")
    assert "hidden" not in shown["settings"]
    assert [app["client_id"] for app in hidden] == ["ios", "android"]
    assert all(app["settings"]["hidden"] and not app["secret"] for app in hidden)


@pytest.mark.parametrize("whole", [GOOGLE, GITHUB, MICROSOFT, APPLE, CORP])
def test_half_a_provider_is_refused_naming_what_is_missing(whole):
    for missing in whole.keys() - {"OAUTH_OIDC"}:
        message = refused({name: value for name, value in whole.items() if name != missing})

        assert f"{missing}: is missing" in message


def test_every_problem_is_named_at_once_and_no_secret():
    message = refused(
        {
            "OAUTH_GOOGLE_CLIENT_SECRET": "s3cret",
            "OAUTH_GITHUB_CLIENT_ID": "h",
            "OAUTH_MICROSOFT_TENANT": "common",
            "OAUTH_OIDC": "corp,Bad Name,google",
            "OAUTH_OIDC_CORP_ISSUER": "http://id.corp.example",
            "OAUTH_OIDC_OTHER_ISSUER": "https://other.example",
        }
    )

    for name in (
        "OAUTH_GOOGLE_CLIENT_ID: is missing", "OAUTH_GITHUB_CLIENT_SECRET: is missing",
        "OAUTH_MICROSOFT_CLIENT_ID: is missing", "OAUTH_OIDC: has the name 'Bad Name'",
        "OAUTH_OIDC: has the name 'google'", "OAUTH_OIDC_CORP_ISSUER: is not https",
        "OAUTH_OIDC_CORP_CLIENT_ID: is missing", "OAUTH_OIDC_CORP_CLIENT_SECRET: is missing",
        "OAUTH_OIDC_OTHER_ISSUER: belongs to no name in OAUTH_OIDC",
    ):  # fmt: skip
        assert name in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    "issuer",
    [
        "id.corp.example", "https://", "ftp://id.corp.example", "https://id.example/?x=1",
        "https://id.example/#x", "https://me:pw@id.example", "https://id.example:port",
        "https://id.example; script-src *",
    ],
)  # fmt: skip
def test_an_issuer_that_is_no_web_address_is_refused(issuer):
    assert "OAUTH_OIDC_CORP_ISSUER:" in refused(CORP | {"OAUTH_OIDC_CORP_ISSUER": issuer})


def test_an_issuer_without_tls_is_for_development_on_this_machine_only():
    local = CORP | {"OAUTH_OIDC_CORP_ISSUER": "http://127.0.0.1:9000"}

    assert read(local, production=False).origins == ["http://127.0.0.1:9000"]
    assert "is not https" in refused(local, production=True)
    remote = local | {"OAUTH_OIDC_CORP_ISSUER": "http://id.corp.example"}
    assert "is not https" in refused(remote, production=False)


@pytest.mark.parametrize("origin", ["https://a.example/path", "a.example", "https://a.example *"])
def test_an_origin_that_is_none_is_refused(origin):
    assert "OAUTH_OIDC_CORP_ORIGINS" in refused(CORP | {"OAUTH_OIDC_CORP_ORIGINS": origin})


def test_a_tenant_that_is_none_is_refused():
    message = refused(MICROSOFT | {"OAUTH_MICROSOFT_TENANT": "../evil"})

    assert "OAUTH_MICROSOFT_TENANT: is '../evil'" in message


@pytest.mark.parametrize("key", ["nonsense", "-----BEGIN PRIVATE KEY-----\\nAAAA"])
def test_a_key_of_apple_that_is_none_is_refused_without_being_shown(key):
    message = refused(APPLE | {"OAUTH_APPLE_PRIVATE_KEY": key})

    assert "OAUTH_APPLE_PRIVATE_KEY: is not the text" in message
    assert key not in message


def test_the_project_starts_with_all_of_them_and_says_so_when_one_is_half_set():
    whole = manage("check", **GOOGLE, **GITHUB, **MICROSOFT, **APPLE, **CORP)
    half = manage("check", OAUTH_GOOGLE_CLIENT_ID="g")

    assert whole.returncode == 0, whole.stderr
    assert half.returncode != 0
    assert "OAUTH_GOOGLE_CLIENT_SECRET: is missing, while OAUTH_GOOGLE_CLIENT_ID" in half.stderr
    assert "Traceback" not in half.stderr


def test_forms_may_lead_to_the_providers_that_are_set_up_and_nowhere_else():
    shell = "from django.conf import settings; print(settings.CONTENT_SECURITY_POLICY)"

    printed = manage("shell", "--no-imports", "-c", shell, **GOOGLE, **CORP).stdout

    form_action = printed.partition("'form-action': [")[2].partition("]")[0]
    assert form_action.count("'https://") == 2
    assert "https://accounts.google.com" in form_action
    assert "https://id.corp.example" in form_action
