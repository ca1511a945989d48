"""Which browser or app a request comes from."""

from http.cookies import SimpleCookie

import pytest
from django.conf import settings as project_settings
from django.contrib.auth.models import AnonymousUser
from django.core.signing import Signer
from django.http import HttpResponse
from django.test import RequestFactory

from core.context import ActingContext, entered
from core.tests.parallel import at_once
from users import devices
from users.devices import device_of, family_of, known_device, leave_cookies, remember_device
from users.models import Device
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

APP_ID = "2f7b1c9e-58aa-4c0e-9d35-0f6f2f0f8f11"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def request_of(*, path="/accounts/login/", cookie=None, app_id=None, user=None):
    headers = {"X-Device-ID": app_id} if app_id else {}
    request = RequestFactory().get(path, headers=headers)
    if cookie:
        request.COOKIES[project_settings.DEVICE_COOKIE_NAME] = cookie
    request.user = user or AnonymousUser()
    return request


def cookie_after(request):
    response = HttpResponse()
    leave_cookies(request, response)
    morsel = response.cookies.get(project_settings.DEVICE_COOKIE_NAME)
    return morsel.value if morsel else None


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def cookie(user):
    request = request_of()
    remember_device(request, user)
    return cookie_after(request)


def test_a_browser_is_known_by_its_cookie_after_one_sign_in(user, cookie):
    device, is_new = remember_device(request_of(cookie=cookie), user)

    assert not is_new
    assert known_device(request_of(cookie=cookie), user) == device == Device.objects.get()


def test_no_cookie_is_set_before_a_sign_in_is_finished():
    assert cookie_after(request_of()) is None


def test_the_cookie_holds_a_random_id_and_the_row_only_its_keyed_hash(user, cookie):
    other = request_of()
    remember_device(other, UserFactory())
    value, _colon, _signature = cookie.rpartition(":")

    assert len(value) >= 43  # 256 bits of base64url
    assert value != cookie_after(other).rpartition(":")[0]
    assert str(user.pk) not in cookie
    fingerprint = Device.objects.get(user=user).fingerprint
    assert len(fingerprint) == 64
    assert value not in fingerprint


def test_nist_5_1_1_the_cookie_is_for_this_host_over_tls_and_no_script(user, settings):
    settings.DEVICE_COOKIE_NAME, settings.SESSION_COOKIE_SECURE = "__Host-device", True
    request, response = request_of(), HttpResponse()
    remember_device(request, user)

    leave_cookies(request, response)

    morsel = SimpleCookie(response.cookies["__Host-device"].OutputString())["__Host-device"]
    assert (morsel["secure"], morsel["httponly"], morsel["samesite"]) == (True, True, "Lax")
    assert (morsel["path"], morsel["domain"]) == ("/", "")
    assert int(morsel["max-age"]) > 300 * 24 * 3600


@pytest.mark.parametrize("change", ["signature", "value", "unsigned", "other salt"])
def test_a_cookie_of_ones_own_making_is_nobodys(user, cookie, change):
    value, _colon, signature = cookie.rpartition(":")
    forged = {
        "signature": cookie[:-2] + ("aa" if cookie[-2:] != "aa" else "bb"),
        "value": f"{value[:-1]}!:{signature}",
        "unsigned": value,
        "other salt": Signer(salt="elsewhere").sign(value),
    }[change]

    assert known_device(request_of(cookie=forged), user) is None
    assert device_of(request_of(cookie=forged)) is None


def test_a_device_is_known_to_those_who_signed_in_with_it_only(user, cookie):
    assert known_device(request_of(cookie=cookie), UserFactory()) is None
    assert known_device(request_of(cookie=cookie), None) is None


def test_a_reported_device_is_known_no_more(user, cookie):
    Device.objects.update(reported_at="2026-01-01T00:00Z")

    assert known_device(request_of(cookie=cookie), user) is None


def test_people_who_share_a_browser_have_a_row_each(user, cookie):
    other = UserFactory()

    device, is_new = remember_device(request_of(cookie=cookie), other)

    assert is_new
    assert Device.objects.count() == 2
    assert device_of(request_of(cookie=cookie, user=user)).user == user
    assert device_of(request_of(cookie=cookie, user=other)) == device
    assert device_of(request_of(cookie=cookie)) == device  # seen last


def test_an_app_is_known_by_the_id_of_its_own_making(user):
    path = "/api/auth/app/v1/auth/login"

    device, is_new = remember_device(request_of(path=path, app_id=APP_ID), user)
    again, is_new_again = remember_device(request_of(path=path, app_id=APP_ID), user)

    assert (is_new, is_new_again) == (True, False)
    assert again == device
    assert APP_ID not in str(Device.objects.values().get())


def test_an_app_gets_no_cookie(user):
    with_id = request_of(path="/api/auth/app/v1/auth/login", app_id=APP_ID)
    without = request_of(path="/api/auth/app/v1/auth/login")
    remember_device(with_id, user)

    assert remember_device(without, user) == (None, True)
    assert cookie_after(with_id) is cookie_after(without) is None


@pytest.mark.parametrize(
    "app_id", ["short", "0" * 36, "a" * 129, "ünïcode-device-id-of-an-app-0123456789", "a b" * 12]
)
def test_an_id_that_could_be_guessed_or_is_no_id_does_not_count(user, app_id):
    request = request_of(path="/api/auth/app/v1/auth/login")
    request.META["HTTP_X_DEVICE_ID"] = app_id

    assert remember_device(request, user) == (None, True)


def test_an_app_cannot_pass_for_a_browser(user, cookie):
    value = cookie.rpartition(":")[0]

    assert known_device(request_of(app_id=value), user) is None


def test_the_row_tells_when_where_and_what(user):
    with entered(ActingContext(client_ip="192.0.2.7", user_agent=FIREFOX)):
        remember_device(request_of(app_id=APP_ID), user)
    first = Device.objects.get()
    with entered(ActingContext(client_ip="192.0.2.8", user_agent=FIREFOX)):
        remember_device(request_of(app_id=APP_ID), user)

    now = Device.objects.get()
    assert (first.browser, first.os, first.device_type) == ("Firefox 128", "Linux", "desktop")
    assert (first.last_ip, now.last_ip) == ("192.0.2.7", "192.0.2.8")
    assert now.last_seen_at > first.last_seen_at
    assert now.first_seen_at == first.first_seen_at


def test_a_new_secret_key_keeps_devices_known_while_the_old_one_is_a_fallback(
    user, cookie, settings
):
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 60, [old]
    request = request_of(cookie=cookie)

    _device, is_new = remember_device(request, user)
    settings.SECRET_KEY_FALLBACKS = []

    assert not is_new
    assert known_device(request_of(cookie=cookie_after(request)), user) is not None


@pytest.mark.django_db(transaction=True)
def test_sign_ins_at_once_make_one_row():
    user = UserFactory()

    outcomes = at_once(*[lambda: remember_device(request_of(app_id=APP_ID), user)] * 6)

    assert {device for device, _is_new in outcomes} == {Device.objects.get()}
    assert sorted(is_new for _device, is_new in outcomes) == [False] * 5 + [True]


def test_looking_for_a_device_is_one_query_known_or_not(user, cookie, django_assert_num_queries):
    for whose in (user, UserFactory(), None):
        with django_assert_num_queries(1):
            known_device(request_of(cookie=cookie), whose)
    with django_assert_num_queries(0):
        known_device(request_of(), user)
    assert devices.FEWEST_CHARACTERS > 1


def test_the_same_cookie_from_another_kind_of_browser_is_another_device(user, cookie):
    """Guessable by itself, but a thief has to know it too; versions are not part of it."""
    with entered(ActingContext(user_agent=FIREFOX)):
        first, is_new = remember_device(request_of(cookie=cookie), user)
        assert is_new
    with entered(ActingContext(user_agent=FIREFOX.replace("128.0", "141.0"))):
        assert known_device(request_of(cookie=cookie), user) == first
    for other in ("Windows NT 10.0; Win64; x64", "Android 15; Mobile"):
        with entered(ActingContext(user_agent=FIREFOX.replace("X11; Linux x86_64", other))):
            assert known_device(request_of(cookie=cookie), user) is None


def test_traits_alone_merge_nothing(user):
    with entered(ActingContext(user_agent=FIREFOX)):
        first, _is_new = remember_device(request_of(), user)
        second, is_new = remember_device(request_of(), user)

    assert is_new
    assert first != second
    assert first.fingerprint != second.fingerprint


@pytest.mark.parametrize(
    ("described", "family"),
    [
        ("Firefox 128", "Firefox"),
        ("Chrome Mobile 126", "Chrome Mobile"),
        ("Mac OS X 10.15", "Mac OS X"),
        ("iOS 17.5", "iOS"),
        ("Windows XP", "Windows XP"),
        ("Linux", "Linux"),
        ("", ""),
    ],
)
def test_a_family_is_a_name_without_its_version(described, family):
    assert family_of(described) == family
