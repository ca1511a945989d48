"""Counting how often something happens, in the cache of one process and in Redis."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.core.cache import cache, caches
from rest_framework.views import APIView

from core import rates
from core.api.throttling import AddressThrottle, UserThrottle
from core.rates import CountingError, Rate, forget, increment, network_of, parse_rates, peek, take
from users.tests.factories import UserFactory

FIVE = Rate(5, 60)


@pytest.fixture(autouse=True, params=["memory", "redis"])
def _cache(request, settings, redis_url):
    if request.param == "memory":
        yield
        return
    prefix = uuid4().hex
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": redis_url,
            "KEY_PREFIX": prefix,
        }
    }
    client = caches["default"]._cache.get_client()
    yield
    for key in client.scan_iter(match=f"{prefix}*"):
        client.delete(key)
    caches.close_all()


@pytest.fixture
def clock(monkeypatch):
    """A clock that is moved by hand, at the beginning of a window."""
    now = SimpleNamespace(time=lambda: now.at, at=1_200_000.0)
    monkeypatch.setattr(rates, "time", now)
    return now


def takes(number, name="name", rate=FIVE):
    return [take(name, rate).is_over for _ in range(number)]


def test_as_many_as_the_rate_says_and_no_more(clock):
    assert takes(7) == [False] * 5 + [True] * 2


def test_names_and_rates_are_counted_apart(clock):
    takes(5)

    assert takes(1, name="other") == [False]
    assert takes(1, rate=Rate(5, 120)) == [False]


def test_there_is_room_again_when_it_said(clock):
    takes(5)
    refused = take("name", FIVE)

    clock.at += refused.wait - 1
    assert peek("name", FIVE).is_over
    clock.at += 2
    assert not peek("name", FIVE).is_over


def test_uses_fade_in_the_window_after_theirs(clock):
    clock.at += 59
    takes(5)

    clock.at += 2
    early = takes(3)
    clock.at += 120
    late = takes(5)

    # No second five in the two seconds around the edge.
    assert early == [False, True, True]
    assert late == [False] * 5


def test_those_who_never_stop_are_let_in_as_often_as_the_rate_says(clock):
    let_in = 0
    for _ in range(600):
        clock.at += 1
        let_in += not take("name", FIVE).is_over

    assert 5 * 10 * 0.9 <= let_in <= 5 * 11


def test_what_is_given_back_can_be_taken_again(clock):
    taken = [take("name", FIVE) for _ in range(5)]

    taken[0].give_back()

    assert takes(2) == [False, True]


def test_giving_back_after_the_window_does_no_harm(clock):
    taken = take("name", FIVE)
    cache.clear() if not rates._redis() else cache.delete(taken.key)

    taken.give_back()

    clock.at += 300
    assert takes(6) == [False] * 5 + [True]


def test_looking_counts_nothing(clock):
    for _ in range(9):
        assert not peek("name", FIVE).is_over
    assert takes(6) == [False] * 5 + [True]


def test_what_is_forgotten_is_free_at_once(clock):
    takes(9)

    forget("name", FIVE)

    assert takes(1) == [False]


def test_the_first_refusal_is_told_from_the_others(clock):
    firsts = [take("name", FIVE).is_first_over for _ in range(9)]

    assert firsts == [False] * 5 + [True] + [False] * 3


def test_of_many_at_once_no_more_than_the_rate_get_in(clock):
    with ThreadPoolExecutor(max_workers=16) as pool:
        outcomes = list(pool.map(lambda _n: take("name", FIVE).is_over, range(80)))

    assert outcomes.count(False) == 5


def test_every_one_of_many_increments_counts():
    with ThreadPoolExecutor(max_workers=16) as pool:
        numbers = list(pool.map(lambda _n: increment("counter", timeout=60), range(80)))

    assert sorted(numbers) == list(range(1, 81))


def test_a_counter_does_not_live_forever():
    increment("counter", timeout=60)
    client = rates._redis()
    if client is None:
        assert None not in cache._expire_info.values()
    else:
        assert 0 < client.ttl(cache.make_and_validate_key("counter")) <= 60


def test_the_cache_sees_no_name_in_clear(clock):
    taken = take("login_failed:name:ada@example.org", FIVE)

    assert "ada" not in taken.key


def test_without_the_cache_nothing_is_counted_in_silence(settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    for count in (take, peek, forget):
        with pytest.raises(CountingError):
            count("name", FIVE)
    with pytest.raises(CountingError):
        increment("counter", timeout=60)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        (None, ()),
        ("30/m/ip", (Rate(30, 60, "ip"),)),
        ("10/m/ip, 5/5m/key", (Rate(10, 60, "ip"), Rate(5, 300, "key"))),
        ("1/10s/key", (Rate(1, 10, "key"),)),
        ("3/d", (Rate(3, 86_400, "ip"),)),
    ],
)
def test_rates_are_read_as_allauth_writes_them(text, expected):
    assert parse_rates(text) == expected


@pytest.mark.parametrize("text", ["5", "5/m/everybody", "x/m/ip", "5/w/ip", "-5/m/ip"])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(ValueError, match="is no rate"):
        parse_rates(text)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        (None, "unknown"),
        ("", "unknown"),
    ],
)
def test_an_address_counts_as_one_customer(address, expected):
    assert network_of(address) == expected


# --- The API's throttles --------------------------------------------------------------------


@pytest.mark.django_db
def test_of_many_requests_at_once_no_more_than_the_rate_get_through(client, monkeypatch):
    monkeypatch.setattr(APIView, "throttle_classes", [AddressThrottle])
    monkeypatch.setattr(AddressThrottle, "rate", "5/min", raising=False)

    def ask(_number):
        request = SimpleNamespace(
            user=None, _request=SimpleNamespace(META={"REMOTE_ADDR": "192.0.2.7"}, headers={})
        )
        return AddressThrottle().allow_request(request, SimpleNamespace(headers={}))

    with ThreadPoolExecutor(max_workers=16) as pool:
        outcomes = list(pool.map(ask, range(60)))

    assert outcomes.count(True) == 5


@pytest.mark.django_db
def test_users_are_counted_apart_and_told_when_to_come_back(api_of, monkeypatch):
    monkeypatch.setattr(APIView, "throttle_classes", [UserThrottle])
    monkeypatch.setattr(UserThrottle, "rate", "2/min", raising=False)
    one, other = api_of(UserFactory()), api_of(UserFactory())

    answers = [one.get("/api/v1/me") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2]["Retry-After"]) <= 60
    assert other.get("/api/v1/me").status_code == 200
