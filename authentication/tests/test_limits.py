"""How often passwords and tokens may be guessed, and who stays able to sign in."""

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

import pytest
from django.core import mail
from django.core.cache import cache, caches
from django.db import connections
from django.test import Client

from authentication import limits
from authentication.tests.account_clients import (
    OTHER,
    Headless,
    link_in,
    mails_at_once,  # noqa: F401 (a fixture)
)
from authentication.tests.people import PASSWORD, make_user
from authentication.tests.tries import (
    HOME,
    STRANGER,
    TOO_MANY,
    WRONG,
    codes_of,
    is_signed_in,
    post_login,
    within_one_window,  # noqa: F401 (a fixture)
)
from core.models import AuditEvent
from core.tests.parallel import at_once
from users.models import Device, User

pytestmark = pytest.mark.usefixtures("within_one_window")


@pytest.fixture
def user(db):
    return make_user(username="ada")


@pytest.fixture
def own_browser(user):
    """A browser that the user has signed in with before, now signed out."""
    client = Client()
    post_login(client, "ada", PASSWORD, ip=HOME)
    assert is_signed_in(client)
    client.post("/accounts/logout/")
    return client


def lock_for_strangers(user):
    for number in range(6):
        answer = post_login(Client(), user.username, WRONG, ip=f"192.0.2.{number}")
    assert codes_of(answer) == [TOO_MANY]


def test_asvs_6_1_1_the_limits_are_documented(settings):
    page = Path("docs/developer/limits.md").read_text(encoding="utf-8")

    for action, rate in settings.ACCOUNT_RATE_LIMITS.items():
        assert f"`{action}`" in page
        for part in filter(None, rate.split(",")):
            assert f"`{part}`" in page
    for number in (limits.MOST_BY_STRANGERS, limits.MOST_BY_KNOWN_DEVICES):
        assert f" {number} " in page


def test_asvs_6_1_1_a_known_device_signs_in_while_strangers_have_used_up_their_tries(
    user, own_browser
):
    lock_for_strangers(user)

    post_login(own_browser, "ada", PASSWORD, ip=HOME)

    assert is_signed_in(own_browser)


def test_a_known_device_signs_in_even_from_the_strangers_address(user, own_browser):
    """Both share an address: every limit of that address is used up."""
    for number in range(31):
        answer = post_login(Client(), f"somebody{number}", WRONG)
    assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS

    post_login(own_browser, "ada", PASSWORD, ip=STRANGER)

    assert is_signed_in(own_browser)


def test_a_stranger_is_refused_even_with_the_right_password(user):
    lock_for_strangers(user)
    client = Client()

    answer = post_login(client, "ada", PASSWORD, ip="192.0.2.200")

    assert codes_of(answer) == [TOO_MANY]
    assert not is_signed_in(client)


def test_an_app_is_known_by_the_id_that_it_sends(user):
    device = {"X-Device-ID": "2f7b1c9e-58aa-4c0e-9d35-0f6f2f0f8f11"}
    body = {"username": "ada", "password": PASSWORD}
    Headless("app").call("post", "auth/login", body, **device)
    lock_for_strangers(user)

    stranger = Headless("app").call("post", "auth/login", body)
    own = Headless("app").call("post", "auth/login", body, **device)

    assert stranger.status_code == HTTPStatus.BAD_REQUEST
    assert stranger.json()["errors"][0]["code"] == TOO_MANY
    assert own.status_code == HTTPStatus.OK


@pytest.mark.parametrize("forged", ["cookie", "of_another_account", "header", "reported"])
def test_a_made_up_device_buys_no_tries(user, own_browser, forged, settings):
    lock_for_strangers(user)
    client, headers = Client(), {}
    match forged:
        case "cookie":
            client.cookies[settings.DEVICE_COOKIE_NAME] = "c29tZXRoaW5n:forged"
        case "of_another_account":
            other = make_user(username="mallory")
            post_login(client, other.username, PASSWORD, ip="192.0.2.99")
            client.post("/accounts/logout/")
            assert settings.DEVICE_COOKIE_NAME in client.cookies
        case "header":
            headers["X-Device-ID"] = Device.objects.get(user=user).fingerprint
        case "reported":
            client = own_browser
            Device.objects.update(reported_at="2026-01-01T00:00Z")

    answers = [post_login(client, "ada", PASSWORD, ip="192.0.2.99", **headers) for _ in range(3)]

    assert [codes_of(answer) for answer in answers] == [[TOO_MANY]] * 3


def test_a_known_device_has_few_tries_too(user, own_browser):
    answers = [post_login(own_browser, "ada", WRONG, ip=HOME) for _ in range(6)]

    assert codes_of(answers[4]) != [TOO_MANY]
    assert codes_of(answers[5]) == [TOO_MANY]


def test_asvs_6_3_1_forty_sign_ins_a_minute_are_too_many(user):
    answers = [post_login(Client(), f"somebody{n}", WRONG).status_code for n in range(40)]

    assert answers == [HTTPStatus.OK] * 30 + [HTTPStatus.TOO_MANY_REQUESTS] * 10


@pytest.mark.parametrize("kind", ["browser", "app"])
def test_asvs_6_3_1_the_api_answers_a_flood_with_429_and_when_to_come_back(db, kind):
    client = Headless(kind)
    for number in range(31):
        body = {"username": f"somebody{number}", "password": WRONG}
        answer = client.call("post", "auth/login", body)

    assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert 1 <= int(answer["Retry-After"]) <= 60


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_asvs_6_3_1_the_sixth_wrong_password_for_a_name_is_refused_whoever_it_is(user, name):
    answers = [codes_of(post_login(Client(), name, WRONG, ip=f"192.0.2.{n}")) for n in range(6)]

    assert answers == [["username_password_mismatch"]] * 5 + [[TOO_MANY]]


def test_asvs_6_3_8_limits_do_not_tell_that_two_names_are_one_account(user):
    lock_for_strangers(user)

    known = post_login(Client(), user.email, WRONG, ip="192.0.2.99")
    unknown = post_login(Client(), "nobody@example.org", WRONG, ip="192.0.2.98")

    assert codes_of(known) == codes_of(unknown) == ["email_password_mismatch"]


def test_right_passwords_use_nothing_up(user):
    for _ in range(8):
        client = Client()
        post_login(client, "ada", PASSWORD)
        assert is_signed_in(client)


def test_neighbours_of_an_ipv6_network_share_its_tries(db):
    answers = [
        post_login(Client(), f"somebody{n}", WRONG, ip=f"2001:db8:1:2::{n:x}") for n in range(1, 12)
    ]
    other = post_login(Client(), "somebody", WRONG, ip="2001:db8:1:3::1")

    assert codes_of(answers[9]) != [TOO_MANY]
    assert codes_of(answers[10]) == [TOO_MANY]
    assert codes_of(other) != [TOO_MANY]


def test_a_made_up_forwarding_header_is_no_other_address(db):
    for number in range(11):
        forwarded = {"X-Forwarded-For": f"203.0.113.{number}"}
        answer = post_login(Client(), f"somebody{number}", WRONG, **forwarded)

    assert codes_of(answer) == [TOO_MANY]


def test_a_refusal_is_in_the_trail_once(user):
    lock_for_strangers(user)
    post_login(Client(), "ada", WRONG, ip="192.0.2.99")

    assert AuditEvent.objects.filter(action="sign_in_refused").count() == 1


def test_a_reset_password_lets_the_owner_sign_in_at_once(user):
    lock_for_strangers(user)

    assert limits.forget_failures(user) == 5

    client = Client()
    post_login(client, "ada", PASSWORD, ip="192.0.2.99")
    assert is_signed_in(client)


def test_a_reset_by_mail_lifts_both_limits(user, mails_at_once):  # noqa: F811
    lock_for_strangers(user)
    cache.set(limits._row_key(f"user:{user.pk}", is_known=False), limits.MOST_BY_STRANGERS)
    Client().post("/accounts/password/reset/", {"email": user.email})
    _path, key = link_in(mail.outbox[-1])

    Headless("app").call("post", "auth/password/reset", {"key": key, "password": OTHER})

    client = Client()
    post_login(client, "ada", OTHER, ip="192.0.2.99")
    assert is_signed_in(client)


# --- In a row -------------------------------------------------------------------------------


@pytest.fixture
def patient(monkeypatch):
    """Whoever guesses waits as long as it takes: the limits for a time never stop them."""
    monkeypatch.setattr(limits, "_rates", lambda _action: ())


def guess(client, times, **extra):
    for _ in range(times):
        post_login(client, "ada", WRONG, **extra)


def test_nist_3_2_2_after_a_hundred_wrong_passwords_the_right_one_is_wrong(
    user, own_browser, patient
):
    guess(Client(), limits.MOST_BY_STRANGERS)
    guess(own_browser, limits.MOST_BY_KNOWN_DEVICES)
    stranger = Client()

    answer = post_login(stranger, "ada", PASSWORD)
    post_login(own_browser, "ada", PASSWORD, ip=HOME)

    assert limits.MOST_BY_STRANGERS + limits.MOST_BY_KNOWN_DEVICES <= 100
    assert codes_of(answer) == ["username_password_mismatch"]
    assert not is_signed_in(stranger)
    assert not is_signed_in(own_browser)


def test_nist_3_2_2_one_less_and_the_right_password_is_right(user, patient):
    guess(Client(), limits.MOST_BY_STRANGERS - 1)
    client = Client()

    post_login(client, "ada", PASSWORD)

    assert is_signed_in(client)


def test_nist_3_2_2_the_two_names_of_an_account_count_together(user, patient):
    guess(Client(), limits.MOST_BY_STRANGERS - 1)
    post_login(Client(), user.email.upper(), WRONG)
    client = Client()

    post_login(client, "ada", PASSWORD)

    assert not is_signed_in(client)


def test_a_known_device_ends_the_row_of_strangers(user, own_browser, patient):
    guess(Client(), limits.MOST_BY_STRANGERS + 10)
    post_login(own_browser, "ada", PASSWORD, ip=HOME)
    client = Client()

    post_login(client, "ada", PASSWORD)

    assert is_signed_in(own_browser)
    assert is_signed_in(client)


def test_the_owner_is_told_once_that_the_password_is_locked(user, patient):
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("authentication.sign_ins.notify", lambda *args: told.append(args))
        guess(Client(), limits.MOST_BY_STRANGERS + 2)

    assert [(who, str(notice)) for who, notice in told] == [(user, "factor_locked")]


# --- At once --------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "redis"])
def shared_cache(request, settings, redis_url):
    """The cache of the process, and the one that production shares."""
    prefix = uuid4().hex
    if request.param == "redis":
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": redis_url,
                "KEY_PREFIX": prefix,
            }
        }
    yield
    if request.param == "redis":
        for key in cache._cache.get_client().scan_iter(match=f"{prefix}*"):
            cache._cache.get_client().delete(key)
        caches.close_all()


@pytest.mark.django_db(transaction=True)
def test_nist_3_2_2_of_fifty_wrong_passwords_at_once_five_reach_the_hash(
    shared_cache, settings, monkeypatch
):
    make_user(username="ada")
    checked = []
    check = User.check_password
    monkeypatch.setattr(
        User, "check_password", lambda user, raw: checked.append(raw) or check(user, raw)
    )

    def guess_one(number):
        try:
            return post_login(Client(), "ada", WRONG, ip=f"192.0.2.{number}").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=12) as pool:
        answers = list(pool.map(guess_one, range(50)))

    assert answers == [HTTPStatus.OK] * 50
    assert len(checked) == 5
    assert AuditEvent.objects.filter(action="sign_in_failed").count() == 5


@pytest.mark.django_db(transaction=True)
def test_a_device_is_made_once_by_sign_ins_at_once(monkeypatch):
    make_user(username="ada")
    device = {"X-Device-ID": "2f7b1c9e-58aa-4c0e-9d35-0f6f2f0f8f11"}
    body = {"username": "ada", "password": PASSWORD}

    def sign_in():
        return Headless("app").call("post", "auth/login", body, **device).status_code

    answers = at_once(*[sign_in] * 4)

    assert answers == [HTTPStatus.OK] * 4
    assert Device.objects.count() == 1
