"""What is particular about Google, GitHub, Microsoft and Apple, with the issuer in their place."""

import json
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client

from authentication.oauth.adapters import AppleAdapter, GitHubAdapter, GoogleAdapter
from authentication.tests.oauth import approve, is_signed_in, link, send_token
from authentication.tests.people import make_user
from users.models import User

pytestmark = pytest.mark.django_db

KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


def offer(settings, issuer, kind, **options):
    """Make ``kind`` the only provider."""
    app = {
        "client_id": issuer.client_id,
        "secret": issuer.client_secret,
        "settings": {"trust_email": True, **options},
    }
    if kind == "apple":
        app |= {"key": "team", "secret": "key-id"}
    settings.SOCIALACCOUNT_PROVIDERS = {
        name: {**held, "APPS": [app] if name == kind else []}
        for name, held in settings.SOCIALACCOUNT_PROVIDERS.items()
    }


def replace(monkeypatch, adapter, server, **addresses):
    known = {"authorize_url": "/authorize", "access_token_url": "/token"} | addresses
    for name, path in known.items():
        monkeypatch.setattr(adapter, name, server.url + path)


@pytest.fixture
def google(issuer, settings, monkeypatch):
    offer(settings, issuer, "google", scope=["openid", "profile", "email"])
    replace(monkeypatch, GoogleAdapter, issuer, keys_url="/keys", issuer="")
    issuer.person = {"sub": "1001", "email": "ann@gmail.com", "email_verified": True}
    return issuer


@pytest.fixture
def github(issuer, settings, monkeypatch):
    offer(settings, issuer, "github", scope=["user:email"])
    replace(monkeypatch, GitHubAdapter, issuer, profile_url="/user", emails_url="/user/emails")
    issuer.pages = {
        "/user": {"id": 1001, "login": "annlee", "name": "Ann Lee", "email": "public@example.org"},
        "/user/emails": [
            {"email": "side@example.org", "primary": False, "verified": True},
            {"email": "ann@example.org", "primary": True, "verified": True},
        ],
    }
    return issuer


@pytest.fixture
def microsoft(issuer, settings):
    offer(
        settings, issuer, "microsoft", scope=["User.Read"], tenant="common", trust_email=False,
        login_url=issuer.url, graph_url=issuer.url,
    )  # fmt: skip
    issuer.pages = {
        "/v1.0/me": {
            "id": "1001", "mail": "ann@example.org", "userPrincipalName": "ann@tenant.example",
            "displayName": "Ann Lee", "givenName": "Ann", "surname": "Lee",
        }
    }  # fmt: skip
    return issuer


@pytest.fixture
def apple(issuer, settings, monkeypatch):
    offer(settings, issuer, "apple", scope=["name", "email"], certificate_key=PEM)
    replace(monkeypatch, AppleAdapter, issuer, keys_url="/keys", issuer="")
    issuer.checks_secret = False  # Apple's is a signed token: looked at below
    issuer.person = {"sub": "1001", "email": "ann@example.org", "email_verified": "true"}
    return issuer


def begin(client, provider):
    return client.post(f"/accounts/{provider}/login/")["Location"]


def sign_in(client, provider):
    return client.get(approve(begin(client, provider)))


# --- Google ---------------------------------------------------------------------------------


def test_google_signs_up_and_in(client, google):
    sign_in(client, "google")
    client.post("/accounts/logout/")
    sign_in(client, "google")

    assert is_signed_in(client)
    assert SocialAccount.objects.get().provider == "google"
    assert EmailAddress.objects.get().verified


@pytest.mark.parametrize(
    ("email", "hosted", "verified"),
    [
        ("ann@gmail.com", None, True),
        ("ann@corp.example", "corp.example", True),
        ("ann@elsewhere.example", None, False),
        ("ann@gmail.com.evil.example", None, False),
    ],
)
def test_googles_word_counts_for_the_addresses_that_it_hosts(
    client, google, email, hosted, verified
):
    google.person |= {"email": email} | ({"hd": hosted} if hosted else {})

    sign_in(client, "google")

    assert is_signed_in(client) is verified
    assert EmailAddress.objects.get().verified is verified


@pytest.mark.parametrize("fault", ["wrong_key", "alg_none", "wrong_audience", "wrong_nonce"])
def test_asvs_6_8_2_tokens_of_google_are_verified_in_both_flows(client, google, fault):
    link(make_user(), provider="google")
    google.faults.add(fault)

    assert sign_in(client, "google").status_code == 401
    response = send_token(client, google, google.id_token(), provider="google")

    assert response.status_code == 400
    assert not is_signed_in(client)


def test_google_by_token(client, google):
    link(make_user(), provider="google")

    response = send_token(client, google, google.id_token(), provider="google")

    assert response.status_code == 200


# --- GitHub ---------------------------------------------------------------------------------


def test_github_gives_its_primary_address_and_no_other(client, github):
    sign_in(client, "github")

    user = User.objects.get()
    assert is_signed_in(client)
    assert (user.username, user.email, user.first_name) == ("annlee", "ann@example.org", "Ann")
    addresses = EmailAddress.objects.values_list("email", "verified")
    assert list(addresses) == [("ann@example.org", True)]
    kept = SocialAccount.objects.get()
    assert (kept.uid, kept.extra_data["username"]) == ("1001", "annlee")


def test_github_is_asked_with_pkce_and_for_addresses_only(client, github):
    query = parse_qs(urlsplit(begin(client, "github")).query)

    assert query["scope"] == ["user:email"]
    assert query["code_challenge_method"] == ["S256"]


def test_an_unverified_primary_address_at_github_is_asked_for_a_code(client, github):
    github.pages["/user/emails"][1]["verified"] = False

    sign_in(client, "github")

    assert not is_signed_in(client)
    assert not EmailAddress.objects.get().verified


@pytest.mark.parametrize("answer", [[], {"message": "no"}, {"id": None}, "text", {"login": "x"}])
def test_a_malformed_profile_of_github_is_refused(client, github, answer):
    github.pages["/user"] = answer

    response = sign_in(client, "github")

    assert response.status_code == 401
    assert not User.objects.exists()


@pytest.mark.parametrize("answer", [{"message": "no"}, ["x"], [{"email": "a@example.org"}], 5])
def test_malformed_addresses_of_github_are_refused(client, github, answer):
    github.pages["/user/emails"] = answer

    assert sign_in(client, "github").status_code == 401
    assert not User.objects.exists()


def test_github_offers_no_sign_in_by_token(client, github):
    assert send_token(client, github, "x", provider="github").status_code == 400
    assert client.get("/api/auth/app/v1/config").json()["data"]["socialaccount"] == {
        "providers": []
    }


# --- Microsoft ------------------------------------------------------------------------------


def test_an_address_that_microsoft_tells_is_asked_for_a_code(client, microsoft):
    """Whoever runs a tenant sets the addresses of its people: nOAuth."""
    owner = make_user(email="boss@example.org")
    sign_in(client, "microsoft")
    microsoft.pages["/v1.0/me"] |= {"id": "evil", "mail": "boss@example.org"}
    sign_in(stranger := Client(), "microsoft")

    assert not is_signed_in(client)
    assert not is_signed_in(stranger)
    assert not EmailAddress.objects.get(email="ann@example.org").verified
    assert not SocialAccount.objects.filter(user=owner).exists()


def test_microsoft_signs_in(client, microsoft):
    link(make_user(), provider="microsoft")

    sign_in(client, "microsoft")

    assert is_signed_in(client)
    assert any(path == "/common/oauth2/v2.0/token" for path, _form in microsoft.requests)


@pytest.mark.parametrize("answer", [[], {"error": {"message": "no"}}, {"error": 5}, "text"])
def test_a_malformed_profile_of_microsoft_is_refused(client, microsoft, answer):
    microsoft.pages["/v1.0/me"] = answer

    assert sign_in(client, "microsoft").status_code == 401
    assert not User.objects.exists()


# --- Apple ----------------------------------------------------------------------------------


def post_back(client, location, **posted):
    """What Apple's page does: post the answer, without our cookies; then the browser goes on."""
    answer = {
        name: values[0] for name, values in parse_qs(urlsplit(approve(location)).query).items()
    }
    foreign = Client()
    response = foreign.post("/accounts/apple/login/callback/", answer | posted)
    if response.status_code == 302:
        client.cookies.update(foreign.cookies)
    return response


def finish(client, response):
    target = urlsplit(response["Location"])
    return client.get(f"{target.path}?{target.query}")


def test_apple_signs_up_with_the_name_that_it_posts(client, apple):
    user = json.dumps({"name": {"firstName": "Ann", "lastName": "Lee"}})

    response = post_back(client, begin(client, "apple"), user=user)
    finish(client, response)

    assert is_signed_in(client)
    assert User.objects.get().first_name == "Ann"
    assert EmailAddress.objects.get().verified


def test_apples_client_secret_is_signed_with_our_key(client, apple):
    finish(client, post_back(client, begin(client, "apple")))

    secret = apple.asked("/token")["client_secret"]
    claims = jwt.decode(
        secret, KEY.public_key(), algorithms=["ES256"], audience="https://appleid.apple.com"
    )
    assert (claims["iss"], claims["sub"]) == ("team", apple.client_id)
    assert jwt.get_unverified_header(secret)["kid"] == "key-id"


def test_no_id_token_is_asked_for_through_the_browser(client, apple):
    query = parse_qs(urlsplit(begin(client, "apple")).query)

    assert query["response_type"] == ["code"]
    assert query["response_mode"] == ["form_post"]
    assert query["nonce"]


def test_what_the_browser_posts_about_the_address_is_not_believed(client, apple):
    """The signed token leaves the address out, and the form fills in somebody else's."""
    apple.person = {"sub": "1001"}
    forged = {"email": "boss@example.org", "email_verified": True, "sub": "2", "name": {}}

    response = post_back(
        client, begin(client, "apple"), user=json.dumps(forged), id_token=apple.id_token(sub="2")
    )
    finished = finish(client, response)

    assert finished["Location"] == "/accounts/3rdparty/signup/"
    assert "boss@example.org" not in client.get(finished["Location"]).content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize("user", ["", "nonsense", "[]", "5", '{"name": 5}', '{"name": {"a": 1}}'])
def test_strange_names_from_apple_do_no_harm(client, apple, user):
    finish(client, post_back(client, begin(client, "apple"), user=user))

    assert is_signed_in(client)
    assert User.objects.get().first_name == ""


def test_asvs_7_6_2_an_answer_of_apple_in_another_browser_signs_nobody_in(client, apple):
    link(make_user(), provider="apple")
    response = post_back(Client(), begin(Client(), "apple"))

    assert finish(client, response).status_code == 401
    assert not is_signed_in(client)


@pytest.mark.parametrize("fault", ["wrong_key", "alg_none", "wrong_audience", "wrong_nonce"])
def test_asvs_6_8_2_tokens_of_apple_are_verified_in_both_flows(client, apple, fault):
    link(make_user(), provider="apple")
    apple.faults.add(fault)

    finished = finish(client, post_back(client, begin(client, "apple")))
    response = send_token(client, apple, apple.id_token(), provider="apple")

    assert (finished.status_code, response.status_code) == (401, 400)
    assert not is_signed_in(client)


def test_the_cookie_between_is_not_for_scripts(client, apple):
    response = post_back(client, begin(client, "apple"))

    (cookie,) = response.cookies.values()
    assert cookie["httponly"]
    assert cookie["path"] == "/accounts/apple/login/callback/finish/"


def test_an_identity_of_apple_is_shown_by_name_or_address(client, apple):
    apple.person["email"] = "x@privaterelay.appleid.com"
    finish(client, post_back(client, begin(client, "apple")))

    page = client.get("/accounts/3rdparty/").content.decode()

    assert "x@privaterelay.appleid.com" in page
