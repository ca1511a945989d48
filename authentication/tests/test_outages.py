"""While a part is away, sign-ins do what the documentation says, and nothing passes unchecked."""

from http import HTTPStatus

import pytest
from django.test import Client

from authentication.models import TOTPDevice
from authentication.tests.account_clients import (
    CLIENTS,
    LOGIN,
    Headless,
    is_new_password,
    mails_at_once,  # noqa: F401 (a fixture)
)
from authentication.tests.codes import code_of
from authentication.tests.people import PASSWORD, make_user
from users.models import UserSession

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return make_user(username="ada")


# --- The mail server --------------------------------------------------------------------------


@pytest.fixture
def no_mail(settings, mails_at_once):  # noqa: F811
    """Mails are sent within the request, to a server that nobody has started."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 1


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_16_5_2_without_a_mail_server_people_sign_in_all_the_same(user, no_mail, kind):
    CLIENTS[kind]().sign_in(user)
    client = CLIENTS[kind]()

    client.sign_in(user)  # a second device, of which the owner is to be told

    assert client.is_signed_in()


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
def test_asvs_16_5_3_without_a_mail_server_a_reset_opens_and_tells_nothing(
    user, no_mail, email, caplog
):
    answer = Client().post("/accounts/password/reset/", {"email": email})

    assert (answer.status_code, answer["Location"]) == (
        HTTPStatus.FOUND, "/accounts/password/reset/done/",
    )  # fmt: skip
    assert not is_new_password(user)
    assert email not in caplog.text


def test_asvs_16_5_3_without_a_mail_server_an_address_stays_unverified(no_mail):
    eve = make_user(username="eve", verified=False)
    client = Headless("app")

    client.sign_in(eve)

    assert not client.is_signed_in()


# --- The database of places ---------------------------------------------------------------------


@pytest.fixture(params=["missing", "garbage"])
def no_places(request, settings, tmp_path):
    path = tmp_path / "cities.mmdb"
    if request.param == "garbage":
        path.write_bytes(b"no database at all" * 100)
    settings.GEOIP_DATABASE = str(path)


def test_asvs_16_5_2_without_places_people_sign_in_and_are_nowhere(user, no_places):
    client = Client(REMOTE_ADDR="81.2.69.142")

    client.post(LOGIN, {"login": "ada", "password": PASSWORD})

    session = UserSession.objects.get(user=user)
    assert (session.country, session.city, session.latitude) == ("", "", None)
    assert client.get("/api/v1/me").status_code == HTTPStatus.OK


def test_asvs_16_5_3_without_places_the_second_factor_is_still_asked_for(user, no_places):
    app = TOTPDevice.objects.create(user=user, name="Phone")
    client = Client(REMOTE_ADDR="81.2.69.142")

    client.post(LOGIN, {"login": "ada", "password": PASSWORD})
    assert client.get("/api/v1/me").status_code == HTTPStatus.UNAUTHORIZED

    client.post("/accounts/otp/", {"code": code_of(app)})
    assert client.get("/api/v1/me").status_code == HTTPStatus.OK


# --- The cache ----------------------------------------------------------------------------------


def test_asvs_16_5_3_without_the_cache_a_second_factor_is_neither_skipped_nor_asked(user, settings):
    """The password is not even looked at, so that nobody stands before the code."""
    TOTPDevice.objects.create(user=user, name="Phone")
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    client = Client()

    answer = client.post(LOGIN, {"login": "ada", "password": PASSWORD})

    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert client.get("/accounts/otp/").status_code == HTTPStatus.FOUND
    assert client.get("/api/v1/me").status_code == HTTPStatus.UNAUTHORIZED
